"""The schema's version: make a new one, recognise an older, newer or foreign one."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Final

from sqlalchemy import delete, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from horarium.errors import StoreForeign, StoreNewer, StoreOutdated
from horarium.store.port import Store, Transaction
from horarium.store.tables import SCHEMA_REVISION, counters, meta

_TABLES: Final = Path(__file__).with_name("tables.sql")
_NAME = re.compile(r"^CREATE TABLE (\w+)", re.MULTILINE)
_FIRST_HEAD = text("INSERT INTO audit_head (name, last_id, last_hash) VALUES ('main', 0, :hash)")
_KEEP = text(
    "INSERT INTO horarium_meta (key, value) VALUES (:key, :value)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


def revision_of(store: Store) -> str | None:
    """Return the schema revision that `store` says it has, None when it has no schema yet."""
    with store.reading() as tx:
        return revision_in(tx)


def prepare(store: Store, *, upgrade: bool) -> None:
    """Give an empty store the schema, upgrade an older one if `upgrade`, refuse a newer or foreign one."""
    found = revision_of(store)
    if found is None:
        _make(store)
        return
    if found == SCHEMA_REVISION:
        return
    if found > SCHEMA_REVISION:
        raise StoreNewer(
            f"{store.location} was written by a newer release (schema {found}, this one knows {SCHEMA_REVISION});"
            " install that release or restore a backup of before"
        )
    if not upgrade:
        raise StoreOutdated(
            f"{store.location} has schema {found}, this release needs {SCHEMA_REVISION}: run `horarium db upgrade`"
        )
    from horarium.store.migrations.runner import upgrade_to_newest  # noqa: PLC0415 - Alembic is dear to import

    upgrade_to_newest(store)


def _make(store: Store) -> None:
    with store.transaction() as tx:
        if store.capabilities.skips_locked:
            # Two first starts at once: the second waits here and then finds the schema made.
            tx.execute(text("SELECT pg_advisory_xact_lock(1213157953)"))
        if revision_in(tx) is not None:
            return
        refuse_foreign(tx, store.location)
        _make_tables(tx)
        tx.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        tx.execute(text("INSERT INTO alembic_version (version_num) VALUES (:v)"), {"v": SCHEMA_REVISION})
        tx.execute(insert(counters), [{"name": "run", "value": 0}])
        tx.execute(_FIRST_HEAD, {"hash": "0" * 64})
        tx.execute(insert(meta), [{"key": "instance", "value": secrets.token_hex(8)}])


def _make_tables(tx: Transaction) -> None:
    """Make all tables and indexes.

    SQLite gets them as text, which a test compares with their definitions: a program that waits for its tasks would
    hold a megabyte for tables of accounts and secrets that it made once and never asks.
    """
    if tx.capabilities.name == "sqlite":
        for statement in _tables().split(";\n"):
            tx.connection.exec_driver_sql(statement)
        return
    from horarium.store.tables.everything import metadata  # noqa: PLC0415 - most programs find their tables made

    metadata.create_all(tx.connection, checkfirst=False)


def _tables() -> str:
    return _TABLES.read_text(encoding="utf-8")


def refuse_foreign(tx: Transaction, location: str) -> None:
    """Raise `StoreForeign` if a database without a schema of ours has tables under our names."""
    if set(_NAME.findall(_tables())).intersection(inspect(tx.connection).get_table_names()):
        raise StoreForeign(f"{location} holds tables of another program; give Horarium a database of its own")


def revision_in(tx: Transaction) -> str | None:
    """Return the schema revision that a transaction sees, None when there is no schema yet. Raises `StoreForeign`."""
    inspector = inspect(tx.connection)
    try:
        if not inspector.has_table("alembic_version"):
            return None
    except SQLAlchemyError as error:
        raise StoreForeign("the database does not answer like one of ours") from error
    found = tx.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    if found is None or not inspector.has_table(meta.name):
        raise StoreForeign("the database has a version table, but not of Horarium")
    return str(found)


def read_meta(tx: Transaction, key: str) -> str | None:
    """Return the value kept under `key`, None when there is none."""
    found: str | None = tx.execute(select(meta.c.value).where(meta.c.key == key)).scalar_one_or_none()
    return found


def drop_meta(tx: Transaction, key: str) -> None:
    """Forget what is kept under `key`. Harmless when nothing is."""
    tx.execute(delete(meta).where(meta.c.key == key))


def write_meta(tx: Transaction, key: str, value: str) -> None:
    """Keep `value` under `key`."""
    # One statement: two processes that start together both find nothing there yet.
    tx.execute(_KEEP, {"key": key, "value": value})
