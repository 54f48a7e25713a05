"""Say which credentials something refers to: what is asked before one is taken away for want of use.

Whatever else comes to need credentials is asked for here: a table with a column `credential_id` is by itself, anything
that names them in another way is one more function in `_ASKED`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final

from horarium.records.credentials import Credential, Grant
from horarium.records.reach import EVERYTHING
from horarium.store.books.cabinet import CabinetBook
from horarium.store.books.grants import GrantBook
from horarium.store.books.idle import IdleBook
from horarium.store.port import Transaction
from horarium.vault.checking import key_of
from horarium.vault.usage import may_get

Asked = Callable[[Transaction, Sequence[Credential], datetime], Collection[int]]


def referenced(tx: Transaction, credentials: Sequence[Credential], now: datetime) -> set[int]:
    """Return the numbers of those of these credentials that something refers to."""
    if not credentials:
        return set()
    return {number for ask in _ASKED for number in ask(tx, credentials, now)}


def _named_by_tasks(tx: Transaction, credentials: Sequence[Credential], now: datetime) -> set[int]:
    """Return those that a task names and may get, be it paused or parked, and be there another one that it gets first.

    One that gets it only when the other is gone still counts on it.
    """
    by_key: dict[str, list[Credential]] = defaultdict(list)
    for each in credentials:
        by_key[key_of(each.name)].append(each)
    grants: dict[int, list[Grant]] = defaultdict(list)
    for grant in GrantBook(tx).of_many([each.id for each in credentials], now):
        grants[grant.credential_id].append(grant)
    return {
        each.id
        for task in CabinetBook(tx, now).namings(EVERYTHING)
        for key in {key_of(name) for name in task.names}
        for each in by_key.get(key, ())
        if may_get(task, each, grants[each.id])
    }


def _granted_to_tasks(tx: Transaction, credentials: Sequence[Credential], now: datetime) -> set[int]:
    return IdleBook(tx).granted_to_tasks([each.id for each in credentials], now)


def _named_in_rows(tx: Transaction, credentials: Sequence[Credential], now: datetime) -> set[int]:
    del now
    return IdleBook(tx).named_in_rows([each.id for each in credentials])


_ASKED: Final[tuple[Asked, ...]] = (_named_by_tasks, _granted_to_tasks, _named_in_rows)
"""Everything that may refer to credentials."""
