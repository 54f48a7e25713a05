"""The part of runs and attempts that is told to others: when and how, never what they were given or what they said."""

from __future__ import annotations

from dataclasses import dataclass

from horarium.states import RunState, TriggeredBy


@dataclass(frozen=True, slots=True)
class TracedAttempt:
    """One attempt. Times in microseconds."""

    number: int
    state: RunState
    started_at: int
    finished_at: int | None = None
    node: str = ""
    error_type: str = ""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class TracedRun:
    """A run that has ended, with its attempts, first to last. Times in microseconds."""

    id: int
    task_id: int
    task_name: str
    state: RunState
    triggered_by: TriggeredBy
    created_at: int
    finished_at: int
    planned_at: int | None = None
    started_at: int | None = None
    node: str = ""
    project: str = ""
    error_type: str = ""
    reason: str = ""
    attempts: tuple[TracedAttempt, ...] = ()
