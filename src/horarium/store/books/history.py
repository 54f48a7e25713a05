"""Runs and attempts as people read them: one, a page, the latest few of many tasks."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, or_, select, text, union_all

from horarium.clock import from_micros
from horarium.records.reach import EVERYTHING, Reach
from horarium.records.runs import Attempt, Failure, Run
from horarium.states import RunState, TriggeredBy
from horarium.store.books.codec import maybe_instant
from horarium.store.books.reach import covered
from horarium.store.port import Transaction
from horarium.store.tables import scheduled_tasks as tasks
from horarium.store.tables import task_attempts as attempts
from horarium.store.tables import task_executions as t
from horarium.store.tables.work import FAILURES, HELD, OPEN, WAITING

_VIEWS: dict[str, str] = {
    "running": HELD,
    "queued": WAITING,
    "open": OPEN,
    "failed": FAILURES,
    "manual": "triggered_by = 'manual'",
}
# These are few among very many: SQLite would walk the whole table in order of numbers rather than take their index.
_FLEETING = frozenset({"running", "queued", "open"})
_inner = t.alias("fleeting")
_COLUMNS = (*t.c, tasks.c.name.label("task_name"))
# Asked for together in one select, SQLite walks through all runs; each by itself is one step into the index.
_EDGES = select(select(func.min(t.c.id)).scalar_subquery(), select(func.max(t.c.id)).scalar_subquery())


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a list shows, of the tasks that `reach` covers.

    `view` is one of all, running, queued, open, failed, manual; `text` is looked for in task names and errors.
    """

    view: str = "all"
    task_id: int | None = None
    state: RunState | None = None
    text: str = ""
    since: int | None = None
    until: int | None = None
    reach: Reach = EVERYTHING


