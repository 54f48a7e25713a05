"""What a rule mutes while something else is failing: held, let go, and told of or not."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select, update

from horarium.clock import from_micros, to_micros
from horarium.records.notices import NoticeKind
from horarium.records.telling import Cause, Note, Target
from horarium.store.books.notices import note_of
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.notices import notices as n

_UNTOLD: Final = and_(n.c.muted_while.is_not(None), n.c.delivery_id.is_(None))
_MUTED: Final = and_(_UNTOLD, n.c.freed_at.is_(None))
_OPEN: Final = n.c.closed_at.is_(None)
MOST_OPEN: Final = 10_000
"""How much of what is muted is read at once."""


class MutedBook:
    """The table of what is to be told, for who mutes."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def open(self, *, after: int = 0, most: int = MOST_OPEN) -> list[Note]:
        """Return what is muted and goes on, the oldest first, those with numbers above `after`."""
        query = select(n).where(_MUTED, _OPEN, n.c.id > after).order_by(n.c.id).limit(most)
        return [note_of(row) for row in self._tx.execute(query)]

    def page(
        self, *, targets: Iterable[Target] | None = None, before: int | None = None, most: int = 200
    ) -> list[Note]:
        """Return what is muted, or was until it was over, of these targets (None: all), the newest first."""
        query = select(n).where(_MUTED) if before is None else select(n).where(_MUTED, n.c.id < before)
        if targets is not None:
            query = query.where(or_(*(and_(*_of(each)) for each in targets)))
        return [note_of(row) for row in self._tx.execute(query.order_by(n.c.id.desc()).limit(most))]

    def mute(self, note_id: int, cause: Cause) -> None:
        """Mute something that waits."""
        self._set(and_(n.c.id == note_id, n.c.delivery_id.is_(None)), muted_while=cause.text, freed_at=None)

    def free(self, note: Note, at: datetime) -> bool:
        """Let something be told that is muted and goes on; return False if it is not any more."""
        first = at if note.not_before is None else max(at, note.not_before)
        which = and_(n.c.id == note.id, _MUTED, _OPEN)
        return self._set(which, freed_at=to_micros(at), not_before=to_micros(first))

    def close(self, ids: Collection[int], at: datetime) -> None:
        """Note that what is muted is over: it is never told."""
        self._set(and_(n.c.id.in_(ids), _MUTED, _OPEN), closed_at=to_micros(at))

    def last_told(self, note: Note) -> tuple[NoticeKind, datetime] | None:
        """Return what its target was told last by the same rule of the same: trouble or its end, and of when."""
        kinds = [note.kind.value, NoticeKind.RECOVERED.value]
        which = (n.c.rule_id == note.rule_id, *_of(note.target), n.c.subject == note.subject, n.c.kind.in_(kinds))
        query = select(n.c.kind, n.c.last_at).where(*which, n.c.delivery_id.is_not(None))
        row = self._tx.execute(query.order_by(n.c.told_at.desc(), n.c.last_at.desc(), n.c.id.desc()).limit(1)).first()
        return None if row is None else (NoticeKind(row.kind), from_micros(row.last_at))

    def _set(self, which: ColumnElement[bool], **columns: object) -> bool:
        return changed(self._tx, update(n).where(which).values(columns)) > 0


def _of(target: Target) -> tuple[ColumnElement[bool], ...]:
    return (n.c.channel_id == target.channel_id, n.c.user_id == target.user_id)
