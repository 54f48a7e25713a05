"""Cron expressions in words: "Weekdays at 06:00", "Every 15 minutes from 08:00 to 17:59"."""

from __future__ import annotations

from horarium.triggers.cron.expression import CronExpression
from horarium.triggers.cron.phrases import MONTHS, WEEKDAYS, listed, spans
from horarium.triggers.cron.words_of_days import every_day, words_of_days
from horarium.triggers.cron.words_of_times import words_of_minutes, words_of_seconds

_EVERY_MINUTE = "Every minute"


def in_words(expression: CronExpression) -> str:
    """Say what an expression means, in one line that begins with a capital."""
    seconds = expression.second.values if expression.second else (0,)
    if len(seconds) == 1:
        return _sentence(expression, seconds[0])
    often, minutes = words_of_seconds(seconds), _sentence(expression, 0)
    if minutes.startswith(_EVERY_MINUTE):
        return often + minutes.removeprefix(_EVERY_MINUTE)
    if not minutes.startswith(WEEKDAYS):
        minutes = minutes[0].lower() + minutes[1:]
    return f"{often} within these minutes: {minutes}"


def _sentence(expression: CronExpression, second: int) -> str:
    months = listed(spans(expression.month.values, ("", *MONTHS))) if len(expression.month.values) < 12 else ""
    times = words_of_minutes(expression.minute.values, expression.hour.values, second)
    days = words_of_days(expression, months)
    if not times.startswith("at "):
        return times + (f" on {days}" if days else f" in {months}" if months else "")
    lead = (days or every_day(months)).removeprefix("the ")
    comma = "," if ", and also " in lead or ", but only " in lead else ""
    return f"{lead[0].upper()}{lead[1:]}{comma} {times}"
