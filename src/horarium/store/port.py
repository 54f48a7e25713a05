"""What a store can do, whichever database is behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Executable, Result
from sqlalchemy.engine import Dialect

from horarium.errors import StoreError
from horarium.store.failures import from_driver, translated
from horarium.store.hot import GATHERED, Hot


@dataclass(frozen=True, slots=True)
class Capabilities:
    """In what the databases differ, declared instead of guessed.

    `skips_locked`: several writers work side by side and step around each other's rows. `orders_commits`: event ids
    become visible in the order of their numbers, since there is one writer. `shares_hosts`: processes of several
    machines may use it. `gathers_rows`: many rows in one statement cost less than many statements sent together.
    """

    name: str
    skips_locked: bool
    orders_commits: bool
    shares_hosts: bool
    gathers_rows: bool = False


EVERYBODY: Final = 0
"""The number that stands for all people at once where a change is told of."""
Follower = Callable[["Transaction", frozenset[int]], None]
"""What looks at people who were changed, inside the transaction that changes them; `EVERYBODY` may be among them."""
_NOBODY: Final[Mapping[str, Follower]] = {}


class Transaction:
    """An open transaction: statements go through it, and it ends with the block that opened it."""

    __slots__ = ("_changed", "_closing", "_cursor", "_followers", "_later", "_writes", "capabilities", "connection")

    def __init__(
        self,
        connection: Connection,
        capabilities: Capabilities,
        *,
        writes: bool = False,
        followers: Mapping[str, Follower] = _NOBODY,
    ) -> None:
        """Wrap a `connection` on which a transaction has begun; only schema work asks for it again."""
        self.connection = connection
        self._cursor: Any = None
        self._writes = writes
        self._followers = followers
        self._changed: set[int] = set()
        self._closing: dict[Callable[[Transaction, list[Any]], None], list[Any]] = {}
        self._later: dict[Callable[[], None], None] = {}
        self.capabilities = capabilities

    def note_person(self, user_id: int) -> None:
        """Note that a person, or something that is said about them, changed: who follows people looks at them."""
        if self._followers:
            self._changed.add(user_id)

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Let `tell` be called once when the transaction stands; it must return at once and not fail."""
        self._later[tell] = None

    def at_end(self, write: Callable[[Transaction, list[Any]], None], item: Any) -> None:
        """Let `write` be called with all items it was given, just before the commit and as part of it.

        For what others wait for once it is touched: so it is held as shortly as possible, and always last. Raises
        `StoreError` in a snapshot for reading, whose end writes nothing.
        """
        if not self._writes:
            raise StoreError("this transaction only reads")
        self._closing.setdefault(write, []).append(item)

    def finish(self) -> None:
        """Write what was kept for the end; called by the store right before the commit."""
        if self._changed:
            # Before anything that others wait for is touched: this may take a moment.
            people = frozenset(self._changed)
            for follow in tuple(self._followers.values()):
                follow(self, people)
        while self._closing:
            closing, self._closing = self._closing, {}
            for write, items in closing.items():
                write(self, items)

    def committed(self) -> None:
        """Tell whoever asked for it that the transaction stands; called by the store right after the commit."""
        for tell in self._later:
            tell()

    @property
    def dialect(self) -> Dialect:
        """Return the dialect, for compiling hot statements."""
        return self.connection.dialect

    def execute(self, statement: Executable, params: Any = None) -> Result[*tuple[Any, ...]]:
        """Run a statement; driver errors come out as ours."""
        with translated():
            return self.connection.execute(statement, params)

    def many(self, hot: Hot, rows: Sequence[Sequence[Any]]) -> int:
        """Run a hot statement for each of `rows`; return how many table rows it touched in all."""
        if not rows:
            return 0
        cursor, dialect = self._driver_cursor(), self.connection.dialect
        begin = touched = 0
        try:
            together = hot.gathered(dialect) if self.capabilities.gathers_rows and len(rows) >= GATHERED else None
            if together is not None:
                while begin + GATHERED <= len(rows):
                    cursor.execute(together, [*chain.from_iterable(rows[begin : begin + GATHERED])])
                    begin += GATHERED
                    touched += int(cursor.rowcount)
                if begin == len(rows):
                    return touched
            cursor.executemany(hot.text(dialect), rows[begin:] if begin else rows)
        except Exception as error:
            raise from_driver(error) from error
        return touched + int(cursor.rowcount)

    def one(self, hot: Hot, row: Sequence[Any]) -> int:
        """Run a hot statement once; return how many table rows it touched."""
        cursor = self._driver_cursor()
        try:
            cursor.execute(hot.text(self.connection.dialect), row)
        except Exception as error:
            raise from_driver(error) from error
        return int(cursor.rowcount)

    def rows(self, hot: Hot, row: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a hot query; return its rows as plain tuples."""
        cursor = self._driver_cursor()
        try:
            cursor.execute(hot.text(self.connection.dialect), row)
            return list(cursor.fetchall())
        except Exception as error:
            raise from_driver(error) from error

    def _driver_cursor(self) -> Any:
        if self._cursor is None:
            self._cursor = self.connection.connection.cursor()
        return self._cursor


class Damage(Protocol):
    """The mark of a database in which damage was found."""

    @property
    def words(self) -> str:
        """Return what was found, empty when nothing was."""
        ...

    def put(self, words: str) -> None:
        """Set the mark: nobody writes any more."""
        ...


class Store(Protocol):
    """A database that holds everything we know.

    `followers` look at people who change, by name, in the transaction of the change.
    """

    followers: dict[str, Follower]

    @property
    def capabilities(self) -> Capabilities:
        """Return what this database can do."""
        ...

    @property
    def damage(self) -> Damage:
        """Return the mark that keeps everybody from writing where damage was found."""
        ...

    @property
    def location(self) -> str:
        """Return where it is, for people; a password inside an address is left out."""
        ...

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Open a writing transaction: committed at the end of the block, rolled back on any error.

        Raises `StoreBusy` when the lock cannot be had, `StoreFull`, `StoreUnavailable`.
        """
        ...

    def reading(self) -> AbstractContextManager[Transaction]:
        """Open a snapshot for reading; it never waits for a writer."""
        ...

    def lease_now(self, tx: Transaction) -> float:
        """Return seconds on the clock that leases are measured by: the store's, never the wall clock of a node."""
        ...

    def announce_presence(self, node_id: int) -> None:
        """Mark this process as the living holder of `node_id`, in a way that ends with the process."""
        ...

    def is_gone(self, node_id: int) -> bool:
        """Tell whether the process behind `node_id` has certainly ended. False also means: cannot be known."""
        ...

    def forget_presence(self, node_id: int) -> None:
        """Take the mark of `node_id` away."""
        ...

    def change_mark(self) -> int | None:
        """Return a number that differs when another process has written since; None where it cannot be told."""
        ...

    def listen(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` when another process announces a change; return a function that ends listening.

        A store without such announcements never calls it; the loop then compares `change_mark`.
        """
        ...

    def announce_change(self, tx: Transaction) -> None:
        """Tell other processes, when the transaction commits, that something changed that they should look at."""
        ...

    def check(self) -> Iterable[str]:
        """Look for damage; return a sentence for each finding, none when all is well."""
        ...

    def close(self) -> None:
        """Give all connections back. Harmless when repeated."""
        ...
