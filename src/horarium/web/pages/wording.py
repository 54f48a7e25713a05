"""Put tasks, runs and planned times into the words and rows that several pages share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Final

from horarium.records.runs import Occurrence, Run
from horarium.records.tasks import Task
from horarium.states import Reason, RunState, TriggeredBy
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Transaction
from horarium.web.charts.parts import Outcome
from horarium.web.charts.spark import Bar
from horarium.web.filters import plural
from horarium.web.views.parts import By, RunRow, TaskName
from horarium.web.views.status import MARKS, OF_STATE, Status

WHY: Final[Mapping[Reason, str]] = {
    Reason.OVERLAP: "The run before it was still going, and this task lets only one go at a time.",
    Reason.PAUSED: "The task was paused.",
    Reason.PARKED: "The task was parked: its target could not be loaded, or its schedule not be followed.",
    Reason.MISSED: "No server was running at its time; the misfire policy runs at most the latest one.",
    Reason.WINDOW: "It was missed for longer than the catch-up window reaches back.",
    Reason.CAP: "More times were missed than are made up in one go.",
    Reason.REPLACED: "A newer run of the same task took its place.",
    Reason.REMOVED: "The task was removed before it started.",
    Reason.OFF: "It was switched off for its person before it started.",
    Reason.HELD: "A backup was restored; schedules were held, and what was missed meanwhile was left out.",
}
"""The answer to "why didn't it run?", by reason."""

_MISSED: Final = frozenset({Reason.MISSED, Reason.WINDOW, Reason.CAP})
_LONGEST: Final = 200


def named(task: Task) -> TaskName:
    """Return a task as it is named on pages."""
    return TaskName(id=task.id, name=task.name, kind=task.definition.kind.value)


def names_of(tx: Transaction, runs: Iterable[Run]) -> dict[int, TaskName]:
    """Return the tasks of `runs` by number, removed ones too."""
    return {key: named(task) for key, task in TaskBook(tx).by_ids(sorted({run.task_id for run in runs})).items()}


def starter(run: Run) -> By:
    """Return who or what made a run."""
    if run.triggered_by is TriggeredBy.MANUAL:
        return By(words=run.actor or "by hand", person=bool(run.actor))
    return By(words="by the schedule" if run.triggered_by is TriggeredBy.SCHEDULE else "by the schedule, made up")


def moment_of(run: Run) -> datetime:
    """Return the instant at which a run stands in lists: its start, else when it was planned or asked for."""
    return run.started_at or run.planned_at or run.created_at


def seconds_of(run: Run, now: datetime) -> float | None:
    """Return how long a run took, or has been going on so far; None before it started."""
    if run.started_at is None:
        return None
    end = run.finished_at or (now if run.is_open else None)
    return None if end is None else max((end - run.started_at).total_seconds(), 0.0)


def waited(run: Run) -> float | None:
    """Return how long after its time a run started, or after it was asked for."""
    if run.started_at is None:
        return None
    return max((run.started_at - (run.planned_at or run.created_at)).total_seconds(), 0.0)


def status_of(run: Run) -> Status:
    """Return the status of a run."""
    return OF_STATE[run.state.value]


def mark_of(run: Run) -> Outcome:
    """Return how a run is drawn: one that succeeded after a retry is told apart."""
    return mark_for(run.state, is_retried=run.attempt > 1)


def mark_for(state: RunState, *, is_retried: bool) -> Outcome:
    """Return how runs in a state are drawn."""
    if state is RunState.SUCCEEDED and is_retried:
        return "retry"
    return MARKS.get(OF_STATE[state.value], "plan")


def outcome_words(run: Run) -> str:
    """Return in a few words what came of a run: the error, or why it was given up."""
    if run.failure is not None:
        first = run.failure.message.strip().splitlines()[:1]
        return cut(": ".join(part for part in (run.failure.type, *first) if part))
    return cut(given_up_words(run))


def given_up_words(run: Run) -> str:
    """Return why a run was given up or cut off; nothing for one that simply ended, well or with an error."""
    if not run.reason or run.state in {RunState.SUCCEEDED, RunState.FAILED}:
        return ""
    return reason_words(run.reason)


def reason_words(reason: str) -> str:
    """Return the stored reason of a run as a sentence."""
    try:
        return WHY[Reason(reason)]
    except ValueError:
        return reason[:1].upper() + reason[1:]


def cut(text: str, most: int = _LONGEST) -> str:
    """Return `text`, shortened with an ellipsis beyond `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def attempts_words(run: Run) -> str:
    """Return how often a run was tried, nothing for once."""
    return plural(run.attempt, "attempt") if run.attempt > 1 else ""


def run_row(run: Run, task: TaskName, now: datetime) -> RunRow:
    """Return a run as a row of a list."""
    return RunRow(
        id=run.id,
        task=task,
        status=status_of(run),
        at=moment_of(run),
        by=starter(run),
        waited=waited(run),
        seconds=seconds_of(run, now),
        attempts=attempts_words(run),
        outcome=outcome_words(run),
    )


def bars_of(runs: Sequence[Run], now: datetime) -> tuple[Bar, ...]:
    """Return the bars of a task's newest runs, oldest first, from `runs` that are newest first."""
    return tuple(Bar(mark_of(run), seconds_of(run, now)) for run in reversed(runs))


def usual_seconds(runs: Iterable[Run]) -> float | None:
    """Return how long the runs that succeeded took in the middle, None when none has."""
    taken = [
        run.duration.total_seconds() for run in runs if run.state is RunState.SUCCEEDED and run.duration is not None
    ]
    return median(taken) if taken else None


def task_status(task: Task) -> Status:
    """Return the status of a task: its condition before its latest outcome."""
    if task.is_parked:
        return "parked"
    if task.is_paused:
        return "paused"
    if task.is_failing:
        return "failing"
    return "active" if task.next_at is not None or task.definition.schedule is None else "ended"


def skip_status(occurrence: Occurrence) -> Status:
    """Return the status of a planned time that did not become a run."""
    return skipped_as(occurrence.reason)


def skipped_as(reason: Reason | None) -> Status:
    """Return the status of planned times that became no run for a reason."""
    return "missed" if reason in _MISSED else "skipped"
