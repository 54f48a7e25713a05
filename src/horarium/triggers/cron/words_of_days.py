"""The days of a cron expression in words."""

from __future__ import annotations

from collections.abc import Sequence

from horarium.triggers.cron.expression import CronExpression
from horarium.triggers.cron.fields import Field, Special, SpecialKind
from horarium.triggers.cron.phrases import WEEKDAYS, listed, ordinal, spans, step_of

_ALL_DAYS = 0xFFFF_FFFE
_ALL_WEEKDAYS = 0x7F
_SETS = {(1, 2, 3, 4, 5): "weekdays", (0, 6): "weekends"}


def every_day(months: str) -> str:
    """Return "every day", with its months when there are some."""
    return f"every day in {months}" if months else "every day"


def words_of_days(expression: CronExpression, months: str) -> str:
    """Return words for the days in these months (nothing: in all), or nothing when it is every day of them."""
    day, weekday = expression.day, expression.weekday
    any_day, any_weekday = day.mask == _ALL_DAYS, weekday.mask == _ALL_WEEKDAYS
    if any_day and any_weekday:
        return ""
    if not expression.needs_both_days:
        if any_day or any_weekday:
            return ""
        return f"{_days(day, months)}, and also {_weekdays(weekday, months)}"
    if any_weekday:
        return _days(day, months)
    if any_day:
        return _weekdays(weekday, months)
    return f"{_weekdays(weekday, months)}, but only on {_days(day, '')}"


def _days(field: Field, months: str) -> str:
    values = field.values
    step = step_of(values)
    if step > 1 and len(values) > 3:
        names = [f"every {ordinal(step)} day from the {ordinal(values[0])} to the {ordinal(values[-1])}"]
    else:
        names = spans(values, [ordinal(number) for number in range(32)])
    names += map(_special, field.specials)
    words = listed(names)
    article = "" if words.startswith("every") else "the "
    return f"{article}{words} of {months or 'the month'}"


def _weekdays(field: Field, months: str) -> str:
    plain = _plain(field.values)
    if plain and months:
        plain = f"{plain} in {months}"
    if not field.specials:
        return plain
    special = f"the {listed([_special(special) for special in field.specials])} of {months or 'the month'}"
    return f"{plain} and {special}" if plain else special


def _plain(values: Sequence[int]) -> str:
    from_monday = sorted(values, key=lambda value: (value - 1) % 7)
    return _SETS.get(tuple(values)) or listed([f"{WEEKDAYS[value]}s" for value in from_monday])


def _special(special: Special) -> str:
    match special.kind:
        case SpecialKind.LAST_DAY:
            return "last day"
        case SpecialKind.LAST_WORKDAY:
            return "last weekday"
        case SpecialKind.NEAREST_WORKDAY:
            return f"weekday nearest the {ordinal(special.day)}"
        case SpecialKind.LAST_WEEKDAY:
            return f"last {WEEKDAYS[special.day]}"
        case SpecialKind.NTH_WEEKDAY:
            return f"{ordinal(special.nth)} {WEEKDAYS[special.day]}"
