"""List credentials for people: searched, filtered, walked by name, with the tasks that name them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, cast, func, literal, not_, or_, select

from horarium.clock import to_micros
from horarium.records.credentials import Asker, Credential, Naming
from horarium.records.reach import Place, Reach
from horarium.states import TaskKind
from horarium.store.books.credentials import UNUSED as INACTIVE
from horarium.store.books.credentials import credential_of, seen_by, shared_with
from horarium.store.books.reach import covered
from horarium.store.port import Transaction
from horarium.store.tables import scheduled_tasks as t
from horarium.store.tables.base import Wide
from horarium.store.tables.vault import user_credentials as c

SOON: Final = timedelta(days=14)
"""How long before its date a credential counts as expiring."""
UNUSED: Final = timedelta(days=90)
"""After how long without a use a credential counts as unused."""
STATES: Final = ("expiring", "expired", "due", "unused", "failed", "inactive", "stopped")
_DAY: Final = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CabinetFilter:
    """Which credentials a list shows, of those that `asker` may know of.

    `view` is one of all, mine, shared, removed. `text` is looked for in name and note; of `kinds`, `owner_ids` and
    `states` (some of `STATES`) one each must fit, where any are given.
    """

    asker: Asker
    view: str = "all"
    text: str = ""
    kinds: tuple[str, ...] = ()
    owner_ids: tuple[int, ...] = ()
    states: tuple[str, ...] = ()


class CabinetBook:
    """The credentials, for lists."""

    __slots__ = ("_now", "_tx")

    def __init__(self, tx: Transaction, now: datetime) -> None:
        """Work inside `tx`, at an instant."""
        self._tx = tx
        self._now = now

    def page(
        self, wanted: CabinetFilter, *, after: tuple[str, int] | None = None, limit: int = 50
    ) -> list[tuple[str, Credential]]:
        """Return up to `limit` credentials by name, each with the key it is sorted by; those behind `after`."""
        query = self._matching(select(c), wanted)
        if after is not None:
            key, number = after
            query = query.where(or_(c.c.name_key > key, and_(c.c.name_key == key, c.c.id > number)))
        rows = self._tx.execute(query.order_by(c.c.name_key, c.c.id).limit(limit))
        return [(str(row.name_key), credential_of(row)) for row in rows]

    def count(self, wanted: CabinetFilter) -> int:
        """Return how many credentials the filter lets through."""
        return int(self._tx.execute(self._matching(select(func.count()).select_from(c), wanted)).scalar_one())

    def by_kind(self, wanted: CabinetFilter) -> dict[str, int]:
        """Return how many credentials of each kind the filter lets through."""
        query = self._matching(select(c.c.kind, func.count()), wanted).group_by(c.c.kind)
        return {str(row[0]): int(row[1]) for row in self._tx.execute(query)}

    def by_owner(self, wanted: CabinetFilter, *, limit: int = 100) -> dict[int, int]:
        """Return how many credentials of each owner the filter lets through, whoever has most first."""
        query = self._matching(select(c.c.owner_id, func.count().label("many")), wanted).group_by(c.c.owner_id)
        rows = self._tx.execute(query.order_by(func.count().desc(), c.c.owner_id).limit(limit))
        return {int(row[0]): int(row[1]) for row in rows}

    def namings(self, reach: Reach) -> list[Naming]:
        """Return the living tasks that name credentials, of those that are seen, by name.

        Whoever sees everything gets what is there for each person once, and not once for each of them.
        """
        columns = (t.c.id, t.c.name, t.c.kind, t.c.credentials, t.c.owner_id, t.c.project_id, t.c.for_user_id)
        query = select(*columns, t.c.template_id, t.c.per_user.is_not(None).label("per_user")).where(
            t.c.removed_at.is_(None), t.c.credentials != "[]", *covered(reach)
        )
        if reach.everything:
            query = query.where(t.c.template_id.is_(None))
        return [
            Naming(
                id=row.id,
                name=row.name,
                kind=TaskKind(row.kind),
                place=Place(row.owner_id, row.project_id, row.for_user_id),
                names=tuple(json.loads(row.credentials)),
                template_id=row.template_id,
                per_user=bool(row.per_user),
            )
            for row in self._tx.execute(query.order_by(t.c.name, t.c.id))
        ]

    def _matching(self, query: Select[Any], wanted: CabinetFilter) -> Select[Any]:
        return query.where(*self._conditions(wanted))

    def _conditions(self, wanted: CabinetFilter) -> list[ColumnElement[bool]]:
        asker = wanted.asker
        found = seen_by(asker, self._now, removed=wanted.view == "removed")
        if wanted.view == "mine":
            found.append(c.c.owner_id == asker.user_id)
        elif wanted.view == "shared":
            found += [c.c.owner_id != asker.user_id, shared_with(asker, self._now)]
        if wanted.kinds:
            found.append(c.c.kind.in_(wanted.kinds))
        if wanted.owner_ids:
            found.append(c.c.owner_id.in_(wanted.owner_ids))
        if wanted.states:
            found.append(or_(*(self._state(each) for each in wanted.states)))
        words = wanted.text.replace("\0", " ").split()[:8]
        return found + [
            or_(c.c.name.icontains(word, autoescape=True), c.c.note.icontains(word, autoescape=True)) for word in words
        ]

    def _state(self, name: str) -> ColumnElement[bool]:
        now = to_micros(self._now)
        has_expired = and_(c.c.expires_at.is_not(None), c.c.expires_at <= now)
        unused_since = to_micros(self._now - UNUSED)
        found: dict[str, ColumnElement[bool]] = {
            "expired": has_expired,
            "expiring": and_(c.c.expires_at <= to_micros(self._now + SOON), not_(has_expired)),
            "due": c.c.rotated_at + cast(c.c.rotate_days, Wide) * literal(_DAY, Wide) <= now,
            "unused": or_(c.c.last_used_at.is_(None), c.c.last_used_at < unused_since),
            "failed": c.c.test_passed.is_(False),
            "inactive": c.c.inactive_reason == INACTIVE,
            "stopped": and_(c.c.inactive_at.is_not(None), c.c.inactive_reason.is_(None)),
        }
        return found[name]
