"""Copy a SQLite store: SQLite's own backup out of one snapshot, cleaned and packed before anybody sees it.

The live file is only ever touched by the connection that the store has anyway. The raw copy holds what belongs to
nobody else (sessions, deleted rows in free pages), so it is packed into a second file and removed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, delete, func, select, text
from sqlalchemy.pool import NullPool

from horarium.errors import StoreForeign
from horarium.store.failures import translated
from horarium.store.port import Transaction
from horarium.store.sqlite import SqliteStore
from horarium.store.tables import meta
from horarium.store.tables.everything import metadata
from horarium.store.tables.people import account_links, login_attempts, user_sessions

LEFT_EMPTY: Final = (user_sessions, login_attempts, account_links)
OPEN_SETUP: Final = (meta.c.key == "setup") & meta.c.value.like("open:%")
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


def look_through(path: Path) -> Mapping[str, int]:
    """Open a copy for reading, check it and return how many rows each table has. Raises `StoreForeign`."""
    engine = _engine(f"file:{quote(str(path.absolute()))}?mode=ro")
    with translated(), engine.connect() as connection:
        findings = [str(row[0]) for row in connection.execute(text("PRAGMA quick_check(5)"))]
        if findings != ["ok"]:
            raise StoreForeign(f"the copy {path.name} is damaged: {findings[0]}")
        return counted(connection)


def counted(connection: Any) -> dict[str, int]:
    """Return how many rows each table of ours has, as anything that executes statements sees it."""
    return {
        table.name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        for table in metadata.sorted_tables
    }


def expected(tx: Transaction) -> dict[str, int]:
    """Return how many rows each table of a backup of this snapshot must have."""
    rows = counted(tx)
    rows |= {table.name: 0 for table in LEFT_EMPTY}
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
    engine = _engine(f"file:{quote(str(raw.absolute()))}")
    with translated(), engine.connect() as connection:
        # No write-ahead log beside a copy, and nothing to roll back: after a crash the file is thrown away.
        for pragma in ("PRAGMA journal_mode = DELETE", "PRAGMA synchronous = OFF"):
            connection.exec_driver_sql(pragma)
        for table in LEFT_EMPTY:
            connection.execute(delete(table))
        connection.execute(delete(meta).where(OPEN_SETUP))
        connection.exec_driver_sql("VACUUM INTO ?", (str(target),))


def _engine(uri: str) -> Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True)

    return create_engine("sqlite://", creator=connect, poolclass=NullPool, isolation_level="AUTOCOMMIT")
