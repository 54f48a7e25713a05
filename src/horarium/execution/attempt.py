"""One attempt under way, and the outcome that it comes to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from horarium.clock import Clock
from horarium.execution.context import RunContext
from horarium.execution.credentials import Secrets, Source
from horarium.execution.failures import is_worth_retry
from horarium.execution.interrupts import TaskCancelled
from horarium.execution.watchdog import Watchdog
from horarium.records.runs import Failure, Line
from horarium.runs.launch import Assignment, Completion, Reporter
from horarium.runs.output import CAP_BYTES, Flusher, OutputBuffer
from horarium.states import RunState, Stream

if TYPE_CHECKING:
    from horarium.logs.masking import Masker
    from horarium.records.people import Persona

    # Isolated processes load this module, and start sooner without the data layer.
    from horarium.store.port import Store

# Only threads of one task that print their first words or open a credential together ever meet here.
_making = threading.Lock()


class Ending(NamedTuple):
    """Why an attempt is to end before it is done: the state it gets and one sentence."""

    state: RunState
    cause: str


class Outcome(NamedTuple):
    """What an attempt came to, as its kind saw it; the fields mean what they mean in `Completion`."""

    state: RunState
    failure: Failure | None = None
    result: str | None = None
    exit_code: int | None = None
    cause: str = ""
    can_retry: bool = True
    park_reason: str = ""


@dataclass(frozen=True, slots=True)
class Services:
    """What every attempt of a launcher shares.

    `store` is for tasks that look after the store itself; `source_for` gives an attempt its credentials, None where
    there is no vault; `persona` reads whom a run is for, by number.
    """

    clock: Clock
    reporter: Reporter
    watchdog: Watchdog
    flusher: Flusher
    cap_bytes: int = CAP_BYTES
    store: Store | None = None
    source_for: Callable[[Assignment], Source] | None = None
    persona: Callable[[int], Persona] | None = None


class LiveAttempt:
    """An assignment while it is being performed.

    `is_watched` says that the watchdog enforces the time limit, `is_open` that an exception may be sent to its thread;
    kinds that wait for a process do it themselves with
    `deadline` (monotonic seconds). `ender`, once set, is how the attempt is asked to end. `masker`, once there, hides
    what it has opened. `is_over`, `is_abandoned` and `is_struck` change only under the lock of the worker that
    performs it.
    """

    __slots__ = (
        "_buffer",
        "_context",
        "_secrets",
        "assignment",
        "deadline",
        "ender",
        "ending",
        "is_abandoned",
        "is_open",
        "is_over",
        "is_struck",
        "is_watched",
        "masker",
        "pid",
        "services",
        "started_at",
    )

    def __init__(self, assignment: Assignment, services: Services) -> None:
        self.assignment = assignment
        self.services = services
        self.started_at: int | None = None
        self.deadline: float | None = None
        self.pid: int | None = None
        self.ending: Ending | None = None
        self.ender: Callable[[], None] | None = None
        self.is_watched = False
        self.is_open = False
        self.is_over = False
        self.is_abandoned = False
        self.is_struck = False
        self._buffer: OutputBuffer | None = None
        self._context: RunContext | None = None
        self._secrets: Secrets | None = None
        self.masker: Masker | None = None

    def begin(self, pid: int, *, watched: bool = False) -> None:
        """Start the clock of the attempt and say so, raising `TaskCancelled` if it has been asked to end already."""
        services = self.services
        assignment = self.assignment
        self.pid = pid
        self.started_at = services.clock.micros()
        limit = assignment.definition.policies.timeout_seconds
        if limit is not None:
            self.deadline = services.clock.monotonic() + limit
        self.is_watched = watched
        if watched and limit is not None:
            services.watchdog.expect(self.deadline)
        services.reporter.started(assignment, self.started_at, pid)
        # Only now may an exception be sent to this thread: none must arrive while others' locks are held.
        self.is_open = watched
        if self.ending is not None:
            raise TaskCancelled(self.ending.cause)

    def set_ender(self, ender: Callable[[], None]) -> None:
        """Say how the attempt is asked to end, and ask at once if somebody has wanted it meanwhile."""
        self.ender = ender
        if self.ending is not None:
            ender()

    def take(self, stream: Stream, text: str) -> None:
        """Keep text that the task has written."""
        self.buffer.write(stream, text)

    @property
    def buffer(self) -> OutputBuffer:
        """Return the output, made when something is written for the first time."""
        if self._buffer is None:
            with _making:
                if self._buffer is None:
                    self._buffer = self._make_buffer()
        return self._buffer

    @property
    def run_context(self) -> RunContext:
        """Return what the task's code may know about its run."""
        if self._context is None:
            assignment = self.assignment
            self._context = RunContext(
                assignment.run_id,
                assignment.attempt,
                assignment.definition.name,
                assignment.planned_at,
                params=assignment.params,
                cancel_cause=lambda: None if self.ending is None else self.ending.cause,
                secrets=self.secrets,
                persona=self.persona,
            )
        return self._context

    @property
    def secrets(self) -> Secrets:
        """Return the credentials that the attempt may open."""
        with _making:
            if self._secrets is None:
                find = self.services.source_for
                source = None if find is None else find(self.assignment)
                self._secrets = Secrets(self.assignment.definition.credentials, source, self._hide)
            return self._secrets

    @property
    def store(self) -> Store | None:
        """Return the store that the run is recorded in, None where the launcher was given none."""
        return self.services.store

    def persona(self) -> Persona | None:
        """Return whom the run is for, None for nobody in particular. Raises `NotFound` if their account is gone."""
        number, read = self.assignment.for_user_id, self.services.persona
        return read(number) if number and read is not None else None

    def is_retried_on(self, *names: str) -> bool:
        """Tell whether the task's policy thinks failures of these class names worth another attempt."""
        return is_worth_retry(self.assignment.definition.policies.retry, names)

    def complete(self, outcome: Outcome) -> Completion:
        """Close the output, let go of secrets and put everything together without them; the attempt ends now."""
        services = self.services
        finished_at = services.clock.micros()
        lines, total, dropped = self._close_output()
        if self._secrets is not None:
            outcome = self._without_secrets(outcome, self._secrets)
        state, failure, result, exit_code, cause, can_retry, park_reason = outcome
        assignment = self.assignment
        return Completion(
            assignment.run_id,
            assignment.attempt,
            state,
            finished_at if self.started_at is None else self.started_at,
            finished_at,
            failure,
            result,
            exit_code,
            cause,
            self.pid,
            can_retry,
            lines,
            total,
            dropped,
            park_reason,
        )

    def ended(self, ending: Ending, failure: Failure | None = None, exit_code: int | None = None) -> Outcome:
        """Return the outcome of an attempt that was made to end."""
        state, cause = ending
        if failure is None and state is RunState.TIMED_OUT:
            failure = Failure("TaskTimeout", cause)
        can_retry = state is RunState.INTERRUPTED or (
            state is RunState.TIMED_OUT and self.is_retried_on("TaskTimeout", "TimeoutError")
        )
        return Outcome(state, failure, None, exit_code, cause, can_retry)

    def limit_ending(self) -> Ending:
        """Return the ending of an attempt that has reached its time limit."""
        limit = self.assignment.definition.policies.timeout_seconds
        return Ending(RunState.TIMED_OUT, f"it ran longer than its time limit of {limit:g} seconds")

    def _make_buffer(self) -> OutputBuffer:
        services = self.services
        return OutputBuffer(
            services.clock,
            lambda lines: services.reporter.output(self.assignment, lines),
            cap_bytes=services.cap_bytes,
            masker=self.masker,
            later=services.flusher.watch,
        )

    def _hide(self, masker: Masker) -> None:
        """Mask all output from now on; what came before cannot hold what was not open yet."""
        with _making:
            self.masker = masker
            if self._buffer is not None:
                self._buffer.masker = masker

    def _without_secrets(self, outcome: Outcome, secrets: Secrets) -> Outcome:
        """Let go of the secrets and return the outcome without them."""
        secrets.close()
        masker = self.masker
        if masker is None:
            return outcome
        if not self.is_abandoned:
            # The thread of an abandoned attempt goes on and may log what it knows.
            secrets.forget()
        failure = outcome.failure
        if failure is not None:
            failure = Failure(failure.type, masker.text(failure.message), masker.text(failure.traceback))
        return outcome._replace(
            failure=failure,
            result=None if outcome.result is None else masker.json(outcome.result),
            cause=masker.text(outcome.cause),
            park_reason=masker.text(outcome.park_reason),
        )

    def _close_output(self) -> tuple[tuple[()] | list[Line], int, int]:
        buffer = self._buffer
        if buffer is None:
            return (), 0, 0
        lines = buffer.close()
        return lines, buffer.total_bytes, buffer.dropped_bytes
