"""Read and write passkeys: public keys and the handles that their devices know them by."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update

from horarium.clock import from_micros, to_micros
from horarium.records.people import User
from horarium.store.books.codec import dump, maybe_instant
from horarium.store.books.people import changed, user_of
from horarium.store.port import Transaction
from horarium.store.tables.people import passkeys as t
from horarium.store.tables.people import users

_USER = tuple(column for column in users.columns if column.name != "password_hash")
_PASSKEY = tuple(column.label(f"passkey_{column.name}") for column in t.columns)


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as it stands in the store. `handle` and `public_key` are base64 for addresses, without padding.

    `sign_count` is what its device counted last, 0 for the many that do not count.
    """

    id: int
    user_id: int
    handle: str
    public_key: str
    sign_count: int
    name: str
    transports: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None = None


class PasskeyBook:
    """The passkeys."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, passkey: Passkey) -> Passkey:
        """Write a new passkey; return it with its number. Raises `DuplicateKey` if its handle is known."""
        values = {
            "user_id": passkey.user_id,
            "handle": passkey.handle,
            "public_key": passkey.public_key,
            "sign_count": passkey.sign_count,
            "name": passkey.name,
            "transports": dump(list(passkey.transports)),
            "created_at": to_micros(passkey.created_at),
        }
        return _passkey(self._tx.execute(insert(t).values(values).returning(*_PASSKEY)).one())

    def of_user(self, user_id: int) -> list[Passkey]:
        """Return a person's passkeys, the newest first."""
        query = select(*_PASSKEY).where(t.c.user_id == user_id).order_by(t.c.id.desc())
        return [_passkey(row) for row in self._tx.execute(query)]

    def by_handle(self, handle: str) -> tuple[Passkey, User] | None:
        """Return the passkey with this handle and its owner."""
        query = select(*_PASSKEY, *_USER).join_from(t, users, t.c.user_id == users.c.id).where(t.c.handle == handle)
        row = self._tx.execute(query).one_or_none()
        return None if row is None else (_passkey(row), user_of(row))

    def use(self, passkey: Passkey, *, sign_count: int, asked_at: datetime, at: datetime) -> bool:
        """Note a use; return False if the passkey was used since `asked_at`, so that no answer counts twice."""
        micros = to_micros(asked_at)
        unused = or_(t.c.last_used_at.is_(None), t.c.last_used_at < micros)
        change = update(t).where(t.c.id == passkey.id, t.c.sign_count == passkey.sign_count, unused)
        return bool(changed(self._tx, change.values(sign_count=sign_count, last_used_at=to_micros(at))))

    def rename(self, user_id: int, passkey_id: int, name: str) -> bool:
        """Give a passkey another name if it is this person's; return False if not."""
        which = (t.c.id == passkey_id, t.c.user_id == user_id)
        return bool(changed(self._tx, update(t).where(*which).values(name=name)))

    def remove(self, user_id: int, passkey_id: int) -> bool:
        """Remove a passkey if it is this person's; return False if not."""
        return bool(changed(self._tx, delete(t).where(t.c.id == passkey_id, t.c.user_id == user_id)))

    def remove_all(self, user_id: int) -> int:
        """Remove all passkeys of a person; return how many."""
        return changed(self._tx, delete(t).where(t.c.user_id == user_id))


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(
        id=row.passkey_id,
        user_id=row.passkey_user_id,
        handle=row.passkey_handle,
        public_key=row.passkey_public_key,
        sign_count=row.passkey_sign_count,
        name=row.passkey_name,
        transports=tuple(json.loads(row.passkey_transports)),
        created_at=from_micros(row.passkey_created_at),
        last_used_at=maybe_instant(row.passkey_last_used_at),
    )
