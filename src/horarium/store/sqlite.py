"""One SQLite file: write-ahead log, `synchronous=FULL`, one writer at a time, immediate transactions.

Limits, stated: one machine, one writer (many readers), transactions kept short. Only SQLite itself ever opens the
live file: closing any other descriptor of it would drop the locks of this process, and acknowledged rows with them.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.pool import NullPool, QueuePool, StaticPool

from horarium.clock import Clock, SystemClock
from horarium.errors import StoreBusy, StoreForeign, StoreUnavailable
from horarium.store.damage import DamageMark
from horarium.store.failures import from_driver, rolled_back, translated
from horarium.store.forks import FORK_WAIT_SECONDS, Gate, leave_open, refuse_inherited, watch
from horarium.store.port import Capabilities, Follower, Transaction
from horarium.store.presence import PresenceFiles

APPLICATION_ID = 0x484F5241
BUSY_SECONDS = 5.0
CAPABILITIES = Capabilities("sqlite", skips_locked=False, orders_commits=True, shares_hosts=False, gathers_rows=True)

_ASKS_AGAIN_SECONDS = 0.025
"""How long SQLite itself waits for another program's lock: the longer it waits, the more rarely it asks again."""
_PAGES_AT_ONCE = 256
_TAKE_OVER_PAUSE = 0.05
_TAKE_OVER_SECONDS = 30.0
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_EVERYWHERE = ("foreign_keys = ON", "trusted_schema = OFF", "cache_size = -8000", "temp_store = MEMORY")
_FOR_FILES = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "journal_size_limit = 16777216",
    "wal_autocheckpoint = 2000",
)


