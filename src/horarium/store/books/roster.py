"""List people as administrators see them: searched, paged by name, each with what hangs on them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select

from horarium.records.people import Role, User
from horarium.store.books.codec import maybe_instant
from horarium.store.books.people import user_of
from horarium.store.port import Transaction
from horarium.store.tables.people import passkeys, totp_factors, user_sessions, users
from horarium.store.tables.work import scheduled_tasks

_USER: Final = tuple(column for column in users.columns if column.name != "password_hash")


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterFilter:
    """Which people a list shows; `text` is looked for in names and address, `closed` shows closed accounts only."""

    text: str = ""
    roles: tuple[Role, ...] = ()
    closed: bool = False


@dataclass(slots=True)
class Presence:
    """What hangs on a person: sessions and when the latest was used, living tasks they own, and their second steps."""

    sessions: int = 0
    seen_at: datetime | None = None
    tasks: int = 0
    has_app: bool = False
    has_passkey: bool = False


class RosterBook:
    """The accounts, for lists."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def page(self, wanted: RosterFilter, *, after: int | None = None, limit: int = 50) -> list[User]:
        """Return up to `limit` people by name: those after the person with the number `after`, else the first."""
        query = select(*_USER).where(*_conditions(wanted))
        if after is not None:
            last = self._tx.execute(select(users.c.name_key).where(users.c.id == after)).scalar_one_or_none()
            if last is not None:
                query = query.where(users.c.name_key > last)
        return [user_of(row) for row in self._tx.execute(query.order_by(users.c.name_key).limit(limit))]

    def count(self, wanted: RosterFilter) -> int:
        """Return how many people the filter lets through."""
        query = select(func.count()).select_from(users).where(*_conditions(wanted))
        return int(self._tx.execute(query).scalar_one())

    def by_role(self, *, closed: bool = False) -> dict[Role, int]:
        """Return how many people have each role."""
        query = select(users.c.role, func.count()).where(*_conditions(RosterFilter(closed=closed)))
        return {Role(row[0]): int(row[1]) for row in self._tx.execute(query.group_by(users.c.role))}

    def presence(self, ids: Collection[int]) -> dict[int, Presence]:
        """Return what hangs on each of these people."""
        found = {each: Presence() for each in ids}
        s, t = user_sessions.c, scheduled_tasks.c
        for row in self._rows(select(s.user_id, func.count(), func.max(s.seen_at)), s.user_id, ids):
            found[row[0]].sessions, found[row[0]].seen_at = int(row[1]), maybe_instant(row[2])
        for row in self._rows(select(t.owner_id, func.count()).where(t.removed_at.is_(None)), t.owner_id, ids):
            found[row[0]].tasks = int(row[1])
        app = select(totp_factors.c.user_id).where(totp_factors.c.confirmed_at.is_not(None))
        for row in self._rows(app, totp_factors.c.user_id, ids):
            found[row[0]].has_app = True
        for row in self._rows(select(passkeys.c.user_id), passkeys.c.user_id, ids):
            found[row[0]].has_passkey = True
        return found

    def _rows(self, query: Any, column: ColumnElement[Any], ids: Collection[int]) -> Sequence[Any]:
        return self._tx.execute(query.where(column.in_(ids)).group_by(column)).all()


def _conditions(wanted: RosterFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        users.c.disabled_at.is_not(None) if wanted.closed else users.c.disabled_at.is_(None)
    ]
    if wanted.roles:
        found.append(users.c.role.in_([role.value for role in wanted.roles]))
    columns = (users.c.name, users.c.display_name, users.c.email)
    words = wanted.text.replace("\0", " ").split()[:8]
    found.extend(or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in words)
    return found
