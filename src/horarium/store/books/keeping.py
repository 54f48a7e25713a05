"""Take away what has had its time: runs with their attempts and output, output alone, events. Open runs never."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import ColumnElement, CursorResult, bindparam, delete, func, select, text, update

from horarium.records.policies import Policies
from horarium.states import FINAL_STATES
from horarium.store.books.figures import counted
from horarium.store.hot import Hot
from horarium.store.port import Transaction
from horarium.store.tables import events, scheduled_tasks
from horarium.store.tables import task_attempts as attempts
from horarium.store.tables import task_executions as runs
from horarium.store.tables import task_output as output
from horarium.store.tables.work import FAILURES

_FINAL: Final = tuple(sorted(state.value for state in FINAL_STATES))
_FAILED: Final = text(f"task_executions.{FAILURES}")
_WIDE: Final = 2
"""Numbers that make up less than one in so many of the stretch they lie in are asked for one by one."""


def _delete_between(column: Any) -> Hot:
    return Hot(delete(column.table).where(column.between(bindparam("first"), bindparam("last"))), ["first", "last"])


_DELETE_RUNS: Final = _delete_between(runs.c.id)
_DELETE_ATTEMPTS: Final = _delete_between(attempts.c.run_id)
_DELETE_OUTPUT: Final = _delete_between(output.c.run_id)
_DELETE_EVENTS: Final = _delete_between(events.c.id)
_OLD: Final = (runs.c.id, runs.c.task_id, runs.c.state, runs.c.created_at, runs.c.finished_at)
_OF_TASK: Final = Hot(
    select(*_OLD)
    .where(runs.c.task_id == bindparam("task"), runs.c.id > bindparam("after"))
    .order_by(runs.c.id)
    .limit(bindparam("most"))
    .offset(bindparam("from")),
    ["task", "after", "most", "from"],
)


class TaskKept(NamedTuple):
    """A task as far as keeping goes: its policies, and the run that is shown as its last."""

    id: int
    policies: Policies
    last_run_id: int | None


class OldRun(NamedTuple):
    """A run that may have had its time; instants in microseconds."""

    id: int
    task_id: int
    state: str
    created_at: int
    finished_at: int | None


class KeepingBook:
    """Runs, output and events by their age."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def tasks(self, *, after: int, most: int) -> list[TaskKept]:
        """Return tasks with numbers above `after`, removed ones too."""
        t = scheduled_tasks
        query = select(t.c.id, t.c.policies, t.c.last_run_id).where(t.c.id > after).order_by(t.c.id).limit(most)
        return [
            TaskKept(row.id, Policies.from_json(json.loads(row.policies)), row.last_run_id)
            for row in self._tx.execute(query)
        ]

    def number_at(self, task_id: int, place: int, *, failed: bool = False) -> int | None:
        """Return the number of the run of a task at a place counted from its newest, which is 0; None beyond the last.

        With `failed` only failed ones are counted.
        """
        query = select(runs.c.id).where(runs.c.task_id == task_id)
        if failed:
            query = query.where(_FAILED)
        query = query.order_by(runs.c.id.desc()).offset(place).limit(1)
        found: int | None = self._tx.execute(query).scalar_one_or_none()
        return found

    def runs_of(self, task_id: int, *, after: int, most: int) -> list[OldRun]:
        """Return the oldest runs of a task with numbers above `after`."""
        return [OldRun._make(row) for row in self._tx.rows(_OF_TASK, (task_id, after, most, 0))]

    def runs_with_output(self, *, after: int, most: int) -> list[OldRun]:
        """Return the oldest runs with numbers above `after` of which output is there."""
        numbers = select(output.c.run_id).where(output.c.run_id > after).distinct().order_by(output.c.run_id)
        ids = [int(row[0]) for row in self._tx.execute(numbers.limit(most))]
        query = select(*_OLD).where(runs.c.id.in_(ids)).order_by(runs.c.id)
        return [OldRun._make(row) for row in self._tx.execute(query)]

    def sizes_of(self, run_ids: Sequence[int]) -> list[tuple[int, int]]:
        """Return those of `run_ids`, which rise, that are there, and about how many bytes of output each has."""
        size = (
            select(func.coalesce(func.sum(attempts.c.output_bytes - attempts.c.dropped_bytes), 0))
            .where(attempts.c.run_id == runs.c.id)
            .scalar_subquery()
        )
        wanted = set(run_ids)
        query = select(runs.c.id, size).where(_about(runs.c.id, run_ids)).order_by(runs.c.id)
        return [(row[0], int(row[1])) for row in self._tx.execute(query) if row[0] in wanted]

    def remove(self, run_ids: Sequence[int], *, counted_only: bool = False) -> tuple[int, int]:
        """Remove those of `run_ids` that are over, with attempts and output; return how many runs and pieces went.

        The numbers rise. With `counted_only` those stay that the daily figures do not know yet.
        """
        over = self._over(run_ids, *(counted() if counted_only else ()))
        pieces = self._tx.many(_DELETE_OUTPUT, over)
        self._tx.many(_DELETE_ATTEMPTS, over)
        return self._tx.many(_DELETE_RUNS, over), pieces

    def trim_output(self, run_ids: Sequence[int]) -> tuple[int, int]:
        """Remove the output of those of `run_ids` that are over; return how many runs and pieces that were.

        The numbers rise. Their attempts then say that all of it was left out.
        """
        over = self._over(run_ids)
        pieces = self._tx.many(_DELETE_OUTPUT, over)
        lost = attempts.c.dropped_bytes < attempts.c.output_bytes
        change = update(attempts).where(lost).values(dropped_bytes=attempts.c.output_bytes)
        for first, last in over:
            self._change(change.where(attempts.c.run_id.between(first, last)))
        return sum(last - first + 1 for first, last in over), pieces

    def count_pieces(self, run_ids: Sequence[int]) -> int:
        """Return how many pieces of output there are of runs whose numbers rise."""
        wanted = set(run_ids)
        query = select(output.c.run_id, func.count()).where(_about(output.c.run_id, run_ids))
        rows = self._tx.execute(query.group_by(output.c.run_id))
        return sum(int(row[1]) for row in rows if row[0] in wanted)

    def events_before(self, cutoff: int, *, most: int) -> list[int]:
        """Return the numbers of the oldest events from before an instant."""
        query = select(events.c.id).where(events.c.at < cutoff).order_by(events.c.at).limit(most)
        return [int(row[0]) for row in self._tx.execute(query)]

    def count_events(self, cutoff: int) -> int:
        """Return how many events there are from before an instant."""
        return int(self._tx.execute(select(func.count()).where(events.c.at < cutoff)).scalar_one())

    def remove_events(self, numbers: Iterable[int]) -> int:
        """Remove events; return how many went."""
        return self._tx.many(_DELETE_EVENTS, _stretches(sorted(numbers)))

    def _over(self, run_ids: Sequence[int], *conditions: ColumnElement[bool]) -> list[tuple[int, int]]:
        """Return the stretches of numbers, without any gap, that those of `run_ids` make up that are over."""
        wanted = set(run_ids)
        query = select(runs.c.id).where(_about(runs.c.id, run_ids), runs.c.state.in_(_FINAL), *conditions)
        found = self._tx.execute(query.order_by(runs.c.id)).scalars()
        return _stretches(number for number in found if number in wanted)

    def _change(self, statement: Any) -> int:
        return int(cast("CursorResult[Any]", self._tx.execute(statement)).rowcount)


def _about(column: Any, numbers: Sequence[int]) -> ColumnElement[bool]:
    """Return a condition that holds for all of these rising numbers, and for few others."""
    condition: ColumnElement[bool] = column.in_(numbers)
    if numbers and numbers[-1] - numbers[0] < _WIDE * len(numbers):
        condition = column.between(numbers[0], numbers[-1])
    return condition


def _stretches(numbers: Iterable[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found
