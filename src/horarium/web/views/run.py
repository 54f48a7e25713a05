"""Say what the page of one run shows, while it lives and when it has ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from horarium.web.charts.waterfall import Span
from horarium.web.tracebacks import Frame
from horarium.web.views.parts import By, Fact, Parameter, TaskName
from horarium.web.views.shell import Shell
from horarium.web.views.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A step of a run's life: what it is, a few words, and whether it is done, going on or to come."""

    label: str
    detail: str
    state: Literal["done", "now", "later"]
    status: Status = "queued"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is by what is usual: percent, words for it, and whether it takes longer than usual."""

    percent: float
    title: str
    words: str
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPanel:
    """The error that ended a run: its kind and message, where it was raised, the frames and the whole text."""

    kind: str
    message: str
    detail: str = ""
    frames: tuple[Frame, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptTab:
    """An attempt whose output can be read."""

    number: int
    status: Status
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line of output: its number in the attempt, when it came, from where, and its text as it was written."""

    number: int
    at: datetime
    stream: Literal["stdout", "stderr", "log", "system"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The output of one attempt: the loaded lines, what is before them, and whether more may come.

    `total` counts all lines, `earlier` those before the loaded ones, which `earlier_href` shows; `cut` says in words
    what was left out by the cap.
    """

    lines: tuple[LogLine, ...] = ()
    total: int = 0
    earlier: int = 0
    earlier_href: str = ""
    attempts: tuple[AttemptTab, ...] = ()
    attempt: int = 1
    download: str = ""
    live: bool = False
    cut: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """Everything about one run; `older` and `newer` are runs of the same task, None at an end.

    `planned_at` is None for a run that was started by hand; `reason` says why a run was skipped or cancelled;
    `stopping` is set from the moment somebody asked to stop it until it has ended.
    """

    template: ClassVar[str] = "run.html"

    shell: Shell
    id: int
    task: TaskName
    status: Status
    status_words: str
    by: By
    live: bool
    created_at: datetime
    planned_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stages: tuple[Stage, ...] = ()
    progress: Progress | None = None
    error: ErrorPanel | None = None
    log: Log | None = Log()
    spans: tuple[Span, ...] = ()
    spans_words: str = ""
    timing: tuple[Fact, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    result: str = ""
    context: tuple[Fact, ...] = ()
    older: str | None = None
    newer: str | None = None
    stopping: bool = False
    reason: str = ""
