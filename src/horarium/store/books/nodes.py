"""Nodes: the processes that schedule and execute, and the leases they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, text, update

from horarium.clock import from_micros
from horarium.records.runs import Node
from horarium.states import NodeState
from horarium.store.books.codec import maybe_instant
from horarium.store.hot import Hot
from horarium.store.port import Transaction
from horarium.store.tables import nodes as t
from horarium.store.tables import task_attempts as attempts

_IS_ALIVE = text("nodes.state = 'alive'")
_RENEW = Hot(
    update(t)
    .where(t.c.id == bindparam("id_"), _IS_ALIVE)
    .ordered_values(
        (t.c.seen_at, bindparam("seen")), (t.c.lease_until, bindparam("lease")), (t.c.lag_seconds, bindparam("lag"))
    ),
    ["seen", "lease", "lag", "id_"],
)
_LIVING = Hot(select(t.c.id, t.c.lease_until, t.c.host, t.c.pid).where(_IS_ALIVE).order_by(t.c.id), [])


class NodeBook:
    """The table of nodes. Lease times are seconds on the store's own clock."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def register(self, *, name: str, host: str, pid: int, workers: int, version: str, now: int, lease: float) -> int:
        """Write a new living node; return its number.

        `host` is the machine's name, and after a slash what tells the place apart in which process numbers mean
        something.
        """
        values = {"name": name, "host": host, "pid": pid, "workers": workers, "version": version}
        stamps = {"started_at": now, "seen_at": now, "lease_until": lease, "state": NodeState.ALIVE.value}
        return int(self._tx.execute(insert(t).values({**values, **stamps}).returning(t.c.id)).scalar_one())

    def renew(self, node_id: int, *, now: int, lease: float, lag_seconds: float) -> bool:
        """Stretch the lease of a living node; False when it has been declared dead meanwhile."""
        return self._tx.one(_RENEW, (now, lease, lag_seconds, node_id)) == 1

    def end(self, node_id: int, state: NodeState, *, now: int) -> bool:
        """Mark a living node as stopped or dead; False when it was not alive any more."""
        query = (
            update(t)
            .where(t.c.id == node_id, t.c.state == NodeState.ALIVE.value)
            .values(state=state.value, seen_at=now)
        )
        result: Any = self._tx.execute(query)
        return bool(result.rowcount == 1)

    def drain(self, node_id: int, *, now: int) -> None:
        """Note that a node takes nothing new from now on, unless that was noted before."""
        which = (t.c.id == node_id, _IS_ALIVE, t.c.draining_at.is_(None))
        self._tx.execute(update(t).where(*which).values(draining_at=now))

    def living(self) -> list[tuple[int, float, str, int]]:
        """Return (number, lease until, place, process) of the nodes that count as alive."""
        return [(number, until, place, pid) for number, until, place, pid in self._tx.rows(_LIVING)]

    def held_processes(self, node_ids: Sequence[int], place: str) -> list[int]:
        """Return the processes of attempts that are under way on those of `node_ids` that live at `place`."""
        query = (
            select(attempts.c.pid)
            .join(t, t.c.id == attempts.c.node_id)
            .where(attempts.c.node_id.in_(node_ids), t.c.host == place)
            .where(attempts.c.finished_at.is_(None), attempts.c.pid.is_not(None))
        )
        return [int(row[0]) for row in self._tx.execute(query)]

    def all(self, *, states: Sequence[NodeState] = (NodeState.ALIVE,)) -> list[Node]:
        """Return nodes in these states, newest first."""
        query = select(t).where(t.c.state.in_([state.value for state in states])).order_by(t.c.id.desc()).limit(200)
        return [_node(row) for row in self._tx.execute(query)]

    def lag(self) -> float | None:
        """Return the worst lateness, in seconds, that a living node has seen of late; None without a living node."""
        query = select(t.c.lag_seconds).where(t.c.state == NodeState.ALIVE.value)
        found = [row[0] or 0.0 for row in self._tx.execute(query)]
        return max(found) if found else None

    def forget(self, before: int) -> None:
        """Delete nodes that ended before an instant (microseconds)."""
        self._tx.execute(delete(t).where(t.c.state != NodeState.ALIVE.value, t.c.seen_at < before))


def _node(row: Any) -> Node:
    return Node(
        id=row.id,
        name=row.name,
        host=row.host.partition("/")[0],
        pid=row.pid,
        started_at=from_micros(row.started_at),
        seen_at=from_micros(row.seen_at),
        state=row.state,
        workers=row.workers,
        version=row.version,
        draining_at=maybe_instant(row.draining_at),
    )
