"""Read and write who may use credentials, who has, and which keys the vault knows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Row, and_, case, func, insert, or_, select, update

from horarium.clock import from_micros, to_micros
from horarium.records.credentials import Grant, KeyMark, Subject, Use
from horarium.store.books.codec import maybe_instant
from horarium.store.books.credentials import living, maybe_micros
from horarium.store.books.people import changed
from horarium.store.port import Transaction
from horarium.store.tables.vault import credential_grants as g
from horarium.store.tables.vault import credential_uses as u
from horarium.store.tables.vault import vault_keys as k
from horarium.store.tables.work import task_executions

_LONGEST_TEST: Final = timedelta(minutes=10)


class GrantBook:
    """The rights of use."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, grant: Grant) -> Grant:
        """Write a new grant; return it with its number."""
        values = {
            "credential_id": grant.credential_id,
            "subject": grant.subject.value,
            "subject_id": grant.subject_id,
            "may_replace": grant.may_replace,
            "target_mark": grant.target_mark,
            "granted_by": grant.granted_by,
            "granted_at": to_micros(grant.granted_at),
            "expires_at": maybe_micros(grant.expires_at),
        }
        return _grant(self._tx.execute(insert(g).values(values).returning(*g.c)).one())

    def get(self, grant_id: int) -> Grant | None:
        """Return a grant, an ended one too."""
        row = self._tx.execute(select(g).where(g.c.id == grant_id)).one_or_none()
        return None if row is None else _grant(row)

    def of_credential(self, credential_id: int, now: datetime) -> list[Grant]:
        """Return the grants on a credential that still give something, the oldest first."""
        query = select(g).where(g.c.credential_id == credential_id, *living(now))
        return [_grant(row) for row in self._tx.execute(query.order_by(g.c.id))]

    def of_many(self, ids: Collection[int], now: datetime) -> list[Grant]:
        """Return the grants on any of these credentials that still give something, the oldest first."""
        query = select(g).where(g.c.credential_id.in_(ids), *living(now))
        return [_grant(row) for row in self._tx.execute(query.order_by(g.c.id))]

    def of_subject(self, subject: Subject, subject_id: int, now: datetime) -> list[Grant]:
        """Return the grants that somebody or something has, the oldest first."""
        query = select(g).where(g.c.subject == subject.value, g.c.subject_id == subject_id, *living(now))
        return [_grant(row) for row in self._tx.execute(query.order_by(g.c.id))]

    def counts(self, ids: Collection[int], now: datetime) -> dict[int, int]:
        """Return how many living grants each of these credentials has."""
        query = select(g.c.credential_id, func.count()).where(g.c.credential_id.in_(ids), *living(now))
        return {int(row[0]): int(row[1]) for row in self._tx.execute(query.group_by(g.c.credential_id))}

    def revoke(self, grant_id: int, at: datetime) -> bool:
        """End a grant; return False if it has ended already."""
        change = update(g).where(g.c.id == grant_id, g.c.revoked_at.is_(None))
        return bool(changed(self._tx, change.values(revoked_at=to_micros(at))))


