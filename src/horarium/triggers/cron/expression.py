"""A parsed cron expression: a value that knows its fields and nothing about searching."""

from __future__ import annotations

from dataclasses import dataclass

from horarium.triggers.cron.fields import Field


@dataclass(frozen=True, slots=True)
class CronExpression:
    """The five or six fields of a schedule text; `second` is None when there are five.

    `text` is the text as it was given, with single blanks; a macro keeps its name.
    """

    text: str
    second: Field | None
    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field

    @property
    def is_wildcard(self) -> bool:
        """Say whether the job follows the clock: its minute or its hour begins with `*`."""
        return self.minute.starred or self.hour.starred

    @property
    def needs_both_days(self) -> bool:
        """Say whether a day must match both day fields; otherwise one of them is enough."""
        return self.day.starred or self.weekday.starred

    def __str__(self) -> str:
        """Return the schedule text."""
        return self.text
