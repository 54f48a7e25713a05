"""Say what the page of one task shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import ClassVar

from horarium.web.charts.durations import Point
from horarium.web.views.channels import RuleLine
from horarium.web.views.parts import ONE_PAGE, Fact, Pager, Parameter, RunRow, Tab, TaskName
from horarium.web.views.rules import Option
from horarium.web.views.shell import Shell
from horarium.web.views.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A row of failures: a sentence, what is known about it, and the last run."""

    title: str
    text: str
    run_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A pause: who paused the task, when and why."""

    by: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parking:
    """Why a task is parked and since when."""

    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The rule in words and as text, its zone, the next instants and those of a week; `notes` are on clock changes.

    `by_hand` says that there is no rule: somebody starts it.
    """

    words: str
    expression: str
    zone: tzinfo
    zone_key: str
    fires: tuple[datetime, ...] = ()
    week: tuple[datetime, ...] = ()
    notes: tuple[str, ...] = ()
    by_hand: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """A planned instant and what became of it; `reason` is the sentence that answers "why didn't it run?".

    A stretch of many instants with one outcome is one row: `count` of them, up to `last_planned_at`.
    """

    planned_at: datetime
    status: Status
    reason: str
    words: str = ""
    run_id: int | None = None
    count: int = 1
    last_planned_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Who is told of a task: the rules that are theirs to see, in the order in which they are asked.

    `held_until` is until when it is held back for who looks, under the number `held_id`; `lengths` are for how long it
    can be. `is_all` says that these are all rules, not one's own alone.
    """

    rules: tuple[RuleLine, ...]
    lengths: tuple[Option, ...]
    held_until: datetime | None = None
    held_id: int | None = None
    is_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """Everything about one task; with `only_skipped` the ledger shows what became no run.

    `is_for_each` says that it is there once for each person, and never runs itself.
    """

    template: ClassVar[str] = "task.html"

    shell: Shell
    task: TaskName
    status: Status
    status_words: str
    target: str
    schedule: Schedule
    tags: tuple[str, ...] = ()
    description: str = ""
    failing: Failing | None = None
    paused: Pause | None = None
    parked: Parking | None = None
    points: tuple[Point, ...] | None = ()
    runs: tuple[RunRow, ...] | None = ()
    runs_tabs: tuple[Tab, ...] = ()
    runs_pager: Pager = ONE_PAGE
    ledger: tuple[LedgerRow, ...] | None = ()
    ledger_tabs: tuple[Tab, ...] = ()
    ledger_pager: Pager = ONE_PAGE
    only_skipped: bool = False
    is_for_each: bool = False
    policies: tuple[Fact, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    about: tuple[Fact, ...] = ()
    told: Told | None = None
