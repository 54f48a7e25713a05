"""Runs on the hot path: written when planned, claimed, started, finished. Each move names the states it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ClauseElement, bindparam, func, insert, select, text, update

from horarium.store.hot import Hot
from horarium.store.port import Transaction
from horarium.store.tables import counters
from horarium.store.tables import scheduled_tasks as tasks
from horarium.store.tables import task_attempts as attempts
from horarium.store.tables import task_executions as t
from horarium.store.tables.work import HELD, OPEN, WAITING

PLAN_COLUMNS = (
    *("id", "task_id", "planned_at", "triggered_by", "state", "attempt", "interruptions", "node_id", "actor"),
    *("params", "not_before", "created_at"),
)
_PLAN = Hot(insert(t), PLAN_COLUMNS)


class Waiting(NamedTuple):
    """A run that waits for a node. Times in microseconds."""

    id: int
    task_id: int
    attempt: int
    planned_at: int | None
    params: str | None
    actor: str | None
    not_before: int


class Held(NamedTuple):
    """A run that a node has claimed or is performing."""

    id: int
    task_id: int
    attempt: int
    state: str
    node_id: int | None
    interruptions: int
    planned_at: int | None
    cancel_asked_by: str | None


class Standing(NamedTuple):
    """How a task stands, as far as its runs are concerned."""

    revision: int
    is_paused: bool


_held = text(HELD)
_open = text(OPEN)
_waiting = text(WAITING)


def _move(sources: Any, *columns: str, fenced: bool = True) -> Hot:
    """Build the update that sets `columns` on a run found by number (and by attempt and node, when fenced)."""
    query = update(t).where(t.c.id == bindparam("id_"))
    names = [f"{column}_" for column in columns] + ["id_"]
    if fenced:
        query = query.where(t.c.attempt == bindparam("attempt_"), t.c.node_id == bindparam("node_"))
        names += ["attempt_", "node_"]
    query = query.where(sources).ordered_values(*((t.c[column], _value(column)) for column in columns))
    return Hot(query, names)


def _value(column: str) -> Any:
    given: Any = bindparam(f"{column}_")
    # A run began when its first attempt began.
    return func.coalesce(t.c.started_at, given) if column == "started_at" else given


_START = _move(text("state = 'claimed'"), "state", "started_at")
_FINISH = _move(
    _held, "state", "started_at", "finished_at", "error_type", "error_message", "result", "reason", "not_before"
)
_CLAIM = _move(_waiting, "state", "attempt", "node_id", fenced=False)
_STANDING = Hot(
    update(tasks)
    .where(tasks.c.id == bindparam("id_"))
    .ordered_values(
        (tasks.c.last_state, bindparam("state_")),
        (tasks.c.last_run_id, bindparam("run_")),
        (tasks.c.last_finished_at, bindparam("at_")),
        (tasks.c.failures_in_row, tasks.c.failures_in_row * bindparam("keep_") + bindparam("more_")),
    ),
    ["state_", "run_", "at_", "keep_", "more_", "id_"],
)
_ATTEMPT = Hot.insert_into(attempts)
_ATTEMPT_END = Hot(
    update(attempts)
    .where(attempts.c.run_id == bindparam("run_"), attempts.c.number == bindparam("number_"))
    .ordered_values(
        *(
            (attempts.c[name], bindparam(f"{name}_"))
            for name in (
                *("state", "finished_at", "error_type", "error_message", "traceback", "exit_code", "cause"),
                *("output_bytes", "dropped_bytes"),
            )
        )
    ),
    [
        *("state_", "finished_at_", "error_type_", "error_message_", "traceback_", "exit_code_", "cause_"),
        *("output_bytes_", "dropped_bytes_", "run_", "number_"),
    ],
)
_WAITING_PAGE = Hot(
    select(t.c.id, t.c.task_id, t.c.attempt, t.c.planned_at, t.c.params, t.c.actor, t.c.not_before)
    .where(_waiting, t.c.not_before <= bindparam("now"))
    .order_by(t.c.not_before, t.c.id)
    .limit(bindparam("most"))
    .offset(bindparam("from")),
    ["now", "most", "from"],
)
_HELD_COLUMNS = (
    *(t.c.id, t.c.task_id, t.c.attempt, t.c.state, t.c.node_id, t.c.interruptions, t.c.planned_at),
    t.c.cancel_asked_by,
)
_AT_ONCE = 100
_KEYS = [f"id_{place}" for place in range(_AT_ONCE)]
_STANDING_COLUMNS = (tasks.c.id, tasks.c.revision, tasks.c.paused_at.is_not(None))


def _standing_of() -> ClauseElement:
    return select(*_STANDING_COLUMNS).where(tasks.c.id.in_(map(bindparam, _KEYS)), tasks.c.removed_at.is_(None))


def _open_counts() -> ClauseElement:
    query = select(t.c.task_id, t.c.state, func.count()).where(_open, t.c.task_id.in_(map(bindparam, _KEYS)))
    return query.group_by(t.c.task_id, t.c.state)


def _held_counts() -> ClauseElement:
    query = select(t.c.task_id, func.count()).where(_held, t.c.task_id.in_(map(bindparam, _KEYS)))
    return query.group_by(t.c.task_id)


_RESERVE = Hot(
    update(counters)
    .where(text("name = 'run'"))
    .values(value=counters.c.value + bindparam("count"))
    .returning(counters.c.value),
    ["count"],
)
_STANDING_OF = Hot(_standing_of, _KEYS)
_OPEN_COUNTS = Hot(_open_counts, _KEYS)
_HELD_COUNTS = Hot(_held_counts, _KEYS)


class RunBook:
    """The tables of runs and attempts, as the scheduler writes them."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def reserve_ids(self, count: int) -> int:
        """Set `count` run numbers aside; return the first of them."""
        ((last,),) = self._tx.rows(_RESERVE, (count,))
        return int(last) - count + 1

    def plan(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write new runs; the columns are those of `PLAN_COLUMNS` in order."""
        self._tx.many(_PLAN, rows)

    def open_counts(self, task_ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """Return how many open runs each of these tasks has, by state; those without any are left out."""
        found: dict[int, dict[str, int]] = {}
        for part in _parts(task_ids):
            for task_id, state, count in self._tx.rows(_OPEN_COUNTS, part):
                found.setdefault(task_id, {})[state] = count
        return found

    def waiting(self, now: int, *, most: int, start: int = 0) -> list[Waiting]:
        """Return runs that may start by `now`, in the order of their instants."""
        return [*map(Waiting._make, self._tx.rows(_WAITING_PAGE, (now, most, start)))]

    def lock_waiting(self, wanted: Mapping[int, int]) -> set[int]:
        """Hold those of the `wanted` runs (attempt by number) that still wait at that attempt; return their numbers.

        Where writers work side by side, what was read a moment ago may belong to somebody else by now.
        """
        query = select(t.c.id, t.c.attempt).where(_waiting, t.c.id.in_(wanted)).order_by(t.c.id)
        rows = self._tx.execute(query.with_for_update(skip_locked=True))
        return {row[0] for row in rows if wanted[row[0]] == row[1]}

    def claim(self, rows: Sequence[tuple[str, int, int, int]]) -> int:
        """Take waiting runs: (state claimed, attempt, node, run); return how many were still there to take."""
        return self._tx.many(_CLAIM, rows)

    def start(self, rows: Sequence[tuple[str, int, int, int, int]]) -> int:
        """Mark claimed runs as running: (state, started, run, attempt, node); return how many it found."""
        return self._tx.many(_START, rows)

    def finish(self, rows: Sequence[tuple[Any, ...]]) -> int:
        """End attempts of held runs; return how many rows it found.

        Each row: (state, started, finished, error type, message, result, reason, not before, run, attempt, node).
        """
        return self._tx.many(_FINISH, rows)

    def finish_one(self, row: tuple[Any, ...]) -> bool:
        """End one attempt as `finish` does; tell whether the run was still held by this attempt."""
        return self._tx.one(_FINISH, row) == 1

    def stand(self, rows: Sequence[tuple[str, int, int, int, int, int]]) -> None:
        """Note the latest outcome on tasks: (state, run, at, keep failures 0 or 1, failures to add, task)."""
        self._tx.many(_STANDING, rows)

    def write_attempts(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write attempt rows, whole, in the order of the table's columns."""
        self._tx.many(_ATTEMPT, rows)

    def end_attempts(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """End attempt rows that were written at their start."""
        self._tx.many(_ATTEMPT_END, rows)


class HoldingBook:
    """Who holds what, and taking it away: rescue, cancelling, giving up."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def held_by(self, node_ids: Sequence[int]) -> list[Held]:
        """Return the runs that these nodes hold."""
        query = select(*_HELD_COLUMNS).where(_held, t.c.node_id.in_(node_ids)).order_by(t.c.id)
        return [Held(*row) for row in self._tx.execute(query.with_for_update())]

    def held_nodes(self) -> set[int]:
        """Return the numbers of all nodes that hold a run."""
        query = select(t.c.node_id).where(_held, t.c.node_id.is_not(None)).distinct()
        return {int(row[0]) for row in self._tx.execute(query)}

    def held_counts(self, task_ids: Sequence[int]) -> dict[int, int]:
        """Return how many held runs each of these tasks has."""
        return {row[0]: row[1] for part in _parts(task_ids) for row in self._tx.rows(_HELD_COUNTS, part)}

    def of_task(self, task_id: int) -> list[Held]:
        """Return all open runs of a task, waiting ones too."""
        query = select(*_HELD_COLUMNS).where(_open, t.c.task_id == task_id).order_by(t.c.id)
        return [Held(*row) for row in self._tx.execute(query.with_for_update())]

    def lock_tasks(self, task_ids: Sequence[int]) -> dict[int, Standing]:
        """Hold the task rows so that nobody else claims runs of theirs meanwhile.

        Return how those stand that could be had and are not removed, by number.
        """
        if not self._tx.capabilities.skips_locked:
            return self.standing_of(task_ids)
        query = select(*_STANDING_COLUMNS).where(tasks.c.id.in_(task_ids), tasks.c.removed_at.is_(None))
        rows = self._tx.execute(query.order_by(tasks.c.id).with_for_update(skip_locked=True))
        return {row[0]: Standing(row[1], bool(row[2])) for row in rows}

    def await_tasks(self, task_ids: Iterable[int]) -> None:
        """Hold the task rows, waiting for whoever holds them; nothing to do where there is one writer at a time.

        Whoever changes both takes the tasks first and then their runs, so that no two wait for each other.
        """
        if self._tx.capabilities.skips_locked:
            query = select(tasks.c.id).where(tasks.c.id.in_(set(task_ids))).order_by(tasks.c.id)
            self._tx.execute(query.with_for_update())

    def tasks_of_held(self, node_ids: Sequence[int]) -> set[int]:
        """Return the tasks of the runs that these nodes hold."""
        query = select(t.c.task_id).where(_held, t.c.node_id.in_(node_ids)).distinct()
        return {int(row[0]) for row in self._tx.execute(query)}

    def standing_of(self, task_ids: Sequence[int]) -> dict[int, Standing]:
        """Return how tasks stand that are not removed, by number, whoever holds them."""
        rows = (row for part in _parts(task_ids) for row in self._tx.rows(_STANDING_OF, part))
        return {row[0]: Standing(row[1], bool(row[2])) for row in rows}

    def move(self, run_id: int, attempt: int, sources: Sequence[str], /, **columns: Any) -> bool:
        """Set `columns` on a run that is at `attempt` and in one of `sources`; tell whether it was."""
        query = update(t).where(t.c.id == run_id, t.c.attempt == attempt, t.c.state.in_(sources)).values(columns)
        return _count(self._tx.execute(query)) == 1

    def close_attempt(self, run_id: int, number: int, **columns: Any) -> None:
        """End the attempt row of a run from outside, writing it if the attempt never got to that."""
        query = update(attempts).where(attempts.c.run_id == run_id, attempts.c.number == number).values(columns)
        if _count(self._tx.execute(query)) == 0:
            usual = {"run_id": run_id, "number": number, "output_bytes": 0, "dropped_bytes": 0}
            self._tx.execute(insert(attempts).values({**usual, "started_at": columns["finished_at"], **columns}))

    def ask_cancel(self, run_id: int, actor: str) -> bool:
        """Note that `actor` wants a held run to end; tell whether it is held."""
        query = update(t).where(t.c.id == run_id).where(_held).values(cancel_asked_by=actor)
        return _count(self._tx.execute(query)) == 1

    def cancel_asked(self, node_id: int) -> list[tuple[int, str]]:
        """Return (run, who asked) for runs that `node_id` holds and somebody wants to end."""
        query = select(t.c.id, t.c.cancel_asked_by).where(
            _held, t.c.node_id == node_id, t.c.cancel_asked_by.is_not(None)
        )
        return [(row[0], row[1]) for row in self._tx.execute(query)]


def _parts(task_ids: Sequence[int]) -> Iterator[list[int]]:
    """Cut task numbers into pieces as long as the hot statements take; the last is filled up with no task's number."""
    for start in range(0, len(task_ids), _AT_ONCE):
        part = list(task_ids[start : start + _AT_ONCE])
        yield part + [-1] * (_AT_ONCE - len(part))


def _count(result: Any) -> int:
    return int(result.rowcount)
