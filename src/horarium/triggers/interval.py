"""Every so often, in real elapsed time, on a grid that never moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from horarium.errors import InvalidSchedule
from horarium.triggers.base import MICROSECOND, Trigger, utc_instant

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True, init=False)
class IntervalTrigger(Trigger):
    """Fire at `anchor` and every `every` after it, whatever the clocks of the zones do.

    `every` is a timedelta or a number of seconds. Raises `InvalidSchedule` when it is not longer than nothing, or
    when the anchor has no zone.
    """

    every: timedelta
    anchor: datetime

    def __init__(self, every: timedelta | float, anchor: datetime) -> None:
        object.__setattr__(self, "every", _duration(every))
        object.__setattr__(self, "anchor", utc_instant(anchor, "anchor"))

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first point of the grid strictly after `instant`, in one step however far away it is."""
        if instant < self.anchor:
            return self.anchor
        try:
            return self.anchor + ((instant - self.anchor) // self.every + 1) * self.every
        except OverflowError:
            return None

    @property
    def description(self) -> str:
        """Return words such as "Every 90 seconds" or "Every 2 hours"."""
        seconds, rest = divmod(self.every, timedelta(seconds=1))
        if rest:
            return f"Every {self.every / timedelta(seconds=1):.6f}".rstrip("0") + " seconds"
        size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
        count = seconds // size
        return f"Every {unit}" if count == 1 else f"Every {count} {unit}s"


def _duration(value: object) -> timedelta:
    try:
        every = value if isinstance(value, timedelta) else timedelta(seconds=_number(value))
    except (TypeError, ValueError, OverflowError):
        raise InvalidSchedule("interval", value, "give a timedelta or a number of seconds") from None
    if every < MICROSECOND:
        raise InvalidSchedule("interval", value, "it must be longer than nothing")
    return every


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return value
