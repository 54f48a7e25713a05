"""Know one day of the viewer: where it begins and ends, where its hours stand, when it is not 24 hours long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from horarium.web.filters import NOTHING, clock_time

_QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day in a zone, as the instants between its midnights: 23, 24 or 25 hours."""

    on: date
    zone: tzinfo
    start: datetime
    end: datetime

    @classmethod
    def of(cls, day: date, zone: tzinfo) -> Day:
        """Return the day `day` of the zone."""
        first, last = (datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + timedelta(days=1)))
        return cls(day, zone, first, last)

    @property
    def length(self) -> timedelta:
        """How long the day is in elapsed time."""
        return self.end - self.start

    def share(self, instant: datetime) -> float:
        """Return where an instant stands in the day, 0 to 100; outside it, the nearer edge."""
        return min(max((instant - self.start) / self.length, 0.0), 1.0) * 100

    def hours(self) -> list[tuple[float, int]]:
        """Return (place in percent, hour on the clock) of each full hour; on clock-change days one less or more."""
        marks = (self.start + number * _QUARTER for number in range(self.length // _QUARTER))
        local = ((instant, instant.astimezone(self.zone)) for instant in marks)
        return [(self.share(instant), wall.hour) for instant, wall in local if wall.minute == 0]

    def note(self) -> str:
        """Return a sentence when the clocks change on this day, else nothing."""
        if self.length == timedelta(days=1):
            return ""
        hours = f"{self.length / timedelta(hours=1):g}"
        turn = "forward" if self.length < timedelta(days=1) else "back"
        return f"The clocks go {turn}: this day has {hours} hours"

    def clock(self, instant: datetime | None) -> str:
        """Return the time of day of an instant, `06:00`, or a dash for none."""
        return NOTHING if instant is None else clock_time(instant, self.zone)
