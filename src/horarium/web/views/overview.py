"""Say what the overview shows: a day as a timetable, and what runs, needs a look and comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from horarium.web.charts.day import Day
from horarium.web.charts.spark import Bar
from horarium.web.charts.strip import Lane, Quarter
from horarium.web.views.backups import Restorable
from horarium.web.views.parts import RunRow, TaskName
from horarium.web.views.shell import Shell
from horarium.web.views.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCounts:
    """How the runs of the day stand; with `more_to_come`, `to_come` is only what was counted of it."""

    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    running: int = 0
    to_come: int = 0
    more_to_come: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StripLane:
    """A lane with its label, how many tasks it has and where the label leads."""

    label: str
    tasks: int
    href: str
    lane: Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The horarium of the day: lanes by tag, and the load per quarter of an hour."""

    lanes: tuple[StripLane, ...]
    quarters: tuple[Quarter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with its unit, what it compares to, and its course over some days.

    `parts` are pairs of number and unit: `(("1", "m"), ("52", "s"))`. `tone` colours the course: `ok`, `lapis` or none.
    """

    label: str
    parts: tuple[tuple[str, str], ...]
    delta: str
    delta_icon: str = ""
    delta_bad: bool = False
    course: tuple[float, ...] = ()
    course_words: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRow:
    """A run that is going: since when, and how long it usually takes."""

    id: int
    task: TaskName
    note: str
    since: datetime
    usual: float | None = None
    status: Status = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionRow:
    """A task that needs a look: what is wrong in words, the last error, where to look."""

    task: TaskName
    status: Status
    what: str
    why: str
    href: str
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRow:
    """A planned run: when, which task, and a remark where one is due."""

    at: datetime
    task: TaskName
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewPage:
    """The overview of one day; `previous` and `next` lead to its neighbours, `today` back to today.

    Who `sees_backups` is told of when the newest good one is.
    """

    template: ClassVar[str] = "overview.html"

    shell: Shell
    day: Day
    has_tasks: bool
    previous: str
    next: str
    today: str
    counts: DayCounts | None = None
    strip: Strip | None = None
    figures: tuple[Figure, ...] = ()
    running: tuple[RunningRow, ...] | None = ()
    attention: tuple[AttentionRow, ...] | None = ()
    last_failure: datetime | None = None
    next_up: tuple[NextRow, ...] | None = ()
    recent: tuple[RunRow, ...] | None = ()
    sees_backups: bool = False
    restorable: Restorable | None = None
