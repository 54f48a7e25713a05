"""Where schedules are held and let go: maintenance mode by hand, and the release of what a restore has held.

Each reason ends by itself alone. The end of maintenance releases nothing that a restore holds, and a release ends no
maintenance: whoever set the one knows nothing of the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Clock, to_micros
from horarium.errors import Conflict, InvalidValue
from horarium.records.actors import Actor
from horarium.scheduling.hold import Maintenance, held, put_maintenance
from horarium.scheduling.release import Released, leave_out
from horarium.states import EventKind
from horarium.store.books.events import EventBook
from horarium.store.books.holds import MAINTENANCE, RESTORED, HoldBook
from horarium.store.port import Store

REASON_LIMIT: Final = 200


class HoldDesk:
    """Holds schedules and lets them go. `on_change` is called after each change, to wake this process's scheduler."""

    def __init__(self, store: Store, clock: Clock, on_change: Callable[[], None] | None = None) -> None:
        """Work on `store`."""
        self._store = store
        self._clock = clock
        self._on_change = on_change or _nothing
        self._trail = Trail(store, clock)

    def begin_maintenance(self, *, actor: Actor, reason: str = "") -> bool:
        """Let nothing new start from now on; False when that is so already. Raises `InvalidValue`."""
        reason = " ".join(reason.split())
        if len(reason) > REASON_LIMIT or not reason.isprintable():
            raise InvalidValue("reason", reason, f"use one line of at most {REASON_LIMIT} characters")
        with self._store.transaction() as tx:
            if held(tx).maintenance is not None:
                return False
            put_maintenance(tx, Maintenance(self._clock.now(), actor.words, reason))
            EventBook(tx).append(EventKind.MAINTENANCE_ON, at=self._clock.micros(), actor=actor.words)
            self._trail.note(tx, actor, Action.MAINTENANCE_BEGUN, About("system"), reason=reason)
            self._store.announce_change(tx)
        self._on_change()
        return True

    def end_maintenance(self, *, actor: Actor) -> bool:
        """Let what waits start; False when there was no maintenance."""
        with self._store.transaction() as tx:
            if held(tx).maintenance is None:
                return False
            HoldBook(tx).drop(MAINTENANCE)
            EventBook(tx).append(EventKind.MAINTENANCE_OFF, at=self._clock.micros(), actor=actor.words)
            self._trail.note(tx, actor, Action.MAINTENANCE_ENDED, About("system"))
            self._store.announce_change(tx)
        self._on_change()
        return True

    def release(self, *, actor: Actor, make_up: bool, go_on: Callable[[], None] | None = None) -> Released:
        """Let schedules go on that a restore has held.

        With `make_up` each task's misfire policy decides about what it missed, and runs that waited when the backup
        was made start; without, all of that is left out, for the reason "held". May be killed and repeated. Raises
        `Conflict` when no restore holds anything.
        """
        with self._store.reading() as tx:
            hold = held(tx).restored
        if hold is None:
            raise Conflict("no schedules are held")
        since = to_micros(hold.since)
        done = Released() if make_up else leave_out(self._store, self._clock, since, go_on or _nothing)
        with self._store.transaction() as tx:
            if held(tx).restored is None:
                raise Conflict("somebody else has released the schedules already")
            HoldBook(tx).drop(RESTORED)
            self._trail.note(tx, actor, Action.SCHEDULES_RELEASED, make_up=make_up, tasks=done.tasks, runs=done.runs)
            self._store.announce_change(tx)
        self._on_change()
        return done


def _nothing() -> None:
    return None
