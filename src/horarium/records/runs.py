"""The records of what became of planned instants: occurrences, runs, attempts, output lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from horarium.states import OPEN_STATES, Reason, RunState, Stream, TriggeredBy


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One planned instant and its recorded outcome: a run, or a reason why there was none.

    A stretch of many instants with one outcome is kept as one record with `count` above 1, from `planned_at` to
    `last_planned_at`, both included.
    """

    task_id: int
    planned_at: datetime
    run_id: int | None
    reason: Reason | None
    detail: str
    decided_at: datetime
    count: int = 1
    last_planned_at: datetime | None = None

    @property
    def is_skipped(self) -> bool:
        """Tell whether it did not become a run."""
        return self.run_id is None


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong: class name, message, and the traceback as text when there is one."""

    type: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What an occurrence or a manual trigger became, as it stands in the store."""

    id: int
    task_id: int
    task_name: str
    state: RunState
    triggered_by: TriggeredBy
    planned_at: datetime | None
    created_at: datetime
    attempt: int
    actor: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    not_before: datetime | None = None
    node_id: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failure: Failure | None = None
    result: str | None = None
    reason: str = ""
    cancel_asked_by: str | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether it has not ended yet."""
        return self.state in OPEN_STATES

    @property
    def duration(self) -> timedelta | None:
        """Return the time from the first start to the end, None while it lasts or if it never started."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at

    @property
    def lateness(self) -> timedelta | None:
        """Return how long after its planned instant it started, None without either."""
        if self.started_at is None or self.planned_at is None:
            return None
        return self.started_at - self.planned_at


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a run, as it stands in the store."""

    run_id: int
    number: int
    state: RunState
    node_id: int | None
    pid: int | None
    started_at: datetime
    finished_at: datetime | None = None
    failure: Failure | None = None
    exit_code: int | None = None
    cause: str = ""
    output_bytes: int = 0
    dropped_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output, numbered from 1 within its attempt."""

    number: int
    at: datetime
    stream: Stream
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, written in the transaction of the change itself."""

    id: int
    at: datetime
    kind: str
    task_id: int | None
    run_id: int | None
    actor: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Node:
    """A process that schedules or executes, as it stands in the store."""

    id: int
    name: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    state: str
    workers: int
    version: str
    draining_at: datetime | None = None
