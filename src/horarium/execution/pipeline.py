"""The steps of one attempt: resolve, open the context, start the clock, perform, capture, classify, report.

The kind that fits the task does the first four; output is captured into the attempt all the while; what comes out is
classified here and handed back as a completion, which the launcher reports.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from horarium.errors import Conflict, HorariumError, TargetNotLoadable
from horarium.execution.attempt import LiveAttempt, Outcome
from horarium.execution.failures import describe
from horarium.execution.interrupts import TaskInterrupt
from horarium.execution.kinds.python import PythonKind
from horarium.records.runs import Failure
from horarium.records.tasks import CommandSpec, PythonSpec
from horarium.runs.launch import Assignment, Completion, Reporter
from horarium.states import Isolation, RunState

if TYPE_CHECKING:
    from horarium.logs.masking import Masker

Performer = TypeVar("Performer")

log = logging.getLogger("horarium.execution")


class CommandPerformer(Protocol):
    """What performs commands."""

    def perform(self, live: LiveAttempt, spec: CommandSpec) -> Outcome:
        """Run the command and wait for its end."""
        ...


class IsolatedPerformer(Protocol):
    """What performs Python functions outside of this process."""

    def perform(self, live: LiveAttempt, spec: PythonSpec) -> Outcome:
        """Have the function called and wait for its end."""
        ...


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Performers:
    """What performs the kinds that do not run in a thread, and what is to be called when the last one has ended."""

    command: CommandPerformer | None = None
    isolated: IsolatedPerformer | None = None
    on_stop: Callable[[], None] = _nothing


class Pipeline:
    """Perform one attempt after the other; used by all slots at once."""

    def __init__(self, python: PythonKind, others: Performers) -> None:
        self._python = python
        self._command = others.command
        self._isolated = others.isolated

    def perform(self, live: LiveAttempt) -> Outcome:
        """Perform the attempt and say what it came to; never raises."""
        spec = live.assignment.definition.spec
        try:
            if isinstance(spec, CommandSpec):
                outcome = _there(self._command, "commands").perform(live, spec)
            elif spec.isolation is Isolation.THREAD:
                outcome = self._python.perform(live, spec)
            else:
                outcome = _there(self._isolated, "functions in isolated processes").perform(live, spec)
        # Everything ends in an outcome: nobody stands above this call to whom an exception would tell anything.
        except BaseException as error:  # noqa: BLE001
            outcome = _refused(error, live.masker)
        if live.ending is None or outcome.state is live.ending.state:
            return outcome
        return live.ended(live.ending, outcome.failure, outcome.exit_code)


def _there(performer: Performer | None, what: str) -> Performer:
    if performer is None:
        raise Conflict(f"this program does not run {what}")
    return performer


def report(reporter: Reporter, assignment: Assignment, completion: Completion) -> None:
    """Hand the completion over; a reporter that fails is logged, for the slot must go on."""
    try:
        reporter.finished(assignment, completion)
    except Exception:
        log.exception("The end of run %d could not be reported", completion.run_id)


def _refused(error: BaseException, masker: Masker | None) -> Outcome:
    """Return the outcome of an attempt that could not be performed at all."""
    if isinstance(error, TargetNotLoadable):
        reason = str(error)
        failure = Failure(type(error).__name__, reason)
        return Outcome(RunState.FAILED, failure, cause=reason, can_retry=False, park_reason=reason)
    if isinstance(error, HorariumError):
        return Outcome(RunState.FAILED, Failure(type(error).__name__, str(error)), cause=str(error), can_retry=False)
    if not isinstance(error, TaskInterrupt):
        log.error("An attempt could not be performed", exc_info=error)
    return Outcome(RunState.FAILED, describe(error, masker))