class SqliteStore:
    """A store in one file, or in memory for tests that need no second process."""

    def __init__(self, path: Path | None, *, clock: Clock | None = None, busy_seconds: float = BUSY_SECONDS) -> None:
        """Open the file at `path` (None: memory), making it if it is not there.

        `busy_seconds` is how long a write waits for another program's lock. Raises `StoreUnavailable`,
        `StoreForeign`.
        """
        self.followers: dict[str, Follower] = {}
        self._path = path
        self._clock = clock or SystemClock()
        self._busy_seconds = busy_seconds
        self._writing = threading.RLock()
        self._writer: Connection | None = None
        self._pid = os.getpid()
        self._gate = Gate()
        self._is_ready_to_fork = False
        self.damage = DamageMark(path)
        self._presence = None if path is None else PresenceFiles(path.with_name(path.name + "-nodes"))
        self._make_engines()
        watch(self)
        with self._gate:
            self._look_at_file()

    @property
    def capabilities(self) -> Capabilities:
        """Return what SQLite can do."""
        return CAPABILITIES

    @property
    def location(self) -> str:
        """Return the path of the file."""
        return "memory" if self._path is None else str(self._path)

    @property
    def path(self) -> Path | None:
        """Return the path of the file, None for a store in memory."""
        return self._path

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a writing transaction; within one process writers wait for each other in line."""
        with self._at_work():
            self.damage.refuse()
            if not self._writing.acquire(timeout=60.0):
                raise StoreBusy("another thread of this program holds the database for too long")
            try:
                connection = self._writing_connection()
                with translated():
                    transaction = connection.begin()
                try:
                    made = Transaction(connection, CAPABILITIES, writes=True, followers=self.followers)
                    yield made
                    made.finish()
                    with translated():
                        transaction.commit()
                    made.committed()
                except BaseException:
                    if not rolled_back(transaction):
                        self._drop_writer()
                    raise
            finally:
                self._writing.release()

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a snapshot for reading."""
        with self._at_work():
            if self._path is None:
                # In memory there is one connection: readers stand in line with the writer, or look on inside its block.
                with self._writing:
                    if self._writing_connection().in_transaction():
                        yield Transaction(self._writing_connection(), CAPABILITIES)
                    else:
                        with self.transaction() as tx:
                            yield tx
                return
            with translated(), self._readers.connect() as connection:
                yield Transaction(connection, CAPABILITIES)

    def lease_now(self, tx: Transaction) -> float:
        """Return the machine's steady clock, which all processes of this machine share."""
        del tx
        return self._clock.monotonic()

    def announce_presence(self, node_id: int) -> None:
        """Hold the lock file of `node_id`."""
        if self._presence is not None:
            self._presence.announce(node_id)

    def is_gone(self, node_id: int) -> bool:
        """Tell whether nobody holds the lock file of `node_id`."""
        return self._presence is not None and self._presence.is_gone(node_id)

    def forget_presence(self, node_id: int) -> None:
        """Remove the lock file of `node_id`."""
        if self._presence is not None:
            self._presence.forget(node_id)

    def change_mark(self) -> int | None:
        """Return SQLite's data version as the writing connection sees it: its own commits do not move it."""
        if self._path is None:
            return None
        with self._at_work():
            try:
                with self._writing:
                    driver: Any = self._writing_connection().connection.driver_connection
                    return int(driver.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error as error:
                raise from_driver(error) from error

    def listen(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Do nothing: SQLite tells nobody, `change_mark` is compared instead."""
        del wake
        return lambda: None

    def announce_change(self, tx: Transaction) -> None:
        """Do nothing: the commit itself moves `change_mark`."""

    def take_over(self, source: Path, go_on: Callable[[], None]) -> None:
        """Put what is in the database file `source` in the place of everything here, by SQLite's own backup.

        For others it is one commit: whoever looks, and whatever ends this process, finds the old content or the new.
        `go_on` is called between pieces and may raise to give up. Raises `StoreBusy`, `StoreFull`, `StoreUnavailable`.
        """
        waited = 0.0

        def step(status: int, _left: int, _total: int) -> None:
            nonlocal waited
            if status in _BUSY:
                waited += _TAKE_OVER_PAUSE
                if waited > _TAKE_OVER_SECONDS:
                    raise StoreBusy("another program writes to the database for too long")
            go_on()

        with self._at_work(), self._writing, translated():
            try:
                with closing(sqlite3.connect(source, isolation_level=None)) as given, closing(self._connect()) as here:
                    given.backup(here, pages=_PAGES_AT_ONCE, progress=step, sleep=_TAKE_OVER_PAUSE)
                    # What the log has grown to is given back if nobody reads just now; else a later checkpoint does.
                    here.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                raise from_driver(error) from error
            self._close_connections()

    def check(self) -> Iterable[str]:
        """Return what SQLite's own quick check finds, a line each."""
        try:
            return self._look_through()
        except StoreForeign as error:
            return [str(error)]

    def _look_through(self) -> list[str]:
        with self.reading() as tx:
            told = [str(row[0]) for row in tx.execute(text("PRAGMA quick_check(20)"))]
            # Damage is told in one row of many lines, under a heading; a damaged table cannot be followed to others.
            found = [line for part in told for line in part.splitlines() if not line.startswith("***")]
            if found == ["ok"]:
                loose = tx.execute(text("PRAGMA foreign_key_check"))
                found += [f"row {row[1]} of {row[0]} points to nothing" for row in loose]
        return [line for line in found if line != "ok"]

    def close(self) -> None:
        """Close all connections. Harmless when repeated."""
        with self._writing:
            self._close_connections()

    def before_fork(self) -> None:
        """Close the file as soon as nobody is at work with it; both processes open it again when they need it."""
        self._is_ready_to_fork = self._gate.shut(FORK_WAIT_SECONDS)
        if self._is_ready_to_fork and self._path is not None:
            self._close_connections()

    def after_fork(self, *, in_child: bool) -> None:
        """Go on in either process; a child that inherited the open file refuses to use it."""
        is_ready, self._is_ready_to_fork = self._is_ready_to_fork, False
        if not in_child:
            self._gate.reopen()
            return
        self._pid = os.getpid()
        self._gate = Gate()
        self._writing = threading.RLock()
        if self._path is not None and not is_ready:
            leave_open(self._path, (self._writer, self._writers, self._readers))
            self._writer = None
            self._make_engines()
        if self._presence is not None:
            self._presence.after_fork()

    def _at_work(self) -> Gate:
        if self._pid != os.getpid():
            # A fork that nobody told Python of.
            self.after_fork(in_child=True)
        return self._gate

    def _close_connections(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._writers.dispose()
        self._readers.dispose()

    def _make_engines(self) -> None:
        memory = self._path is None
        turns = max(1, round(self._busy_seconds / _ASKS_AGAIN_SECONDS))
        to_write = partial(self._engine, "BEGIN IMMEDIATE", self._connect_to_write, turns)
        self._writers = to_write(poolclass=StaticPool if memory else NullPool)
        self._readers = (
            self._writers
            if memory
            else self._engine("BEGIN", self._connect, poolclass=QueuePool, pool_size=8, max_overflow=24)
        )

    def _engine(self, begin: str, connect: Callable[[], sqlite3.Connection], turns: int = 1, **options: Any) -> Engine:
        engine = create_engine("sqlite://", creator=connect, **options)

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            # By the driver itself: what SQLAlchemy does around a statement takes longer than this one.
            driver: Any = connection.connection.driver_connection
            # Anew each time, since who has waited long would ask ten times a second, and others come in between.
            for left in range(turns, 0, -1):
                try:
                    driver.execute(begin)
                    return
                except sqlite3.Error as error:
                    if left == 1 or getattr(error, "sqlite_errorcode", 0) & 0xFF not in _BUSY:
                        raise from_driver(error) from error

        return engine

    def _connect_to_write(self) -> sqlite3.Connection:
        return self._connect(_ASKS_AGAIN_SECONDS)

    def _connect(self, busy_seconds: float | None = None) -> sqlite3.Connection:
        if self._path is not None:
            refuse_inherited(self._path)
        target = ":memory:" if self._path is None else str(self._path)
        try:
            # Autocommit in the driver: every transaction is begun by us and by nobody else.
            connection = sqlite3.connect(
                target,
                timeout=self._busy_seconds if busy_seconds is None else busy_seconds,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
            _settle(connection, is_file=self._path is not None)
        except sqlite3.Error as error:
            raise from_driver(error) from error
        return connection

    def _writing_connection(self) -> Connection:
        if self._writer is None:
            with translated():
                self._writer = self._writers.connect()
        return self._writer

    def _drop_writer(self) -> None:
        """Let go of a writing connection that is in an unknown state; the next transaction opens another."""
        if self._writer is not None and self._path is not None:
            self._writer.invalidate()
            self._writer = None

    def _look_at_file(self) -> None:
        if self._path is None:
            return
        _refuse_unfit(self._path)
        refuse_inherited(self._path)
        made_here = not self._path.exists()
        if made_here:
            # Made with our own mode first: SQLite would follow the umask, and its side files follow this file.
            descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            os.close(descriptor)
        found, tables = _peek(self._path, self._busy_seconds)
        if found == APPLICATION_ID:
            if self.damage.words and not list(self.check()):
                self.damage.clear()
            return
        if found or tables:
            raise StoreForeign(f"{self._path} is a database of another program; Horarium leaves it as it is")
        _let_give_back(self._path, self._busy_seconds)
        with self.transaction() as tx:
            tx.execute(text(f"PRAGMA application_id = {APPLICATION_ID}"))


def _peek(path: Path, busy_seconds: float) -> tuple[int, int]:
    """Return the mark of the program that a file belongs to and how many tables it has, before anything is set in it.

    A connection with our settings would turn another program's file into one with a write-ahead log.
    """
    try:
        with closing(sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)) as connection:
            (found,) = connection.execute("PRAGMA application_id").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise from_driver(error) from error
    return found, tables


def _let_give_back(path: Path, busy_seconds: float) -> None:
    """Let a new file give pages that become free back to the disk: it has to know before it has any table."""
    try:
        with closing(sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)) as connection:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            # Else nothing is written yet, and the next connection would begin without it.
            connection.execute("VACUUM")
    except sqlite3.Error as error:
        raise from_driver(error) from error


def _settle(connection: sqlite3.Connection, *, is_file: bool) -> None:
    for pragma in (*_EVERYWHERE, *(_FOR_FILES if is_file else ())):
        connection.execute(f"PRAGMA {pragma}")


def _refuse_unfit(path: Path) -> None:
    try:
        found = path.stat()
    except FileNotFoundError:
        folder = path.parent
        if not folder.is_dir():
            raise StoreUnavailable(f"there is no folder {folder} to keep the database in") from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise StoreUnavailable(f"the folder {folder} may not be written by this user") from None
        return
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be looked at: {error.strerror}") from error
    if not stat.S_ISREG(found.st_mode):
        raise StoreForeign(f"{path} is not a regular file")
    if not os.access(path, os.R_OK | os.W_OK):
        raise StoreUnavailable(f"the database file {path} may not be read and written by this user")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise StoreUnavailable(f"the folder {path.parent} may not be written by this user; the database needs that")
