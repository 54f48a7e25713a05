"""Carry no open SQLite file over a fork: it is closed before, and opened anew on both sides.

SQLite counts the locks of a file once for a process. A child that inherits an open file counts its parent's locks as
its own and takes none; when the parent closes, the child's next commit goes into a log that is not there any more.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from horarium.errors import StoreUnavailable

FORK_WAIT_SECONDS = 5.0


class Forkable(Protocol):
    """Something with open files that has to be told of a fork."""

    def before_fork(self) -> None:
        """Close what must not be inherited."""
        ...

    def after_fork(self, *, in_child: bool) -> None:
        """Go on."""
        ...


class Gate:
    """Counts who is at work with a file (`with gate:`), and holds the others up while the process forks."""

    def __init__(self) -> None:
        """Begin with nobody inside."""
        self._changed = threading.Condition(threading.Lock())
        self._inside: dict[int, int] = {}

    def __enter__(self) -> None:
        """Begin a piece of work; pieces may lie inside one another."""
        me = threading.get_ident()
        with self._changed:
            self._inside[me] = self._inside.get(me, 0) + 1

    def __exit__(self, *_: object) -> None:
        """End a piece of work."""
        me = threading.get_ident()
        with self._changed:
            left = self._inside.pop(me) - 1
            if left:
                self._inside[me] = left
            elif not self._inside:
                self._changed.notify_all()

    def shut(self, seconds: float) -> bool:
        """Let nobody begin until `reopen`; tell whether nobody is at work, having waited up to `seconds` for that."""
        self._changed.acquire()
        if threading.get_ident() in self._inside:
            return False
        return self._changed.wait_for(lambda: not self._inside, seconds)

    def reopen(self) -> None:
        """Let others begin again."""
        self._changed.release()


# By number and not as a set: its references can be taken at one go while other threads open stores, and always come in
# the same order, so that two threads that fork never wait for each other's stores.
_watched: weakref.WeakValueDictionary[int, Forkable] = weakref.WeakValueDictionary()
_told: dict[int, list[Forkable]] = {}
"""By the thread that forks: while one waits for a store, another may be through with its own fork."""
_left_open: dict[tuple[int, int], object] = {}


def watch(store: Forkable) -> None:
    """Tell `store` of every fork of this process from now on."""
    _watched[id(store)] = store


def leave_open(path: Path, connections: object) -> None:
    """Note that this process inherited the file at `path` while it was in use: here it must not be used.

    The `connections` are kept for ever, since closing them would roll back what the parent is writing.
    """
    with suppress(OSError):
        _left_open[_identity(path)] = connections


def refuse_inherited(path: Path) -> None:
    """Raise `StoreUnavailable` for a file that this process inherited while it was in use."""
    if not _left_open:
        return
    with suppress(FileNotFoundError):
        if _identity(path) in _left_open:
            raise StoreUnavailable(
                f"{path} was in use while this process was forked and is not safe here: fork when nothing is being"
                " read or written, or start processes with `spawn`"
            )


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _before() -> None:
    told = _told[threading.get_ident()] = []
    for reference in _watched.valuerefs():
        store = reference()
        if store is not None:
            told.append(store)
            store.before_fork()


def _after_in_parent() -> None:
    _after(in_child=False)


def _after_in_child() -> None:
    _after(in_child=True)
    # Whatever other threads were about to fork, they are not here.
    _told.clear()


def _after(*, in_child: bool) -> None:
    for store in _told.pop(threading.get_ident(), ()):
        store.after_fork(in_child=in_child)


os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
