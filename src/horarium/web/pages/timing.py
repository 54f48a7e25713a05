"""Put schedules into words, and work out what is still to come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from horarium.errors import InvalidSchedule
from horarium.records.tasks import Task, TaskDefinition
from horarium.scheduling.compiled import trigger_of
from horarium.triggers import CronTrigger, Trigger, dst_notes, in_words
from horarium.web.manner import PLAIN, Manner, viewer_zone
from horarium.web.views.task import Schedule

NEXT: Final = 5
_WEEK: Final = timedelta(days=7)
_MOST_IN_WEEK: Final = 2100
_MOST_NOTES: Final = 2
_NO_EFFECT: Final = "nothing is due in between"
BY_HAND: Final = "Only by hand"
FOR_EACH: Final = "For each person"
OFF: Final = "Not switched on"


def trigger_for(definition: TaskDefinition) -> Trigger | None:
    """Return a task's trigger; None for one without a schedule, or with one that cannot be read any more."""
    if definition.schedule is None:
        return None
    try:
        return trigger_of(definition.schedule)
    except InvalidSchedule:
        return None


def words_for(definition: TaskDefinition) -> str:
    """Return a schedule in words, without the zone."""
    trigger = trigger_for(definition)
    if trigger is None:
        return BY_HAND if definition.schedule is None else "This schedule cannot be read"
    return in_words(trigger.expression) if isinstance(trigger, CronTrigger) else trigger.description


def words_of(task: Task) -> str:
    """Return when a task runs, in words, without the zone; of one for each person that it is one."""
    definition = task.definition
    if definition.per_user is not None:
        return FOR_EACH if definition.schedule is None else f"{FOR_EACH}: {words_for(definition)}"
    return OFF if task.template_id is not None and definition.schedule is None else words_for(definition)


def expression_for(definition: TaskDefinition) -> str:
    """Return the cron text of a schedule, empty for other kinds."""
    trigger = trigger_for(definition)
    return trigger.expression.text if isinstance(trigger, CronTrigger) else ""


def schedule_of(task: Task, now: datetime, manner: Manner = PLAIN) -> Schedule:
    """Return everything that a page says about a task's schedule, for somebody who reads times in this manner."""
    definition = task.definition
    trigger = trigger_for(definition)
    zone = viewer_zone(definition.timezone, manner)
    shown = trigger is not None and not task.is_paused and not task.is_parked and task.next_at is not None
    week = list(instants(trigger, now, now + _WEEK, most=_MOST_IN_WEEK + 1)) if trigger and shown else []
    return Schedule(
        words=words_of(task),
        expression=expression_for(definition),
        zone=zone,
        zone_key=definition.timezone,
        fires=tuple(_next(trigger, now, NEXT)) if trigger and shown else (),
        week=tuple(week) if len(week) <= _MOST_IN_WEEK else (),
        notes=_notes(trigger, now) if shown else (),
        by_hand=definition.schedule is None,
    )


def instants(trigger: Trigger, after: datetime, until: datetime, *, most: int) -> Iterable[datetime]:
    """Give the instants of a trigger after one moment and before another, at most `most`."""
    found = trigger.next_after(after)
    while found is not None and found < until and most > 0:
        yield found
        most -= 1
        following = trigger.next_after(found)
        if following is not None and following <= found:
            return
        found = following


def to_come(
    tasks: Iterable[Task], now: datetime, until: datetime, *, most: int
) -> tuple[list[tuple[int, datetime]], bool]:
    """Return planned times of running schedules up to `until`, by the task's number, and whether there are more.

    Of `most` in all a task takes at most a tenth, and its next one in any case.
    """
    found: list[tuple[int, datetime]] = []
    more = False
    for task in tasks:
        trigger = trigger_for(task.definition)
        if trigger is None or task.is_paused or task.is_parked or task.next_at is None:
            continue
        left = max(1, min(most // 10, most - len(found)))
        own = [(task.id, instant) for instant in instants(trigger, now, until, most=left + 1)]
        more = more or len(own) > left
        found += own[:left]
    return found, more


def _next(trigger: Trigger, now: datetime, many: int) -> Iterable[datetime]:
    return instants(trigger, now, datetime.max.replace(tzinfo=now.tzinfo), most=many)


def _notes(trigger: Trigger | None, now: datetime) -> tuple[str, ...]:
    if not isinstance(trigger, CronTrigger):
        return ()
    notes = dst_notes(trigger.expression.text, trigger.tz, now)
    return tuple(note for note in notes if _NO_EFFECT not in note)[:_MOST_NOTES]
