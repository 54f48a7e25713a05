"""What falls due: read the tasks whose next instant has come, and move them on. The hot half of the task table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, null, select, text, update

from horarium.errors import HorariumError
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.states import RunState
from horarium.store.books.codec import definition_of
from horarium.store.hot import Hot
from horarium.store.port import Transaction
from horarium.store.tables import scheduled_tasks as t
from horarium.store.tables import task_executions as runs
from horarium.store.tables.work import HELD, WAITING


class DueTask(NamedTuple):
    """A task whose next planned instant lies at or before the horizon. Times in microseconds."""

    id: int
    target: str
    revision: int
    next_at: int
    paused_at: int | None
    paused_until: int | None
    parked_at: int | None


_COLUMNS = (t.c.id, t.c.target, t.c.revision, t.c.next_at, t.c.paused_at, t.c.paused_until, t.c.parked_at)


def _due(*, local: bool, skip_locked: bool) -> Hot:
    query = (
        select(*_COLUMNS)
        .where(t.c.next_at.is_not(None), t.c.next_at <= bindparam("horizon"))
        .where(t.c.is_local.is_(local))
        .order_by(t.c.next_at)
        .limit(bindparam("most"))
        .offset(bindparam("from"))
    )
    if skip_locked:
        query = query.with_for_update(skip_locked=True)
    return Hot(query, ["horizon", "most", "from"])


_DUE = {(local, lock): _due(local=local, skip_locked=lock) for local in (False, True) for lock in (False, True)}
_ADVANCE = Hot(
    update(t).where(t.c.id == bindparam("id_")).ordered_values((t.c.next_at, bindparam("next_"))), ["next_", "id_"]
)
_END_PAUSE = Hot(
    update(t)
    .where(t.c.id == bindparam("id_"))
    .ordered_values(
        (t.c.paused_at, null()), (t.c.paused_by, null()), (t.c.paused_until, null()), (t.c.paused_reason, null())
    ),
    ["id_"],
)
_FIRST = Hot(
    select(t.c.next_at)
    .where(t.c.next_at.is_not(None), t.c.is_local.is_(False))
    .order_by(t.c.next_at)
    .limit(bindparam("most"))
    .offset(bindparam("from")),
    ["most", "from"],
)
_FIRST_LOCAL = Hot(
    select(t.c.target, t.c.next_at)
    .where(t.c.next_at.is_not(None), t.c.is_local.is_(True))
    .order_by(t.c.next_at)
    .limit(bindparam("most"))
    .offset(bindparam("from")),
    ["most", "from"],
)
_UPCOMING = Hot(
    select(t.c.id, t.c.revision)
    .where(t.c.next_at.is_not(None), t.c.next_at <= bindparam("until"))
    .order_by(t.c.next_at)
    .limit(bindparam("most"))
    .offset(bindparam("from")),
    ["until", "most", "from"],
)
_PAGE = 2000


_FIRST_WAITING = Hot(
    select(runs.c.not_before)
    .where(text(WAITING), runs.c.not_before > bindparam("after"))
    .order_by(runs.c.not_before)
    .limit(bindparam("most"))
    .offset(bindparam("from")),
    ["after", "most", "from"],
)


class AgendaBook:
    """The next instants of all tasks."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def due(self, horizon: int, *, known: Collection[str], most: int) -> list[DueTask]:
        """Return up to `most` tasks due at or before `horizon`, earliest first, locked where that means something.

        Tasks that live in a program are taken only if their target is in `known`: only this program can run them.
        """
        lock = self._tx.capabilities.skips_locked
        found = [DueTask(*row) for row in self._tx.rows(_DUE[False, lock], (horizon, most, 0))]
        mine: list[DueTask] = []
        start = 0
        while known and len(mine) < most:
            page = self._tx.rows(_DUE[True, lock], (horizon, _PAGE, start))
            mine += [task for task in (DueTask(*row) for row in page) if task.target in known]
            start += len(page)
            if len(page) < _PAGE:
                break
        return sorted(found + mine, key=_by_next)[:most]

    def first(self, *, known: Collection[str]) -> int | None:
        """Return the earliest next instant of the tasks that this program can run."""
        rows = self._tx.rows(_FIRST, (1, 0))
        best: int | None = rows[0][0] if rows else None
        start = 0
        while known:
            page = self._tx.rows(_FIRST_LOCAL, (_PAGE if start else 8, start))
            for target, next_at in page:
                if target in known:
                    return int(next_at if best is None else min(best, next_at))
            start += len(page)
            if len(page) < 8:
                break
        return best

    def first_waiting(self, after: int = -1) -> int | None:
        """Return the earliest instant above `after` at which a queued or retrying run may start."""
        rows = self._tx.rows(_FIRST_WAITING, (after, 1, 0))
        return rows[0][0] if rows else None

    def latest_claimed(self, task_ids: Sequence[int]) -> int | None:
        """Return the latest instant at which a run that a node has claimed of these tasks is to start."""
        mine = (text(HELD), runs.c.state == RunState.CLAIMED.value, runs.c.task_id.in_(task_ids))
        found = self._tx.execute(select(func.max(runs.c.not_before)).where(*mine)).scalar_one()
        return None if found is None else int(found)

    def advance(self, moves: Sequence[tuple[int | None, int]]) -> None:
        """Give tasks their new next instants: pairs of (instant or None, task number)."""
        self._tx.many(_ADVANCE, moves)

    def end_pauses(self, ids: Sequence[int]) -> None:
        """Lift the pauses whose time is over."""
        self._tx.many(_END_PAUSE, [(each,) for each in ids])

    def definitions(self, ids: Sequence[int]) -> dict[int, tuple[int, TaskDefinition, str, int]]:
        """Return revision, definition, fault and person (0: nobody in particular) of each task in `ids`.

        A definition that this release cannot read is a fault of its task, in words, and no other task's.
        """
        found: dict[int, tuple[int, TaskDefinition, str, int]] = {}
        for start in range(0, len(ids), 5000):
            rows = self._tx.execute(select(t).where(t.c.id.in_(ids[start : start + 5000])))
            found.update((row.id, (row.revision, *_readable(row), row.for_user_id)) for row in rows)
        return found

    def upcoming(self, until: int, *, most: int) -> list[tuple[int, int]]:
        """Return (number, revision) of up to `most` tasks due before `until`, for reading ahead."""
        return [(task_id, revision) for task_id, revision in self._tx.rows(_UPCOMING, (until, most, 0))]

    def scheduled(self, after_id: int, *, most: int) -> list[tuple[int, TaskDefinition, int]]:
        """Hold up to `most` tasks with a next instant and a number above `after_id`: number, definition, instant."""
        query = select(t).where(t.c.next_at.is_not(None), t.c.id > after_id).order_by(t.c.id).limit(most)
        rows = self._tx.execute(query.with_for_update())
        return [(row.id, _readable(row)[0], row.next_at) for row in rows]


def _readable(row: Any) -> tuple[TaskDefinition, str]:
    try:
        return definition_of(row), ""
    except (HorariumError, ValueError, TypeError, KeyError) as error:
        unknown = TaskDefinition(row.name, PythonSpec(row.target), None)
        return unknown, f"its definition cannot be read: {error}"


def _by_next(task: DueTask) -> int:
    return task.next_at
