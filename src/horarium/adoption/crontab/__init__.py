"""Take over crontabs: read them as Debian's cron does, say what each line means, make tasks of it."""

from __future__ import annotations

from horarium.adoption.crontab.accounts import MachineAccounts
from horarium.adoption.crontab.layout import Layout, is_system_path, recognise
from horarium.adoption.crontab.move import Adoption, move
from horarium.adoption.crontab.parse import Crontab, Entry, Finding, Weight, decode_crontab, parse_crontab
from horarium.adoption.crontab.survey import Action, Circumstances, Planned, Survey, survey

__all__ = [
    "Action",
    "Adoption",
    "Circumstances",
    "Crontab",
    "Entry",
    "Finding",
    "Layout",
    "MachineAccounts",
    "Planned",
    "Survey",
    "Weight",
    "decode_crontab",
    "is_system_path",
    "move",
    "parse_crontab",
    "recognise",
    "survey",
]