class UseBook:
    """The uses that were made of credentials."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def open(self, use: Use) -> int:
        """Write that a credential was opened; return the number of the use."""
        written = insert(u).values(
            credential_id=use.credential_id,
            version=use.version,
            purpose=use.purpose,
            run_id=use.run_id,
            attempt=use.attempt,
            task_id=use.task_id,
            user_id=use.user_id,
            actor=use.actor,
            opened_at=to_micros(use.opened_at),
        )
        return int(self._tx.execute(written.returning(u.c.id)).scalar_one())

    def close(self, run_id: int, attempt: int, at: datetime) -> int:
        """Note the end of every use that an attempt made; return how many were open."""
        change = update(u).where(u.c.run_id == run_id, u.c.attempt == attempt, u.c.closed_at.is_(None))
        return changed(self._tx, change.values(closed_at=to_micros(at)))

    def end(self, use_id: int, at: datetime) -> None:
        """Note the end of one use, of a test."""
        self._tx.execute(update(u).where(u.c.id == use_id).values(closed_at=to_micros(at)))

    def close_left_over(self, at: datetime) -> int:
        """Note the end of uses whose runs have ended without saying so, or are gone; return how many.

        A test that was begun long ago has ended, too.
        """
        run = task_executions
        going = select(run.c.id).where(run.c.id == u.c.run_id, run.c.finished_at.is_(None))
        of_run = and_(u.c.run_id.is_not(None), ~going.exists())
        of_test = and_(u.c.run_id.is_(None), u.c.opened_at < to_micros(at - _LONGEST_TEST))
        change = update(u).where(u.c.closed_at.is_(None), or_(of_run, of_test))
        return changed(self._tx, change.values(closed_at=to_micros(at)))

    def version_of(self, credential_id: int, run_id: int) -> int | None:
        """Return the version that a run has opened before, None if it has not."""
        query = select(u.c.version).where(u.c.run_id == run_id, u.c.credential_id == credential_id)
        found: int | None = self._tx.execute(query.order_by(u.c.id).limit(1)).scalar_one_or_none()
        return found

    def of_credential(self, credential_id: int, *, before: int | None = None, limit: int = 50) -> list[Use]:
        """Return the uses of a credential, the newest first, those `before` a number."""
        query = select(u).where(u.c.credential_id == credential_id)
        if before is not None:
            query = query.where(u.c.id < before)
        return [_use(row) for row in self._tx.execute(query.order_by(u.c.id.desc()).limit(limit))]

    def counts_between(self, credential_id: int, bounds: Sequence[datetime]) -> list[int]:
        """Return how often a credential was opened from each of these instants on, up to the next one."""
        at = [to_micros(each) for each in bounds]
        opened = u.c.opened_at
        columns = [func.count(case((and_(opened >= start, opened < end), 1))) for start, end in pairwise(at)]
        query = select(*columns).where(u.c.credential_id == credential_id, opened >= at[0], opened < at[-1])
        return [int(each) for each in self._tx.execute(query).one()]

    def of_run(self, run_id: int) -> list[Use]:
        """Return the uses that a run has made, the oldest first."""
        return [_use(row) for row in self._tx.execute(select(u).where(u.c.run_id == run_id).order_by(u.c.id))]


class KeyBook:
    """The keys that the vault knows, each by its mark."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def all(self) -> dict[str, KeyMark]:
        """Return all keys by number, retired ones too."""
        rows = self._tx.execute(select(k))
        return {
            row.id: KeyMark(row.id, row.check_value, from_micros(row.created_at), maybe_instant(row.retired_at))
            for row in rows
        }

    def put(self, mark: KeyMark) -> None:
        """Write a new key, or take a retired one into use again."""
        if changed(self._tx, update(k).where(k.c.id == mark.id).values(retired_at=None)):
            return
        self._tx.execute(
            insert(k).values(id=mark.id, check_value=mark.check_value, created_at=to_micros(mark.created_at))
        )

    def retire(self, key_id: str, at: datetime) -> bool:
        """Note that nothing is sealed with a key any more; return False if that was noted already."""
        change = update(k).where(k.c.id == key_id, k.c.retired_at.is_(None))
        return bool(changed(self._tx, change.values(retired_at=to_micros(at))))


def _grant(row: Row[Any]) -> Grant:
    return Grant(
        id=row.id,
        credential_id=row.credential_id,
        subject=Subject(row.subject),
        subject_id=row.subject_id,
        may_replace=row.may_replace,
        target_mark=row.target_mark,
        granted_by=row.granted_by,
        granted_at=from_micros(row.granted_at),
        expires_at=maybe_instant(row.expires_at),
        revoked_at=maybe_instant(row.revoked_at),
    )


def _use(row: Row[Any]) -> Use:
    return Use(
        id=row.id,
        credential_id=row.credential_id,
        version=row.version,
        purpose=row.purpose,
        run_id=row.run_id,
        attempt=row.attempt,
        task_id=row.task_id,
        user_id=row.user_id,
        actor=row.actor,
        opened_at=from_micros(row.opened_at),
        closed_at=maybe_instant(row.closed_at),
    )
