"""Calendars: days and hours that are taken out of a schedule, such as holidays and quiet hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from horarium.errors import InvalidSchedule
from horarium.triggers.base import utc_instant
from horarium.triggers.cron.zones import zone_clock

_MOST_STEPS = 2_000
_MIDNIGHT = time()


@dataclass(frozen=True, slots=True)
class WeeklyRule:
    """Hours of some weekdays (0 is Sunday): from `start` up to `end`; midnight as `end` means the whole rest.

    When `end` is before `start`, the hours run over midnight into the next day.
    """

    weekdays: frozenset[int]
    start: time = _MIDNIGHT
    end: time = _MIDNIGHT

    def __post_init__(self) -> None:
        object.__setattr__(self, "weekdays", frozenset(self.weekdays))
        if not self.weekdays or not self.weekdays <= set(range(7)):
            raise InvalidSchedule("weekdays", sorted(self.weekdays), "use one or more of 0 (Sunday) to 6 (Saturday)")

    def covers(self, local: datetime) -> bool:
        """Say whether a time of the wall clock lies in the rule."""
        now, today = local.time(), local.isoweekday() % 7
        if self.end == _MIDNIGHT or self.start < self.end:
            return today in self.weekdays and self.start <= now and (now < self.end or self.end == _MIDNIGHT)
        return (today in self.weekdays and now >= self.start) or ((today - 1) % 7 in self.weekdays and now < self.end)


@dataclass(frozen=True, slots=True)
class DateRange:
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise InvalidSchedule("range", f"{self.first} to {self.last}", "the last day must not be before the first")

    def covers(self, local: datetime) -> bool:
        """Say whether a time of the wall clock lies in the range."""
        return self.first <= local.date() <= self.last


@dataclass(frozen=True, slots=True)
class Blackout:
    """The time from the instant `start` up to, not including, the instant `end`, whatever the zone."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", utc_instant(self.start, "start of the blackout"))
        object.__setattr__(self, "end", utc_instant(self.end, "end of the blackout"))
        if self.end <= self.start:
            raise InvalidSchedule("end of the blackout", self.end.isoformat(), "it must be later than the start")

    def covers(self, local: datetime) -> bool:
        """Say whether an aware time lies in the blackout."""
        return self.start <= local < self.end


@dataclass(frozen=True, slots=True)
class Calendar:
    """A named set of times when a schedule rests: weekly rules, single dates, ranges of dates, and blackouts.

    Dates and hours are those of the clock in the zone `tz`.
    """

    name: str
    tz: str = "UTC"
    weekly: tuple[WeeklyRule, ...] = ()
    dates: frozenset[date] = frozenset()
    ranges: tuple[DateRange, ...] = ()
    blackouts: tuple[Blackout, ...] = ()

    def __post_init__(self) -> None:
        zone_clock(self.tz)
        object.__setattr__(self, "dates", frozenset(self.dates))
        for field in ("weekly", "ranges", "blackouts"):
            object.__setattr__(self, field, tuple(getattr(self, field)))

    def covers(self, instant: datetime) -> bool:
        """Say whether the schedule rests at an aware `instant`."""
        local = instant.astimezone(zone_clock(self.tz).zone)
        rules: tuple[WeeklyRule | DateRange | Blackout, ...] = (*self.weekly, *self.ranges, *self.blackouts)
        return local.date() in self.dates or any(rule.covers(local) for rule in rules)

    def free_from(self, instant: datetime) -> datetime | None:
        """Return the first instant at or after `instant` at which the schedule does not rest, in UTC.

        None when there is none within 2,000 steps from the end of one rule to the next, which is years.
        """
        moment = instant.astimezone(UTC)
        for _ in range(_MOST_STEPS):
            if not self.covers(moment):
                return moment
            moment = self._next_edge(moment)
        return None

    def _next_edge(self, moment: datetime) -> datetime:
        """Return an instant before which the rest at `moment` does not end."""
        zone = zone_clock(self.tz).zone
        local = moment.astimezone(zone)
        long = [blackout.end for blackout in self.blackouts if blackout.covers(moment)]
        long += [datetime.combine(span.last, _MIDNIGHT, zone) for span in self.ranges if span.covers(local)]
        latest = max(long, default=moment)
        if latest > moment:
            return latest.astimezone(UTC)
        times = {_MIDNIGHT, *(rule.end for rule in self.weekly)}
        days = (local.date(), local.date() + timedelta(days=1))
        edges = [datetime.combine(day, at, zone).replace(fold=fold) for day in days for at in times for fold in (0, 1)]
        return min(instant for instant in (edge.astimezone(UTC) for edge in edges) if instant > moment)
