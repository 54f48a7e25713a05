"""A period in figures: what is counted already is read from there, the rest is counted where it is kept."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, case, func, literal_column, select, text

from horarium.records.figures import ALL_TASKS, DAY, EVER, QUARTER, SKIPPED_TIME, Group, Key, RawRun, Spread, grouped
from horarium.records.reach import EVERYTHING, Reach
from horarium.states import FAILURE_STATES, FINAL_STATES, RunState
from horarium.store.books.figures import QUARTERS, RAW, RUNS, SKIPS, FiguresBook, group_of
from horarium.store.books.history import HistoryBook
from horarium.store.books.reach import covered_ids
from horarium.store.hot import Hot
from horarium.store.port import Transaction
from horarium.store.tables import occurrence_spans as spans
from horarium.store.tables import occurrences
from horarium.store.tables import task_executions as t
from horarium.store.tables.figures import daily_figures, quarter_figures, uncounted_runs

_MINUTE: Final = 60_000_000
_FEW: Final = 1000
_FEW_FRESH: Final = 2000
_EARLY: Final = _MINUTE
"""What falls due is claimed a moment ahead, so the runs of a period may have been made a little before it."""
_ENDED: Final = FINAL_STATES - {RunState.SKIPPED}


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

    Lengths in microseconds, to within 2.6 percent, None where there is nothing to measure; only runs that their
    schedule started are late.
    """

    runs: int
    failed: int
    took: float | None
    late: float | None


