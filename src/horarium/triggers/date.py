"""One instant, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from horarium.triggers.base import Trigger, utc_instant


@dataclass(frozen=True, slots=True)
class DateTrigger(Trigger):
    """Fire once, at the instant `at`. Raises `InvalidSchedule` when it has no zone.

    Whether an instant in the past is welcome is for the caller to decide: a trigger knows no clock.
    """

    at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc_instant(self.at, "date"))

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the instant while it lies ahead of `instant`, then None."""
        return self.at if instant < self.at else None

    @property
    def description(self) -> str:
        """Return words such as "Once on Tue 24 Nov 2026 at 10:00 UTC"."""
        return (
            f"Once on {self.at:%a} {self.at.day} {self.at:%b} {self.at.year} at {self.at:%H:%M:%S}".removesuffix(":00")
            + " UTC"
        )
