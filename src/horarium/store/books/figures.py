"""Figures as they are written: how far runs and skipped times are counted, and what they add up to.

Runs are counted in the order of their numbers, up to a mark. One that has not ended when the mark passes it is noted as
uncounted, and counted once it has. So each is counted once, whenever it ends, and nothing is ever counted anew: what
retention removes later stays in the figures. Skipped times are counted in the order in which they were decided about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Table, bindparam, delete, func, select, text, union_all, update

from horarium.records.figures import (
    DAY,
    QUARTER,
    SKIPPED_TIME,
    Group,
    Key,
    RawRun,
    Spread,
    grouped,
    widened,
    with_totals,
)
from horarium.states import FINAL_STATES
from horarium.store.books.history import HistoryBook
from horarium.store.books.people import changed
from horarium.store.hot import Hot
from horarium.store.port import Transaction
from horarium.store.tables import counters
from horarium.store.tables import occurrence_spans as spans
from horarium.store.tables import occurrences as o
from horarium.store.tables import task_executions as t
from horarium.store.tables.figures import daily_figures, quarter_figures, uncounted_runs

RUNS: Final = "figures_runs"
"""The mark below which every run is counted or noted as uncounted: the highest such number."""
SKIPS: Final = "figures_skips"
"""The mark before which every skipped time is counted that was decided about by then, in microseconds."""
QUARTERS: Final = "figures_quarters"
"""The day of UTC from which on there are figures by the quarter of an hour, in microseconds; before it, by the day."""

RAW: Final = (
    *(t.c.id, t.c.task_id, t.c.state, t.c.attempt, t.c.triggered_by, t.c.planned_at, t.c.created_at),
    *(t.c.started_at, t.c.finished_at),
)
"""The columns of a `RawRun`."""
_FINAL: Final = sorted(state.value for state in FINAL_STATES)
_TABLES: Final = (quarter_figures, daily_figures)
_INSERT: Final = {table.name: Hot.insert_into(table) for table in _TABLES}
_AT: Final = {
    table.name: Hot(
        select(table).where(table.c.at == bindparam("at_"), table.c.task_id == bindparam("task_")), ["at_", "task_"]
    )
    for table in _TABLES
}
_KEY: Final = ("at", "task_id", "outcome", "retried")
_DELETE: Final = {
    table.name: Hot(
        delete(table).where(*(table.c[name] == bindparam(f"{name}_") for name in _KEY)), [f"{name}_" for name in _KEY]
    )
    for table in _TABLES
}
_NOTE: Final = Hot.insert_into(uncounted_runs)
_FORGET: Final = Hot(delete(uncounted_runs).where(uncounted_runs.c.run_id == bindparam("id_")), ["id_"])
_NEXT: Final = Hot(
    select(*RAW)
    .where(t.c.id > bindparam("after"), t.c.id <= bindparam("last"))
    .order_by(t.c.id)
    .limit(bindparam("most"))
    .offset(bindparam("from")),
    ["after", "last", "most", "from"],
)
_DENSE: Final = 8
"""Places, of a task and a slot, of which one in so many is meant are asked for together, and otherwise one by one."""
_BEGIN: Final = text("INSERT INTO counters (name, value) VALUES (:name, 0) ON CONFLICT (name) DO NOTHING")


class Sum(NamedTuple):
    """What is to be added to a table of figures, with slots of `width`: its rows are those of a table without any."""

    table: Table
    width: int
    groups: dict[Key, Group]
    rows: dict[Key, tuple[Any, ...]]

    @classmethod
    def of(cls, table: Table, width: int, groups: dict[Key, Group]) -> Sum:
        """Add up some groups over all tasks, too, and make their rows, in the order of their keys."""
        found = with_totals(groups)
        return cls(table, width, found, {key: _row(key, found[key]) for key in sorted(found)})


class Overtaken(Exception):
    """Somebody else has counted the same meanwhile: nothing of this transaction may stand."""


class FiguresBook:
    """The marks, and what is added to the figures when they move on."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def mark(self, name: str) -> int:
        """Return how far one of the marks has come, 0 where nothing is counted yet."""
        found = self._tx.execute(select(counters.c.value).where(counters.c.name == name)).scalar_one_or_none()
        return int(found or 0)

    def last_before(self, instant: int) -> int:
        """Return the number of the last run made before an instant, 0 without any."""
        return max(0, HistoryBook(self._tx).numbers_between(0, instant)[1] - 1)

    def next_runs(self, after: int, last: int, *, most: int) -> list[RawRun]:
        """Return the runs that come next for being counted, with numbers above `after` and up to `last`."""
        return [RawRun._make(row) for row in self._tx.rows(_NEXT, (after, last, most, 0))]

    def count_runs(self, runs: Sequence[RawRun], *, sums: Iterable[Sum], after: int) -> int:
        """Count the runs that came next after the mark `after`, which moves to the last of them; return how many.

        `sums` is what the ended ones of them add up to. Raises `Overtaken`.
        """
        self._move(RUNS, after, runs[-1].id)
        self._tx.many(_NOTE, [(run.id, run.belongs_at) for run in runs if run.state not in FINAL_STATES])
        self._add(sums)
        return len(runs)

    def ended_since(self, *, most: int) -> list[RawRun]:
        """Return uncounted runs that have ended by now."""
        query = select(*RAW).join_from(uncounted_runs, t, uncounted_runs.c.run_id == t.c.id)
        rows = self._tx.execute(query.where(t.c.state.in_(_FINAL)).order_by(t.c.id).limit(most))
        return [RawRun._make(row) for row in rows]

    def count_late(self, runs: Sequence[RawRun], *, sums: Iterable[Sum]) -> int:
        """Count runs that have ended after the mark passed them, by what they add up to; return how many.

        Raises `Overtaken`.
        """
        self._hold(RUNS)
        if self._tx.many(_FORGET, [(run.id,) for run in runs]) != len(runs):
            raise Overtaken
        self._add(sums)
        return len(runs)

    def skips_step(self, before: int, *, most: int) -> int:
        """Return up to where skipped times decided before `before` are counted next: about `most` of them."""
        mark = self.mark(SKIPS)
        decided = (
            select(each.c.decided_at).where(*conditions, each.c.decided_at >= mark, each.c.decided_at < before)
            for each, conditions in ((o, [o.c.run_id.is_(None)]), (spans, []))
        )
        found = union_all(
            *(each.order_by(each.selected_columns[0]).limit(most + 1).subquery().select() for each in decided)
        )
        inner = found.subquery()
        at = self._tx.execute(select(inner.c[0]).order_by(inner.c[0]).offset(most).limit(1)).scalar_one_or_none()
        return before if at is None else max(int(at), mark + 1)

    def count_skips(self, before: int) -> int:
        """Count the skipped times decided from the mark up to `before`, which it moves to; return how many.

        Raises `Overtaken`.
        """
        mark = self.mark(SKIPS)
        groups: dict[Key, Group] = {}
        for statement in _skipped(mark, before):
            for task_id, slot, reason, many, first, last in self._tx.execute(statement):
                key = Key(int(slot) * QUARTER, task_id, f"{SKIPPED_TIME}{reason}", is_retried=False)
                groups.setdefault(key, Group()).merge(Group(int(many), int(first), int(last)))
        since = self.mark(QUARTERS)
        fresh = {key: group for key, group in groups.items() if key.at >= since}
        self._move(SKIPS, mark, before)
        self._add((Sum.of(quarter_figures, QUARTER, fresh), Sum.of(daily_figures, DAY, widened(groups))))
        return sum(group.many for group in groups.values())

    def drop_quarters(self, before: int, *, most: int) -> bool:
        """Drop the figures by the quarter of an hour of days before `before`, a few; return whether there are more."""
        old = select(quarter_figures.c.at).where(quarter_figures.c.at < before).order_by(quarter_figures.c.at)
        edge = self._tx.execute(old.offset(most).limit(1)).scalar_one_or_none()
        upto = before if edge is None else int(edge) + 1
        self._begin(QUARTERS)
        which = (counters.c.name == QUARTERS, counters.c.value < before)
        changed(self._tx, update(counters).where(*which).values(value=before))
        self._tx.execute(delete(quarter_figures).where(quarter_figures.c.at < upto))
        return edge is not None

    def forget(self, run_ids: Iterable[int]) -> None:
        """Forget uncounted runs that are not there any more."""
        self._tx.many(_FORGET, [(run_id,) for run_id in run_ids])

    def _add(self, sums: Iterable[Sum]) -> None:
        for table, width, groups, alone in sums:
            if not groups:
                continue
            rows, gone = dict(alone), []
            for row in self._there(table, width, groups):
                key = Key(row[0], row[1], row[2], bool(row[3]))
                if key in groups:
                    gone.append(tuple(key))
                    group = Group()
                    group.merge_row(row[4:])
                    group.merge(groups[key])
                    rows[key] = _row(key, group)
            self._tx.many(_DELETE[table.name], gone)
            self._tx.many(_INSERT[table.name], [*rows.values()])

    def _there(self, table: Table, width: int, keys: Iterable[Key]) -> list[tuple[Any, ...]]:
        """Return the rows that are there for these keys, among few others."""
        places = sorted({(key.at, key.task_id) for key in keys})
        tasks = sorted({task_id for _, task_id in places})
        first, last = places[0][0], places[-1][0]
        if ((last - first) // width + 1) * len(tasks) <= _DENSE * len(places):
            where = (table.c.at.between(first, last), table.c.task_id.in_(tasks))
            return [tuple(row) for row in self._tx.execute(select(table).where(*where))]
        # Whatever lies in between may be very much, and others wait.
        return [row for place in places for row in self._tx.rows(_AT[table.name], place)]

    def _move(self, name: str, old: int, new: int) -> None:
        self._begin(name)
        which = (counters.c.name == name, counters.c.value == old)
        if not changed(self._tx, update(counters).where(*which).values(value=new)):
            raise Overtaken

    def _hold(self, name: str) -> None:
        """Let nobody else count until the end of the transaction."""
        self._begin(name)
        self._tx.execute(update(counters).where(counters.c.name == name).values(value=counters.c.value))

    def _begin(self, name: str) -> None:
        self._tx.execute(_BEGIN, {"name": name})


class PendingBook:
    """What is not in the figures yet, as far as somebody asks how much that is."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def uncounted(self) -> int:
        """Return how many runs below the mark are not counted yet."""
        return int(self._tx.execute(select(func.count()).select_from(uncounted_runs)).scalar_one())

    def lost(self) -> list[int]:
        """Return the numbers of those that are not there any more."""
        is_there = select(t.c.id).where(t.c.id == uncounted_runs.c.run_id).exists()
        return list(self._tx.execute(select(uncounted_runs.c.run_id).where(~is_there)).scalars())

    def ended_many(self) -> int:
        """Return how many of them have ended by now."""
        query = select(func.count()).select_from(uncounted_runs).join(t, uncounted_runs.c.run_id == t.c.id)
        return int(self._tx.execute(query.where(t.c.state.in_(_FINAL))).scalar_one())

    def skips_many(self, before: int) -> int:
        """Return how many skipped times decided before `before` are not counted yet."""
        found = (row for each in _skipped(FiguresBook(self._tx).mark(SKIPS), before) for row in self._tx.execute(each))
        return sum(int(row[3]) for row in found)


def counted() -> list[ColumnElement[bool]]:
    """Return the conditions on a run that its figures are in: only such a run may be deleted."""
    mark = select(counters.c.value).where(counters.c.name == RUNS).scalar_subquery()
    return [t.c.id <= func.coalesce(mark, 0), t.c.id.not_in(select(uncounted_runs.c.run_id))]


def sums_of(runs: Iterable[RawRun], since: int) -> tuple[Sum, Sum]:
    """Return what those that have ended add up to: by the quarter of an hour from the day `since` on, and by the day.

    Whatever can be done before anybody has to wait for the writing is done here.
    """
    ended = [run for run in runs if run.state in FINAL_STATES]
    fresh = grouped(run for run in ended if run.belongs_at >= since)
    return Sum.of(quarter_figures, QUARTER, fresh), Sum.of(daily_figures, DAY, grouped(ended, DAY))


def group_of(row: Any) -> Group:
    """Rebuild a group from a row of figures."""
    took = Spread.from_text(row.took_sum, row.took_most, row.took)
    late = Spread.from_text(row.late_sum, row.late_most, row.late)
    return Group(row.many, row.first_at, row.last_at, row.ended_at, row.newest, took, late)


def _row(key: Key, group: Group) -> tuple[Any, ...]:
    took, late = group.took, group.late
    lengths = (took.sum, took.most, took.to_text(), late.sum, late.most, late.to_text())
    return (*key, group.many, group.first_at, group.last_at, group.ended_at, group.newest, *lengths)


def _skipped(mark: int, before: int) -> Iterable[Any]:
    """Yield the counts of single skipped times and of stretches, decided in a period, by task, slot and reason."""
    slot = (o.c.planned_at // QUARTER).label("slot")
    yield (
        select(o.c.task_id, slot, o.c.reason, func.count(), func.min(o.c.planned_at), func.max(o.c.planned_at))
        .where(o.c.run_id.is_(None), o.c.decided_at >= mark, o.c.decided_at < before)
        .group_by(o.c.task_id, text("slot"), o.c.reason)
    )
    slot = (spans.c.first_at // QUARTER).label("slot")
    many = func.sum(spans.c.count)
    yield (
        select(spans.c.task_id, slot, spans.c.reason, many, func.min(spans.c.first_at), func.max(spans.c.last_at))
        .where(spans.c.decided_at >= mark, spans.c.decided_at < before)
        .group_by(spans.c.task_id, text("slot"), spans.c.reason)
    )
