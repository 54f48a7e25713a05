"""Statements of the hot path: built once with SQLAlchemy, compiled once for each database, run by the driver itself.

The text is still one for both databases. What is left out is the work SQLAlchemy does for each row; at ten thousand
runs a second that work would be most of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import BindParameter, Insert, Select, Table, Update, insert, select
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement, FromClause
from sqlalchemy.sql.visitors import replacement_traverse

from horarium.errors import StoreError

GATHERED = 50


class Hot:
    """A statement whose parameters are given as tuples in the order of `params`."""

    __slots__ = ("_gathered", "_statement", "_texts", "params")

    def __init__(self, statement: ClauseElement | Callable[[], ClauseElement], params: Sequence[str]) -> None:
        """Keep the `statement`; `params` names its bound parameters in the order of the tuples.

        One that takes long to build is given as a function that builds it when it is first run.
        """
        self._statement = statement
        self.params = tuple(params)
        self._texts: dict[str, str] = {}
        self._gathered: dict[str, str | None] = {}

    @property
    def statement(self) -> ClauseElement:
        """Return the statement."""
        # Looked at once: another thread may put the built one there at any moment, and that cannot be called.
        found = self._statement
        if not isinstance(found, ClauseElement):
            found = self._statement = found()
        return found

    @classmethod
    def insert_into(cls, table: Table, *, leave_out: frozenset[str] = frozenset()) -> Hot:
        """Return an insert of all columns of `table` in their order, less `leave_out`."""
        return cls(insert(table), [column.name for column in table.columns if column.name not in leave_out])

    def text(self, dialect: Dialect) -> str:
        """Return the driver's text, checking once that the parameters stand in the promised order."""
        found = self._texts.get(dialect.name)
        if found is None:
            compiled = self.statement.compile(dialect=dialect, column_keys=list(self.params))
            order = tuple(getattr(compiled, "positiontup", None) or ())
            if order != self.params:
                raise StoreError(f"hot statement takes {order}, but its rows are given as {self.params}")
            found = self._texts[dialect.name] = str(compiled)
        return found

    def gathered(self, dialect: Dialect) -> str | None:
        """Return the text that does it for `GATHERED` rows at once, their values one after the other.

        None for what neither inserts nor updates by given values alone. Rows of one update must not meet in one row of
        the table.
        """
        if dialect.name not in self._gathered:
            self._gathered[dialect.name] = self._together(dialect)
        return self._gathered[dialect.name]

    def _together(self, dialect: Dialect) -> str | None:
        # Compiled for one row and repeated as text: building the same out of objects would take as long as the rows.
        marks = ", ".join("?" * len(self.params))
        more = f", ({marks})"
        if isinstance(self.statement, Insert):
            return self.text(dialect) + more * (GATHERED - 1)
        if not isinstance(self.statement, Update):
            return None
        names = [f"given_{place}" for place in range(len(self.params))]
        given: Select[*tuple[Any, ...]] = select(
            *(BindParameter(name).label(f"c{place}") for place, name in enumerate(names))
        )
        compiled = self._beside(given.subquery("given")).compile(dialect=dialect)
        if getattr(compiled, "positiontup", None) != names:
            return None
        first = str(given.compile(dialect=dialect))
        return str(compiled).replace(first, f"{first} UNION ALL VALUES ({marks}){more * (GATHERED - 2)}")

    def _beside(self, given: FromClause) -> ClauseElement:
        """Return the update with the columns of `given` where its parameters stand."""
        places = {name: given.c[f"c{place}"] for place, name in enumerate(self.params)}

        def placed(element: Any, **_options: Any) -> Any:
            return places.get(element.key) if isinstance(element, BindParameter) else None

        made: Any = replacement_traverse(self.statement, {}, placed)
        beside: ClauseElement = made
        return beside
