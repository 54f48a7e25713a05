"""The cron trigger: an expression on the clock of a zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from horarium.triggers.base import EPOCH, Trigger
from horarium.triggers.cron.expression import CronExpression
from horarium.triggers.cron.parse import parse
from horarium.triggers.cron.search import LocalPattern, local_pattern
from horarium.triggers.cron.words import in_words
from horarium.triggers.cron.zones import ZoneClock, zone_clock


class CronTrigger(Trigger):
    """Fire when the expression is due on the clock of the zone `tz`.

    Raises `InvalidSchedule` when the expression or the zone is refused.
    """

    __slots__ = ("_clock", "_pattern", "_wildcard", "expression", "tz")

    expression: Final[CronExpression]
    tz: Final[str]

    def __init__(self, expression: str | CronExpression, tz: str = "UTC") -> None:
        self._clock: ZoneClock = zone_clock(tz)
        self.expression = expression if isinstance(expression, CronExpression) else parse(expression)
        self._pattern: LocalPattern = local_pattern(self.expression)
        self._wildcard = self.expression.is_wildcard
        self.tz = tz

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first instant strictly after `instant` (aware), in UTC, or None after the year 9999."""
        # Written out rather than called: this is the hottest line of the house.
        since = instant - EPOCH
        found = self._clock.next_epoch(self._pattern, since.days * 86_400 + since.seconds, wildcard=self._wildcard)
        return None if found is None else EPOCH + timedelta(0, found)

    def next_epoch(self, seconds: int) -> int | None:
        """Return the same in whole seconds since the epoch, for callers that count."""
        return self._clock.next_epoch(self._pattern, seconds, wildcard=self._wildcard)

    @property
    def description(self) -> str:
        """Return the schedule in words, with the zone unless it is UTC."""
        words = in_words(self.expression)
        return words if self.tz == "UTC" else f"{words} ({self.tz})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CronTrigger):
            return NotImplemented
        return self.expression == other.expression and self.tz == other.tz

    def __hash__(self) -> int:
        return hash((self.expression.text, self.tz))

    def __repr__(self) -> str:
        return f"CronTrigger({self.expression.text!r}, {self.tz!r})"

    def __reduce__(self) -> tuple[type[CronTrigger], tuple[str, str]]:
        return CronTrigger, (self.expression.text, self.tz)
