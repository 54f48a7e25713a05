"""Read and write where people are signed in, and count tries that went wrong."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, func, insert, select, text, update

from horarium.clock import from_micros, to_micros
from horarium.records.people import Session, User
from horarium.store.books.codec import maybe_instant
from horarium.store.books.people import changed, user_of
from horarium.store.port import Transaction
from horarium.store.tables.people import login_attempts, user_sessions, users

_SESSION: Final = tuple(column.label(f"session_{column.name}") for column in user_sessions.columns)
_USER: Final = tuple(column for column in users.columns if column.name != "password_hash")


class SessionBook:
    """Where people are signed in."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, session: Session) -> None:
        """Write a new session."""
        self._tx.execute(
            insert(user_sessions).values(
                key=session.key,
                user_id=session.user_id,
                created_at=to_micros(session.created_at),
                seen_at=to_micros(session.seen_at),
                address=session.address,
                agent=session.agent,
                proved_at=None if session.proved_at is None else to_micros(session.proved_at),
                method=session.method,
                stays=session.stays,
            )
        )

    def rename(self, old: str, new: str, *, proved_at: datetime) -> bool:
        """Give a session another key after a proof; return False if it is not there."""
        change = update(user_sessions).where(user_sessions.c.key == old)
        return bool(changed(self._tx, change.values(key=new, proved_at=to_micros(proved_at))))

    def remove_one_of(self, user_id: int, key: str) -> bool:
        """End one session if it is this person's; return False if not."""
        which = (user_sessions.c.user_id == user_id, user_sessions.c.key == key)
        return bool(changed(self._tx, delete(user_sessions).where(*which)))

    def remove_beyond(self, user_id: int, *, keep: int) -> int:
        """End a person's sessions beyond the `keep` latest used ones; return how many."""
        newest = select(user_sessions.c.key).where(user_sessions.c.user_id == user_id)
        newest = newest.order_by(user_sessions.c.seen_at.desc(), user_sessions.c.key).limit(keep)
        which = (user_sessions.c.user_id == user_id, user_sessions.c.key.not_in(newest))
        return changed(self._tx, delete(user_sessions).where(*which))

    def find(self, keys: Collection[str]) -> list[tuple[Session, User]]:
        """Return the sessions that have one of `keys`, each with its person."""
        rows = self._tx.execute(
            select(*_SESSION, *_USER)
            .join(users, users.c.id == user_sessions.c.user_id)
            .where(user_sessions.c.key.in_(keys))
        )
        return [(_session_of(row), user_of(row)) for row in rows]

    def page(self, *, after: str, most: int) -> list[tuple[Session, User]]:
        """Return up to `most` sessions with keys above `after`, in the order of their keys, each with its person."""
        rows = self._tx.execute(
            select(*_SESSION, *_USER)
            .join(users, users.c.id == user_sessions.c.user_id)
            .where(user_sessions.c.key > after)
            .order_by(user_sessions.c.key)
            .limit(most)
        )
        return [(_session_of(row), user_of(row)) for row in rows]

    def of_user(self, user_id: int) -> list[Session]:
        """Return a person's sessions, the latest used first."""
        rows = self._tx.execute(
            select(*_SESSION).where(user_sessions.c.user_id == user_id).order_by(user_sessions.c.seen_at.desc())
        )
        return [_session_of(row) for row in rows]

    def touch(self, key: str, seen_at: datetime) -> None:
        """Move the moment of last use forward, never back."""
        micros = to_micros(seen_at)
        self._tx.execute(
            update(user_sessions)
            .where(user_sessions.c.key == key, user_sessions.c.seen_at < micros)
            .values(seen_at=micros)
        )

    def remove(self, key: str) -> bool:
        """End a session; return False if there was none."""
        return bool(changed(self._tx, delete(user_sessions).where(user_sessions.c.key == key)))

    def remove_all(self, keys: Collection[str]) -> int:
        """End several sessions; return how many of them there were."""
        return changed(self._tx, delete(user_sessions).where(user_sessions.c.key.in_(keys)))

    def remove_of(self, user_id: int, *, keep: str | None = None) -> int:
        """End a person's sessions, all or all but one; return how many."""
        ended = delete(user_sessions).where(user_sessions.c.user_id == user_id)
        return changed(self._tx, ended if keep is None else ended.where(user_sessions.c.key != keep))

    def remove_unused(self, *, seen_before: datetime, created_before: datetime) -> int:
        """End sessions last used or begun before these instants; return how many."""
        old = (user_sessions.c.seen_at < to_micros(seen_before)) | (
            user_sessions.c.created_at < to_micros(created_before)
        )
        return changed(self._tx, delete(user_sessions).where(old))


class AttemptBook:
    """Tries to sign in that count against somebody, by hashed key."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`, which has to be a writing one."""
        self._tx = tx

    def hold(self, keys: Collection[str]) -> None:
        """Make others who count under one of `keys` wait until this transaction ends.

        SQLite has one writer anyway; on PostgreSQL two counts could otherwise be taken side by side.
        """
        if self._tx.capabilities.skips_locked:
            for key in sorted(keys):
                self._tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 14))"), {"key": key})

    def since(self, key: str, instant: datetime) -> tuple[int, datetime | None]:
        """Return how many tries stand under `key` since `instant`, and when the first of them was."""
        row = self._tx.execute(
            select(func.count().label("tries"), func.min(login_attempts.c.at).label("first")).where(
                login_attempts.c.key == key, login_attempts.c.at > to_micros(instant)
            )
        ).one()
        return row.tries, None if row.first is None else from_micros(row.first)

    def add(self, key: str, at: datetime) -> int:
        """Count a try; return its number."""
        added = self._tx.execute(
            insert(login_attempts).values(key=key, at=to_micros(at)).returning(login_attempts.c.id)
        )
        return int(added.scalar_one())

    def take_back(self, numbers: Collection[int]) -> None:
        """Uncount tries that turned out well."""
        self._tx.execute(delete(login_attempts).where(login_attempts.c.id.in_(numbers)))

    def clear(self, key: str) -> int:
        """Uncount everything under `key`; return how many tries that were."""
        return changed(self._tx, delete(login_attempts).where(login_attempts.c.key == key))

    def forget_before(self, instant: datetime) -> None:
        """Drop tries that no limit looks at any more."""
        self._tx.execute(delete(login_attempts).where(login_attempts.c.at <= to_micros(instant)))


def _session_of(row: Row[Any]) -> Session:
    return Session(
        key=row.session_key,
        user_id=row.session_user_id,
        created_at=from_micros(row.session_created_at),
        seen_at=from_micros(row.session_seen_at),
        address=row.session_address,
        agent=row.session_agent,
        proved_at=maybe_instant(row.session_proved_at),
        method=row.session_method or "password",
        stays=bool(row.session_stays),
    )
