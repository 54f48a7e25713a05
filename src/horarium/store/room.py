"""How much room the database takes, by what it holds, and how room that became free goes back to the disk.

SQLite gives nothing back by itself: pages that became free are kept for what comes. In a file that is made for it they
are moved to its end and cut off, a little at a time; one that is older is made so by `compact`. PostgreSQL looks after
that itself (autovacuum): there all of this is nothing to do.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text

from horarium.errors import Conflict, StoreError, StoreFull
from horarium.store.failures import from_driver
from horarium.store.port import Store, Transaction
from horarium.store.postgres import PostgresStore
from horarium.store.sqlite import SqliteStore

RUNS, OUTPUT, AUDIT, LEDGER, REST = "runs", "output", "audit", "ledger", "rest"
_KINDS: Final = {
    "task_executions": RUNS,
    "task_attempts": RUNS,
    "events": RUNS,
    "task_output": OUTPUT,
    "audit_log": AUDIT,
    "occurrences": LEDGER,
    "occurrence_spans": LEDGER,
}
STEP_PAGES: Final = 256
SPARE_SHARE: Final = 20
"""One page in so many stays free: what is written next need not make the file longer at once."""
_INCREMENTAL: Final = 2
_ONE_PAGE: Final = "PRAGMA incremental_vacuum(1)"
_CHECKPOINT: Final = "PRAGMA wal_checkpoint(PASSIVE)"
_RELATIONS: Final = text(
    "SELECT relname, pg_total_relation_size(oid) FROM pg_class"
    " WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace"
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes by kind: runs (with attempts and events), their output, the audit log, the ledger, everything else.

    `spare` is what is free inside a SQLite file.
    """

    runs: int = 0
    output: int = 0
    audit: int = 0
    ledger: int = 0
    rest: int = 0
    spare: int = 0

    @property
    def used(self) -> int:
        """Return the bytes that hold something."""
        return self.runs + self.output + self.audit + self.ledger + self.rest

    @property
    def total(self) -> int:
        """Return the bytes that the database takes of its disk."""
        return self.used + self.spare


@dataclass(frozen=True, slots=True)
class Pages:
    """A SQLite file in pages of `size` bytes: how many, how many of them free, and whether it gives them back."""

    count: int
    free: int
    size: int
    gives_back: bool

    @property
    def has_much_free(self) -> bool:
        """Tell whether there is more free than is sensible to keep."""
        return self.free * SPARE_SHARE > self.count


def measure(store: Store) -> Sizes:
    """Return how much room everything takes. A large SQLite file is read for it once: seconds for some gigabytes."""
    with store.reading() as tx:
        if isinstance(store, PostgresStore):
            total = int(tx.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
            return _by_kind({str(row[0]): int(row[1]) for row in tx.execute(_RELATIONS)}, total)
        pages = _pages(tx)
        spare = pages.free * pages.size
        return _by_kind(_of_tables(tx), pages.count * pages.size - spare, spare)


def pages_of(store: Store) -> Pages | None:
    """Return how a SQLite file stands, None for another database."""
    if not isinstance(store, SqliteStore):
        return None
    with store.reading() as tx:
        return _pages(tx)


def write_back(store: Store) -> None:
    """Carry what stands in SQLite's log into its file, as far as nobody reads or writes it; nobody waits for that."""
    if isinstance(store, SqliteStore) and store.path is not None:
        with store.reading() as tx:
            _alone(tx, _CHECKPOINT)


def give_back(store: Store, *, most: int = STEP_PAGES) -> int:
    """Cut at most so many free pages off a SQLite file; return how many bytes went, 0 when nothing is left to do."""
    pages = pages_of(store)
    if pages is None or not pages.gives_back or not pages.has_much_free:
        return 0
    with store.transaction() as tx:
        # One by one: the driver takes this statement's first step alone, and would leave the others undone.
        for _ in range(min(most, pages.free - pages.count // SPARE_SHARE)):
            _alone(tx, _ONE_PAGE)
        left = _pages(tx)
    write_back(store)
    return (pages.count - left.count) * pages.size


def compact(store: SqliteStore) -> None:
    """Write a SQLite file anew without its free pages, and let it give back free ones from then on.

    Nobody else can write meanwhile, and the disk needs room for it twice more. Raises `StoreFull`, `StoreBusy`, and
    `Conflict` for a store in memory.
    """
    if store.path is None:
        raise Conflict("only a database in a file can be made smaller")
    pages = pages_of(store)
    wanted = 0 if pages is None else 2 * (pages.count - pages.free) * pages.size
    disk = os.statvfs(store.path.parent)
    if disk.f_bavail * disk.f_frsize < wanted:
        raise StoreFull(f"writing {store.path.name} anew needs up to {wanted // 1_000_000 + 1} MB beside it")
    with store.reading() as tx:
        _alone(tx, "PRAGMA auto_vacuum = INCREMENTAL")
        _alone(tx, "VACUUM")
        _alone(tx, "PRAGMA wal_checkpoint(TRUNCATE)")


def _alone(tx: Transaction, statement: str) -> None:
    """Run a statement of SQLite's own to its end; in a snapshot for reading none has begun before the first query."""
    driver: Any = tx.connection.connection.driver_connection
    try:
        driver.execute(statement).fetchall()
    except sqlite3.Error as error:
        raise from_driver(error) from error


def _pages(tx: Transaction) -> Pages:
    count, free, size, mode = (
        int(tx.execute(text(each)).scalar_one())
        for each in ("PRAGMA page_count", "PRAGMA freelist_count", "PRAGMA page_size", "PRAGMA auto_vacuum")
    )
    return Pages(count, free, size, mode == _INCREMENTAL)


def _of_tables(tx: Transaction) -> dict[str, int]:
    owners = {str(row[0]): str(row[1]) for row in tx.execute(text("SELECT name, tbl_name FROM sqlite_master"))}
    found: dict[str, int] = {}
    try:
        sizes = list(tx.execute(text("SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE")))
    except StoreError:
        # A SQLite that was built without this table: then everything is the rest.
        return {}
    for name, size in sizes:
        owner = owners.get(str(name), str(name))
        found[owner] = found.get(owner, 0) + int(size)
    return found


def _by_kind(tables: dict[str, int], total: int, spare: int = 0) -> Sizes:
    found = dict.fromkeys((RUNS, OUTPUT, AUDIT, LEDGER), 0)
    for table, kind in _KINDS.items():
        found[kind] += tables.get(table, 0)
    return Sizes(**found, rest=max(0, total - sum(found.values())), spare=spare)
