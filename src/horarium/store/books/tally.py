"""A day in figures: runs and skipped times counted where they are kept, however many there are."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, func, literal_column, select, text

from horarium.records.reach import EVERYTHING, Reach
from horarium.states import FAILURE_STATES, FINAL_STATES, RunState
from horarium.store.books.history import HistoryBook
from horarium.store.books.reach import covered_ids
from horarium.store.hot import Hot
from horarium.store.port import Transaction
from horarium.store.tables import occurrence_spans as spans
from horarium.store.tables import occurrences
from horarium.store.tables import task_executions as t

QUARTER = 900_000_000
"""A quarter of an hour in microseconds: how long one slot of a day with many runs is."""
_MINUTE = 60_000_000
_FEW = 1000


class RunGroup(NamedTuple):
    """Runs of one task in one slot that stand alike: how many, and when the first and the last of them began.

    `ended_at` is the latest end known, `newest` the highest number. Times in microseconds.
    """

    task_id: int
    state: str
    is_retried: bool
    many: int
    first_at: int
    last_at: int
    ended_at: int
    newest: int


class SkipGroup(NamedTuple):
    """Planned times of one task in one slot that became no run, for one reason. Times in microseconds."""

    task_id: int
    reason: str
    many: int
    first_at: int
    last_at: int


class Ended(NamedTuple):
    """Runs that ended: how many, how many of them badly, and the middle of what they took and how late they began.

    Lengths in microseconds, None where there is nothing to measure; only runs that their schedule started are late.
    """

    runs: int
    failed: int
    took: float | None
    late: float | None


_IN_RANGE = (t.c.id >= bindparam("first"), t.c.id < bindparam("after"))
_MOMENT = func.coalesce(t.c.started_at, t.c.planned_at, t.c.created_at)
_RETRIED = t.c.attempt > literal_column("1")
_RUNS = Hot(
    select(
        t.c.task_id,
        t.c.state,
        _RETRIED.label("retried"),
        func.count(),
        func.min(_MOMENT),
        func.max(_MOMENT),
        func.max(func.coalesce(t.c.finished_at, _MOMENT)),
        func.max(t.c.id),
    )
    .where(*_IN_RANGE)
    .group_by(t.c.task_id, (_MOMENT - bindparam("start")) // bindparam("slot"), t.c.state, text("retried")),
    ["first", "after", "start", "slot"],
)
_STATES = Hot(select(t.c.state, func.count()).where(*_IN_RANGE).group_by(t.c.state), ["first", "after"])
_TOOK = t.c.finished_at - t.c.started_at
_LATE = t.c.started_at - t.c.planned_at
_HAS_ENDED = (t.c.started_at.is_not(None), t.c.finished_at.is_not(None))
_ON_SCHEDULE = (*_HAS_ENDED, text("triggered_by = 'schedule'"))
_COUNTS = {
    "took": Hot(select(func.count()).where(*_IN_RANGE, *_HAS_ENDED), ["first", "after"]),
    "late": Hot(select(func.count()).where(*_IN_RANGE, *_ON_SCHEDULE), ["first", "after"]),
}
_MIDDLES = {
    name: Hot(
        select(length).where(*_IN_RANGE, *which).order_by(length).limit(bindparam("most")).offset(bindparam("from")),
        ["first", "after", "most", "from"],
    )
    for name, length, which in (("took", _TOOK, _HAS_ENDED), ("late", _LATE, _ON_SCHEDULE))
}
_planned = occurrences.c.planned_at
_SKIPS = Hot(
    select(
        occurrences.c.task_id,
        occurrences.c.reason,
        func.count(),
        func.min(_planned),
        func.max(_planned),
    )
    .where(_planned >= bindparam("from"), _planned < bindparam("until"), occurrences.c.run_id.is_(None))
    .group_by(occurrences.c.task_id, (_planned - bindparam("start")) // bindparam("slot"), occurrences.c.reason),
    ["from", "until", "start", "slot"],
)
_STRETCHES = Hot(
    select(spans.c.task_id, spans.c.reason, spans.c.count, spans.c.first_at, spans.c.last_at).where(
        spans.c.last_at >= bindparam("from"), spans.c.first_at < bindparam("until")
    ),
    ["from", "until"],
)


class TallyBook:
    """Counting runs and skipped times of a period, from `start` up to but not including `end` (microseconds)."""

    def __init__(self, tx: Transaction, reach: Reach = EVERYTHING) -> None:
        """Work inside `tx`, on the tasks that `reach` covers."""
        self._tx = tx
        self._reach = reach

    def runs(self, start: int, end: int) -> list[RunGroup]:
        """Return the runs made in the period by task, outcome and slot; no slot reaches over a quarter of an hour."""
        numbers = HistoryBook(self._tx).numbers_between(start, end)
        # Few runs are worth being told apart within a quarter of an hour.
        slot = _MINUTE if numbers[1] - numbers[0] <= _FEW else QUARTER
        return [RunGroup(*row) for row in self._rows(_RUNS, t.c.task_id, (*numbers, start, slot))]

    def skips(self, start: int, end: int) -> list[SkipGroup]:
        """Return the planned times of the period that became no run, counted by task, slot and reason.

        A stretch of them is one group and counts whole if it began inside; one that only reaches in counts nothing.
        """
        rows = self._rows(_SKIPS, occurrences.c.task_id, (start, end, start, QUARTER))
        found = [SkipGroup(*row) for row in rows]
        for task_id, reason, count, first, last in self._rows(_STRETCHES, spans.c.task_id, (start, end)):
            inside = first >= start
            found.append(SkipGroup(task_id, reason, count if inside else 0, max(first, start), min(last, end - 1)))
        return found

    def ended(self, start: int, end: int) -> Ended:
        """Return the figures of the runs that were made in the period and have ended; given up ones do not count."""
        numbers = HistoryBook(self._tx).numbers_between(start, end)
        states: dict[str, int] = {row[0]: int(row[1]) for row in self._rows(_STATES, t.c.task_id, numbers)}
        return Ended(
            runs=sum(states.get(state, 0) for state in FINAL_STATES - {RunState.SKIPPED}),
            failed=sum(states.get(state, 0) for state in FAILURE_STATES),
            took=self._middle("took", numbers),
            late=self._middle("late", numbers),
        )

    def _rows(self, hot: Hot, task_id: ColumnElement[int], values: tuple[int, ...]) -> list[tuple[Any, ...]]:
        """Run a query as it stands, or narrowed to what is seen: the conditions go before its grouping and order."""
        conditions = covered_ids(self._reach, task_id)
        if not conditions:
            return self._tx.rows(hot, values)
        statement: Any = hot.statement
        rows = self._tx.execute(statement.where(*conditions), dict(zip(hot.params, values, strict=True)))
        return [tuple(row) for row in rows]

    def _middle(self, name: str, numbers: tuple[int, int]) -> float | None:
        count = int(self._rows(_COUNTS[name], t.c.task_id, numbers)[0][0])
        if not count:
            return None
        rows = self._rows(_MIDDLES[name], t.c.task_id, (*numbers, 2 - count % 2, (count - 1) // 2))
        return sum(max(int(row[0]), 0) for row in rows) / len(rows)
