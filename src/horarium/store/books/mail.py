"""What is to be told to people: written inside the transaction of the change, taken out when it is sent."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, select, update

from horarium.clock import from_micros, to_micros
from horarium.store.books.codec import dump, maybe_instant
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.mail import outbox as t

_WAITING: Final = and_(t.c.sent_at.is_(None), t.c.given_up_at.is_(None))


@dataclass(frozen=True, slots=True)
class Letter:
    """Something that is to be told to one person. `body` holds what the words are made of, never a secret or a link."""

    id: int
    kind: str
    user_id: int | None
    address: str
    body: Mapping[str, Any]
    message_id: str
    created_at: datetime
    not_before: datetime
    tries: int
    sent_at: datetime | None = None
    given_up_at: datetime | None = None
    last_error: str = ""


class OutboxBook:
    """The letters that wait, and those that were sent."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, kind: str, address: str, body: Mapping[str, Any], *, at: datetime, user_id: int | None = None) -> int:
        """Write a letter; return its number."""
        values = {
            "kind": kind,
            "user_id": user_id,
            "address": address,
            "body": dump(dict(body)),
            "message_id": secrets.token_hex(16),
            "created_at": to_micros(at),
            "not_before": to_micros(at),
            "tries": 0,
        }
        return int(self._tx.execute(insert(t).values(values).returning(t.c.id)).scalar_one())

    def take(self, now: datetime, *, hold_until: datetime, most: int, kind: str = "") -> list[Letter]:
        """Take up to `most` letters, of one kind or any, whose time has come; nobody else before `hold_until`."""
        which = (_WAITING, t.c.not_before <= to_micros(now), *_of_kind(kind))
        query = select(t).where(*which).order_by(t.c.not_before, t.c.id).limit(most)
        rows = list(self._tx.execute(query.with_for_update(skip_locked=True)))
        for row in rows:
            self._set(row.id, not_before=to_micros(hold_until), tries=row.tries + 1)
        return [_letter(row) for row in rows]

    def note_sent(self, letter_id: int, at: datetime) -> None:
        """Note that a letter was handed over."""
        self._set(letter_id, sent_at=to_micros(at), last_error=None)

    def note_failed(self, letter_id: int, error: str, *, again_at: datetime) -> None:
        """Note why a letter could not be sent, and when to try again."""
        self._set(letter_id, last_error=error[:500], not_before=to_micros(again_at))

    def give_up(self, letter_id: int, error: str, at: datetime) -> None:
        """Stop trying to send a letter; it stays to be seen."""
        self._set(letter_id, last_error=error[:500], given_up_at=to_micros(at))

    def first_waiting(self, kind: str = "") -> datetime | None:
        """Return when the next letter, of one kind or any, is to be tried."""
        query = select(func.min(t.c.not_before)).where(_WAITING, *_of_kind(kind))
        found: int | None = self._tx.execute(query).scalar_one()
        return None if found is None else from_micros(found)

    def newest(self, *, most: int = 50) -> list[Letter]:
        """Return the newest letters, newest first."""
        return [_letter(row) for row in self._tx.execute(select(t).order_by(t.c.id.desc()).limit(most))]

    def count_since(
        self, kind: str, instant: datetime, *, user_id: int | None = None, address: str | None = None
    ) -> int:
        """Return how many letters of a kind were written since an instant: to a person, or to an address."""
        query = select(func.count()).where(t.c.kind == kind, t.c.created_at > to_micros(instant))
        if user_id is not None:
            query = query.where(t.c.user_id == user_id)
        if address is not None:
            query = query.where(t.c.address == address)
        return int(self._tx.execute(query).scalar_one())

    def direct(self, letter_id: int, address: str, user_id: int | None) -> None:
        """Say to whom a letter goes, for one that was written before that was known."""
        self._set(letter_id, address=address, user_id=user_id)

    def _set(self, letter_id: int, **columns: Any) -> None:
        changed(self._tx, update(t).where(t.c.id == letter_id).values(columns))


class SentBook:
    """The letters as people look after them: one by one, again, and no longer than they are of use."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def get(self, letter_id: int) -> Letter | None:
        """Return a letter by number."""
        row = self._tx.execute(select(t).where(t.c.id == letter_id)).one_or_none()
        return None if row is None else _letter(row)

    def again(self, letter_id: int, at: datetime) -> bool:
        """Let a letter be tried from `at` on for another day; return False if it was sent or is not there."""
        values = {"given_up_at": None, "tries": 0, "created_at": to_micros(at), "not_before": to_micros(at)}
        which = (t.c.id == letter_id, t.c.sent_at.is_(None))
        return bool(changed(self._tx, update(t).where(*which).values(values)))

    def count_given_up(self, since: datetime) -> int:
        """Return how many letters were given up since an instant."""
        query = select(func.count()).where(t.c.given_up_at > to_micros(since))
        return int(self._tx.execute(query).scalar_one())

    def remove(self, letter_id: int) -> None:
        """Delete a letter that goes to nobody."""
        self._tx.execute(delete(t).where(t.c.id == letter_id))

    def forget_before(self, instant: datetime) -> int:
        """Delete letters written before an instant that are not waiting; return how many."""
        return changed(self._tx, delete(t).where(~_WAITING, t.c.created_at < to_micros(instant)))


def _of_kind(kind: str) -> tuple[ColumnElement[bool], ...]:
    return (t.c.kind == kind,) if kind else ()


def _letter(row: Row[Any]) -> Letter:
    return Letter(
        id=row.id,
        kind=row.kind,
        user_id=row.user_id,
        address=row.address,
        body=json.loads(row.body),
        message_id=row.message_id,
        created_at=from_micros(row.created_at),
        not_before=from_micros(row.not_before),
        tries=row.tries,
        sent_at=maybe_instant(row.sent_at),
        given_up_at=maybe_instant(row.given_up_at),
        last_error=row.last_error or "",
    )
