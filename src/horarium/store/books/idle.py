"""Find credentials that nothing has used for long, and what refers to them; mark them, and take that back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, or_, select, tuple_, update

from horarium.clock import to_micros
from horarium.records.credentials import Credential, Subject
from horarium.store.books.credentials import UNUSED, credential_of, living
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables import scheduled_tasks as t
from horarium.store.tables.everything import metadata
from horarium.store.tables.vault import credential_grants as g
from horarium.store.tables.vault import credential_uses, credential_values, credential_versions
from horarium.store.tables.vault import user_credentials as c

_ACTIVITY: Final = (c.c.created_at, c.c.updated_at, c.c.rotated_at, c.c.last_used_at, c.c.tested_at)
_OF_THE_VAULT: Final = frozenset(each.name for each in (g, credential_uses, credential_values, credential_versions))


def referring_tables() -> list[Table]:
    """Return the tables whose rows name a credential because they need it: each with a column `credential_id`.

    Those in which the vault itself keeps grants, uses and versions are none of them.
    """
    return [
        each for each in metadata.sorted_tables if "credential_id" in each.columns and each.name not in _OF_THE_VAULT
    ]


class IdleBook:
    """The credentials, by what has become of them when nobody looked."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def unused(self, since: datetime, *, after: tuple[int, int], most: int, lock: bool) -> list[Credential]:
        """Return active credentials with which nothing was done since an instant: by owner and number behind `after`.

        `lock` keeps others from changing them meanwhile.
        """
        at = to_micros(since)
        quiet = [or_(column.is_(None), column < at) for column in _ACTIVITY]
        return self._page([c.c.inactive_at.is_(None), *quiet], after, most, lock=lock)

    def overdue(self, until: datetime, *, after: tuple[int, int], most: int, lock: bool) -> list[Credential]:
        """Return credentials that are inactive for want of use since `until` or longer, as `unused` does."""
        since = [c.c.inactive_reason == UNUSED, c.c.inactive_at <= to_micros(until)]
        return self._page(since, after, most, lock=lock)

    def granted_since(self, ids: Collection[int], since: datetime) -> set[int]:
        """Return which of these somebody was let use since an instant."""
        query = select(g.c.credential_id).where(g.c.credential_id.in_(ids), g.c.granted_at >= to_micros(since))
        return {int(row[0]) for row in self._tx.execute(query)}

    def granted_to_tasks(self, ids: Collection[int], now: datetime) -> set[int]:
        """Return which of these are granted to a task that is there."""
        query = (
            select(g.c.credential_id)
            .join_from(g, t, g.c.subject_id == t.c.id)
            .where(
                g.c.credential_id.in_(ids), g.c.subject == Subject.TASK.value, t.c.removed_at.is_(None), *living(now)
            )
        )
        return {int(row[0]) for row in self._tx.execute(query)}

    def named_in_rows(self, ids: Collection[int]) -> set[int]:
        """Return which of these a row of another part names."""
        found: set[int] = set()
        for table in referring_tables():
            column = table.c.credential_id
            found |= {int(row[0]) for row in self._tx.execute(select(column).where(column.in_(ids)).distinct())}
        return found

    def mark(self, ids: Collection[int], at: datetime) -> int:
        """Make these inactive for want of use; return how many."""
        change = update(c).where(c.c.id.in_(ids), c.c.inactive_at.is_(None))
        return changed(self._tx, change.values(inactive_at=to_micros(at), inactive_reason=UNUSED))

    def keep(self, credential_id: int, at: datetime) -> bool:
        """Make one active again that was inactive for want of use, from now on; return False if it was not."""
        change = update(c).where(c.c.id == credential_id, c.c.inactive_reason == UNUSED)
        values = {"inactive_at": None, "inactive_reason": None, "updated_at": to_micros(at)}
        return bool(changed(self._tx, change.values(values)))

    def _page(
        self, conditions: list[ColumnElement[bool]], after: tuple[int, int], most: int, *, lock: bool
    ) -> list[Credential]:
        behind: Any = tuple_(c.c.owner_id, c.c.id) > tuple_(*after)
        query = select(c).where(and_(*conditions), c.c.deleted_at.is_(None), behind)
        query = query.order_by(c.c.owner_id, c.c.id).limit(most)
        return [credential_of(row) for row in self._tx.execute(query.with_for_update() if lock else query)]
