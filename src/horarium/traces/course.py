"""The course of a run as spans: itself, each wait, each attempt. Pure; the ids come out the same each time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from horarium.clock import from_micros
from horarium.records.traces import TracedAttempt, TracedRun
from horarium.states import FAILURE_STATES

Value = str | int

OTHER_ERROR: Final = "_OTHER"
"""What OpenTelemetry calls an error whose kind has no name."""
# A class with a name that is none was made up while the program ran, of whatever it had at hand.
_CLASS: Final = re.compile(r"[^\W\d]\w*(?:\.(?:[^\W\d]\w*|<locals>))*")


@dataclass(frozen=True, slots=True)
class Piece:
    """One span: its name, its own id, when it was (microseconds), what is known of it, and whether it went wrong."""

    name: str
    id: int
    started_at: int
    finished_at: int
    attributes: Mapping[str, Value]
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """The trace of one run: the span of the run itself and those below it, in the order in which they began."""

    trace_id: int
    root: Piece
    below: tuple[Piece, ...]


def course_of(run: TracedRun, instance: str) -> Course:
    """Return the trace of a run that has ended; `instance` tells the installation from others."""
    # Numbers of runs come again after a backup was restored; the moment at which one was made does not.
    seed = f"{instance}/{run.id}/{run.created_at}"
    begun = _begin(run)
    root = Piece(
        name=run.task_name,
        id=_number(seed, "run", 8),
        started_at=begun,
        finished_at=max(run.finished_at, begun),
        attributes=_of_run(run),
        is_bad=run.state in FAILURE_STATES,
    )
    return Course(_number(seed, "trace", 16), root, tuple(_below(run, root, seed)))


def _begin(run: TracedRun) -> int:
    """Return when a run began to matter: its planned instant, without one its making; never after its start."""
    planned = run.created_at if run.planned_at is None else run.planned_at
    return planned if run.started_at is None else min(planned, run.started_at)


def _below(run: TracedRun, root: Piece, seed: str) -> list[Piece]:
    found: list[Piece] = []
    free = root.started_at
    for attempt in run.attempts:
        start = max(attempt.started_at, free)
        end = max(attempt.finished_at or root.finished_at, start)
        found += [_wait(attempt.number, free, start, seed), _attempt(attempt, start, end, seed)]
        free = end
    # It was given up while it waited, for its first attempt or for the next one.
    if not run.attempts or (run.attempts[-1].finished_at is not None and free < root.finished_at):
        found.append(_wait(len(run.attempts) + 1, free, root.finished_at, seed))
    return found


def _wait(number: int, start: int, end: int, seed: str) -> Piece:
    return Piece("wait", _number(seed, f"wait {number}", 8), start, end, {"horarium.attempt.number": number})


def _attempt(attempt: TracedAttempt, start: int, end: int, seed: str) -> Piece:
    known: dict[str, Value | None] = {
        "horarium.attempt.number": attempt.number,
        "horarium.attempt.outcome": attempt.state.value,
        "horarium.node": attempt.node,
        "process.exit.code": attempt.exit_code,
        "error.type": _kind(attempt.error_type),
    }
    is_bad = attempt.state in FAILURE_STATES
    name = f"attempt {attempt.number}"
    return Piece(name, _number(seed, name, 8), start, end, _known(known), is_bad)


def _of_run(run: TracedRun) -> dict[str, Value]:
    late = None if run.planned_at is None or run.started_at is None else (run.started_at - run.planned_at) // 1000
    return _known(
        {
            "horarium.task.id": run.task_id,
            "horarium.task.name": run.task_name,
            "horarium.project": run.project,
            "horarium.run.id": run.id,
            "horarium.run.trigger": run.triggered_by.value,
            "horarium.run.planned_at": None if run.planned_at is None else from_micros(run.planned_at).isoformat(),
            "horarium.run.lateness_ms": late,
            "horarium.run.attempts": len(run.attempts),
            "horarium.run.outcome": run.state.value,
            "horarium.run.reason": run.reason,
            "horarium.node": run.node,
            "error.type": _kind(run.error_type) if run.state in FAILURE_STATES else "",
        }
    )


def _known(values: Mapping[str, Value | None]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if value is not None and value != ""}


def _kind(error_type: str) -> str:
    return error_type if not error_type or _CLASS.fullmatch(error_type) else OTHER_ERROR


def _number(seed: str, what: str, octets: int) -> int:
    """Return an id; 0 stands for none in a trace and never comes out."""
    digest = hashlib.sha256(f"{seed}/{what}".encode()).digest()
    return int.from_bytes(digest[:octets], "big") or 1
