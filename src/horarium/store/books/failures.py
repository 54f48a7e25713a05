"""What failed runs left behind: their output and tracebacks, which take room and are looked at for a while only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import CursorResult, delete, func, or_, select, text, update

from horarium.store.port import Transaction
from horarium.store.tables import task_attempts as attempts
from horarium.store.tables import task_executions as runs
from horarium.store.tables import task_output as output
from horarium.store.tables.work import FAILURES

_FAILED = text(f"task_executions.{FAILURES}")


class FailedRun(NamedTuple):
    """A run that ended badly: when it ended (microseconds) and about how many bytes of output are kept of it."""

    id: int
    task_id: int
    finished_at: int | None
    kept_bytes: int


class Leftovers(NamedTuple):
    """How much there was: pieces of output (rows), tracebacks, and about how many bytes the output had."""

    pieces: int = 0
    tracebacks: int = 0
    size: int = 0


class FailureBook:
    """Failed runs and what they left behind. Runs that are not over are never among them."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def page(self, *, before: int | None, most: int) -> list[FailedRun]:
        """Return up to `most` failed runs with numbers below `before`, newest first."""
        size = (
            select(func.coalesce(func.sum(attempts.c.output_bytes - attempts.c.dropped_bytes), 0))
            .where(attempts.c.run_id == runs.c.id)
            .scalar_subquery()
            .label("kept")
        )
        query = select(runs.c.id, runs.c.task_id, runs.c.finished_at, size).where(_FAILED)
        if before is not None:
            query = query.where(runs.c.id < before)
        rows = self._tx.execute(query.order_by(runs.c.id.desc()).limit(most))
        return [FailedRun(row.id, row.task_id, row.finished_at, int(row.kept)) for row in rows]

    def with_leftovers(self, run_ids: Sequence[int]) -> set[int]:
        """Return those of `run_ids` of which output or a traceback is still there."""
        pieces = select(output.c.run_id).where(output.c.run_id.in_(run_ids))
        traced = select(attempts.c.run_id).where(attempts.c.run_id.in_(run_ids), attempts.c.traceback.is_not(None))
        return {int(row[0]) for row in self._tx.execute(pieces.union(traced))}

    def leftovers(self, run_ids: Sequence[int]) -> Leftovers:
        """Count what `run_ids` left behind."""
        pieces = select(func.count()).select_from(output).where(output.c.run_id.in_(run_ids))
        traced = select(func.count()).where(attempts.c.run_id.in_(run_ids), attempts.c.traceback.is_not(None))
        size = select(func.coalesce(func.sum(func.length(output.c.body)), 0)).where(output.c.run_id.in_(run_ids))
        found = [int(self._tx.execute(query).scalar_one()) for query in (pieces, traced, size)]
        return Leftovers(*found)

    def trim(self, run_ids: Sequence[int]) -> Leftovers:
        """Remove output and tracebacks of those of `run_ids` that have failed; return what was there.

        The runs, their attempts and error messages stay; an attempt then says that all of its output was left out.
        """
        failed = [int(row[0]) for row in self._tx.execute(select(runs.c.id).where(runs.c.id.in_(run_ids), _FAILED))]
        found = self.leftovers(failed)
        pieces = self._change(delete(output).where(output.c.run_id.in_(failed)))
        self._change(
            update(attempts)
            .where(
                attempts.c.run_id.in_(failed),
                or_(attempts.c.traceback.is_not(None), attempts.c.dropped_bytes < attempts.c.output_bytes),
            )
            .values(traceback=None, dropped_bytes=attempts.c.output_bytes)
        )
        return found._replace(pieces=pieces)

    def _change(self, statement: Any) -> int:
        return int(cast("CursorResult[Any]", self._tx.execute(statement)).rowcount)
