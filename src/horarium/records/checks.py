"""Checks: what waits to be called from outside, and the calls that came."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from horarium.records.reach import NOWHERE, Place
from horarium.states import CheckState


class CallKind(StrEnum):
    """What a call says."""

    DONE = "done"
    """It went well."""
    START = "start"
    """It begins."""
    FAIL = "fail"
    """It went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckWish:
    """What a check is to be. `schedule` is the stored text of a trigger, of which an interval counts from each call."""

    name: str
    schedule: str
    timezone: str = "UTC"
    grace_seconds: int = 300
    description: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatCheck:
    """A check. `due_at` is when the next call is expected, `alarm_at` when its absence is told of.

    `down_at` is since when it is down. The `token` stands in the address that is called.
    """

    id: int
    wish: CheckWish
    token: str = field(repr=False)
    state: CheckState
    created_at: datetime
    updated_at: datetime
    last_at: datetime | None = None
    began_at: datetime | None = None
    due_at: datetime | None = None
    alarm_at: datetime | None = None
    down_at: datetime | None = None
    misses: int = 0

    @property
    def name(self) -> str:
        """Return its name."""
        return self.wish.name

    @property
    def place(self) -> Place:
        """Return to whom it belongs."""
        return self.wish.place

    def state_at(self, now: datetime) -> CheckState:
        """Return how it stands at `now`: one that is up and overdue is late."""
        is_late = self.due_at is not None and self.due_at <= now
        return CheckState.LATE if self.state is CheckState.UP and is_late else self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that came: when, what it said, from where, and how many seconds after the start that it belongs to."""

    id: int
    at: datetime
    kind: CallKind
    exit_code: int | None = None
    address: str = ""
    agent: str = ""
    seconds: float | None = None
