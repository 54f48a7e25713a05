"""Where "when" meets "where": scheduling hands an `Assignment` to a `Launcher`, which answers to a `Reporter`.

Everything that executes runs, now or later (threads, isolated processes, a distributed engine), sits behind these
two ports. Nothing here knows the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from horarium.records.runs import Failure, Line
from horarium.records.tasks import TaskDefinition
from horarium.states import RunState

NO_PARAMS: Final[Mapping[str, Any]] = MappingProxyType({})


class Assignment(NamedTuple):
    """One attempt that a node has claimed and is to perform now.

    Times are microseconds since the epoch. `params` replace keyword arguments (Python) or add environment variables
    (command) for this run alone. `actor` is who asked for it, empty for the schedule. `for_user_id` is the number of
    the person whom it runs for, 0 for nobody in particular.
    """

    run_id: int
    attempt: int
    task_id: int
    definition: TaskDefinition
    planned_at: int | None
    params: Mapping[str, Any] = NO_PARAMS
    actor: str = ""
    for_user_id: int = 0


class Completion(NamedTuple):
    """How an attempt ended, as the one who performed it saw it.

    `state` is one of succeeded, failed, timed_out, cancelled, interrupted. `result` is JSON text, already capped.
    `cause` is one sentence for people ("ended by signal 9 (SIGKILL)"). `can_retry` is False when another attempt cannot
    help, for example after a cancel or when the target is not there.
    """

    run_id: int
    attempt: int
    state: RunState
    started_at: int
    finished_at: int
    failure: Failure | None = None
    result: str | None = None
    exit_code: int | None = None
    cause: str = ""
    pid: int | None = None
    can_retry: bool = True
    lines: Sequence[Line] = ()
    output_bytes: int = 0
    dropped_bytes: int = 0
    park_reason: str = ""


class Reporter(Protocol):
    """Who wants to know what becomes of an assignment. All calls return at once and may come from any thread."""

    def started(self, assignment: Assignment, at: int, pid: int | None) -> None:
        """Say that the attempt has begun at `at` (microseconds)."""
        ...

    def output(self, assignment: Assignment, lines: Sequence[Line]) -> None:
        """Hand over lines that a live attempt has written; numbers rise without gaps from 1."""
        ...

    def finished(self, assignment: Assignment, completion: Completion) -> None:
        """Say how the attempt ended. Called exactly once for each assignment that was accepted."""
        ...


class Launcher(Protocol):
    """What performs assignments."""

    @property
    def slots(self) -> int:
        """Return how many assignments it performs side by side."""
        ...

    def submit(self, assignment: Assignment) -> None:
        """Take an assignment; it waits inside when all slots are busy. Returns at once."""
        ...

    def cancel(self, run_id: int, cause: str) -> bool:
        """Ask the attempt of this run to end, waiting inside or under way; tell whether it was here."""
        ...

    def stop(self, grace_seconds: float) -> None:
        """End in order: take nothing new, wait up to the grace, then end what is left with its whole process tree.

        Assignments that had not begun are dropped without a report: their node gives them back untouched. Returns
        when all is over.
        """
        ...
