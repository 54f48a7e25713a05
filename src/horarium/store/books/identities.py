"""Read and write which person of another house is which person of ours."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from horarium.clock import to_micros
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.people import user_identities as t


class IdentityBook:
    """The sign-ins elsewhere that are tied to an account."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def find(self, issuer: str, subject: str) -> int | None:
        """Return whose sign-in elsewhere this is, None if nobody's."""
        query = select(t.c.user_id).where(t.c.issuer == issuer, t.c.subject == subject)
        found: int | None = self._tx.execute(query).scalar_one_or_none()
        return found

    def add(self, user_id: int, issuer: str, subject: str, at: datetime) -> None:
        """Tie a sign-in elsewhere to an account. Raises `DuplicateKey` if it is tied already."""
        values = {"user_id": user_id, "issuer": issuer, "subject": subject, "created_at": to_micros(at)}
        self._tx.execute(insert(t).values(values))

    def note_login(self, issuer: str, subject: str, at: datetime) -> None:
        """Remember when it was used."""
        used = update(t).where(t.c.issuer == issuer, t.c.subject == subject)
        self._tx.execute(used.values(last_login_at=to_micros(at)))

    def remove_of(self, user_id: int) -> int:
        """Untie everything from an account; return how many sign-ins that were."""
        return changed(self._tx, delete(t).where(t.c.user_id == user_id))
