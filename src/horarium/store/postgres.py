"""PostgreSQL through psycopg 3: many writers, several machines, announcements by LISTEN and NOTIFY."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, select, table, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

from horarium.clock import SystemClock
from horarium.errors import StoreBusy, StoreDamaged, StoreUnavailable
from horarium.store.damage import DamageRow
from horarium.store.failures import rolled_back, translated
from horarium.store.port import Capabilities, Follower, Transaction
from horarium.store.tables.everything import metadata

log = logging.getLogger("horarium.store")

CHANNEL = "horarium_changed"
CHECK_SECONDS = 60.0
_PLAIN = (("enable_indexscan", "off"), ("enable_indexonlyscan", "off"), ("enable_bitmapscan", "off"))
_SET = text("SELECT set_config(:name, :value, true)")
_TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
CONNECT_SECONDS = 5
STATEMENT_MILLISECONDS = 15_000
CAPABILITIES = Capabilities("postgresql", skips_locked=True, orders_commits=False, shares_hosts=True)


class PostgresStore:
    """A store in one PostgreSQL database."""

    def __init__(self, url: URL, *, pool_size: int = 16) -> None:
        """Connect by `url`; raises `StoreUnavailable` when nobody answers there."""
        self.followers: dict[str, Follower] = {}
        self._url = url.set(drivername="postgresql+psycopg")
        self._pid = os.getpid()
        self._following = threading.Lock()
        self._pool_size = pool_size
        self._engine = self._make_engine()
        self._clock = SystemClock()
        self.damage = DamageRow(self._connect)
        with self.reading() as tx:
            tx.execute(text("SELECT 1"))
        if self.damage.words and not list(self.check()):
            self.damage.clear()

    @property
    def capabilities(self) -> Capabilities:
        """Return what PostgreSQL can do."""
        return CAPABILITIES

    @property
    def location(self) -> str:
        """Return the address without its password."""
        return self._url.render_as_string(hide_password=True).replace("postgresql+psycopg", "postgresql")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a writing transaction; every commit is durable when the block ends."""
        with self._writing(self.damage.refuse) as tx:
            yield tx

    @contextmanager
    def replacing(self) -> Iterator[Transaction]:
        """Open a transaction that puts everything anew or nothing: also where damage was found."""
        with self._writing(_takes_all) as tx:
            yield tx
        self.damage.forget()

    @contextmanager
    def _writing(self, judge: Callable[[Connection], None]) -> Iterator[Transaction]:
        with translated():
            connection = self._connect()
        with connection:
            judge(connection)
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
                # A connection that broke cannot even roll back: what broke it is the error to tell.
                if not rolled_back(transaction):
                    connection.invalidate()
                raise

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a connection for reading; each statement sees what is committed."""
        with translated(), self._connect() as connection:
            yield Transaction(connection, CAPABILITIES)

    def lease_now(self, tx: Transaction) -> float:
        """Return the database's own clock in seconds since the epoch."""
        return float(tx.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    def announce_presence(self, node_id: int) -> None:
        """Do nothing: leases in the database's time decide."""

    def is_gone(self, node_id: int) -> bool:
        """Return False: only the lease can tell."""
        del node_id
        return False

    def forget_presence(self, node_id: int) -> None:
        """Do nothing: there is no mark beside the lease."""

    def change_mark(self) -> int | None:
        """Return None: announcements come by themselves."""
        return None

    def listen(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` for each announcement from a thread of its own, reconnecting when the database went away."""
        listener = _Listener(self._engine, wake)
        listener.start()
        return listener.stop

    def announce_change(self, tx: Transaction) -> None:
        """Notify listeners when the transaction commits."""
        tx.execute(text(f"NOTIFY {CHANNEL}"))

    def check(self) -> Iterable[str]:
        """Return the tables that PostgreSQL cannot read through because a page of them is damaged.

        Tables are read for no longer than `CHECK_SECONDS` together: what is not reached then was not looked at.
        """
        until = self._clock.monotonic() + CHECK_SECONDS
        with self.reading() as tx:
            there = set(tx.execute(_TABLES).scalars())
        found: list[str] = []
        for each in metadata.sorted_tables:
            left = until - self._clock.monotonic()
            if each.name in there and left > 0:
                found += self._look_through(each.name, left)
        return found

    def _look_through(self, name: str, seconds: float) -> list[str]:
        try:
            with self.reading() as tx:
                # Out of an index alone it could be counted without a look at its pages.
                for setting, value in (("statement_timeout", f"{int(seconds * 1000) + 1}"), *_PLAIN):
                    tx.execute(_SET, {"name": setting, "value": value})
                tx.execute(select(func.count()).select_from(table(name)))
        except StoreDamaged as error:
            return [f"{name}: {error}"]
        except StoreBusy:
            return []
        return []

    def for_programs(self) -> tuple[str, dict[str, str]]:
        """Return the address without its password, and the environment in which PostgreSQL's programs find it."""
        plain = self._url._replace(drivername="postgresql", password=None)
        return plain.render_as_string(), {} if self._url.password is None else {"PGPASSWORD": str(self._url.password)}

    def close(self) -> None:
        """Close all connections. Harmless when repeated."""
        self._engine.dispose()

    def _make_engine(self) -> Engine:
        try:
            engine = create_engine(
                self._url,
                poolclass=QueuePool,
                pool_size=self._pool_size,
                max_overflow=16,
                pool_timeout=10,
                pool_pre_ping=True,
                paramstyle="format",
                connect_args={
                    "connect_timeout": CONNECT_SECONDS,
                    "application_name": "horarium",
                    "options": f"-c statement_timeout={STATEMENT_MILLISECONDS} -c timezone=UTC",
                    "keepalives_idle": 10,
                    "keepalives_interval": 5,
                    "keepalives_count": 3,
                },
            )
        except ModuleNotFoundError as error:
            raise StoreUnavailable("PostgreSQL needs the extra packages: install horarium[postgres]") from error

        # A server that vanished in mid-statement is noticed by the kernel, not after a quarter of an hour.
        @event.listens_for(engine, "connect")
        def _settle(connection: Any, _record: object) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET client_connection_check_interval = '2s'")
            connection.commit()

        return engine

    def _connect(self) -> Connection:
        self._follow_fork()
        return self._engine.connect()

    def _follow_fork(self) -> None:
        if self._pid == os.getpid():
            return
        # Taken after a fork alone, so that no child inherits it locked. Whoever finds our number finds our engine.
        with self._following:
            if self._pid != os.getpid():
                self._engine.dispose(close=False)
                self._engine = self._make_engine()
                self._pid = os.getpid()


def _takes_all(_connection: Connection) -> None:
    return None


class _Listener:
    """A thread with one connection that only listens."""

    def __init__(self, engine: Engine, wake: Callable[[], None]) -> None:
        self._engine = engine
        self._wake = wake
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="horarium-listen", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        pause = 0.5
        while not self._stopped.is_set():
            try:
                self._listen_once()
                pause = 0.5
            except Exception as error:  # noqa: BLE001 - whatever broke the connection, the answer is to connect again
                log.info("Not listening for changes of other processes now (%s); trying again", error)
                self._stopped.wait(pause)
                pause = min(pause * 2, 10.0)

    def _listen_once(self) -> None:
        with translated():
            connection = self._engine.raw_connection()
        driver: Any = connection.driver_connection
        connection.detach()
        try:
            driver.autocommit = True
            driver.execute(f"LISTEN {CHANNEL}")
            # What was announced while nobody listened would be lost: look once after each connect.
            self._wake()
            while not self._stopped.is_set():
                for _ in driver.notifies(timeout=1.0, stop_after=1):
                    self._wake()
        finally:
            driver.close()
