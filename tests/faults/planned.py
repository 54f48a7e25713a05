"""When a task should have run, worked out without the scheduler's own rules: plain arithmetic and a minute loop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = 60_000_000


def planned_instants(schedule: str | None, after: int, until: int) -> list[int]:
    """Return the instants (microseconds) later than `after` and before `until` of a stored schedule.

    Intervals, dates and cron expressions of plain numbers, lists, ranges and steps are understood; a wall time that
    the clocks skip or repeat is none of this function's business.
    """
    if schedule is None:
        return []
    rule = json.loads(schedule)
    if rule["kind"] == "interval":
        return list(_interval(rule, after, until))
    if rule["kind"] == "date":
        # A date may be taken late: then it lies before its task was made.
        at = _micros(rule["at"])
        return [at] if at < until else []
    if rule["kind"] == "cron":
        return list(_cron(rule["expression"].split(), ZoneInfo(rule["tz"]), after, until))
    message = f"the checker cannot work out {schedule}"
    raise ValueError(message)


def _interval(rule: dict[str, Any], after: int, until: int) -> Iterator[int]:
    anchor, every = _micros(rule["anchor"]), int(rule["every_micros"])
    at = anchor
    if at <= after:
        at = anchor + ((after - anchor) // every + 1) * every
    while at < until:
        yield at
        at += every


def _cron(fields: list[str], zone: ZoneInfo, after: int, until: int) -> Iterator[int]:
    minutes, hours, days, months, weekdays = fields
    at = (after // MINUTE + 1) * MINUTE
    while at < until:
        wall = (EPOCH + timedelta(microseconds=at)).astimezone(zone)
        of_month = _holds(days, wall.day, 1, 31)
        of_week = _holds(weekdays, wall.isoweekday() % 7, 0, 7) or _holds(weekdays, wall.isoweekday(), 0, 7)
        # Either of the two days will do when both are restricted.
        day = of_month or of_week if days != "*" and weekdays != "*" else of_month and of_week
        if day and all(
            (_holds(minutes, wall.minute, 0, 59), _holds(hours, wall.hour, 0, 23), _holds(months, wall.month, 1, 12))
        ):
            yield at
        at += MINUTE


def _holds(field: str, value: int, low: int, high: int) -> bool:
    for item in field.split(","):
        body, _, step = item.partition("/")
        first, _, last = body.partition("-")
        start, end = (low, high) if body == "*" else (int(first), int(last or (high if step else first)))
        if start <= value <= end and (value - start) % int(step or 1) == 0:
            return True
    return False


def _micros(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)
