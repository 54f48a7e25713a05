"""Take away what has had its time: runs with their attempts and output, output alone, events. Open runs never."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import ColumnElement, CursorResult, Row, Select, delete, func, select, text, update

from horarium.records.policies import Policies
from horarium.states import FINAL_STATES
from horarium.store.books.figures import counted
from horarium.store.port import Transaction
from horarium.store.tables import events, scheduled_tasks
from horarium.store.tables import task_attempts as attempts
from horarium.store.tables import task_executions as runs
from horarium.store.tables import task_output as output
from horarium.store.tables.work import FAILURES

_FINAL: Final = tuple(sorted(state.value for state in FINAL_STATES))
_FAILED: Final = text(f"task_executions.{FAILURES}")


class TaskKept(NamedTuple):
    """A task as far as keeping goes: its policies, and the run that is shown as its last."""

    id: int
    policies: Policies
    last_run_id: int | None


class OldRun(NamedTuple):
    """A run that may have had its time; instants in microseconds, `kept_bytes` is about what its output takes."""

    id: int
    task_id: int
    state: str
    created_at: int
    finished_at: int | None
    kept_bytes: int


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
        query = _old().where(runs.c.task_id == task_id, runs.c.id > after)
        return [_run(row) for row in self._tx.execute(query.order_by(runs.c.id).limit(most))]

    def runs_with_output(self, *, after: int, most: int) -> list[OldRun]:
        """Return the oldest runs with numbers above `after` of which output is there."""
        numbers = select(output.c.run_id).where(output.c.run_id > after).distinct().order_by(output.c.run_id)
        ids = [int(row[0]) for row in self._tx.execute(numbers.limit(most))]
        return [_run(row) for row in self._tx.execute(_old().where(runs.c.id.in_(ids)).order_by(runs.c.id))]

    def remove(self, run_ids: Sequence[int], *, counted_only: bool = False) -> tuple[int, int]:
        """Remove those of `run_ids` that are over, with attempts and output; return how many runs and pieces went.

        With `counted_only` those stay that the daily figures do not know yet.
        """
        over = self._over(run_ids, *(counted() if counted_only else ()))
        pieces = self._change(delete(output).where(output.c.run_id.in_(over)))
        self._change(delete(attempts).where(attempts.c.run_id.in_(over)))
        return self._change(delete(runs).where(runs.c.id.in_(over))), pieces

    def trim_output(self, run_ids: Sequence[int]) -> tuple[int, int]:
        """Remove the output of those of `run_ids` that are over; return how many runs and pieces that were.

        Their attempts then say that all of it was left out.
        """
        over = self._over(run_ids)
        pieces = self._change(delete(output).where(output.c.run_id.in_(over)))
        lost = attempts.c.dropped_bytes < attempts.c.output_bytes
        self._change(
            update(attempts).where(attempts.c.run_id.in_(over), lost).values(dropped_bytes=attempts.c.output_bytes)
        )
        return len(over), pieces

    def count_pieces(self, run_ids: Sequence[int]) -> int:
        """Return how many pieces of output there are of runs."""
        query = select(func.count()).select_from(output).where(output.c.run_id.in_(run_ids))
        return int(self._tx.execute(query).scalar_one())

    def events_before(self, cutoff: int, *, most: int) -> list[int]:
        """Return the numbers of the oldest events from before an instant."""
        query = select(events.c.id).where(events.c.at < cutoff).order_by(events.c.at).limit(most)
        return [int(row[0]) for row in self._tx.execute(query)]

    def count_events(self, cutoff: int) -> int:
        """Return how many events there are from before an instant."""
        return int(self._tx.execute(select(func.count()).where(events.c.at < cutoff)).scalar_one())

    def remove_events(self, numbers: Sequence[int]) -> int:
        """Remove events; return how many went."""
        return self._change(delete(events).where(events.c.id.in_(numbers)))

    def _over(self, run_ids: Sequence[int], *conditions: ColumnElement[bool]) -> list[int]:
        query = select(runs.c.id).where(runs.c.id.in_(run_ids), runs.c.state.in_(_FINAL), *conditions)
        return [int(row[0]) for row in self._tx.execute(query)]

    def _change(self, statement: Any) -> int:
        return int(cast("CursorResult[Any]", self._tx.execute(statement)).rowcount)


def _old() -> Select[Any]:
    size = (
        select(func.coalesce(func.sum(attempts.c.output_bytes - attempts.c.dropped_bytes), 0))
        .where(attempts.c.run_id == runs.c.id)
        .scalar_subquery()
        .label("kept")
    )
    return select(runs.c.id, runs.c.task_id, runs.c.state, runs.c.created_at, runs.c.finished_at, size)


def _run(row: Row[Any]) -> OldRun:
    return OldRun(row.id, row.task_id, row.state, row.created_at, row.finished_at, int(row.kept))
