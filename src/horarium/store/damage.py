"""A mark beside a SQLite file in which damage was found: while it lies there, nobody writes to the file.

It binds every program that shares the file. Opening the file looks it through once more and takes the mark away when
all is well, as after a backup was put in its place.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from horarium.errors import StoreDamaged

SUFFIX: Final = "-damaged"
_LONGEST: Final = 2000


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
