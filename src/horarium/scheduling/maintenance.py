"""Maintenance mode: planned runs are written and wait; nothing new starts on any node until it is over."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Clock
from horarium.errors import InvalidValue
from horarium.records.actors import Actor
from horarium.states import EventKind
from horarium.store.books.events import EventBook
from horarium.store.port import Store, Transaction
from horarium.store.schema import MAINTENANCE, drop_meta, read_meta, write_meta

REASON_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Held:
    """Since when nothing new starts, by whom, and why."""

    since: datetime
    by: str
    reason: str


def held(tx: Transaction) -> Held | None:
    """Return how maintenance mode stands, None while it is off."""
    text = read_meta(tx, MAINTENANCE)
    if text is None:
        return None
    plain = json.loads(text)
    return Held(datetime.fromisoformat(plain["since"]), plain["by"], plain["reason"])


class Maintenance:
    """Switches maintenance mode. `on_change` is called after each change, to wake the scheduler of this process."""

    def __init__(self, store: Store, clock: Clock, on_change: Callable[[], None]) -> None:
        """Work on `store`."""
        self._store = store
        self._clock = clock
        self._on_change = on_change
        self._trail = Trail(store, clock)

    def begin(self, *, actor: Actor, reason: str = "") -> bool:
        """Let nothing new start from now on; False when that is so already. Raises `InvalidValue`."""
        reason = " ".join(reason.split())
        if len(reason) > REASON_LIMIT or not reason.isprintable():
            raise InvalidValue("reason", reason, f"use one line of at most {REASON_LIMIT} characters")
        now = self._clock.now()
        with self._store.transaction() as tx:
            if held(tx) is not None:
                return False
            write_meta(tx, MAINTENANCE, json.dumps({"since": now.isoformat(), "by": actor.words, "reason": reason}))
            EventBook(tx).append(EventKind.MAINTENANCE_ON, at=self._clock.micros(), actor=actor.words)
            self._trail.note(tx, actor, Action.MAINTENANCE_BEGUN, About("system"), reason=reason)
            self._store.announce_change(tx)
        self._on_change()
        return True

    def end(self, *, actor: Actor) -> bool:
        """Let what waits start; False when nothing was held."""
        with self._store.transaction() as tx:
            if held(tx) is None:
                return False
            drop_meta(tx, MAINTENANCE)
            EventBook(tx).append(EventKind.MAINTENANCE_OFF, at=self._clock.micros(), actor=actor.words)
            self._trail.note(tx, actor, Action.MAINTENANCE_ENDED, About("system"))
            self._store.announce_change(tx)
        self._on_change()
        return True
