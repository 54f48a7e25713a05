"""Which summaries were written to whom: one for each person and period."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import delete, select, text, update

from horarium.clock import to_micros
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.figures import summaries as t

_NOTE: Final = text(
    "INSERT INTO summaries (user_id, period, start_at, made_at) VALUES (:user_id, :period, :start_at, :made_at)"
    " ON CONFLICT (user_id, period, start_at) DO NOTHING"
)


class SummaryBook:
    """The notes about summaries."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def made_since(self, instant: datetime) -> set[tuple[int, str, int]]:
        """Return the person, the span and the beginning (microseconds) of the summaries of periods since an instant."""
        query = select(t.c.user_id, t.c.period, t.c.start_at).where(t.c.start_at >= to_micros(instant))
        return {(row[0], row[1], row[2]) for row in self._tx.execute(query)}

    def note(self, user_id: int, period: str, start: datetime, *, at: datetime) -> bool:
        """Note that somebody gets the summary of a period; return False if that was noted before."""
        values = {"user_id": user_id, "period": period, "start_at": to_micros(start), "made_at": to_micros(at)}
        return bool(changed(self._tx, _NOTE.bindparams(**values)))

    def name_letter(self, user_id: int, period: str, start: datetime, letter_id: int) -> None:
        """Note which letter carries it."""
        which = (t.c.user_id == user_id, t.c.period == period, t.c.start_at == to_micros(start))
        changed(self._tx, update(t).where(*which).values(letter_id=letter_id))

    def forget_before(self, instant: datetime) -> int:
        """Forget the notes about periods that began before an instant; return how many."""
        return changed(self._tx, delete(t).where(t.c.start_at < to_micros(instant)))
