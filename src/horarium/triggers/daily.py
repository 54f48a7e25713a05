"""Every so many calendar days at a time on the wall clock, through summer time like a fixed-time cron job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from horarium.errors import InvalidSchedule
from horarium.triggers.base import EPOCH, Trigger
from horarium.triggers.cron.search import EPOCH_ORDINAL
from horarium.triggers.cron.zones import zone_clock

_DAY = 86_400
_MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class DailyTrigger(Trigger):
    """Fire every `days` days at the wall time `at` in the zone `tz`, counted from `anchor` and never before it.

    24 hours are not a day where summer time begins or ends: this counts days. A time that the clock skips comes at
    the first instant after the gap; one that comes twice counts in the first pass.

    Raises `InvalidSchedule` when the days are not 1 to 366, the time has a zone or parts of a second, or the zone
    is unknown.
    """

    days: int
    at: time
    tz: str
    anchor: date

    def __post_init__(self) -> None:
        if type(self.days) is not int or not 1 <= self.days <= _MOST_DAYS:
            raise InvalidSchedule("days", self.days, f"use 1 to {_MOST_DAYS}")
        if type(self.at) is not time or self.at.microsecond or self.at.tzinfo is not None:
            raise InvalidSchedule("time", self.at, "give a time of day in whole seconds, without a zone")
        if type(self.anchor) is not date:
            raise InvalidSchedule("anchor", self.anchor, "give a date")
        zone_clock(self.tz)

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first instant strictly after `instant` (aware), in UTC, or None after the year 9999."""
        since = instant - EPOCH
        found = zone_clock(self.tz).next_epoch(self, since.days * _DAY + since.seconds, wildcard=False)
        return None if found is None else EPOCH + timedelta(0, found)

    def first_from(self, local: int) -> int | None:
        """Return the first matching local second at or after `local`, counted like seconds since the epoch."""
        at = (self.at.hour * 60 + self.at.minute) * 60 + self.at.second
        anchor = self.anchor.toordinal() - EPOCH_ORDINAL
        day = max(anchor, -((at - local) // _DAY))
        day += -(day - anchor) % self.days
        return day * _DAY + at if day + EPOCH_ORDINAL <= date.max.toordinal() else None

    @property
    def description(self) -> str:
        """Return words such as "Every 2 days at 09:00 (Europe/Berlin)"."""
        often = "Every day" if self.days == 1 else f"Every {self.days} days"
        zone = "" if self.tz == "UTC" else f" ({self.tz})"
        return f"{often} at {self.at:{'%H:%M:%S' if self.at.second else '%H:%M'}}{zone}"
