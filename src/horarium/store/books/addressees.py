"""Find the people whom something is to be told: administrators, and who answers for a project."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from horarium.records.people import Role, User
from horarium.store.books.people import user_of
from horarium.store.port import Transaction
from horarium.store.tables.people import project_members as m
from horarium.store.tables.people import users

_PUBLIC = tuple(column for column in users.columns if column.name != "password_hash")


class AddresseeBook:
    """People with open accounts, by what they answer for."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def admins(self) -> list[User]:
        """Return the administrators, by number."""
        query = select(*_PUBLIC).where(users.c.role == Role.ADMIN.value, users.c.disabled_at.is_(None))
        return [user_of(row) for row in self._tx.execute(query.order_by(users.c.id))]

    def open_accounts(self, ids: Collection[int]) -> dict[int, User]:
        """Return those of these people whose accounts are open, by number."""
        query = select(*_PUBLIC).where(users.c.id.in_(ids), users.c.disabled_at.is_(None))
        return {row.id: user_of(row) for row in self._tx.execute(query)}

    def managers(self, project_ids: Collection[int]) -> dict[int, list[int]]:
        """Return the numbers of the people who say who belongs to these projects, by project."""
        query = select(m.c.project_id, m.c.user_id).where(m.c.project_id.in_(project_ids), m.c.role == Role.ADMIN.value)
        found: dict[int, list[int]] = {}
        for row in self._tx.execute(query.order_by(m.c.user_id)):
            found.setdefault(row.project_id, []).append(row.user_id)
        return found

    def gone(self, ids: Collection[int]) -> set[int]:
        """Return those of these numbers that belong to no account any more."""
        there = {int(row[0]) for row in self._tx.execute(select(users.c.id).where(users.c.id.in_(ids)))}
        return set(ids) - there
