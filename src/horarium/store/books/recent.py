"""What came of the last messages to many channels at once, for lists that draw it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from horarium.clock import from_micros
from horarium.store.port import Transaction
from horarium.store.tables.notices import deliveries as d


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a message stands: `sent`, `given_up` or `waiting`; how often it was tried, and how many seconds it took."""

    state: str
    tries: int
    seconds: float | None


class RecentBook:
    """The newest messages of each channel."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def of_channels(self, channel_ids: Collection[int], *, each: int = 20) -> dict[int, list[Outcome]]:
        """Return the newest messages of each of these channels, the oldest of them first."""
        place = func.row_number().over(partition_by=d.c.channel_id, order_by=d.c.id.desc()).label("place")
        columns = (d.c.id, d.c.channel_id, d.c.created_at, d.c.sent_at, d.c.given_up_at, d.c.tries)
        numbered = select(*columns, place).where(d.c.channel_id.in_(channel_ids)).subquery()
        found: dict[int, list[Outcome]] = {}
        for row in self._tx.execute(select(numbered).where(numbered.c.place <= each).order_by(numbered.c.id)):
            state = "sent" if row.sent_at is not None else "given_up" if row.given_up_at is not None else "waiting"
            took = None
            if row.sent_at is not None:
                took = (from_micros(row.sent_at) - from_micros(row.created_at)).total_seconds()
            found.setdefault(row.channel_id, []).append(Outcome(state, row.tries, took))
        return found
