"""Answers from the ledger: why an instant did or did not become a run, and what a period adds up to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from horarium.clock import Clock, to_micros
from horarium.errors import InvalidSchedule, InvalidValue, TaskNotFound
from horarium.records.runs import Occurrence, Run
from horarium.records.tasks import Task
from horarium.states import Reason, RunState
from horarium.store.books.history import HistoryBook
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Store, Transaction
from horarium.triggers import from_text

MOMENT = timedelta(seconds=1)

SKIPPED = {
    Reason.OVERLAP: "the run before it was still going",
    Reason.PAUSED: "the task was paused",
    Reason.PARKED: "the task was parked, its target could not be loaded",
    Reason.MISSED: "nobody was there at its time, and the misfire policy leaves it out",
    Reason.WINDOW: "it was missed for longer than the catch-up window reaches back",
    Reason.CAP: "more were missed than are made up in one go",
    Reason.REPLACED: "a newer run of the same task took its place",
    Reason.REMOVED: "the task was removed before it started",
    Reason.OFF: "it was switched off for its person before it started",
    Reason.HELD: "a backup was restored, and what was missed before the schedules went on was left out",
}


@dataclass(frozen=True, slots=True)
class Accounting:
    """What fell due in a period: `occurrences` in all, of which `runs` became runs, the others skipped by reason."""

    occurrences: int
    runs: int
    skipped: dict[str, int] = field(default_factory=dict)


class History:
    """Reads the ledger of a store for people."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Read from `store`; `clock` tells what lies ahead."""
        self._store = store
        self._clock = clock

    def why(self, name: str, instant: datetime) -> str:
        """Say in one sentence what became of `instant` (aware) of the task `name`, and why.

        Raises `TaskNotFound`, `InvalidValue` for an instant without a time zone.
        """
        at = _micros("instant", instant)
        with self._store.reading() as tx:
            task = _task(tx, name)
            found = LedgerBook(tx).of(task.id, at)
            if found is None or (found.count > 1 and not _is_planned(task, instant)):
                return self._undecided(task, instant)
            if found.reason is not None:
                return " ".join(f"It did not run: {SKIPPED[found.reason]}. {found.detail}".split())
            run = None if found.run_id is None else HistoryBook(tx).get(found.run_id)
        return _of_run(run, found)

    def accounting(self, name: str, start: datetime, end: datetime) -> Accounting:
        """Add up what fell due for the task `name` from `start` up to, not including, `end` (aware).

        Long stretches of skipped instants are kept as one row; where one reaches over an edge, its share inside is
        counted by the task's schedule. Raises `TaskNotFound`, `InvalidValue`.
        """
        first, after = _micros("start", start), _micros("end", end)
        with self._store.reading() as tx:
            task = _task(tx, name)
            totals = LedgerBook(tx).totals(task.id, first, after)
            for stretch in LedgerBook(tx).stretches_over(task.id, (first, after)):
                reason = str(stretch.reason)
                whole = stretch.count if start <= stretch.planned_at < end else 0
                totals[reason] = totals.get(reason, 0) - whole + _share(task, stretch, start, end)
        runs = totals.pop("runs", 0)
        skipped = {reason: count for reason, count in sorted(totals.items()) if count}
        return Accounting(runs + sum(skipped.values()), runs, skipped)

    def _undecided(self, task: Task, instant: datetime) -> str:
        """Say why an instant has no outcome."""
        if task.definition.schedule is None:
            return "It has no schedule: it only runs by hand."
        if not _is_planned(task, instant):
            return "Its schedule, as it is now, does not give this instant."
        if instant > self._clock.now():
            return "It lies ahead." if task.pause is None else "It lies ahead, and the task is paused."
        if instant < task.created_at:
            return f"The task was added later, at {_words(task.created_at)}."
        if task.next_at is not None and task.next_at <= instant:
            return "Nobody has looked at it yet: no scheduler is running that could."
        return "It counted for nothing: the schedule was another at that time."


def _micros(field_name: str, instant: datetime) -> int:
    if instant.utcoffset() is None:
        raise InvalidValue(field_name, instant, "give a datetime with a time zone")
    return to_micros(instant)


def _task(tx: Transaction, name: str) -> Task:
    book = TaskBook(tx)
    number = book.id_of(name) or book.id_of_removed(name)
    task = None if number is None else book.get(number)
    if task is None:
        raise TaskNotFound(name)
    return task


def _of_run(run: Run | None, found: Occurrence) -> str:
    if run is None:
        return f"It ran as run {found.run_id}, whose record has been cleaned up since."
    if run.state is RunState.SKIPPED:
        reason = SKIPPED.get(Reason(run.reason), run.reason) if run.reason in set(Reason) else run.reason
        return f"It became run {run.id}, which was given up before it started: {reason}."
    if run.lateness is None:
        return f"It became run {run.id}, which is {_state(run)} and has not started."
    late = "on time" if run.lateness < MOMENT else f"{run.lateness.total_seconds():.0f} s late"
    return f"It ran {late} as run {run.id}, which is {_state(run)}."


def _state(run: Run) -> str:
    return run.state.value.replace("_", " ")


def _words(instant: datetime) -> str:
    return instant.isoformat(sep=" ", timespec="seconds")


def _is_planned(task: Task, instant: datetime) -> bool:
    """Tell whether the schedule of a task, as it is now, gives this very instant."""
    if task.definition.schedule is None:
        return False
    try:
        return from_text(task.definition.schedule).next_after(instant - timedelta(microseconds=1)) == instant
    except InvalidSchedule:
        return False


def _share(task: Task, stretch: Occurrence, start: datetime, end: datetime) -> int:
    """Count the instants of a stretch inside a period: by the schedule if it still gives them, else evenly."""
    last = stretch.last_planned_at or stretch.planned_at
    instants = _instants(task, stretch.planned_at, last, most=stretch.count + 1)
    if len(instants) == stretch.count:
        return sum(start <= at < end for at in instants)
    gap = (last - stretch.planned_at) / max(stretch.count - 1, 1)
    return sum(start <= stretch.planned_at + gap * place < end for place in range(stretch.count))


def _instants(task: Task, first: datetime, last: datetime, *, most: int) -> list[datetime]:
    found: list[datetime] = []
    if task.definition.schedule is None:
        return found
    try:
        trigger = from_text(task.definition.schedule)
        instant = trigger.next_after(first - timedelta(microseconds=1))
        while instant is not None and instant <= last and len(found) < most:
            found.append(instant)
            instant = trigger.next_after(instant)
    except InvalidSchedule:
        return []
    return found
