"""Runs that left something behind: written straight into the tables, as many and as old as a test wants."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, insert, select

from horarium.clock import to_micros
from horarium.store.port import Store
from horarium.store.tables import task_attempts, task_executions, task_output

BODY = '[[0,"o","the end of the world"]]'


def write_run(store: Store, run_id: int, *, task_id: int, state: str, ended: datetime | None, pieces: int = 2) -> None:
    """Write a run with one attempt, a traceback, and `pieces` pieces of output."""
    at = to_micros(ended) if ended is not None else None
    run = {"id": run_id, "task_id": task_id, "triggered_by": "schedule", "state": state, "attempt": 1}
    attempt = {"run_id": run_id, "number": 1, "state": state, "started_at": 0, "finished_at": at}
    with store.transaction() as tx:
        tx.execute(
            insert(task_executions).values(
                **run, interruptions=0, created_at=0, finished_at=at, error_message="it fell"
            )
        )
        size = pieces * len(BODY)
        tx.execute(insert(task_attempts).values(**attempt, traceback="a trace", output_bytes=size, dropped_bytes=0))
        for piece in range(pieces):
            tx.execute(insert(task_output).values(run_id=run_id, attempt=1, first_line=piece + 1, lines=1, body=BODY))


def runs_with_output(store: Store) -> set[int]:
    """Return the numbers of the runs of which output is kept."""
    with store.reading() as tx:
        return {int(row[0]) for row in tx.execute(select(task_output.c.run_id).distinct())}


def runs_with_traceback(store: Store) -> set[int]:
    """Return the numbers of the runs of which a traceback is kept."""
    with store.reading() as tx:
        query = select(task_attempts.c.run_id).where(task_attempts.c.traceback.is_not(None))
        return {int(row[0]) for row in tx.execute(query)}


def run_count(store: Store) -> int:
    """Return how many runs there are."""
    with store.reading() as tx:
        return int(tx.execute(select(func.count()).select_from(task_executions)).scalar_one())
