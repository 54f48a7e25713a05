"""Time as pure values: cron, intervals, dates and calendars, each giving the next instant after another."""

from __future__ import annotations

from horarium.triggers.base import Trigger
from horarium.triggers.calendar import Blackout, Calendar, DateRange, WeeklyRule
from horarium.triggers.combine import AllOf, AnyOf, Bounded, ExceptCalendar
from horarium.triggers.cron.expression import CronExpression
from horarium.triggers.cron.parse import parse
from horarium.triggers.cron.trigger import CronTrigger
from horarium.triggers.cron.words import in_words
from horarium.triggers.cron.zones import zone_names
from horarium.triggers.daily import DailyTrigger
from horarium.triggers.date import DateTrigger
from horarium.triggers.interval import IntervalTrigger
from horarium.triggers.notes import dst_notes
from horarium.triggers.preview import next_times
from horarium.triggers.text import from_text, to_text

__all__ = [
    "AllOf",
    "AnyOf",
    "Blackout",
    "Bounded",
    "Calendar",
    "CronExpression",
    "CronTrigger",
    "DailyTrigger",
    "DateRange",
    "DateTrigger",
    "ExceptCalendar",
    "IntervalTrigger",
    "Trigger",
    "WeeklyRule",
    "dst_notes",
    "from_text",
    "in_words",
    "next_times",
    "parse",
    "to_text",
    "zone_names",
]
