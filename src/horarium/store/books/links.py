"""Read and write links that are good once: what a row says proves nothing without the signature in the link."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from horarium.clock import from_micros, to_micros
from horarium.store.books.codec import dump, maybe_instant
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.people import account_links as t

_NONCE_OCTETS = 16


@dataclass(frozen=True, slots=True)
class AccountLink:
    """A link about somebody's account. It means nothing once `epoch` is no longer the person's."""

    id: int
    kind: str
    user_id: int
    nonce: str
    epoch: int
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


class AccountLinkBook:
    """The links about accounts."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(
        self,
        kind: str,
        user_id: int,
        *,
        epoch: int,
        at: datetime,
        expires_at: datetime,
        body: Mapping[str, Any] | None = None,
    ) -> AccountLink:
        """Write a link; return it with its number."""
        values = {
            "kind": kind,
            "user_id": user_id,
            "nonce": secrets.token_hex(_NONCE_OCTETS),
            "epoch": epoch,
            "body": dump(dict(body)) if body else None,
            "created_at": to_micros(at),
            "expires_at": to_micros(expires_at),
        }
        return _link(self._tx.execute(insert(t).values(values).returning(*t.c)).one())

    def get(self, link_id: int) -> AccountLink | None:
        """Return a link by number."""
        row = self._tx.execute(select(t).where(t.c.id == link_id)).one_or_none()
        return None if row is None else _link(row)

    def use(self, link_id: int, at: datetime) -> bool:
        """Use a link; return False if somebody was faster, or its time is over."""
        which = (t.c.id == link_id, t.c.used_at.is_(None), t.c.expires_at > to_micros(at))
        return bool(changed(self._tx, update(t).where(*which).values(used_at=to_micros(at))))

    def of_user(self, user_id: int, kinds: Collection[str]) -> list[AccountLink]:
        """Return a person's links of these kinds, used ones too, the newest first."""
        query = select(t).where(t.c.user_id == user_id, t.c.kind.in_(kinds)).order_by(t.c.id.desc())
        return [_link(row) for row in self._tx.execute(query)]

    def drop(self, user_id: int, kinds: Collection[str]) -> int:
        """Delete a person's links of these kinds: they open nothing from here on; return how many."""
        return changed(self._tx, delete(t).where(t.c.user_id == user_id, t.c.kind.in_(kinds)))


def _link(row: Row[Any]) -> AccountLink:
    return AccountLink(
        id=row.id,
        kind=row.kind,
        user_id=row.user_id,
        nonce=row.nonce,
        epoch=row.epoch,
        created_at=from_micros(row.created_at),
        expires_at=from_micros(row.expires_at),
        used_at=maybe_instant(row.used_at),
        body=json.loads(row.body) if row.body else {},
    )
