"""What hangs on a person or a project: found and ended when they leave."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Select, func, or_, select, update

from horarium.clock import to_micros
from horarium.states import CheckState
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.people import invitations
from horarium.store.tables.vault import credential_grants as grants
from horarium.store.tables.vault import user_credentials as credentials
from horarium.store.tables.watch import checks
from horarium.store.tables.work import scheduled_tasks as t

Subject = Literal["person", "project"]
_LIVING: Final = t.c.removed_at.is_(None)


class LeavingBook:
    """What is left behind."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def tasks_of(self, user_id: int) -> list[int]:
        """Return the numbers of the living tasks that a person owns or that run for them."""
        mine = or_(t.c.owner_id == user_id, t.c.for_user_id == user_id)
        return self._numbers(select(t.c.id).where(_LIVING, mine).order_by(t.c.id))

    def tasks_in(self, project_id: int) -> list[int]:
        """Return the numbers of the living tasks of a project."""
        return self._numbers(select(t.c.id).where(_LIVING, t.c.project_id == project_id).order_by(t.c.id))

    def paused_with(self, user_id: int, at: datetime) -> list[int]:
        """Return the numbers of a person's tasks that were paused at the very instant `at`."""
        mine = or_(t.c.owner_id == user_id, t.c.for_user_id == user_id)
        which = (_LIVING, mine, t.c.paused_at == to_micros(at))
        return self._numbers(select(t.c.id).where(*which).order_by(t.c.id))

    def checks_of(self, user_id: int) -> list[int]:
        """Return the numbers of the checks that a person owns."""
        return self._numbers(select(checks.c.id).where(checks.c.owner_id == user_id).order_by(checks.c.id))

    def checks_in(self, project_id: int) -> list[int]:
        """Return the numbers of the checks of a project."""
        return self._numbers(select(checks.c.id).where(checks.c.project_id == project_id).order_by(checks.c.id))

    def checks_paused_with(self, user_id: int, at: datetime) -> list[int]:
        """Return the numbers of a person's checks that were paused at the very instant `at` and left alone since."""
        is_paused = (checks.c.state == CheckState.PAUSED.value, checks.c.updated_at == to_micros(at))
        return self._numbers(select(checks.c.id).where(checks.c.owner_id == user_id, *is_paused).order_by(checks.c.id))

    def credentials_of(self, user_id: int) -> int:
        """Return how many credentials a person owns."""
        mine = (credentials.c.owner_id == user_id, credentials.c.deleted_at.is_(None))
        return int(self._tx.execute(select(func.count()).select_from(credentials).where(*mine)).scalar_one())

    def end_grants_to(self, subject: Subject, number: int, at: datetime) -> int:
        """End the rights of use that a person or a project was given; return how many."""
        which = (grants.c.subject == subject, grants.c.subject_id == number, grants.c.revoked_at.is_(None))
        return changed(self._tx, update(grants).where(*which).values(revoked_at=to_micros(at)))

    def end_grants_from(self, user_id: int, at: datetime) -> int:
        """End the rights of use that others have on a person's credentials; return how many."""
        mine = select(credentials.c.id).where(credentials.c.owner_id == user_id)
        which = (grants.c.credential_id.in_(mine), grants.c.revoked_at.is_(None))
        return changed(self._tx, update(grants).where(*which).values(revoked_at=to_micros(at)))

    def remove_credentials(self, user_id: int, at: datetime) -> int:
        """Take a person's credentials out of use; return how many."""
        mine = (credentials.c.owner_id == user_id, credentials.c.deleted_at.is_(None))
        return changed(self._tx, update(credentials).where(*mine).values(deleted_at=to_micros(at)))

    def withdraw_invitations(self, user_id: int, at: datetime) -> int:
        """Withdraw the open invitations that a person has sent; return how many."""
        which = (
            invitations.c.inviter_id == user_id,
            invitations.c.used_at.is_(None),
            invitations.c.withdrawn_at.is_(None),
        )
        return changed(self._tx, update(invitations).where(*which).values(withdrawn_at=to_micros(at)))

    def _numbers(self, query: Select[Any]) -> list[int]:
        return [int(row[0]) for row in self._tx.execute(query)]
