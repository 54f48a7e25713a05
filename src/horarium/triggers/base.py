"""What every trigger is: a pure, immutable value that names the next instant of a schedule."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta

from horarium.errors import InvalidSchedule

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MIN_EPOCH = -62_135_596_800
"""The first second of the year 1 in UTC, in seconds since the epoch."""
MAX_EPOCH = 253_402_300_799
"""The last second of the year 9999 in UTC, in seconds since the epoch."""
MICROSECOND = timedelta(microseconds=1)


class Trigger(ABC):
    """A rule that gives instants, one after the other.

    Triggers are values: equal when they mean the same, hashable, cheap to keep, safe to share between threads.
    They do no I/O, know no clock, and hold no place in a sequence: the caller brings the instant.
    """

    __slots__ = ()

    @abstractmethod
    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first instant strictly after `instant` (aware), in UTC, or None when there is no other."""

    @property
    @abstractmethod
    def description(self) -> str:
        """Return the schedule in words, such as "Weekdays at 06:00"."""


def epoch_floor(instant: datetime) -> int:
    """Return the whole seconds since the epoch at or before an aware `instant`."""
    since = instant - EPOCH
    return since.days * 86_400 + since.seconds


def from_epoch(seconds: int) -> datetime:
    """Return the aware UTC instant `seconds` after the epoch."""
    return EPOCH + timedelta(0, seconds)


def utc_instant(value: object, field: str) -> datetime:
    """Return `value` as an aware UTC instant.

    Raises `InvalidSchedule` when it is no datetime, or one without a zone, which could mean any instant.
    """
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidSchedule(field, value, "give a datetime with a time zone")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise InvalidSchedule(field, value, "the instant must lie in the years 1 to 9999 of UTC") from None
