"""From schedule text to `CronExpression`: what is not allowed is refused here, in one sentence."""

from __future__ import annotations

import re
from functools import lru_cache, partial

from horarium.errors import InvalidSchedule
from horarium.triggers.cron.days import day_plan
from horarium.triggers.cron.expression import CronExpression
from horarium.triggers.cron.fields import DAY, HOUR, MINUTE, MONTH, SECOND, WEEKDAY, Field, FieldRule, Special
from horarium.triggers.cron.fields import SpecialKind as Kind

MAX_LENGTH = 256
MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_BLANKS = re.compile(r"[ \t]+")
_ITEM = re.compile(
    r"(?:(?P<star>\*)|(?P<first>[0-9]+|[A-Za-z]+)(?:-(?P<last>[0-9]+|[A-Za-z]+))?)(?:/(?P<step>[0-9]+))?"
)
_WORKDAY = re.compile(r"([0-9]+)W")
_LAST_WEEKDAY = re.compile(r"([0-9]+|[A-Za-z]{3})L")
_NTH_WEEKDAY = re.compile(r"([0-9]+|[A-Za-z]{3})#([0-9]+)")


def parse(text: str) -> CronExpression:
    """Read a schedule text of five fields, six fields (seconds first) or one macro.

    Raises `InvalidSchedule`, naming the field, the value and what is allowed. A schedule that never comes is
    refused, too.
    """
    if not isinstance(text, str):
        raise InvalidSchedule("schedule", text, "give a text such as '0 6 * * 1-5'")
    if len(text) > MAX_LENGTH:
        raise InvalidSchedule("schedule", text, f"use at most {MAX_LENGTH} characters")
    return _parse(_BLANKS.sub(" ", text).strip(" "))


@lru_cache(maxsize=1024)
def _parse(text: str) -> CronExpression:
    parts = _written_out(text).split(" ")
    if len(parts) not in {5, 6}:
        raise InvalidSchedule(
            "schedule",
            text,
            "write five fields (minute, hour, day of month, month, weekday), or six with seconds first",
        )
    second = _field(SECOND, parts[0]) if len(parts) == 6 else None
    minute, hour, day, month, weekday = map(_field, (MINUTE, HOUR, DAY, MONTH, WEEKDAY), parts[-5:])
    expression = CronExpression(text, second, minute, hour, day, month, weekday)
    if not day_plan(day, month.mask, weekday, both=expression.needs_both_days).ever_comes:
        raise InvalidSchedule("schedule", text, "such a date never comes; choose days that the months have")
    return expression


def _written_out(text: str) -> str:
    if not text.startswith("@"):
        return text
    if text not in MACROS:
        raise InvalidSchedule("schedule", text, f"use one of {', '.join(MACROS)}, in lower case and alone")
    return MACROS[text]


def _field(rule: FieldRule, text: str) -> Field:
    mask = 0
    specials: list[Special] = []
    for item in text.split(","):
        special = _special(rule, item)
        if special is None:
            mask |= _plain(rule, item)
        else:
            specials.append(special)
    if rule is WEEKDAY and mask >> 7:
        mask = mask & 0x7F | 1
    return Field(text, mask, text.startswith("*"), tuple(dict.fromkeys(specials)))


def _plain(rule: FieldRule, item: str) -> int:
    """Return the values of one list item as a mask."""
    refuse = partial(InvalidSchedule, rule.name, item)
    if not item:
        raise InvalidSchedule(rule.name, item, "write a value between the commas")
    match = _ITEM.fullmatch(item)
    if match is None:
        raise refuse(f"{rule.allowed}, a range such as {rule.low}-{rule.high}, a list, or steps such as */2")
    step = match["step"]
    if step is not None and int(step) == 0:
        raise refuse("a step is at least 1")
    if match["star"]:
        return _mask(rule.low, rule.high, int(step or 1))
    first = _value(rule, match["first"], item)
    if match["last"] is None:
        if step is not None:
            raise refuse(f"a step needs a range: write {match['first']}-{rule.high}/{step}")
        return 1 << first
    last = _value(rule, match["last"], item)
    if last < first:
        raise refuse("write a range from low to high, or a list of two ranges")
    return _mask(first, last, int(step or 1))


def _mask(first: int, last: int, step: int) -> int:
    return sum(1 << value for value in range(first, last + 1, step))


def _value(rule: FieldRule, text: str, item: str) -> int:
    if text[0].isdigit():
        number = int(text)
        if rule.low <= number <= rule.high:
            return number
    elif text.lower() in rule.names:
        return rule.low + rule.names.index(text.lower())
    raise InvalidSchedule(rule.name, item, rule.allowed)


def _special(rule: FieldRule, item: str) -> Special | None:
    if rule is DAY:
        return _special_day(item)
    return _special_weekday(item) if rule is WEEKDAY else None


def _special_day(item: str) -> Special | None:
    if item == "L":
        return Special(Kind.LAST_DAY)
    if item == "LW":
        return Special(Kind.LAST_WORKDAY)
    match = _WORKDAY.fullmatch(item)
    return Special(Kind.NEAREST_WORKDAY, _value(DAY, match[1], item)) if match else None


def _special_weekday(item: str) -> Special | None:
    if match := _LAST_WEEKDAY.fullmatch(item):
        return Special(Kind.LAST_WEEKDAY, _value(WEEKDAY, match[1], item) % 7)
    if match := _NTH_WEEKDAY.fullmatch(item):
        nth = int(match[2])
        if not 1 <= nth <= 5:
            raise InvalidSchedule(WEEKDAY.name, item, "a month has the first to the fifth of a weekday: use #1 to #5")
        return Special(Kind.NTH_WEEKDAY, _value(WEEKDAY, match[1], item) % 7, nth)
    return None
