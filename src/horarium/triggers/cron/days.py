"""Which days of a year an expression means, as one bit mask for each of the fourteen shapes a year can have."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from horarium.triggers.cron.fields import Field, Special, SpecialKind

SHAPES = 14
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_EVERY_WEEK = sum(1 << 7 * week for week in range(6))


class DayPlan:
    """The days that match, for any year.

    A year is leap or not and begins on one of seven weekdays, so fourteen masks say everything, for ever: bit `n`
    of a mask is the day `n` days after New Year. They are made when first asked for and kept.
    """

    __slots__ = ("_both", "_day", "_masks", "_months", "_weekday")

    def __init__(self, day: Field, months: int, weekday: Field, *, both: bool) -> None:
        self._day = day
        self._months = months
        self._weekday = weekday
        self._both = both
        self._masks: list[int] = [-1] * SHAPES

    def mask(self, shape: int) -> int:
        """Return the matching days of a year of this `shape` (see `year_shape`)."""
        mask = self._masks[shape]
        if mask < 0:
            mask = self._masks[shape] = self._year(shape)
        return mask

    @property
    def ever_comes(self) -> bool:
        """Say whether there is a matching day in any year."""
        return any(self.mask(shape) for shape in range(SHAPES))

    def _year(self, shape: int) -> int:
        mask = offset = 0
        weekday = shape % 7
        for month, length in enumerate(_LENGTHS, start=1):
            days = 29 if month == 2 and shape >= 7 else length
            if self._months >> month & 1:
                mask |= self._month(days, (weekday + offset) % 7) << offset
            offset += days
        return mask

    def _month(self, length: int, first: int) -> int:
        by_date = self._day.mask >> 1
        for special in self._day.specials:
            by_date |= _days_of(special, length, first)
        by_weekday = 0
        for weekday in self._weekday.values:
            by_weekday |= _EVERY_WEEK << (weekday - first) % 7
        for special in self._weekday.specials:
            by_weekday |= _days_of(special, length, first)
        days = by_date & by_weekday if self._both else by_date | by_weekday
        return days & (1 << length) - 1


@lru_cache(maxsize=1024)
def day_plan(day: Field, months: int, weekday: Field, *, both: bool) -> DayPlan:
    """Return the plan of these day fields; many expressions share one."""
    return DayPlan(day, months, weekday, both=both)


@lru_cache(maxsize=512)
def year_shape(year: int) -> tuple[int, int]:
    """Return the ordinal of New Year's Day and the shape: its weekday (Sunday is 0), plus 7 in a leap year."""
    start = date(year, 1, 1).toordinal()
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return start, start % 7 + (7 if leap else 0)


def _days_of(special: Special, length: int, first: int) -> int:
    """Return the day a special item means in a month of `length` days that begins on weekday `first`, as a mask."""
    day = _day_of(special, length, first)
    return 1 << day - 1 if day <= length else 0


def _day_of(special: Special, length: int, first: int) -> int:
    match special.kind:
        case SpecialKind.LAST_DAY:
            return length
        case SpecialKind.LAST_WORKDAY:
            return _nearest_workday(length, length, first)
        case SpecialKind.NEAREST_WORKDAY:
            return _nearest_workday(special.day, length, first) if special.day <= length else special.day
        case SpecialKind.LAST_WEEKDAY:
            return length - (first + length - 1 - special.day) % 7
        case SpecialKind.NTH_WEEKDAY:
            return 1 + (special.day - first) % 7 + 7 * (special.nth - 1)


def _nearest_workday(day: int, length: int, first: int) -> int:
    weekday = (first + day - 1) % 7
    if weekday == 6:
        return day - 1 if day > 1 else day + 2
    if weekday == 0:
        return day + 1 if day < length else day - 2
    return day
