"""Show how a run goes: its steps, how far it is by what is usual, and what its time went into."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from horarium.records.runs import Attempt, Run
from horarium.records.tasks import Task
from horarium.states import RunState
from horarium.web.charts.waterfall import Span, Stretch
from horarium.web.filters import duration, moment
from horarium.web.pages.wording import seconds_of, waited
from horarium.web.views.run import Progress, Stage

_STRETCHES: dict[RunState, Stretch] = {RunState.SUCCEEDED: "ok", RunState.CANCELLED: "cancel", RunState.RUNNING: "run"}


def stages_of(run: Run, task: Task, now: datetime, zone: ZoneInfo) -> tuple[Stage, ...]:
    """Return the steps of a run that lives; none for one that has ended."""
    if not run.is_open:
        return ()
    due = run.planned_at or run.created_at
    first = Stage(label="Due", detail=moment(due, zone, now), state="done")
    retry = task.definition.policies.retry
    if run.state is RunState.RUNNING:
        detail = duration(seconds_of(run, now))
        words = f"attempt {run.attempt} of {retry.attempts}, {detail}" if retry.attempts > 1 else detail
        middle = Stage(label="Running", detail=words, state="now", status="running")
        wait = Stage(label="Waited", detail=duration(waited(run)), state="done")
    elif run.state is RunState.RETRYING:
        again = moment(run.not_before, zone, now) if run.not_before else "soon"
        wait = Stage(label="Waited", detail=duration(waited(run)), state="done")
        middle = Stage(label="Retrying", detail=f"next attempt {again}", state="now", status="retrying")
    else:
        wait = Stage(label="Waiting", detail="for a free place", state="now", status="queued")
        middle = Stage(label="Running", detail="", state="later", status="running")
    return (first, wait, middle, Stage(label="Ended", detail="", state="later", status="planned"))


def progress_of(run: Run, usual: float | None, now: datetime) -> Progress | None:
    """Return how far a running run is by what is usual; None where nothing is known of that."""
    gone = seconds_of(run, now)
    if run.state is not RunState.RUNNING or not usual or gone is None:
        return None
    over = gone > usual
    left = f"longer than the usual {duration(usual)}" if over else f"usually takes {duration(usual)}"
    return Progress(percent=min(100.0, 100 * gone / usual), title=duration(gone), words=left, over=over)


def spans_of(run: Run, attempts: list[Attempt], now: datetime) -> tuple[Span, ...]:
    """Return what a run's time went into: waiting, attempts, and the pauses between them."""
    spans: list[Span] = []
    before, label, stretch = run.planned_at or run.created_at, "Waited", "wait"
    for attempt in attempts:
        if attempt.started_at > before:
            spans.append(Span(label, before, attempt.started_at, "wait" if stretch == "wait" else "pause"))
        end = attempt.finished_at or (now if run.is_open else attempt.started_at)
        name = f"Attempt {attempt.number}" if len(attempts) > 1 else "Ran"
        spans.append(Span(name, attempt.started_at, max(end, attempt.started_at), _stretch(attempt)))
        before, label, stretch = max(end, attempt.started_at), "Pause", "pause"
    return tuple(spans)


def _stretch(attempt: Attempt) -> Stretch:
    return _STRETCHES.get(attempt.state, "run" if attempt.finished_at is None else "bad")