_MOMENT = func.coalesce(t.c.started_at, t.c.planned_at, t.c.created_at)
_belongs = case((t.c.planned_at > t.c.created_at, t.c.planned_at), else_=t.c.created_at)
_RETRIED = t.c.attempt > literal_column("1")
_GROUPS = (
    *(t.c.task_id, t.c.state, _RETRIED.label("retried"), func.count(), func.min(_MOMENT), func.max(_MOMENT)),
    *(func.max(func.coalesce(t.c.finished_at, _MOMENT)), func.max(t.c.id)),
)
_BY = (t.c.task_id, (_MOMENT - bindparam("start")) // bindparam("slot"), t.c.state, text("retried"))
# By their numbers and then by the period: planners know what numbers are worth.
_RANGE = (
    *(t.c.id >= bindparam("first"), t.c.id < bindparam("after")),
    *(_belongs >= bindparam("from"), _belongs < bindparam("until")),
)
_LATE = t.c.id.in_(
    select(uncounted_runs.c.run_id).where(
        uncounted_runs.c.at >= bindparam("from"), uncounted_runs.c.at < bindparam("until")
    )
)
_EDGES = ["first", "after", "from", "until"]
_RUNS = Hot(select(*_GROUPS).where(*_RANGE).group_by(*_BY), [*_EDGES, "start", "slot"])
_UNCOUNTED = Hot(select(*_GROUPS).where(_LATE).group_by(*_BY), ["from", "until", "start", "slot"])
_RAW = Hot(select(*RAW).where(*_RANGE), _EDGES)
_RAW_UNCOUNTED = Hot(select(*RAW).where(_LATE), ["from", "until"])
_planned = occurrences.c.planned_at
_SKIP_GROUPS = (*(occurrences.c.task_id, occurrences.c.reason, func.count(), func.min(_planned), func.max(_planned)),)
_SKIP_BY = (occurrences.c.task_id, (_planned - bindparam("start")) // bindparam("slot"), occurrences.c.reason)
_SKIPS = Hot(
    select(*_SKIP_GROUPS)
    .where(_planned >= bindparam("from"), _planned < bindparam("until"), occurrences.c.run_id.is_(None))
    .group_by(*_SKIP_BY),
    ["from", "until", "start", "slot"],
)
# The sum keeps both planners from walking through all planned times of the period, most of which became runs.
_FRESH_SKIPS = Hot(
    select(*_SKIP_GROUPS)
    .where(
        *(occurrences.c.run_id.is_(None), occurrences.c.decided_at >= bindparam("mark")),
        *(_planned + literal_column("0") >= bindparam("from"), _planned + literal_column("0") < bindparam("until")),
    )
    .group_by(*_SKIP_BY),
    ["mark", "from", "until", "start", "slot"],
)
_STRETCHES = Hot(
    select(spans.c.task_id, spans.c.reason, spans.c.count, spans.c.first_at, spans.c.last_at, spans.c.decided_at).where(
        spans.c.last_at >= bindparam("from"), spans.c.first_at < bindparam("until")
    ),
    ["from", "until"],
)


_KEPT = {
    table.name: Hot(
        select(*table.c[1:]).where(
            table.c.at >= bindparam("first"),
            table.c.at < bindparam("after"),
            # Without a parameter: it says which rows, not which task.
            table.c.task_id != literal_column(str(ALL_TASKS)),
        ),
        ["first", "after"],
    )
    for table in (quarter_figures, daily_figures)
}


class TallyBook:
    """Counting runs and skipped times of a period, from `start` up to but not including `end` (microseconds).

    What is counted by the quarter of an hour belongs to the period that its quarter begins in: periods that begin and
    end on one are exact.
    """

    def __init__(self, tx: Transaction, reach: Reach = EVERYTHING) -> None:
        """Work inside `tx`, on the tasks that `reach` covers."""
        self._tx = tx
        self._reach = reach
        book = FiguresBook(tx)
        self._mark, self._skips_mark, self._quarters = (book.mark(name) for name in (RUNS, SKIPS, QUARTERS))

    def runs(self, start: int, end: int) -> list[RunGroup]:
        """Return the runs made in the period by task, outcome and slot; no slot reaches over a quarter of an hour.

        Of periods long ago there are only whole days.
        """
        numbers = self._numbers(start, end)
        kept = self._kept_runs(start, end) if self._mark else []
        if numbers[1] - numbers[0] <= _FEW:
            # Few runs are worth being told apart within a quarter of an hour, as long as all of them are there.
            found = self._run_groups(_RUNS, (*numbers, start, end, start, _MINUTE))
            counted = sum(each.many for each in kept) + sum(
                each.many for each in self._run_groups(_UNCOUNTED, (start, end, start, QUARTER))
            )
            fresh = self._run_groups(_RUNS, (*self._fresh(numbers), start, end, start, QUARTER))
            if sum(each.many for each in found) >= counted + sum(each.many for each in fresh):
                return found
        kept += self._run_groups(_RUNS, (*self._fresh(numbers), start, end, start, QUARTER))
        return kept + self._run_groups(_UNCOUNTED, (start, end, start, QUARTER))

    def skips(self, start: int, end: int) -> list[SkipGroup]:
        """Return the planned times of the period that became no run, counted by task, slot and reason.

        A stretch of them is one group and counts whole if it began inside; one that only reaches in counts nothing.
        """
        table, first, after = self._slots(start, end)
        columns = (table.c.task_id, table.c.outcome, table.c.many, table.c.first_at, table.c.last_at)
        query = select(*columns).where(table.c.at >= first, table.c.at < after, ~_of_runs(table))
        kept = [
            SkipGroup(task_id, outcome.removeprefix(SKIPPED_TIME), many, first_at, min(last_at, end - 1))
            for task_id, outcome, many, first_at, last_at in self._figures(query, table)
        ]
        return self._fresh_skips(start, end) + kept

    def sums(self, start: int, end: int, *, task_ids: Collection[int] | None = None) -> dict[Key, Group]:
        """Return all runs and skipped times of the period by task, outcome and whether it was tried again.

        `task_ids` narrows them to some tasks. When they were is left out of the keys: it is 0.
        """
        found = grouped(
            (run for run in self._raw(start, end) if task_ids is None or run.task_id in task_ids), width=EVER
        )
        for table, first, after in self._parts(start, end):
            for task_id, outcome, retried, *row in self._rows(_KEPT[table.name], table.c.task_id, (first, after)):
                if task_ids is None or task_id in task_ids:
                    found.setdefault(Key(0, task_id, outcome, bool(retried)), Group()).merge_row(row)
        for each in self._fresh_skips(start, end):
            if each.many and (task_ids is None or each.task_id in task_ids):
                key = Key(0, each.task_id, f"{SKIPPED_TIME}{each.reason}", is_retried=False)
                _put(found, key, Group(each.many, each.first_at, each.last_at))
        return found

    def totals(self, start: int, end: int) -> dict[Key, Group]:
        """Return the same over all tasks together: their number is left out of the keys, too."""
        found: dict[Key, Group] = {}
        if not self._reach.everything:
            for key, group in self.sums(start, end).items():
                _put(found, key._replace(task_id=ALL_TASKS), group)
            return found
        for table, first, after in self._parts(start, end):
            which = (table.c.task_id == ALL_TASKS, table.c.at >= first, table.c.at < after)
            for row in self._tx.execute(select(table).where(*which)):
                _put(found, Key(0, ALL_TASKS, row.outcome, bool(row.retried)), group_of(row))
        for key, group in grouped(self._raw(start, end), width=EVER).items():
            _put(found, key._replace(task_id=ALL_TASKS), group)
        for each in self._fresh_skips(start, end):
            if each.many:
                key = Key(0, ALL_TASKS, f"{SKIPPED_TIME}{each.reason}", is_retried=False)
                _put(found, key, Group(each.many, each.first_at, each.last_at))
        return found

    def ended(self, start: int, end: int) -> Ended:
        """Return the figures of the runs that were made in the period and have ended; given up ones do not count."""
        took, late = Spread(), Spread()
        runs = failed = 0
        for key, group in self.totals(start, end).items():
            took.merge(group.took)
            late.merge(group.late)
            runs += group.many if key.outcome in _ENDED else 0
            failed += group.many if key.outcome in FAILURE_STATES else 0
        return Ended(runs, failed, took.percentile(50), late.percentile(50))

    def by_slot(self, start: int, end: int) -> dict[tuple[int, str], int]:
        """Return how many runs were made in the period, by the beginning of their quarter of an hour and their state.

        Of periods long ago there are only whole days.
        """
        table, first, after = self._slots(start, end)
        which = [table.c.at >= first, table.c.at < after, _of_runs(table)]
        if self._reach.everything:
            which.append(table.c.task_id == ALL_TASKS)
        else:
            which += [table.c.task_id != ALL_TASKS, *covered_ids(self._reach, table.c.task_id)]
        query = select(table.c.at, table.c.outcome, func.sum(table.c.many)).where(*which)
        rows = self._tx.execute(query.group_by(table.c.at, table.c.outcome))
        found = {(at, outcome): int(many) for at, outcome, many in rows}
        for key, group in grouped(self._raw(start, end)).items():
            found[key.at, key.outcome] = found.get((key.at, key.outcome), 0) + group.many
        return found

    def _kept_runs(self, start: int, end: int) -> list[RunGroup]:
        table, first, after = self._slots(start, end)
        query = select(
            *(table.c.task_id, table.c.outcome, table.c.retried, table.c.many, table.c.first_at, table.c.last_at),
            *(table.c.ended_at, table.c.newest),
        ).where(table.c.at >= first, table.c.at < after, _of_runs(table))
        return [RunGroup(row[0], row[1], bool(row[2]), *row[3:]) for row in self._figures(query, table)]

    def _fresh_skips(self, start: int, end: int) -> list[SkipGroup]:
        """Return the skipped times of the period that are not in the figures, and the stretches that reach into it."""
        mark = self._skips_mark
        edges = (start, end, start, QUARTER)
        hot, values = (_FRESH_SKIPS, (mark, *edges)) if mark else (_SKIPS, edges)
        found = [SkipGroup(*row) for row in self._rows(hot, occurrences.c.task_id, values)]
        for task_id, reason, count, first, last, decided in self._rows(_STRETCHES, spans.c.task_id, (start, end)):
            inside = first >= start
            if not inside or decided >= mark:
                found.append(SkipGroup(task_id, reason, count if inside else 0, max(first, start), min(last, end - 1)))
        return found

    def _slots(self, start: int, end: int) -> tuple[Any, int, int]:
        """Return the table with the finest figures of a period, and the period as far as it knows it."""
        if start >= self._quarters:
            return quarter_figures, start, end
        return daily_figures, _nearest_day(start), _nearest_day(end)

    def _parts(self, start: int, end: int) -> list[tuple[Any, int, int]]:
        """Cut a period into whole days and what is left over at its edges, each with the table that holds it."""
        first, after = (each if each >= self._quarters else _nearest_day(each) for each in (start, end))
        days = (-(-first // DAY) * DAY, after // DAY * DAY)
        if days[0] >= days[1]:
            return [(quarter_figures, first, after)]
        edges = ((quarter_figures, first, days[0]), (quarter_figures, days[1], after))
        return [(daily_figures, *days), *(each for each in edges if each[1] < each[2])]

    def _raw(self, start: int, end: int) -> list[RawRun]:
        """Return the runs of the period that are not in the figures."""
        numbers = self._fresh(self._numbers(start, end))
        rows = self._rows(_RAW, t.c.task_id, (*numbers, start, end)) if numbers[0] < numbers[1] else []
        rows += self._rows(_RAW_UNCOUNTED, t.c.task_id, (start, end)) if self._mark else []
        return [RawRun._make(row) for row in rows]

    def _numbers(self, start: int, end: int) -> tuple[int, int]:
        return HistoryBook(self._tx).numbers_between(start - _EARLY, end)

    def _fresh(self, numbers: tuple[int, int]) -> tuple[int, int]:
        """Return the part of a range of numbers that lies above the mark.

        Where few lie there it is all of them: a clock that was set back makes later numbers of earlier runs.
        """
        after = HistoryBook(self._tx).newest() + 1
        if after - self._mark <= _FEW_FRESH:
            return self._mark + 1, after
        return max(numbers[0], self._mark + 1), numbers[1]

    def _run_groups(self, hot: Hot, values: tuple[int, ...]) -> list[RunGroup]:
        return [RunGroup(*row) for row in self._rows(hot, t.c.task_id, values)]

    def _figures(self, query: Select[*tuple[Any, ...]], table: Any) -> list[Any]:
        query = query.where(table.c.task_id != ALL_TASKS, *covered_ids(self._reach, table.c.task_id))
        return list(self._tx.execute(query))

    def _rows(self, hot: Hot, task_id: ColumnElement[int], values: tuple[int, ...]) -> list[tuple[Any, ...]]:
        """Run a query as it stands, or narrowed to what is seen: the conditions go before its grouping and order."""
        conditions = covered_ids(self._reach, task_id)
        if not conditions:
            return self._tx.rows(hot, values)
        statement: Any = hot.statement
        rows = self._tx.execute(statement.where(*conditions), dict(zip(hot.params, values, strict=True)))
        return [tuple(row) for row in rows]


def _of_runs(table: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = table.c.outcome.not_like(f"{SKIPPED_TIME}%")
    return found


def _nearest_day(at: int) -> int:
    return (at + DAY // 2) // DAY * DAY


def _put(groups: dict[Key, Group], key: Key, group: Group) -> None:
    there = groups.get(key)
    if there is None:
        groups[key] = group
    else:
        there.merge(group)
