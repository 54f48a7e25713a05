"""What the end of an attempt means for its run: over, or another attempt later. Pure; gives the rows to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from horarium.records.policies import Retry
from horarium.runs.launch import Assignment, Completion
from horarium.states import FAILURE_STATES, EventKind, RunState
from horarium.store.books.codec import dump
from horarium.store.books.events import PLAIN_END

_RETRIED = frozenset({RunState.FAILED, RunState.TIMED_OUT})


class Ending(NamedTuple):
    """The rows that end an attempt, and what the rest of the house needs to know about it."""

    run_id: int
    task_id: int
    attempt: int
    state: RunState
    is_failure: bool
    finished_at: int
    run_row: tuple[Any, ...]
    attempt_row: tuple[Any, ...]
    attempt_end_row: tuple[Any, ...]
    event_row: tuple[int, str, int | None, int | None, str | None, str | None]
    park_reason: str


def retry_at(assignment: Assignment, completion: Completion, share: Callable[[], float]) -> int | None:
    """Return when the next attempt may begin (microseconds), None when there is to be none."""
    policy: Retry = assignment.definition.policies.retry
    if completion.state not in _RETRIED or not completion.can_retry or assignment.attempt >= policy.attempts:
        return None
    return completion.finished_at + int(policy.pause_seconds(assignment.attempt, share()) * 1_000_000)


def ending_of(assignment: Assignment, completion: Completion, node_id: int, share: Callable[[], float]) -> Ending:
    """Work out the rows for the end of one attempt; `share` gives numbers from 0 to 1 for the retry's jitter."""
    state = completion.state
    not_before = None if state is RunState.SUCCEEDED else retry_at(assignment, completion, share)
    run_state = state if not_before is None else RunState.RETRYING
    failure = completion.failure
    error_type = error_message = traceback = None
    if failure is not None:
        error_type, error_message, traceback = failure.type[:200], failure.message, failure.traceback or None
    run_id, attempt, task_id = assignment.run_id, assignment.attempt, assignment.task_id
    started, finished, cause = completion.started_at, completion.finished_at, completion.cause or None
    run_row = (
        *(run_state.value, started, finished if not_before is None else None, error_type, error_message),
        *(completion.result, cause, not_before, run_id, attempt, node_id),
    )
    tail = (
        *(finished, error_type, error_message, traceback, completion.exit_code, cause),
        *(completion.output_bytes, completion.dropped_bytes),
    )
    kind = EventKind.RUN_FINISHED if not_before is None else EventKind.RUN_RETRYING
    body = (
        PLAIN_END if state is RunState.SUCCEEDED else dump({"state": run_state, "attempt": attempt, "at": not_before})
    )
    return Ending(
        run_id,
        task_id,
        attempt,
        run_state,
        run_state in FAILURE_STATES,
        finished,
        run_row,
        (run_id, attempt, state.value, node_id, completion.pid, started, *tail),
        (state.value, *tail, run_id, attempt),
        (finished, kind.value, task_id, run_id, None, body),
        completion.park_reason,
    )
