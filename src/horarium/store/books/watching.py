"""What those who tell people remember: how far they have read, what is failing, what is held back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, insert, select, text, update

from horarium.clock import from_micros, to_micros
from horarium.records.telling import Snooze
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.notices import notice_marks as m
from horarium.store.tables.notices import notice_snoozes as z
from horarium.store.tables.notices import notice_streaks as s

# One statement: two that begin at once both find nothing there yet.
_BEGIN: Final = text("INSERT INTO notice_marks (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING")
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Streak:
    """How often in a row a task has failed, and from when to when."""

    task_id: int
    many: int
    first_at: datetime
    last_at: datetime


class MarkBook:
    """How far each reader has come. Of two that move one mark at once, one finds that it was moved."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def get(self, name: str) -> int | None:
        """Return where a mark stands, None where it was never set."""
        found: int | None = self._tx.execute(select(m.c.value).where(m.c.name == name)).scalar_one_or_none()
        return found

    def begin(self, name: str, value: int) -> None:
        """Set a mark that is not there."""
        self._tx.execute(_BEGIN, {"name": name, "value": value})

    def move(self, name: str, *, old: int, new: int) -> bool:
        """Move a mark from where it stood; return False if somebody was faster. Others wait until the commit."""
        return bool(changed(self._tx, update(m).where(m.c.name == name, m.c.value == old).values(value=new)))

    def hold(self, name: str) -> None:
        """Keep others who hold the same mark out until the transaction ends."""
        self.begin(name, 0)
        self._tx.execute(update(m).where(m.c.name == name).values(value=m.c.value + 1))


class StreakBook:
    """The tasks that are failing."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def all_ids(self) -> set[int]:
        """Return the tasks that are failing."""
        return {int(row[0]) for row in self._tx.execute(select(s.c.task_id))}

    def of(self, task_ids: Collection[int]) -> dict[int, Streak]:
        """Return the streaks of those of these tasks that are failing."""
        found: dict[int, Streak] = {}
        ids = sorted(task_ids)
        for start in range(0, len(ids), _AT_ONCE):
            rows = self._tx.execute(select(s).where(s.c.task_id.in_(ids[start : start + _AT_ONCE])))
            found.update((row.task_id, _streak(row)) for row in rows)
        return found

    def write(self, streaks: Iterable[Streak], over: Collection[int]) -> None:
        """Write streaks anew, and forget those that are `over`."""
        kept = list(streaks)
        ids = sorted({*over, *(each.task_id for each in kept)})
        for start in range(0, len(ids), _AT_ONCE):
            self._tx.execute(delete(s).where(s.c.task_id.in_(ids[start : start + _AT_ONCE])))
        rows = [
            {
                "task_id": each.task_id,
                "many": each.many,
                "first_at": to_micros(each.first_at),
                "last_at": to_micros(each.last_at),
            }
            for each in kept
        ]
        if rows:
            self._tx.execute(insert(s), rows)


class SnoozeBook:
    """What is held back for a while."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, snooze: Snooze) -> int:
        """Write that something is held back; return its number."""
        values = {
            "user_id": snooze.user_id,
            "task_id": snooze.task_id,
            "rule_id": snooze.rule_id,
            "channel_id": snooze.channel_id,
            "until": to_micros(snooze.until),
            "reason": snooze.reason,
            "created_at": to_micros(snooze.created_at),
            "created_by": snooze.created_by,
        }
        return int(self._tx.execute(insert(z).values(values).returning(z.c.id)).scalar_one())

    def get(self, snooze_id: int) -> Snooze | None:
        """Return what is held back under a number."""
        row = self._tx.execute(select(z).where(z.c.id == snooze_id)).one_or_none()
        return None if row is None else _snooze(row)

    def living(self, now: datetime, *, user_ids: Collection[int] | None = None) -> list[Snooze]:
        """Return what is held back now, of these people (None: all; 0 is for everybody), what ends first before."""
        query = select(z).where(z.c.until > to_micros(now)).order_by(z.c.until, z.c.id)
        rows = self._tx.execute(query if user_ids is None else query.where(z.c.user_id.in_(user_ids)))
        return [_snooze(row) for row in rows]

    def end(self, snooze_id: int) -> bool:
        """Hold something back no longer; return False if it was not."""
        return bool(changed(self._tx, delete(z).where(z.c.id == snooze_id)))

    def forget_before(self, instant: datetime) -> int:
        """Delete what was over before an instant; return how many."""
        return changed(self._tx, delete(z).where(z.c.until < to_micros(instant)))


def _streak(row: Row[Any]) -> Streak:
    return Streak(row.task_id, row.many, from_micros(row.first_at), from_micros(row.last_at))


def _snooze(row: Row[Any]) -> Snooze:
    return Snooze(
        id=row.id,
        user_id=row.user_id,
        task_id=row.task_id,
        rule_id=row.rule_id,
        channel_id=row.channel_id,
        until=from_micros(row.until),
        reason=row.reason,
        created_at=from_micros(row.created_at),
        created_by=row.created_by,
    )
