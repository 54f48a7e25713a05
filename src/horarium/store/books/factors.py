"""Read and write what people prove themselves by beside a password: authenticator apps and recovery codes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, or_, select, update

from horarium.clock import from_micros, to_micros
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.schema import read_meta, write_meta
from horarium.store.tables.people import passkeys
from horarium.store.tables.people import recovery_codes as r
from horarium.store.tables.people import totp_factors as t

_RULE = "second_step"


@dataclass(frozen=True, slots=True)
class AppFactor:
    """An authenticator app of a person: its secret, sealed with the key `key_id`, and the step of its last code."""

    user_id: int
    key_id: str
    sealed: str
    created_at: datetime
    last_step: int | None = None


class FactorBook:
    """The authenticator apps, and what the installation asks for."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def app(self, user_id: int) -> AppFactor | None:
        """Return a person's app, None where there is none."""
        row = self._tx.execute(select(t).where(t.c.user_id == user_id)).one_or_none()
        return None if row is None else _app(row)

    def put_app(self, app: AppFactor) -> None:
        """Write a person's app in place of one that may be there."""
        self.remove_app(app.user_id)
        values = {
            "user_id": app.user_id,
            "key_id": app.key_id,
            "sealed": app.sealed,
            "created_at": to_micros(app.created_at),
            "confirmed_at": to_micros(app.created_at),
            "last_step": app.last_step,
        }
        self._tx.execute(insert(t).values(values))

    def remove_app(self, user_id: int) -> bool:
        """Remove a person's app; return False if there was none."""
        return bool(changed(self._tx, delete(t).where(t.c.user_id == user_id)))

    def use_step(self, user_id: int, step: int) -> bool:
        """Note that the code of a time step was taken; return False if it, or a later one, was taken before."""
        unused = or_(t.c.last_step.is_(None), t.c.last_step < step)
        return bool(changed(self._tx, update(t).where(t.c.user_id == user_id, unused).values(last_step=step)))

    def apps_not_under(self, key_id: str, *, after: int, most: int) -> list[AppFactor]:
        """Return up to `most` apps sealed with another key than `key_id`, of people with numbers above `after`."""
        query = select(t).where(t.c.key_id != key_id, t.c.user_id > after).order_by(t.c.user_id).limit(most)
        return [_app(row) for row in self._tx.execute(query)]

    def count_not_under(self, key_id: str) -> int:
        """Return how many apps are sealed with another key than `key_id`."""
        query = select(func.count()).select_from(t).where(t.c.key_id != key_id)
        return int(self._tx.execute(query).scalar_one())

    def replace_seal(self, app: AppFactor, *, key_id: str, sealed: str) -> bool:
        """Put another seal where the one of `app` still stands; return False if somebody was faster."""
        which = (t.c.user_id == app.user_id, t.c.sealed == app.sealed)
        return bool(changed(self._tx, update(t).where(*which).values(key_id=key_id, sealed=sealed)))

    def kinds(self, user_ids: Collection[int]) -> dict[int, frozenset[str]]:
        """Return what people have as a second step, `app` and `passkey`; whoever has none is left out."""
        found: dict[int, set[str]] = {}
        for kind, column in (("app", t.c.user_id), ("passkey", passkeys.c.user_id)):
            for row in self._tx.execute(select(column).where(column.in_(user_ids)).distinct()):
                found.setdefault(int(row[0]), set()).add(kind)
        return {user_id: frozenset(kinds) for user_id, kinds in found.items()}

    def rule_note(self) -> str | None:
        """Return what is noted about who must have a second step, None if nothing is."""
        return read_meta(self._tx, _RULE)

    def note_rule(self, note: str) -> None:
        """Note who must have a second step, and since when."""
        write_meta(self._tx, _RULE, note)


class RecoveryBook:
    """The recovery codes: only hashes of them are kept."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def replace(self, user_id: int, hashes: Collection[str], at: datetime) -> None:
        """Put new codes in place of all that a person had."""
        self.remove(user_id)
        micros = to_micros(at)
        rows = [{"user_id": user_id, "code_hash": each, "created_at": micros} for each in hashes]
        self._tx.execute(insert(r), rows)

    def use(self, user_id: int, code_hash: str, at: datetime) -> bool:
        """Use up a code; return False if there is no such code, or it was used before."""
        which = (r.c.user_id == user_id, r.c.code_hash == code_hash, r.c.used_at.is_(None))
        return bool(changed(self._tx, update(r).where(*which).values(used_at=to_micros(at))))

    def counts(self, user_id: int) -> tuple[int, int]:
        """Return how many codes a person has left, and how many were made."""
        query = select(func.count(), func.count(r.c.used_at)).where(r.c.user_id == user_id)
        made, used = self._tx.execute(query).one()
        return int(made) - int(used), int(made)

    def remove(self, user_id: int) -> int:
        """Remove a person's codes; return how many there were."""
        return changed(self._tx, delete(r).where(r.c.user_id == user_id))


def _app(row: Row[Any]) -> AppFactor:
    return AppFactor(
        user_id=row.user_id,
        key_id=row.key_id,
        sealed=row.sealed,
        created_at=from_micros(row.created_at),
        last_step=row.last_step,
    )
