"""Read and write API tokens: only hashes of them are kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, or_, select, update

from horarium.clock import from_micros, to_micros
from horarium.records.people import User
from horarium.store.books.codec import dump, maybe_instant
from horarium.store.books.people import changed, user_of
from horarium.store.port import Transaction
from horarium.store.tables.people import api_tokens as t
from horarium.store.tables.people import users

_USER = tuple(column for column in users.columns if column.name != "password_hash")
_TOKEN = tuple(column.label(f"token_{column.name}") for column in t.columns)


@dataclass(frozen=True, slots=True)
class Token:
    """An API token as it stands in the store; `hint` are the last characters of its secret part."""

    id: int
    user_id: int
    name: str
    hint: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    last_address: str = ""
    revoked_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Tell whether it opens nothing any more."""
        return self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now)


class TokenBook:
    """The API tokens."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, token: Token, *, key: str) -> Token:
        """Write a new token under the hash of its secret; return it with its number."""
        values = {
            "key": key,
            "hint": token.hint,
            "user_id": token.user_id,
            "name": token.name,
            "scopes": dump(list(token.scopes)),
            "created_at": to_micros(token.created_at),
            "expires_at": None if token.expires_at is None else to_micros(token.expires_at),
        }
        return _token(self._tx.execute(insert(t).values(values).returning(*_TOKEN)).one())

    def by_number(self, token_id: int) -> tuple[Token, User, str] | None:
        """Return the token with this number, its owner, and the hash of its secret."""
        query = select(*_TOKEN, *_USER).join_from(t, users, t.c.user_id == users.c.id).where(t.c.id == token_id)
        row = self._tx.execute(query).one_or_none()
        return None if row is None else (_token(row), user_of(row), str(row.token_key))

    def everybodys(self) -> list[tuple[Token, User]]:
        """Return all tokens that were not revoked with their owners, the newest first."""
        query = select(*_TOKEN, *_USER).join_from(t, users, t.c.user_id == users.c.id)
        rows = self._tx.execute(query.where(t.c.revoked_at.is_(None)).order_by(t.c.id.desc()))
        return [(_token(row), user_of(row)) for row in rows]

    def of_user(self, user_id: int) -> list[Token]:
        """Return a person's tokens that were not revoked, the newest first."""
        query = select(*_TOKEN).where(t.c.user_id == user_id, t.c.revoked_at.is_(None)).order_by(t.c.id.desc())
        return [_token(row) for row in self._tx.execute(query)]

    def counts(self, now: datetime) -> dict[int, int]:
        """Return how many tokens of each person open something."""
        living = (t.c.revoked_at.is_(None), or_(t.c.expires_at.is_(None), t.c.expires_at > to_micros(now)))
        query = select(t.c.user_id, func.count()).where(*living).group_by(t.c.user_id)
        return {int(row[0]): int(row[1]) for row in self._tx.execute(query)}

    def revoke(self, user_id: int, token_id: int, at: datetime) -> bool:
        """Revoke a token if it is this person's and still valid; return whether it was."""
        which = (t.c.id == token_id, t.c.user_id == user_id, t.c.revoked_at.is_(None))
        return bool(changed(self._tx, update(t).where(*which).values(revoked_at=to_micros(at))))

    def revoke_all(self, user_id: int, at: datetime) -> int:
        """Revoke all tokens of a person; return how many."""
        which = (t.c.user_id == user_id, t.c.revoked_at.is_(None))
        return changed(self._tx, update(t).where(*which).values(revoked_at=to_micros(at)))

    def touch(self, token_id: int, at: datetime, address: str) -> None:
        """Remember when and from where a token was last used."""
        change = update(t).where(t.c.id == token_id)
        self._tx.execute(change.values(last_used_at=to_micros(at), last_address=address[:64]))


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.token_id,
        user_id=row.token_user_id,
        name=row.token_name,
        hint=row.token_hint,
        scopes=tuple(json.loads(row.token_scopes)),
        created_at=from_micros(row.token_created_at),
        expires_at=maybe_instant(row.token_expires_at),
        last_used_at=maybe_instant(row.token_last_used_at),
        last_address=row.token_last_address or "",
        revoked_at=maybe_instant(row.token_revoked_at),
    )
