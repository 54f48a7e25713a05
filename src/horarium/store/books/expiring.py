"""Find credentials whose date comes near, and remember of which of them that was told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from horarium.clock import to_micros
from horarium.records.credentials import Credential
from horarium.store.books.credentials import credential_of
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.vault import user_credentials as c

WARNED: Final = (timedelta(days=14), timedelta(days=3), timedelta(days=1))
"""How long before its end a credential is told of; of several that have passed meanwhile once."""
_MICROSECOND: Final = timedelta(microseconds=1)


class ExpiryBook:
    """The credentials, by how near their end is."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def near(self, now: datetime, *, most: int) -> list[Credential]:
        """Return active credentials that end soon and of which that is to be told, the first to end first."""
        at = to_micros(now)
        since = [c.c.expires_at - each // _MICROSECOND for each in WARNED]
        query = select(c).where(
            c.c.expires_at > at,
            or_(*(and_(each <= at, _told_before(each)) for each in since)),
            c.c.inactive_at.is_(None),
            c.c.deleted_at.is_(None),
        )
        return [credential_of(row) for row in self._tx.execute(query.order_by(c.c.expires_at, c.c.id).limit(most))]

    def warn(self, credential: Credential, at: datetime) -> bool:
        """Note that it is told; False where somebody else has told it meanwhile, or its date is another one by now."""
        ends, now = credential.expires_at, to_micros(at)
        passed = [to_micros(ends - each) for each in WARNED if ends is not None and ends - each <= at]
        if ends is None or not passed:
            return False
        change = update(c).where(c.c.id == credential.id, c.c.expires_at == to_micros(ends), _told_before(max(passed)))
        return bool(changed(self._tx, change.values(warned_at=now)))


def _told_before(instant: ColumnElement[int] | int) -> ColumnElement[bool]:
    # Who has just said its date knows it.
    return func.coalesce(c.c.warned_at, c.c.created_at) < instant
