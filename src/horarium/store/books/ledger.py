"""The ledger: every planned instant that fell due, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, func, or_, select

from horarium.clock import from_micros
from horarium.records.runs import Occurrence
from horarium.states import Reason
from horarium.store.hot import Hot
from horarium.store.port import Transaction
from horarium.store.tables import occurrence_spans as spans
from horarium.store.tables import occurrences as t

_RECORD = Hot.insert_into(t)
_RECORD_SPAN = Hot.insert_into(spans)


class LedgerBook:
    """The tables of occurrences and of stretches of them."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def record(self, rows: Sequence[tuple[int, int, int | None, str | None, str | None, int]]) -> None:
        """Write outcomes: (task, planned, run or None, reason or None, detail, decided), times in microseconds.

        Raises `DuplicateKey` when one of the occurrences has its outcome already: then nothing of the transaction may
        stand.
        """
        self._tx.many(_RECORD, rows)

    def record_spans(self, rows: Sequence[tuple[int, int, int, int, str, str | None, int]]) -> None:
        """Write stretches without runs: (task, first, last, count, reason, detail, decided)."""
        self._tx.many(_RECORD_SPAN, rows)

    def page(
        self, task_id: int, *, before: int | None = None, skipped_only: bool = False, limit: int = 50
    ) -> list[Occurrence]:
        """Return the newest outcomes of a task, newest first, those planned before `before` (microseconds)."""
        single = select(t).where(t.c.task_id == task_id)
        stretch = select(spans).where(spans.c.task_id == task_id)
        if before is not None:
            single = single.where(t.c.planned_at < before)
            stretch = stretch.where(spans.c.first_at < before)
        if skipped_only:
            single = single.where(t.c.run_id.is_(None))
        found = [_single(row) for row in self._tx.execute(single.order_by(t.c.planned_at.desc()).limit(limit))]
        found += [_stretch(row) for row in self._tx.execute(stretch.order_by(spans.c.first_at.desc()).limit(limit))]
        found.sort(key=_newest_first)
        return found[:limit]

    def of(self, task_id: int, planned_at: int) -> Occurrence | None:
        """Return the outcome of one planned instant, None when it has none."""
        row = self._tx.execute(select(t).where(t.c.task_id == task_id, t.c.planned_at == planned_at)).one_or_none()
        if row is not None:
            return _single(row)
        within = and_(spans.c.task_id == task_id, spans.c.first_at <= planned_at, spans.c.last_at >= planned_at)
        row = self._tx.execute(select(spans).where(within).limit(1)).one_or_none()
        return None if row is None else _stretch(row)

    def totals(self, task_id: int | None, start: int, end: int) -> dict[str, int]:
        """Count what fell due from `start` up to `end`: `runs`, and skipped ones under each reason.

        A stretch that reaches over an edge of the period counts whole if it began inside.
        """
        single = select(t.c.reason, func.count()).where(t.c.planned_at >= start, t.c.planned_at < end)
        stretch = select(spans.c.reason, func.sum(spans.c.count)).where(
            spans.c.first_at >= start, spans.c.first_at < end
        )
        if task_id is not None:
            single = single.where(t.c.task_id == task_id)
            stretch = stretch.where(spans.c.task_id == task_id)
        found: dict[str, int] = {}
        for reason, count in (
            *self._tx.execute(single.group_by(t.c.reason)),
            *self._tx.execute(stretch.group_by(spans.c.reason)),
        ):
            name = reason or "runs"
            found[name] = found.get(name, 0) + int(count)
        return found

    def stretches_over(self, task_id: int, edges: tuple[int, int]) -> list[Occurrence]:
        """Return the stretches of a task that reach over one of two instants, beginning before it and not ending."""
        over = or_(*(and_(spans.c.first_at < edge, spans.c.last_at >= edge) for edge in edges))
        return [_stretch(row) for row in self._tx.execute(select(spans).where(spans.c.task_id == task_id, over))]

    def latest_planned(self, task_id: int) -> int | None:
        """Return the latest planned instant of a task that has an outcome."""
        one = self._tx.execute(select(func.max(t.c.planned_at)).where(t.c.task_id == task_id)).scalar_one()
        two = self._tx.execute(select(func.max(spans.c.last_at)).where(spans.c.task_id == task_id)).scalar_one()
        found = [each for each in (one, two) if each is not None]
        return max(found) if found else None

    def held_by(self, task_id: int, planned: Sequence[int]) -> set[int]:
        """Return which of the `planned` instants have an outcome already."""
        found: set[int] = set()
        for start in range(0, len(planned), 5000):
            part = planned[start : start + 5000]
            rows = self._tx.execute(select(t.c.planned_at).where(t.c.task_id == task_id, t.c.planned_at.in_(part)))
            found.update(row.planned_at for row in rows)
            covering = select(spans.c.first_at, spans.c.last_at).where(
                spans.c.task_id == task_id, spans.c.last_at >= min(part), spans.c.first_at <= max(part)
            )
            for first, last in self._tx.execute(covering):
                found.update(each for each in part if first <= each <= last)
        return found


def _single(row: Any) -> Occurrence:
    return Occurrence(
        task_id=row.task_id,
        planned_at=from_micros(row.planned_at),
        run_id=row.run_id,
        reason=None if row.reason is None else Reason(row.reason),
        detail=row.detail or "",
        decided_at=from_micros(row.decided_at),
    )


def _stretch(row: Any) -> Occurrence:
    return Occurrence(
        task_id=row.task_id,
        planned_at=from_micros(row.first_at),
        run_id=None,
        reason=Reason(row.reason),
        detail=row.detail or "",
        decided_at=from_micros(row.decided_at),
        count=row.count,
        last_planned_at=from_micros(row.last_at),
    )


def _newest_first(each: Occurrence) -> float:
    return -each.planned_at.timestamp()
