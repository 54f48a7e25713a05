"""The search on the local clock: from a local second to the next one that an expression means.

Local seconds are counted like seconds since the epoch, but on the wall clock: 0 is 1 January 1970, 00:00, whatever
the zone. Days, minutes and seconds are bit masks, so that each step is a shift and a look at the lowest bit.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from horarium.triggers.cron.days import DayPlan, day_plan, year_shape
from horarium.triggers.cron.expression import CronExpression

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_LAST_ORDINAL = date.max.toordinal()
_LAST_YEAR = date.max.year


class LocalPattern:
    """The local seconds that an expression means."""

    __slots__ = ("_days", "_first_minute", "_first_second", "_minutes", "_seconds")

    def __init__(self, expression: CronExpression) -> None:
        self._days: DayPlan = day_plan(
            expression.day, expression.month.mask, expression.weekday, both=expression.needs_both_days
        )
        self._minutes = sum(expression.minute.mask << 60 * hour for hour in expression.hour.values)
        self._seconds = expression.second.mask if expression.second else 1
        self._first_minute = _lowest(self._minutes)
        self._first_second = _lowest(self._seconds)

    def first_from(self, local: int) -> int | None:
        """Return the first matching local second at or after `local`, or None after the year 9999."""
        day, rest = divmod(local, 86_400)
        ordinal = day + EPOCH_ORDINAL
        if not 0 < ordinal <= _LAST_ORDINAL:
            if ordinal > 0:
                return None
            ordinal, rest = 1, 0
        year = date.fromordinal(ordinal).year
        start, shape = year_shape(year)
        days = self._days.mask(shape) >> ordinal - start
        if days & 1:
            found = self._time_from(rest)
            if found >= 0:
                return (ordinal - EPOCH_ORDINAL) * 86_400 + found
        days >>= 1
        return self._first_of(ordinal + 1, days) if days else self._first_in_years(year + 1)

    def _first_in_years(self, year: int) -> int | None:
        while year <= _LAST_YEAR:
            start, shape = year_shape(year)
            days = self._days.mask(shape)
            if days:
                return self._first_of(start, days)
            year += 1
        return None

    def _first_of(self, ordinal: int, days: int) -> int:
        day = ordinal + (days & -days).bit_length() - 1 - EPOCH_ORDINAL
        return day * 86_400 + self._first_minute * 60 + self._first_second

    def _time_from(self, rest: int) -> int:
        """Return the first matching second of the day at or after `rest`, or -1."""
        minute, second = divmod(rest, 60)
        minutes = self._minutes >> minute
        if second and minutes & 1:
            seconds = self._seconds >> second
            if seconds:
                return rest + (seconds & -seconds).bit_length() - 1
            minutes -= 1
        if not minutes:
            return -1
        return (minute + (minutes & -minutes).bit_length() - 1) * 60 + self._first_second


@lru_cache(maxsize=1024)
def local_pattern(expression: CronExpression) -> LocalPattern:
    """Return the pattern of an expression; tasks with the same schedule share one."""
    return LocalPattern(expression)


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
