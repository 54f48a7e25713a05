"""What should have started or ended by now: read for those who watch, never more than a few at once."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select, text

from horarium.states import RunState
from horarium.store.port import Transaction
from horarium.store.tables import scheduled_tasks as tasks
from horarium.store.tables import task_executions as t
from horarium.store.tables.work import HELD, WAITING


class Waiting(NamedTuple):
    """A run that waits, or a planned instant of a task that nobody has looked at (`run_id` None). In microseconds."""

    task_id: int
    run_id: int | None
    planned_at: int


class Held(NamedTuple):
    """A run that a node has: since when it should have begun, and when it began. In microseconds."""

    task_id: int
    run_id: int
    state: str
    due_at: int | None
    started_at: int | None


class DelayBook:
    """Looking for delays."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def not_started(self, before: int, *, most: int) -> list[Waiting]:
        """Return up to `most` runs planned before an instant that have not started once, who waits longest first."""
        which = (text(WAITING), t.c.attempt == 0, t.c.planned_at.is_not(None), t.c.not_before < before)
        query = select(t.c.task_id, t.c.id, t.c.planned_at).where(*which).order_by(t.c.not_before, t.c.id).limit(most)
        return [Waiting(row[0], row[1], row[2]) for row in self._tx.execute(query) if row[2] < before]

    def not_decided(self, before: int, *, most: int) -> list[Waiting]:
        """Return up to `most` tasks that fell due before an instant and that no scheduler has looked at."""
        which = (tasks.c.next_at.is_not(None), tasks.c.next_at < before, tasks.c.removed_at.is_(None))
        free = (tasks.c.paused_at.is_(None), tasks.c.parked_at.is_(None))
        query = select(tasks.c.id, tasks.c.next_at).where(*which, *free).order_by(tasks.c.next_at).limit(most)
        return [Waiting(row[0], None, row[1]) for row in self._tx.execute(query)]

    def held(self, before: int, *, most: int) -> list[Held]:
        """Return up to `most` runs that a node has had since before an instant."""
        began = func.coalesce(t.c.started_at, t.c.not_before, t.c.created_at)
        columns = (t.c.task_id, t.c.id, t.c.state, t.c.not_before, t.c.started_at)
        query = select(*columns).where(text(HELD), began < before).order_by(began).limit(most)
        return [Held(*row) for row in self._tx.execute(query)]

    def usual_lengths(self, task_id: int, *, most: int) -> list[int]:
        """Return how long the latest runs of a task took that went well, the newest first."""
        which = (t.c.task_id == task_id, t.c.state == RunState.SUCCEEDED.value, t.c.started_at.is_not(None))
        query = select(t.c.finished_at - t.c.started_at).where(*which).order_by(t.c.id.desc()).limit(most)
        return [int(row[0]) for row in self._tx.execute(query) if row[0] is not None]
