"""Triggers made of triggers: any of them, all at once, all but a calendar, and only between two instants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from horarium.errors import InvalidSchedule
from horarium.triggers.base import MICROSECOND, Trigger, utc_instant
from horarium.triggers.calendar import Calendar

_MOST_ROUNDS = 10_000


@dataclass(frozen=True, slots=True)
class AnyOf(Trigger):
    """Fire whenever one of the triggers does; two at the same instant are one."""

    triggers: tuple[Trigger, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "triggers", _some(self.triggers))

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the earliest next instant of any trigger."""
        found = [due for trigger in self.triggers if (due := trigger.next_after(instant)) is not None]
        return min(found, default=None)

    @property
    def description(self) -> str:
        """Return the words of all, joined by semicolons."""
        return "; and also ".join(trigger.description for trigger in self.triggers)


@dataclass(frozen=True, slots=True)
class AllOf(Trigger):
    """Fire at the instants at which all the triggers do.

    The search gives up after 10,000 rounds, so that triggers which never meet cost milliseconds and not for ever;
    None then means "not within sight".
    """

    triggers: tuple[Trigger, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "triggers", _some(self.triggers))

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the next instant that all triggers share."""
        for _ in range(_MOST_ROUNDS):
            found = [trigger.next_after(instant) for trigger in self.triggers]
            dues = [due for due in found if due is not None]
            if len(dues) < len(found):
                return None
            latest = max(dues)
            if min(dues) == latest:
                return latest
            # Only the latest is still possible: ask everyone again from just before it.
            instant = latest - MICROSECOND
        return None

    @property
    def description(self) -> str:
        """Return the words of all, joined by what they have in common."""
        return ", only when also: ".join(trigger.description for trigger in self.triggers)


@dataclass(frozen=True, slots=True)
class ExceptCalendar(Trigger):
    """Fire like `trigger`, but not while `calendar` rests."""

    trigger: Trigger
    calendar: Calendar

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the next instant that the calendar leaves free; stretches of rest are jumped over."""
        due = self.trigger.next_after(instant)
        for _ in range(_MOST_ROUNDS):
            if due is None or not self.calendar.covers(due):
                return due
            free = self.calendar.free_from(due)
            if free is None:
                return None
            due = self.trigger.next_after(free - MICROSECOND)
        return None

    @property
    def description(self) -> str:
        """Return the words of the trigger and the name of the calendar."""
        return f"{self.trigger.description}, except {self.calendar.name}"


@dataclass(frozen=True, slots=True)
class Bounded(Trigger):
    """Fire like `trigger`, from `start` to `end`, both included; None leaves that side open."""

    trigger: Trigger
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.start is not None:
            object.__setattr__(self, "start", utc_instant(self.start, "start"))
        if self.end is not None:
            object.__setattr__(self, "end", utc_instant(self.end, "end"))
        if self.start is not None and self.end is not None and self.end < self.start:
            raise InvalidSchedule("end", self.end.isoformat(), "it must not be before the start")

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the next instant within the bounds."""
        if self.start is not None and instant < self.start:
            instant = self.start - MICROSECOND
        due = self.trigger.next_after(instant)
        return None if due is None or (self.end is not None and due > self.end) else due

    @property
    def description(self) -> str:
        """Return the words of the trigger and its bounds."""
        bounds = [f"{word} {at:%Y-%m-%d %H:%M} UTC" for word, at in (("from", self.start), ("until", self.end)) if at]
        return ", ".join([self.trigger.description, *bounds])


def _some(triggers: tuple[Trigger, ...]) -> tuple[Trigger, ...]:
    found = tuple(triggers)
    if not found:
        raise InvalidSchedule("triggers", "none", "give at least one trigger")
    return found
