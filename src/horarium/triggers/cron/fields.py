"""The fields of a cron expression: what each position may hold, and what one holds after parsing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What one position of an expression may hold: whole numbers from `low` to `high`, and names for them."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """Return the advice for an error message, such as "use 1 to 12 or jan to dec"."""
        numbers = f"use {self.low} to {self.high}"
        return f"{numbers} or {self.names[0]} to {self.names[-1]}" if self.names else numbers


SECOND = FieldRule("second", 0, 59)
MINUTE = FieldRule("minute", 0, 59)
HOUR = FieldRule("hour", 0, 23)
DAY = FieldRule("day of month", 1, 31)
MONTH = FieldRule("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))
WEEKDAY = FieldRule("weekday", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat"))


class SpecialKind(Enum):
    """The days that depend on the shape of a month."""

    LAST_DAY = "L"
    LAST_WORKDAY = "LW"
    NEAREST_WORKDAY = "W"
    LAST_WEEKDAY = "weekday L"
    NTH_WEEKDAY = "#"


@dataclass(frozen=True, slots=True)
class Special:
    """One item such as `L`, `15W` or `fri#2`; `day` is a day of the month or a weekday, as the kind says."""

    kind: SpecialKind
    day: int = 0
    nth: int = 0


@dataclass(frozen=True, slots=True)
class Field:
    """One parsed field: bit `n` of `mask` says that the plain value `n` is in it.

    `starred` says that its first character is `*`, which is what counts for the two rules that look at stars:
    how the day fields combine, and whether a job follows the clock through a change of it.
    """

    text: str
    mask: int
    starred: bool
    specials: tuple[Special, ...] = ()

    @property
    def values(self) -> tuple[int, ...]:
        """Return the plain values in ascending order."""
        return tuple(value for value in range(self.mask.bit_length()) if self.mask >> value & 1)
