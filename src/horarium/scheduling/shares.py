"""What one person's share of a task is that is there once for each person. Pure: no store, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

from horarium.errors import InvalidSchedule, InvalidValue
from horarium.preferences.catalogue import Catalogue
from horarium.preferences.setting import SettingType
from horarium.records.people import User
from horarium.records.tasks import PerUser, Task, TaskDefinition
from horarium.triggers import (
    AllOf,
    AnyOf,
    Bounded,
    CronTrigger,
    DailyTrigger,
    ExceptCalendar,
    IntervalTrigger,
    Trigger,
    from_text,
    to_text,
    zone_names,
)

_GOLDEN: Final = 0.6180339887498949
_TYPES: Final = {"enabled": SettingType.SWITCH, "interval": SettingType.NUMBER, "cron": SettingType.CRON}


def settings_of(per_user: PerUser) -> tuple[str, ...]:
    """Return the keys of the settings that decide about the shares."""
    return tuple(key for key in (per_user.enabled, per_user.interval, per_user.cron) if key)


def check_per_user(definition: TaskDefinition, catalogue: Catalogue) -> None:
    """Refuse a task for each person that goes by settings which are not there or are of another type.

    Raises `InvalidValue`.
    """
    per_user = definition.per_user
    if per_user is None:
        return
    if per_user.interval and per_user.cron:
        raise InvalidValue("per_user.cron", per_user.cron, "name an interval or a cron text, not both")
    for field, type_ in _TYPES.items():
        key = getattr(per_user, field)
        if key and catalogue[key].type is not type_:
            raise InvalidValue(f"per_user.{field}", key, f"name a setting of the type {type_.value}")
        if key and field == "interval" and catalogue[key].least < 1:
            raise InvalidValue(f"per_user.{field}", key, "name a setting whose least value is 1 or more")


def is_on(template: TaskDefinition, person: User, values: Mapping[str, Any]) -> bool:
    """Tell whether a person has this task: their account is open and their switch, if there is one, is on."""
    per_user = template.per_user
    return per_user is not None and person.is_enabled and values.get(per_user.enabled, True) is True


def share_of(template: Task, person: User, values: Mapping[str, Any]) -> TaskDefinition:
    """Return the definition of a person's own task; one that is off has no schedule.

    The same template, person and values always give the same share, so that looking again changes nothing.
    """
    definition = template.definition
    zone = person.time_zone if person.time_zone in zone_names() else "UTC"
    schedule = _schedule(template, person, values, zone) if is_on(definition, person, values) else None
    return replace(definition, schedule=schedule, timezone=zone, per_user=None)


def _schedule(template: Task, person: User, values: Mapping[str, Any], zone: str) -> str | None:
    definition, per_user = template.definition, template.definition.per_user or PerUser()
    cron, seconds = values.get(per_user.cron), values.get(per_user.interval)
    if cron:
        return to_text(CronTrigger(cron, zone))
    if seconds:
        every = timedelta(seconds=seconds)
        return to_text(IntervalTrigger(every, template.created_at + _offset(every, person.id)))
    return None if definition.schedule is None else _placed_text(definition.schedule, person.id, zone)


@lru_cache(maxsize=4096)
def _placed_text(schedule: str, person: int, zone: str) -> str:
    try:
        return to_text(_placed(from_text(schedule), person, zone))
    except InvalidSchedule:
        # It cannot be read by this release: the share is parked for it, as any task is.
        return schedule


def _placed(trigger: Trigger, person: int, zone: str) -> Trigger:
    """Return the trigger on a person's own clock; intervals of many people do not all fall on one moment."""
    if isinstance(trigger, CronTrigger):
        return CronTrigger(trigger.expression, zone)
    if isinstance(trigger, DailyTrigger):
        return DailyTrigger(trigger.days, trigger.at, zone, trigger.anchor)
    if isinstance(trigger, IntervalTrigger):
        return IntervalTrigger(trigger.every, trigger.anchor + _offset(trigger.every, person))
    if isinstance(trigger, ExceptCalendar):
        return ExceptCalendar(_placed(trigger.trigger, person, zone), replace(trigger.calendar, tz=zone))
    return _placed_parts(trigger, person, zone)


def _placed_parts(trigger: Trigger, person: int, zone: str) -> Trigger:
    if isinstance(trigger, AnyOf | AllOf):
        return type(trigger)(tuple(_placed(each, person, zone) for each in trigger.triggers))
    if isinstance(trigger, Bounded):
        return Bounded(_placed(trigger.trigger, person, zone), trigger.start, trigger.end)
    return trigger


def _offset(every: timedelta, person: int) -> timedelta:
    """Return how far into the interval a person's instants lie: spread evenly, whoever comes and goes."""
    micros = every // timedelta(microseconds=1)
    return timedelta(microseconds=int(micros * (person * _GOLDEN % 1)) // 1000 * 1000)
