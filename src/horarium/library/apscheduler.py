"""Trigger objects of APScheduler 3 as triggers of ours. They are read by their attributes, nothing is imported."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, timedelta
from itertools import chain
from typing import Any

from horarium.errors import InvalidSchedule
from horarium.triggers import AllOf, Bounded, CronTrigger, DateTrigger, IntervalTrigger, Trigger

_LIMITS = {"second": (0, 59), "minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12)}
_EVERY_DAY = frozenset(range(7))


def is_apscheduler(given: object) -> bool:
    """Tell whether this is a trigger object of APScheduler."""
    return type(given).__module__.startswith("apscheduler.triggers.")


def from_apscheduler(given: Any) -> Trigger:
    """Return our trigger for one of APScheduler's. Raises `InvalidSchedule` for what has no equal here."""
    if getattr(given, "jitter", None):
        raise InvalidSchedule("trigger", given, "give the jitter to the task, as its option, not to the trigger")
    kind = type(given).__name__
    if kind == "DateTrigger":
        return DateTrigger(given.run_date)
    if kind == "IntervalTrigger":
        if given.interval < timedelta(seconds=1):
            raise InvalidSchedule("interval", given.interval.total_seconds(), "use at least 1 second")
        return _until(IntervalTrigger(given.interval, given.start_date.astimezone(UTC)), None, given.end_date)
    if kind == "CronTrigger":
        return _until(_cron(given), given.start_date, given.end_date)
    raise InvalidSchedule("trigger", kind, "of APScheduler's triggers, use cron, interval or date")


def _until(trigger: Trigger, start: Any, end: Any) -> Trigger:
    return trigger if start is None and end is None else Bounded(trigger, start, end)


def _cron(given: Any) -> Trigger:
    """Translate field by field. There all the fields must fit, also day and weekday; weekdays count from Monday."""
    fields = {each.name: each.expressions for each in given.fields}
    if any(not _is_all(fields[name]) for name in ("year", "week")):
        raise InvalidSchedule("trigger", given, "cron triggers with a year or a week have no crontab form")
    times = [_texts(name, fields[name]) for name in ("minute", "hour")]
    if (second := _texts("second", fields["second"])) != "0":
        times.insert(0, second)
    month = _texts("month", fields["month"])
    zone = getattr(given.timezone, "key", None) or str(given.timezone)

    def on(day: str, weekday: str) -> CronTrigger:
        return CronTrigger(" ".join([*times, day, month, weekday]), zone)

    weekdays = _weekdays(fields["day_of_week"])
    if _is_all(fields["day"]):
        return on("*", weekdays)
    days, positions = _days(fields["day"])
    if weekdays == "*" or (days.startswith("*") and positions == "*"):
        return on(days, positions if weekdays == "*" else weekdays)
    return AllOf((on(days, positions), on("*", weekdays)))


def _days(expressions: Iterable[Any]) -> tuple[str, str]:
    """Return the day and the weekday field for what stands in a field of days: "2nd fri" is a matter of weekdays."""
    plain, positions = [], []
    for each in expressions:
        kind = type(each).__name__
        if kind == "LastDayOfMonthExpression":
            plain.append("L")
        elif kind == "WeekdayPositionExpression":
            weekday = (each.weekday + 1) % 7
            positions.append(f"{weekday}L" if each.option_num == 5 else f"{weekday}#{each.option_num + 1}")
        else:
            plain.append(_text("day", each))
    if plain and positions:
        # A star in front would ask for both, where either is meant.
        plain = [text.replace("*", "1-31") for text in plain]
    return ",".join(plain) or "*", ",".join(positions) or "*"


def _weekdays(expressions: Iterable[Any]) -> str:
    days = frozenset((day + 1) % 7 for day in chain.from_iterable(_values(each, 0, 6) for each in expressions))
    if days == _EVERY_DAY:
        return "*"
    ordered = sorted(days)
    first, last = ordered[0], ordered[-1]
    if len(ordered) > 2 and last - first == len(ordered) - 1:
        return f"{first}-{last}"
    return ",".join(map(str, ordered))


def _texts(name: str, expressions: Iterable[Any]) -> str:
    return "*" if _is_all(expressions) else ",".join(_text(name, each) for each in expressions)


def _text(name: str, each: Any) -> str:
    if not hasattr(each, "first"):
        return f"*/{each.step}"
    low, high = each.first, each.last
    if low == high:
        return str(low)
    last = _LIMITS[name][1] if high is None else high
    return f"{low}-{last}/{each.step}" if each.step else f"{low}-{last}"


def _values(each: Any, low: int, high: int) -> range:
    first, last = getattr(each, "first", low), getattr(each, "last", None)
    return range(first, (high if last is None else last) + 1, each.step or 1)


def _is_all(expressions: Iterable[Any]) -> bool:
    return any(type(each).__name__ == "AllExpression" and not each.step for each in expressions)
