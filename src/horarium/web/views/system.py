"""Say what the page about the system shows: how it does, its workers, its own tasks, what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from horarium.web.views.backups import BackupsSection
from horarium.web.views.shell import Shell
from horarium.web.views.status import Status
from horarium.web.views.storage import StorageSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with its unit, a sentence below it, and how it went over the last day: `spoken` says that in words."""

    label: str
    value: str
    unit: str
    delta: str
    points: tuple[float, ...]
    spoken: str
    tone: str = ""
    low: float | None = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    """A node: its state in words, busy places of all, and when it last gave a sign of life."""

    name: str
    host: str
    status: Status
    words: str
    busy: int
    slots: int
    seen: datetime
    version: str
    is_silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepRow:
    """One of the tasks by which the installation looks after itself."""

    id: int
    name: str
    status: Status
    last: datetime | None = None
    next: datetime | None = None
    may_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened to the system."""

    at: datetime
    status: Status
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing that was looked at, and a sentence about it."""

    name: str
    status: Status
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPage:
    """How the system does. `held` tells by whom and since when nothing new starts; fields of its form: do, reason."""

    template: ClassVar[str] = "system.html"

    shell: Shell
    status: Status
    words: str
    facts: str
    parts: tuple[Part, ...]
    figures: tuple[Figure, ...]
    workers: tuple[WorkerRow, ...]
    upkeep: tuple[UpkeepRow, ...]
    happenings: tuple[Happening, ...]
    storage: StorageSection
    backups: BackupsSection
    may_manage: bool = False
    held_by: str = ""
    held_since: datetime | None = None
