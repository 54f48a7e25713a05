"""Triggers as stored text: compact JSON with a "kind", and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any, NamedTuple

from horarium.errors import InvalidSchedule
from horarium.triggers.base import MICROSECOND, Trigger
from horarium.triggers.calendar import Blackout, Calendar, DateRange, WeeklyRule
from horarium.triggers.combine import AllOf, AnyOf, Bounded, ExceptCalendar
from horarium.triggers.cron.trigger import CronTrigger
from horarium.triggers.daily import DailyTrigger
from horarium.triggers.date import DateTrigger
from horarium.triggers.interval import IntervalTrigger

_MOST_CHARACTERS = 65_536

Parts = dict[str, Any]


class Form(NamedTuple):
    """How one kind of trigger is taken apart and put together."""

    trigger: type[Trigger]
    dump: Callable[[Any], Parts]
    load: Callable[[Parts], Trigger]


def to_text(trigger: Trigger) -> str:
    """Return the text of a trigger: the same for equal triggers, and read back by `from_text`."""
    return json.dumps(_dump(trigger), separators=(",", ":"), sort_keys=True)


def from_text(text: str) -> Trigger:
    """Return the trigger of a text that `to_text` made.

    Raises `InvalidSchedule` when the text is no such thing, or when what it says is refused.
    """
    if not isinstance(text, str):
        raise InvalidSchedule("trigger", text, "give stored text")
    if len(text) > _MOST_CHARACTERS:
        raise InvalidSchedule("trigger", text, f"use at most {_MOST_CHARACTERS} characters")
    try:
        return _load(json.loads(text))
    except InvalidSchedule:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise InvalidSchedule("trigger", text, "give the JSON text of a trigger, with its kind and parts") from error


def _dump(trigger: Trigger) -> Parts:
    for kind, form in FORMS.items():
        if type(trigger) is form.trigger:
            return {"kind": kind, **form.dump(trigger)}
    raise InvalidSchedule("trigger", trigger, f"use one of the kinds {', '.join(FORMS)}")


def _load(parts: Parts) -> Trigger:
    form = FORMS.get(parts["kind"])
    if form is None:
        raise InvalidSchedule("kind", parts["kind"], f"use one of {', '.join(FORMS)}")
    trigger = form.load(parts)
    if unknown := parts.keys() - {"kind", *form.dump(trigger)}:
        raise InvalidSchedule("trigger", ", ".join(sorted(unknown)), f"a {parts['kind']} trigger has no such part")
    return trigger


def _cron(parts: Parts) -> Trigger:
    return CronTrigger(parts["expression"], parts["tz"])


def _interval(parts: Parts) -> Trigger:
    if type(parts["every_micros"]) is not int:
        raise InvalidSchedule("interval", parts["every_micros"], "give whole microseconds")
    return IntervalTrigger(parts["every_micros"] * MICROSECOND, _instant(parts["anchor"]))


def _daily(parts: Parts) -> Trigger:
    return DailyTrigger(
        parts["days"], time.fromisoformat(parts["at"]), parts["tz"], date.fromisoformat(parts["anchor"])
    )


def _several(trigger: AnyOf | AllOf) -> Parts:
    return {"triggers": [_dump(part) for part in trigger.triggers]}


def _bounded(parts: Parts) -> Trigger:
    bounds = [None if parts[side] is None else _instant(parts[side]) for side in ("start", "end")]
    return Bounded(_load(parts["trigger"]), *bounds)


def _bounds(trigger: Bounded) -> Parts:
    start, end = (None if at is None else at.isoformat() for at in (trigger.start, trigger.end))
    return {"trigger": _dump(trigger.trigger), "start": start, "end": end}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def dump_calendar(calendar: Calendar) -> Parts:
    """Return a calendar as plain JSON values."""
    return {
        "name": calendar.name,
        "tz": calendar.tz,
        "weekly": [[sorted(rule.weekdays), rule.start.isoformat(), rule.end.isoformat()] for rule in calendar.weekly],
        "dates": sorted(day.isoformat() for day in calendar.dates),
        "ranges": [[span.first.isoformat(), span.last.isoformat()] for span in calendar.ranges],
        "blackouts": [[blackout.start.isoformat(), blackout.end.isoformat()] for blackout in calendar.blackouts],
    }


def load_calendar(parts: Parts) -> Calendar:
    """Return the calendar of plain JSON values.

    Raises `InvalidSchedule` for a refused value, and what Python raises (KeyError and its like) for a wrong shape.
    """
    return Calendar(
        parts["name"],
        parts["tz"],
        tuple(
            WeeklyRule(frozenset(days), time.fromisoformat(start), time.fromisoformat(end))
            for days, start, end in parts["weekly"]
        ),
        frozenset(map(date.fromisoformat, parts["dates"])),
        tuple(DateRange(date.fromisoformat(first), date.fromisoformat(last)) for first, last in parts["ranges"]),
        tuple(Blackout(_instant(start), _instant(end)) for start, end in parts["blackouts"]),
    )


FORMS: dict[str, Form] = {
    "cron": Form(CronTrigger, lambda cron: {"expression": cron.expression.text, "tz": cron.tz}, _cron),
    "interval": Form(
        IntervalTrigger,
        lambda interval: {
            "every_micros": interval.every // MICROSECOND,
            "anchor": interval.anchor.isoformat(),
        },
        _interval,
    ),
    "date": Form(
        DateTrigger, lambda once: {"at": once.at.isoformat()}, lambda parts: DateTrigger(_instant(parts["at"]))
    ),
    "daily": Form(
        DailyTrigger,
        lambda daily: {
            "days": daily.days,
            "at": daily.at.isoformat(),
            "tz": daily.tz,
            "anchor": daily.anchor.isoformat(),
        },
        _daily,
    ),
    "any": Form(AnyOf, _several, lambda parts: AnyOf(tuple(map(_load, parts["triggers"])))),
    "all": Form(AllOf, _several, lambda parts: AllOf(tuple(map(_load, parts["triggers"])))),
    "except": Form(
        ExceptCalendar,
        lambda rest: {"trigger": _dump(rest.trigger), "calendar": dump_calendar(rest.calendar)},
        lambda parts: ExceptCalendar(_load(parts["trigger"]), load_calendar(parts["calendar"])),
    ),
    "bounded": Form(Bounded, _bounds, _bounded),
}