class HistoryBook:
    """Reading runs and attempts."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def get(self, run_id: int) -> Run | None:
        """Return a run by number."""
        query = select(*_COLUMNS).join_from(t, tasks, t.c.task_id == tasks.c.id).where(t.c.id == run_id)
        row = self._tx.execute(query).one_or_none()
        return None if row is None else run_of(row)

    def by_ids(self, ids: Collection[int]) -> dict[int, Run]:
        """Return runs by number."""
        found: dict[int, Run] = {}
        numbers = sorted(ids)
        for start in range(0, len(numbers), 500):
            query = select(*_COLUMNS).join_from(t, tasks, t.c.task_id == tasks.c.id)
            rows = self._tx.execute(query.where(t.c.id.in_(numbers[start : start + 500])))
            found.update((row.id, run_of(row)) for row in rows)
        return found

    def page(
        self, wanted: RunFilter, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> list[Run]:
        """Return runs newest first: those with numbers below `before`, or the ones just above `after`."""
        query = select(*_COLUMNS).join_from(t, tasks, t.c.task_id == tasks.c.id).where(*_conditions(wanted))
        if before is not None:
            query = query.where(t.c.id < before)
        if after is not None:
            rows = self._tx.execute(query.where(t.c.id > after).order_by(t.c.id).limit(limit))
            return [run_of(row) for row in rows][::-1]
        return [run_of(row) for row in self._tx.execute(query.order_by(t.c.id.desc()).limit(limit))]

    def count(self, wanted: RunFilter, *, most: int = 10_000) -> int:
        """Return how many runs the filter lets through, counting no further than `most`."""
        inner = select(t.c.id).join_from(t, tasks, t.c.task_id == tasks.c.id).where(*_conditions(wanted)).limit(most)
        return int(self._tx.execute(select(func.count()).select_from(inner.subquery())).scalar_one())

    def latest_of(self, task_ids: Sequence[int], *, each: int = 20) -> dict[int, list[Run]]:
        """Return the newest runs of each task, newest first."""
        found: dict[int, list[Run]] = {task_id: [] for task_id in task_ids}
        for start in range(0, len(task_ids), 50):
            parts = [
                select(select(t.c.id).where(t.c.task_id == task_id).order_by(t.c.id.desc()).limit(each).subquery().c.id)
                for task_id in task_ids[start : start + 50]
            ]
            query = (
                select(*_COLUMNS)
                .join_from(t, tasks, t.c.task_id == tasks.c.id)
                .where(t.c.id.in_(union_all(*parts)))
                .order_by(t.c.id.desc())
            )
            for row in self._tx.execute(query):
                found[row.task_id].append(run_of(row))
        return found

    def neighbours(self, run: Run) -> tuple[int | None, int | None]:
        """Return the numbers of the older and the newer run of the same task."""
        mine = select(t.c.id).where(t.c.task_id == run.task_id)
        older = self._tx.execute(mine.where(t.c.id < run.id).order_by(t.c.id.desc()).limit(1)).scalar_one_or_none()
        newer = self._tx.execute(mine.where(t.c.id > run.id).order_by(t.c.id).limit(1)).scalar_one_or_none()
        return older, newer

    def attempts(self, run_id: int) -> list[Attempt]:
        """Return the attempts of a run, first to last."""
        query = select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.number)
        return [_attempt(row) for row in self._tx.execute(query)]

    def tasks_between(self, first: int, after: int) -> set[int]:
        """Return the tasks of the runs with numbers from `first` up to, not including, `after`."""
        query = select(t.c.task_id).where(t.c.id >= first, t.c.id < after).distinct()
        return {int(row[0]) for row in self._tx.execute(query)}

    def numbers_between(self, start: int, end: int) -> tuple[int, int]:
        """Return the numbers of the runs made from `start` up to `end` (microseconds): first, and one past last.

        Numbers rise with time, so the edges are found by number and no index on time is needed.
        """
        first = self._first_since(start)
        if first is None:
            return 0, 0
        after = self._first_since(end)
        if after is None:
            after = self.newest() + 1
        return first, after

    def newest(self) -> int:
        """Return the highest number of a run, 0 without any."""
        return int(self._tx.execute(select(func.max(t.c.id))).scalar_one() or 0)

    def _first_since(self, start: int) -> int | None:
        """Find the lowest run number made at or after `start` by halving; numbers and creation rise together."""
        edges = self._tx.execute(_EDGES).one()
        if edges[0] is None:
            return None
        low, high = int(edges[0]), int(edges[1])
        newest = self._created(high)
        if newest is None or newest < start:
            return None
        while low < high:
            middle = (low + high) // 2
            made = self._created(middle)
            if made is not None and made < start:
                low = middle + 1
            else:
                high = middle
        return low

    def _created(self, run_id: int) -> int | None:
        query = select(t.c.created_at).where(t.c.id >= run_id).order_by(t.c.id).limit(1)
        found: int | None = self._tx.execute(query).scalar_one_or_none()
        return found


def run_of(row: Any) -> Run:
    """Rebuild a run record from a row with the task's name."""
    failure = None
    if row.error_type is not None:
        failure = Failure(row.error_type, row.error_message or "")
    return Run(
        id=row.id,
        task_id=row.task_id,
        task_name=row.task_name,
        state=RunState(row.state),
        triggered_by=TriggeredBy(row.triggered_by),
        planned_at=maybe_instant(row.planned_at),
        created_at=from_micros(row.created_at),
        attempt=row.attempt,
        actor=row.actor or "",
        params=json.loads(row.params) if row.params else {},
        not_before=maybe_instant(row.not_before),
        node_id=row.node_id,
        started_at=maybe_instant(row.started_at),
        finished_at=maybe_instant(row.finished_at),
        failure=failure,
        result=row.result,
        reason=row.reason or "",
        cancel_asked_by=row.cancel_asked_by,
    )


def _attempt(row: Any) -> Attempt:
    failure = None
    if row.error_type is not None:
        failure = Failure(row.error_type, row.error_message or "", row.traceback or "")
    return Attempt(
        run_id=row.run_id,
        number=row.number,
        state=RunState(row.state),
        node_id=row.node_id,
        pid=row.pid,
        started_at=from_micros(row.started_at),
        finished_at=maybe_instant(row.finished_at),
        failure=failure,
        exit_code=row.exit_code,
        cause=row.cause or "",
        output_bytes=row.output_bytes,
        dropped_bytes=row.dropped_bytes,
    )


def _conditions(wanted: RunFilter) -> list[ColumnElement[bool]]:
    # Runs are read together with their tasks: the conditions are about those.
    found: list[ColumnElement[bool]] = [*covered(wanted.reach)]
    if wanted.view in _FLEETING:
        found.append(t.c.id.in_(select(_inner.c.id).where(text(_VIEWS[wanted.view]))))
    elif wanted.view in _VIEWS:
        found.append(literal_column(f"({_VIEWS[wanted.view]})"))
    if wanted.task_id is not None:
        found.append(t.c.task_id == wanted.task_id)
    if wanted.state is not None:
        found.append(t.c.state == wanted.state.value)
    if wanted.since is not None:
        found.append(t.c.created_at >= wanted.since)
    if wanted.until is not None:
        found.append(t.c.created_at < wanted.until)
    for word in wanted.text.split()[:8]:
        if word.lstrip("#").isdecimal():
            found.append(t.c.id == int(word.lstrip("#")[:18]))
            continue
        columns = (tasks.c.name, t.c.error_type, t.c.error_message)
        found.append(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    return found
