"""Judge from outside whether the scheduler is silent: what is planned beside what has moved. Pure, light to load."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from horarium.states import SilenceCause

LEASE_SECONDS: Final = 30.0
"""How long a lease reaches ahead when it is renewed."""


@dataclass(frozen=True, slots=True)
class View:
    """What one look at a store finds. Times in microseconds, leases in seconds on the store's own clock.

    `leases` are those of the nodes that count as alive, `started_at` when the newest of them began. `oldest_due` is the
    earliest planned instant that nobody has settled. `is_held` tells of maintenance mode: then nothing is to start.
    """

    now: int
    lease_now: float
    leases: tuple[float, ...] = ()
    last_seen: int | None = None
    started_at: int | None = None
    oldest_due: int | None = None
    is_held: bool = False

    def is_living(self, after_seconds: float = LEASE_SECONDS) -> bool:
        """Tell whether a node renewed its lease within `after_seconds`: how long ago is told by when it ends."""
        return any(until > self.lease_now + LEASE_SECONDS - after_seconds for until in self.leases)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the scheduler counts as silent, and since when (microseconds)."""

    cause: SilenceCause
    began_at: int


@dataclass(slots=True)
class Judge:
    """Judges one look after the other. Silent is who gave no sign, or moved nothing that is due, for `after_seconds`.

    What is due counts only while it stays the same: a scheduler that works off a backlog is not silent.
    """

    after_seconds: float
    _due: int | None = None
    _due_since: float = 0.0
    _unread_since: float | None = field(default=None)

    def judge(self, view: View, steady: float) -> Trouble | None:
        """Return what is wrong at `steady` seconds of a clock that is never set, None when all is well."""
        self._unread_since = None
        late = view.oldest_due if view.oldest_due is not None and view.oldest_due <= view.now else None
        if late != self._due or view.is_held:
            self._due, self._due_since = late, steady
        if not view.is_living(self.after_seconds):
            began = view.last_seen if view.last_seen is not None else late
            is_long = began is not None and view.now - began >= self.after_seconds * 1_000_000
            return Trouble(SilenceCause.GONE, began) if began is not None and is_long else None
        if late is not None and not view.is_held and steady - self._due_since >= self.after_seconds:
            return Trouble(SilenceCause.OVERDUE, late)
        return None

    def unread(self, now: int, steady: float) -> Trouble | None:
        """Judge a look that found nothing, because the store did not answer."""
        if self._unread_since is None:
            self._unread_since = steady
        waited = steady - self._unread_since
        if waited < self.after_seconds:
            return None
        return Trouble(SilenceCause.STORE, now - int(waited * 1_000_000))
