"""Silences of the scheduler: one is open at a time, however many look on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import CursorResult, Executable, select, text, update

from horarium.clock import from_micros
from horarium.states import SilenceCause
from horarium.store.books.codec import maybe_instant
from horarium.store.port import Transaction
from horarium.store.tables.watch import silences as t

WHAT: Final = "scheduler"
_BEGIN: Final = text(
    "INSERT INTO silences (what, cause, detail, began_at, noticed_at)"
    " VALUES (:what, :cause, :detail, :began, :now) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch in which nothing was started that should have been; `ended_at` is None while it lasts."""

    id: int
    cause: str
    detail: str
    began_at: datetime
    noticed_at: datetime
    ended_at: datetime | None
    told_at: datetime | None


class SilenceBook:
    """The table of silences."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def begin(self, cause: SilenceCause, detail: str, *, began_at: int, now: int) -> bool:
        """Note a silence (microseconds); False when one is open already."""
        values = {"what": WHAT, "cause": cause.value, "detail": detail, "began": began_at, "now": now}
        return self._count(_BEGIN.bindparams(**values)) == 1

    def end(self, *, now: int, cause: SilenceCause) -> bool:
        """Note that the silence of this cause is over; False when none is open."""
        open_one = update(t).where(t.c.ended_at.is_(None), t.c.cause == cause.value)
        return self._count(open_one.values(ended_at=now)) == 1

    def newest(self, *, most: int = 10) -> list[Silence]:
        """Return the newest silences, newest first."""
        return [_silence(row) for row in self._tx.execute(select(t).order_by(t.c.id.desc()).limit(most))]

    def _count(self, statement: Executable) -> int:
        return int(cast("CursorResult[Any]", self._tx.execute(statement)).rowcount)


def _silence(row: Any) -> Silence:
    return Silence(
        id=row.id,
        cause=row.cause,
        detail=row.detail,
        began_at=from_micros(row.began_at),
        noticed_at=from_micros(row.noticed_at),
        ended_at=maybe_instant(row.ended_at),
        told_at=maybe_instant(row.told_at),
    )
