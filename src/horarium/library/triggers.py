"""Triggers as programs give them: ours, texts, spans of time, and those of APScheduler."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from horarium.errors import InvalidSchedule, InvalidValue
from horarium.library.apscheduler import from_apscheduler, is_apscheduler
from horarium.library.options import seconds_of
from horarium.triggers import AllOf, AnyOf, Bounded, CronTrigger, IntervalTrigger, Trigger, from_text

_ALLOWED = "give a trigger of horarium.triggers or of APScheduler, or a cron expression"
_LONGEST = timedelta(days=36_525)


def trigger_from(given: Any, timezone: str) -> Trigger:
    """Return our trigger for one of ours, a cron text or a trigger object of APScheduler. Raises `InvalidSchedule`."""
    if isinstance(given, Trigger):
        return given
    if isinstance(given, str):
        return CronTrigger(given, timezone)
    if is_apscheduler(given):
        return from_apscheduler(given)
    raise InvalidSchedule("trigger", given, _ALLOWED)


def every_of(seconds: float | timedelta | None, *, minutes: float = 0, hours: float = 0, days: float = 0) -> timedelta:
    """Add up a span of time given in parts. Raises `InvalidSchedule` below a second and above a hundred years."""
    parts = {"seconds": 0.0 if seconds is None else seconds, "minutes": minutes, "hours": hours, "days": days}
    units = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
    total = 0.0
    for name, value in parts.items():
        if isinstance(value, timedelta) and name != "seconds":
            raise InvalidValue(name, value, "use a number, or give the timedelta alone")
        total += seconds_of(name, value) * units[name]
    if not 1 <= total <= _LONGEST.total_seconds():
        raise InvalidSchedule("interval", total, "use at least 1 second, and at most 100 years")
    return timedelta(seconds=total)


def zone_of(trigger: Trigger | None, usual: str) -> str:
    """Return the zone that a trigger goes by, `usual` for one that looks at no clock of a place."""
    if isinstance(trigger, Bounded):
        return zone_of(trigger.trigger, usual)
    if isinstance(trigger, AllOf | AnyOf):
        return zone_of(trigger.triggers[0], usual)
    return getattr(trigger, "tz", usual)


def begins_anew(given: Any, now: datetime) -> bool:
    """Tell whether this is an interval of APScheduler that counts from when the program made it."""
    if not is_apscheduler(given) or type(given).__name__ != "IntervalTrigger":
        return False
    return bool(now < given.start_date <= now + given.interval)


def same_grid(old: str | None, new: str | None) -> str | None:
    """Return the old stored interval if it is as long as the new one and ends with it, else the new one."""
    if old is None or new is None:
        return new
    return old if _length(from_text(old)) == _length(from_text(new)) is not None else new


def _length(trigger: Trigger) -> tuple[timedelta, datetime | None] | None:
    inner, end = (trigger.trigger, trigger.end) if isinstance(trigger, Bounded) else (trigger, None)
    return (inner.every, end) if isinstance(inner, IntervalTrigger) else None
