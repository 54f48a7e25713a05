"""Samples of how the system does, one for each stretch of five minutes, whoever of several nodes takes it."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, cast

from sqlalchemy import CursorResult, Executable, delete, func, select, text

from horarium.store.port import Transaction
from horarium.store.tables.watch import samples as t
from horarium.store.tables.work import HELD, OPEN, WAITING, nodes
from horarium.store.tables.work import task_executions as runs

STRETCH: Final = 300_000_000
"""How far samples lie apart, in microseconds."""
_KEEP: Final = text(
    "INSERT INTO system_samples (at, lag_seconds, waiting, busy, slots, nodes, store_bytes)"
    " VALUES (:at, :lag, :waiting, :busy, :slots, :nodes, :bytes) ON CONFLICT DO NOTHING"
)
_SIZE_OF: Final = {
    "sqlite": text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"),
    "postgresql": text("SELECT pg_database_size(current_database())"),
}


class Sample(NamedTuple):
    """One look: worst lateness in seconds, runs that wait and are under way, places, nodes, octets of the store."""

    at: int
    lag_seconds: float
    waiting: int
    busy: int
    slots: int
    nodes: int
    store_bytes: int


class SampleBook:
    """The table of samples, and the figures that one is made of."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def look(self, now: int) -> Sample:
        """Return the figures of this moment (microseconds). None of them counts runs that have ended."""
        held = select(func.count()).select_from(runs).where(text(OPEN), text(HELD))
        alive = select(
            func.count(), func.coalesce(func.sum(nodes.c.workers), 0), func.coalesce(func.max(nodes.c.lag_seconds), 0.0)
        ).where(nodes.c.state == "alive")
        count, slots, lag = self._tx.execute(alive).one()
        return Sample(
            at=now,
            lag_seconds=float(lag),
            waiting=self.due_waiting(now)[0],
            busy=int(self._tx.execute(held).scalar_one()),
            slots=int(slots),
            nodes=int(count),
            store_bytes=self.store_bytes(),
        )

    def due_waiting(self, now: int) -> tuple[int, int | None]:
        """Return how many runs wait for a place although their time has come, and the earliest of these times."""
        query = select(func.count(), func.min(runs.c.not_before)).where(text(WAITING), runs.c.not_before <= now)
        count, first = self._tx.execute(query).one()
        return int(count), first

    def busy_by_node(self) -> dict[int, int]:
        """Return how many runs each node holds."""
        query = select(runs.c.node_id, func.count()).where(text(OPEN), text(HELD)).group_by(runs.c.node_id)
        return {int(node): int(count) for node, count in self._tx.execute(query) if node is not None}

    def store_bytes(self) -> int:
        """Return how large the store is."""
        return int(self._tx.execute(_SIZE_OF[self._tx.dialect.name]).scalar_one())

    def keep(self, sample: Sample) -> bool:
        """Keep a sample for its stretch; False when there is one already."""
        values = sample._asdict() | {"at": sample.at - sample.at % STRETCH}
        plain = {"at": values["at"], "lag": values["lag_seconds"], "bytes": values["store_bytes"]}
        plain |= {name: values[name] for name in ("waiting", "busy", "slots", "nodes")}
        return self._count(_KEEP.bindparams(**plain)) == 1

    def since(self, start: int) -> list[Sample]:
        """Return the samples from an instant on, oldest first."""
        rows = self._tx.execute(select(t).where(t.c.at >= start).order_by(t.c.at))
        return [Sample(*row) for row in rows]

    def forget_before(self, instant: int) -> int:
        """Delete samples from before an instant; return how many."""
        return self._count(delete(t).where(t.c.at < instant))

    def _count(self, statement: Executable) -> int:
        return int(cast("CursorResult[Any]", self._tx.execute(statement)).rowcount)
