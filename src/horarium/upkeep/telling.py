"""Tell the audit log what came of a backup that was made, read through or tried: when it is over, however it ended."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from horarium.audit.actions import Action, Result
from horarium.audit.trail import About, Trail
from horarium.clock import Clock
from horarium.errors import HorariumError, StoreError
from horarium.records.actors import Actor
from horarium.store.port import Store
from horarium.upkeep.workplace import acting, run_told

log = logging.getLogger("horarium.upkeep")

UNTOLD: Final = "The audit log could not be told of it"
_FAULT: Final = "something went wrong that should not have; the log says more"
_STOPPED: Final = "it was stopped before it was over"


class Entry:
    """The entry about one piece of work with a backup. Begin it with the work: it counts the seconds."""

    def __init__(self, store: Store, clock: Clock, action: Action, actor: Actor | None, name: str = "") -> None:
        """Tell `store` of an `action` on the backup `name`; without an `actor` it is a task's or the program's."""
        self._store = store
        self._clock = clock
        self._action = action
        self._actor = acting() if actor is None else actor
        self._name = name
        self._began = clock.monotonic()

    def write(self, *, passed: bool, name: str = "", **details: Any) -> str:
        """Write it, in a transaction of its own; return why that could not be done, empty when it was.

        The work is over, and what it made must not be lost because nobody can be told.
        """
        about = About("backup", None, name or self._name)
        result = Result.DONE if passed else Result.FAILED
        seconds = round(self._clock.monotonic() - self._began, 3)
        told = {**details, "seconds": seconds, **run_told()}
        try:
            Trail(self._store, self._clock).note_alone(self._actor, self._action, about, result=result, **told)
        except StoreError as error:
            log.warning("%s: %s %s: %s", UNTOLD, self._action.value, about.name, error)
            return f"{UNTOLD}: {error}"
        return ""

    @contextmanager
    def watching(self, **details: Any) -> Iterator[None]:
        """Write that it failed when what is done inside raises."""
        try:
            yield
        except BaseException as error:
            self.write(passed=False, error=_words(error), **details)
            raise


def _words(error: BaseException) -> str:
    """Return what may be told of an error: of one that is not ours nobody knows what its text holds."""
    if isinstance(error, HorariumError):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return _FAULT if isinstance(error, Exception) else _STOPPED
