"""Copy a SQLite store: SQLite's own backup out of one snapshot, cleaned and packed before anybody sees it.

The live file is only ever touched by the connection that the store has anyway. The raw copy holds what belongs to
nobody else (sessions, deleted rows in free pages), so it is packed into a second file and removed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, delete, func, inspect, select, table, text
from sqlalchemy.pool import NullPool

from horarium.errors import StoreForeign
from horarium.store.failures import from_driver, translated
from horarium.store.port import Transaction
from horarium.store.sqlite import SqliteStore
from horarium.store.tables import meta
from horarium.store.tables.everything import metadata
from horarium.store.tables.people import account_links, login_attempts, user_sessions
from horarium.store.tables.vault import vault_keys

LEFT_EMPTY: Final = (user_sessions, login_attempts, account_links)
OPEN_SETUP: Final = (meta.c.key == "setup") & meta.c.value.like("open:%")
_MARKS: Final = select(vault_keys.c.id, vault_keys.c.check_value)
_PAGES_AT_ONCE: Final = 1024


def copy(store: SqliteStore, target: Path, go_on: Callable[[], None]) -> Mapping[str, int]:
    """Copy `store` into the empty file `target`; return the rows that the copy must have."""
    raw = target.with_name(target.name + "-raw")
    raw.touch(mode=0o600, exist_ok=False)
    try:
        rows = _take_snapshot(store, raw, go_on)
        _pack(raw, target)
    finally:
        raw.unlink(missing_ok=True)
    return rows


def copy_damaged(store: SqliteStore, target: Path, go_on: Callable[[], None]) -> None:
    """Copy a store page by page as it is into the new file `target`, whatever is wrong with it.

    Raises `StoreForeign` where it cannot even be read, `StoreFull`, `StoreUnavailable`.
    """
    target.touch(mode=0o600, exist_ok=False)
    copied = sqlite3.connect(target, isolation_level=None)
    try:
        with translated(), store.reading() as tx:
            driver: Any = tx.connection.connection.driver_connection
            driver.backup(copied, pages=_PAGES_AT_ONCE, progress=lambda *_: go_on())
    except sqlite3.Error as error:
        raise from_driver(error) from error
    finally:
        copied.close()


def look_through(path: Path, *, name: str = "", tables: Sequence[str] | None = None) -> Mapping[str, int]:
    """Open a copy for reading, check it and return how many rows each table has. Raises `StoreForeign`.

    `tables` names those to count, all of this release if not given; `name` is what people call the copy.
    """
    called = name or path.name
    with reading_copy(path) as connection:
        findings = [str(row[0]) for row in connection.execute(text("PRAGMA quick_check(5)"))]
        if findings != ["ok"]:
            raise StoreForeign(f"the copy {called} is damaged: {findings[0]}")
        if tables is None:
            return counted(connection)
        there = set(inspect(connection).get_table_names())
        return {each: _count(connection, each) for each in tables if each in there}


def marks(path: Path) -> dict[str, str]:
    """Return the numbers and check values of the vault's keys in a copy."""
    with reading_copy(path) as connection:
        return {str(row[0]): str(row[1]) for row in connection.execute(_MARKS)}


@contextmanager
def reading_copy(path: Path) -> Iterator[Connection]:
    """Open a copy for reading alone; whatever its schema says, nothing of it is executed."""
    engine = engine_of(f"file:{quote(str(path.absolute()))}?mode=ro")
    with translated(), engine.connect() as connection:
        for pragma in ("PRAGMA trusted_schema = OFF", "PRAGMA cell_size_check = ON"):
            connection.exec_driver_sql(pragma)
        yield connection


def _count(connection: Connection, name: str) -> int:
    return int(connection.execute(select(func.count()).select_from(table(name))).scalar_one())


def counted(connection: Any) -> dict[str, int]:
    """Return how many rows each table of ours has, as anything that executes statements sees it."""
    return {
        each.name: int(connection.execute(select(func.count()).select_from(each)).scalar_one())
        for each in metadata.sorted_tables
    }


def expected(tx: Transaction) -> dict[str, int]:
    """Return how many rows each table of a backup of this snapshot must have."""
    rows = counted(tx)
    rows |= {each.name: 0 for each in LEFT_EMPTY}
    rows[meta.name] -= int(tx.execute(select(func.count()).select_from(meta).where(OPEN_SETUP)).scalar_one())
    return rows


def room_wanted(store: SqliteStore) -> int:
    """Return the bytes that the raw copy and the packed one need together at most."""
    with store.reading() as tx:
        pages = int(tx.execute(text("PRAGMA page_count")).scalar_one())
        size = int(tx.execute(text("PRAGMA page_size")).scalar_one())
    return 2 * pages * size


def _take_snapshot(store: SqliteStore, raw: Path, go_on: Callable[[], None]) -> Mapping[str, int]:
    target = sqlite3.connect(raw, isolation_level=None)
    try:
        with store.reading() as tx:
            # Counting opens the snapshot, and the copy is taken out of the same one: writers go on meanwhile.
            rows = expected(tx)
            driver: Any = tx.connection.connection.driver_connection
            driver.backup(target, pages=_PAGES_AT_ONCE, progress=lambda *_: go_on())
    finally:
        target.close()
    return rows


def _pack(raw: Path, target: Path) -> None:
    engine = engine_of(f"file:{quote(str(raw.absolute()))}")
    with translated(), engine.connect() as connection:
        # No write-ahead log beside a copy, and nothing to roll back: after a crash the file is thrown away.
        for pragma in ("PRAGMA journal_mode = DELETE", "PRAGMA synchronous = OFF"):
            connection.exec_driver_sql(pragma)
        for each in LEFT_EMPTY:
            connection.execute(delete(each))
        connection.execute(delete(meta).where(OPEN_SETUP))
        connection.exec_driver_sql("VACUUM INTO ?", (str(target),))


def engine_of(uri: str) -> Engine:
    """Return an engine for the file that a URI names; it begins no transaction by itself."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True)

    return create_engine("sqlite://", creator=connect, poolclass=NullPool, isolation_level="AUTOCOMMIT")
