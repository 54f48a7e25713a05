"""Runs that have ended, in the order of their ends, read for whoever tells a collector about them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import func, select

from horarium.records.traces import TracedAttempt, TracedRun
from horarium.states import EventKind, Reason, RunState, TriggeredBy
from horarium.store.port import Transaction
from horarium.store.schema import read_meta
from horarium.store.tables import events as e
from horarium.store.tables import nodes
from horarium.store.tables import scheduled_tasks as tasks
from horarium.store.tables import task_attempts as a
from horarium.store.tables import task_executions as t
from horarium.store.tables.people import projects

_REASONS: Final = frozenset(reason.value for reason in Reason)
# What may hold a secret is not read at all: parameters, results, messages, tracebacks, and words that people typed.
_RUN: Final = (
    *(t.c.id, t.c.task_id, t.c.state, t.c.triggered_by, t.c.planned_at, t.c.created_at, t.c.started_at),
    *(t.c.finished_at, t.c.error_type, t.c.reason),
    *(tasks.c.name.label("task_name"), projects.c.name.label("project"), nodes.c.name.label("node")),
)
_ATTEMPT: Final = (
    *(a.c.run_id, a.c.number, a.c.state, a.c.started_at, a.c.finished_at, a.c.error_type, a.c.exit_code),
    nodes.c.name.label("node"),
)


class TraceBook:
    """The ends of runs, and what is told of each."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def instance(self) -> str:
        """Return what tells this store from any other."""
        return read_meta(self._tx, "instance") or ""

    def ended(self, cursor: int, upto: int, *, most: int) -> list[tuple[int, int, int]]:
        """Return up to `most` ends of runs above `cursor` up to `upto`, oldest first: (event, run, when)."""
        query = select(e.c.id, e.c.run_id, e.c.at).where(*_ends(cursor, upto)).order_by(e.c.id).limit(most)
        return [(int(row.id), int(row.run_id), int(row.at)) for row in self._tx.execute(query)]

    def before(self, cursor: int, upto: int, instant: int) -> tuple[int, int]:
        """Return how many ends above `cursor` come before the first one since `instant`, and the event to go on from.

        That is `upto` where there is none since then.
        """
        since = select(func.min(e.c.id)).where(*_ends(cursor, upto), e.c.at >= instant)
        first = self._tx.execute(since).scalar_one()
        edge = upto if first is None else int(first) - 1
        many = self._tx.execute(select(func.count()).select_from(e).where(*_ends(cursor, edge))).scalar_one()
        return int(many), edge

    def runs(self, ids: Collection[int]) -> list[TracedRun]:
        """Return those of these runs that are still there and have ended, in the order of their numbers."""
        joined = t.join(tasks, t.c.task_id == tasks.c.id).outerjoin(projects, tasks.c.project_id == projects.c.id)
        query = select(*_RUN).select_from(joined.outerjoin(nodes, t.c.node_id == nodes.c.id))
        query = query.where(t.c.id.in_(ids), t.c.finished_at.is_not(None)).order_by(t.c.id)
        attempts = self._attempts(ids)
        return [_run(row, tuple(attempts.get(row.id, ()))) for row in self._tx.execute(query)]

    def _attempts(self, ids: Collection[int]) -> dict[int, list[TracedAttempt]]:
        query = select(*_ATTEMPT).select_from(a.outerjoin(nodes, a.c.node_id == nodes.c.id)).where(a.c.run_id.in_(ids))
        found: dict[int, list[TracedAttempt]] = {}
        for row in self._tx.execute(query.order_by(a.c.run_id, a.c.number)):
            found.setdefault(row.run_id, []).append(_attempt(row))
        return found


def _ends(cursor: int, upto: int) -> tuple[Any, ...]:
    return (e.c.id > cursor, e.c.id <= upto, e.c.kind == EventKind.RUN_FINISHED.value, e.c.run_id.is_not(None))


def _run(row: Any, attempts: tuple[TracedAttempt, ...]) -> TracedRun:
    return TracedRun(
        id=row.id,
        task_id=row.task_id,
        task_name=row.task_name,
        state=RunState(row.state),
        triggered_by=TriggeredBy(row.triggered_by),
        created_at=row.created_at,
        finished_at=row.finished_at,
        planned_at=row.planned_at,
        started_at=row.started_at,
        node=row.node or "",
        project=row.project or "",
        error_type=row.error_type or "",
        # The column holds sentences too; only the words of the list are told.
        reason=row.reason if row.reason in _REASONS else "",
        attempts=attempts,
    )


def _attempt(row: Any) -> TracedAttempt:
    return TracedAttempt(
        number=row.number,
        state=RunState(row.state),
        started_at=row.started_at,
        finished_at=row.finished_at,
        node=row.node or "",
        error_type=row.error_type or "",
        exit_code=row.exit_code,
    )
