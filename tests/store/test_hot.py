"""Statements that go to the driver as they are: each compiles for both databases, with its parameters in order."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Insert, Update, bindparam, select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

from horarium.errors import StoreError
from horarium.store import books
from horarium.store.hot import GATHERED, Hot
from horarium.store.tables import events


def all_hot() -> Iterator[tuple[str, Hot]]:
    """Yield every hot statement of every book with its name."""
    for module in pkgutil.iter_modules(books.__path__, f"{books.__name__}."):
        for name, value in vars(importlib.import_module(module.name)).items():
            found = value.items() if isinstance(value, dict) else [("", value)]
            yield from ((f"{module.name}.{name}{key}", each) for key, each in found if isinstance(each, Hot))


HOT = dict(all_hot())


def dialects() -> list[Dialect]:
    """Return the dialects as the stores make them."""
    postgres: Dialect = PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]  # as its author left it
    return [SQLiteDialect_pysqlite(paramstyle="qmark"), postgres]


@pytest.mark.parametrize("name", HOT)
def test_every_hot_statement_compiles_for_both_databases(name: str) -> None:
    for dialect in dialects():
        text = HOT[name].text(dialect)
        marks = text.count("?") if dialect.paramstyle == "qmark" else text.count("%s")
        assert marks == len(HOT[name].params)


@pytest.mark.parametrize("name", [name for name, hot in HOT.items() if isinstance(hot.statement, Insert | Update)])
def test_every_hot_change_can_be_made_for_many_rows_in_one_statement(name: str) -> None:
    text = HOT[name].gathered(dialects()[0])
    assert text is not None
    assert text.count("?") == GATHERED * len(HOT[name].params)


def test_there_are_hot_statements_to_look_at() -> None:
    assert len(HOT) > 15


def test_parameters_in_another_order_than_promised_are_refused() -> None:
    query = select(events.c.id).where(events.c.id > bindparam("low"), events.c.id < bindparam("high"))
    with pytest.raises(StoreError, match="rows are given as"):
        Hot(query, ["high", "low"]).text(dialects()[0])


def test_a_statement_that_another_thread_builds_at_the_same_time_is_not_called() -> None:
    class Builder:
        """Has the statement built by somebody else just when it was seen that it is not built yet."""

        is_seen = False

        @property  # type: ignore[misc]  # isinstance asks it
        def __class__(self) -> Any:
            if not self.is_seen:
                self.is_seen = True
                other.append(hot.statement)
            return Builder

        def __call__(self) -> ClauseElement:
            return select(events.c.id)

    other: list[ClauseElement] = []
    hot = Hot(Builder(), [])
    assert hot.text(dialects()[0]) == str(other[0])
