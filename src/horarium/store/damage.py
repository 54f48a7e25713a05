"""A mark on a database in which damage was found: while it is there, nobody writes to the database.

It binds every program that shares the database: for SQLite it lies beside the file, for PostgreSQL it is a row. Opening
the database looks it through once more and takes the mark away when all is well, as after a restore.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

from horarium.clock import SystemClock
from horarium.errors import StoreDamaged, StoreError
from horarium.store.failures import translated

SUFFIX: Final = "-damaged"
LOOK_SECONDS: Final = 5.0
"""For how long a process may not know of a row that another one has written."""
KEY: Final = "damaged"
"""What the row is kept under."""
_LONGEST: Final = 2000
_IS_THERE: Final = text("SELECT to_regclass('horarium_meta') IS NOT NULL")
_READ: Final = text("SELECT value FROM horarium_meta WHERE key = :key").bindparams(key=KEY)
_PUT: Final = text(
    "INSERT INTO horarium_meta (key, value) VALUES (:key, :words) ON CONFLICT (key) DO UPDATE SET value = :words"
).bindparams(key=KEY)
_CLEAR: Final = text("DELETE FROM horarium_meta WHERE key = :key").bindparams(key=KEY)


class DamageMark:
    """The mark of one file; of a store in memory it is kept in memory."""

    __slots__ = ("_path", "_words")

    def __init__(self, database: Path | None) -> None:
        """Look after the mark beside `database`."""
        self._path = None if database is None else database.with_name(database.name + SUFFIX)
        self._words = ""

    @property
    def words(self) -> str:
        """Return what was found, empty when nothing was."""
        if self._path is None:
            return self._words
        try:
            return self._path.read_text(encoding="utf-8")[:_LONGEST].strip() or "the database is damaged"
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError):
            return "the database is damaged"

    def refuse(self) -> None:
        """Raise `StoreDamaged` if there is a mark."""
        if self._words or (self._path is not None and self._path.exists()):
            raise StoreDamaged(self.words)

    def put(self, words: str) -> None:
        """Set the mark. Where not even that can be written, it holds for this process alone."""
        self._words = words
        if self._path is None:
            return
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(f"{words}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            return

    def clear(self) -> None:
        """Take the mark away."""
        self._words = ""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


class DamageRow:
    """The mark of a PostgreSQL database: a row that all who share it look for every few seconds."""

    __slots__ = ("_clock", "_connect", "_looked_at", "_own", "_row")

    def __init__(self, connect: Callable[[], Connection]) -> None:
        """Look for the row over connections that `connect` opens."""
        self._connect = connect
        self._clock = SystemClock()
        self._looked_at = -math.inf
        self._own = self._row = ""

    @property
    def words(self) -> str:
        """Return what was found, empty when nothing was."""
        if self._is_time():
            # What keeps the row from being read says so to whoever writes next.
            with suppress(StoreError), translated(), self._connect() as connection:
                self._look(connection)
        return self._own or self._row

    def refuse(self, connection: Connection) -> None:
        """Raise `StoreDamaged` if there is a mark; looked for over a `connection` that is in no transaction yet."""
        if self._is_time():
            with suppress(StoreError), translated():
                self._look(connection)
        if words := self._own or self._row:
            raise StoreDamaged(words)

    def put(self, words: str) -> None:
        """Write the row. Where not even that can be done, it holds for this process alone."""
        self._own = words[:_LONGEST]
        try:
            with translated(), self._connect() as connection, connection.begin():
                connection.execute(_PUT, {"words": self._own})
        except StoreError:
            return
        self.forget()

    def clear(self) -> None:
        """Take the row away. Raises `StoreUnavailable`."""
        with translated(), self._connect() as connection, connection.begin():
            connection.execute(_CLEAR)
        self.forget()

    def forget(self) -> None:
        """Look anew: the database is another one by now."""
        self._own = self._row = ""
        self._looked_at = -math.inf

    def _is_time(self) -> bool:
        return self._clock.monotonic() - self._looked_at >= LOOK_SECONDS

    def _look(self, connection: Connection) -> None:
        began = self._looked_at = self._clock.monotonic()
        # Apart from what is written afterwards: a restore need not wait for that to let go of the row's table.
        with connection.begin():
            found = _found(connection)
        # Else another thread has looked since, or has put the mark: it knows more.
        if self._looked_at == began:
            self._row = found


def _found(connection: Connection) -> str:
    if not connection.execute(_IS_THERE).scalar_one():
        return ""
    return str(connection.execute(_READ).scalar_one_or_none() or "")
