"""Read and write invitations, other people's and those that somebody asked for themselves."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, delete, insert, select, update

from horarium.clock import from_micros, to_micros
from horarium.records.people import Role
from horarium.store.books.codec import maybe_instant
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.people import invitations as t

_NONCE_OCTETS = 16
_OPEN = and_(t.c.used_at.is_(None), t.c.withdrawn_at.is_(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An invitation. `inviter` is empty where the person asked for it themselves, by registering."""

    id: int = 0
    nonce: str = ""
    email: str
    email_key: str
    role: Role = Role.USER
    project_id: int | None = None
    project_role: Role | None = None
    inviter_id: int | None = None
    inviter: str = ""
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    used_by: int | None = None
    withdrawn_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Tell whether it can still be accepted."""
        return self.used_at is None and self.withdrawn_at is None and now < self.expires_at


class InvitationBook:
    """The invitations."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, wanted: Invitation) -> Invitation:
        """Write an invitation with a nonce of its own; return it with its number."""
        values = {
            "nonce": secrets.token_hex(_NONCE_OCTETS),
            "email": wanted.email,
            "email_key": wanted.email_key,
            "role": wanted.role.value,
            "project_id": wanted.project_id,
            "project_role": None if wanted.project_role is None else wanted.project_role.value,
            "inviter_id": wanted.inviter_id,
            "inviter": wanted.inviter,
            "created_at": to_micros(wanted.created_at),
            "expires_at": to_micros(wanted.expires_at),
        }
        return _invitation(self._tx.execute(insert(t).values(values).returning(*t.c)).one())

    def get(self, invitation_id: int) -> Invitation | None:
        """Return an invitation by number."""
        row = self._tx.execute(select(t).where(t.c.id == invitation_id)).one_or_none()
        return None if row is None else _invitation(row)

    def waiting(self) -> list[Invitation]:
        """Return other people's invitations that nobody accepted or withdrew, the newest first, expired ones too."""
        query = select(t).where(_OPEN, t.c.inviter != "").order_by(t.c.id.desc())
        return [_invitation(row) for row in self._tx.execute(query)]

    def to(self, email_key: str, now: datetime) -> Invitation | None:
        """Return the newest invitation to an address that can be accepted, preferring another person's."""
        which = (_OPEN, t.c.email_key == email_key, t.c.expires_at > to_micros(now))
        query = select(t).where(*which).order_by((t.c.inviter != "").desc(), t.c.id.desc()).limit(1)
        row = self._tx.execute(query).one_or_none()
        return None if row is None else _invitation(row)

    def use(self, invitation_id: int, nonce: str, at: datetime) -> bool:
        """Accept an invitation; return False if somebody was faster, or it is over."""
        which = (t.c.id == invitation_id, t.c.nonce == nonce, _OPEN, t.c.expires_at > to_micros(at))
        return bool(changed(self._tx, update(t).where(*which).values(used_at=to_micros(at))))

    def note_person(self, invitation_id: int, user_id: int) -> None:
        """Note whose account an accepted invitation became."""
        self._tx.execute(update(t).where(t.c.id == invitation_id).values(used_by=user_id))

    def renew(self, invitation_id: int, *, expires_at: datetime, inviter_id: int | None, inviter: str) -> bool:
        """Give a waiting invitation more time and a new nonce, from whoever sends it again; False if it is over.

        Links made before are void.
        """
        values = {
            "nonce": secrets.token_hex(_NONCE_OCTETS),
            "expires_at": to_micros(expires_at),
            "inviter_id": inviter_id,
            "inviter": inviter,
        }
        return bool(changed(self._tx, update(t).where(t.c.id == invitation_id, _OPEN).values(values)))

    def withdraw(self, invitation_id: int, at: datetime) -> bool:
        """Withdraw an invitation; return False if it was accepted or withdrawn already."""
        change = update(t).where(t.c.id == invitation_id, _OPEN)
        return bool(changed(self._tx, change.values(withdrawn_at=to_micros(at))))

    def forget_unanswered(self, expired_before: datetime) -> int:
        """Delete what people asked for themselves and never used; return how many."""
        which = (_OPEN, t.c.inviter == "", t.c.expires_at <= to_micros(expired_before))
        return changed(self._tx, delete(t).where(*which))


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(
        id=row.id,
        nonce=row.nonce,
        email=row.email,
        email_key=row.email_key,
        role=Role(row.role),
        project_id=row.project_id,
        project_role=None if row.project_role is None else Role(row.project_role),
        inviter_id=row.inviter_id,
        inviter=row.inviter,
        created_at=from_micros(row.created_at),
        expires_at=from_micros(row.expires_at),
        used_at=maybe_instant(row.used_at),
        used_by=row.used_by,
        withdrawn_at=maybe_instant(row.withdrawn_at),
    )
