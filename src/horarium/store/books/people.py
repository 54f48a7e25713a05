"""Read and write accounts, and whether the first one may still be set up."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import CursorResult, Executable, Row, delete, func, insert, or_, select, update

from horarium.clock import from_micros, to_micros
from horarium.records.people import Role, User
from horarium.store.books.codec import maybe_instant
from horarium.store.port import Transaction
from horarium.store.schema import read_meta, write_meta
from horarium.store.tables.people import users
from horarium.store.tables.work import meta

_SETUP: Final = "setup"
_TEAM: Final = "team"
_PUBLIC: Final = tuple(column for column in users.columns if column.name != "password_hash")


class PeopleBook:
    """The accounts."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(self, user: User, *, name_key: str, email_key: str | None, password_hash: str) -> User:
        """Write a new account and return it with its number. Raises `DuplicateKey` if a key is taken."""
        found = self._tx.execute(
            insert(users)
            .values(
                name=user.name,
                name_key=name_key,
                email=user.email,
                email_key=email_key,
                display_name=user.display_name,
                role=user.role.value,
                password_hash=password_hash,
                time_zone=user.time_zone,
                created_at=to_micros(user.created_at),
                password_changed_at=_micros(user.password_changed_at),
                email_confirmed_at=_micros(user.email_confirmed_at),
            )
            .returning(*_PUBLIC)
        )
        made = user_of(found.one())
        self._tx.note_person(made.id)
        return made

    def count(self) -> int:
        """Return how many accounts there are, disabled ones too."""
        return int(self._tx.execute(select(func.count()).select_from(users)).scalar_one())

    def by_id(self, user_id: int, *, lock: bool = False) -> User | None:
        """Return the account with this number; `lock` keeps others from changing it meanwhile."""
        query = select(*_PUBLIC).where(users.c.id == user_id)
        row = self._tx.execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else user_of(row)

    def by_ids(self, ids: Collection[int]) -> dict[int, User]:
        """Return accounts by number."""
        rows = self._tx.execute(select(*_PUBLIC).where(users.c.id.in_(ids)))
        return {row.id: user_of(row) for row in rows}

    def hold_admins(self) -> set[int]:
        """Return the numbers of all open accounts of administrators; nobody else changes these meanwhile."""
        query = select(users.c.id).where(users.c.role == Role.ADMIN.value, users.c.disabled_at.is_(None))
        return {int(row[0]) for row in self._tx.execute(query.order_by(users.c.id).with_for_update())}

    def by_login(self, key: str) -> tuple[User, str] | None:
        """Return the account whose name or e-mail address has this key, and the hash of its password."""
        row = self._tx.execute(
            select(*users.columns)
            .where(or_(users.c.name_key == key, users.c.email_key == key))
            .order_by((users.c.name_key == key).desc())
            .limit(1)
        ).one_or_none()
        return None if row is None else (user_of(row), row.password_hash)

    def everyone(self) -> list[User]:
        """Return all accounts by name."""
        return [user_of(row) for row in self._tx.execute(select(*_PUBLIC).order_by(users.c.name_key))]

    def password_hash(self, user_id: int) -> str | None:
        """Return the hash of a person's password, None for no such person."""
        found: str | None = self._tx.execute(
            select(users.c.password_hash).where(users.c.id == user_id)
        ).scalar_one_or_none()
        return found

    def replace_hash(self, user_id: int, *, old: str, new: str) -> bool:
        """Put `new` where `old` still stands; return False if somebody was faster."""
        change = update(users).where(users.c.id == user_id, users.c.password_hash == old).values(password_hash=new)
        return bool(changed(self._tx, change))

    def note_login(self, user_id: int, at: datetime) -> None:
        """Remember when a person signed in."""
        self._tx.execute(update(users).where(users.c.id == user_id).values(last_login_at=to_micros(at)))

    def change(self, user_id: int, **columns: Any) -> bool:
        """Set columns of an account; return False if it is not there."""
        self._tx.note_person(user_id)
        return bool(changed(self._tx, update(users).where(users.c.id == user_id).values(columns)))

    def remove(self, user_id: int) -> bool:
        """Delete an account with all that is its own and nobody else's; return False if it is not there."""
        self._tx.note_person(user_id)
        return bool(changed(self._tx, delete(users).where(users.c.id == user_id)))

    def disable(self, user_id: int, at: datetime) -> bool:
        """Close an account; return False if it is closed already or not there."""
        self._tx.note_person(user_id)
        change = update(users).where(users.c.id == user_id, users.c.disabled_at.is_(None))
        return bool(changed(self._tx, change.values(disabled_at=to_micros(at))))

    def team(self) -> str:
        """Return the name of the team that runs this installation, empty if none was given."""
        return read_meta(self._tx, _TEAM) or ""

    def name_team(self, name: str) -> None:
        """Keep the name of the team."""
        write_meta(self._tx, _TEAM, name)

    def setup_note(self) -> str | None:
        """Return what is noted about the first set-up, None if nothing is."""
        return read_meta(self._tx, _SETUP)

    def note_setup(self, note: str) -> None:
        """Note how far the first set-up is."""
        write_meta(self._tx, _SETUP, note)

    def move_setup(self, *, old: str, new: str) -> bool:
        """Replace the note about the set-up where it still reads `old`; return False if somebody was faster."""
        change = update(meta).where(meta.c.key == _SETUP, meta.c.value == old).values(value=new)
        return bool(changed(self._tx, change))


def changed(tx: Transaction, statement: Executable) -> int:
    """Run an update or a delete; return how many rows it touched."""
    return int(cast("CursorResult[Any]", tx.execute(statement)).rowcount)


def user_of(row: Row[Any]) -> User:
    """Build the record from a row with the public columns."""
    return User(
        id=row.id,
        name=row.name,
        email=row.email,
        display_name=row.display_name,
        role=Role(row.role),
        time_zone=row.time_zone,
        created_at=from_micros(row.created_at),
        last_login_at=maybe_instant(row.last_login_at),
        disabled_at=maybe_instant(row.disabled_at),
        password_changed_at=maybe_instant(row.password_changed_at),
        email_confirmed_at=maybe_instant(row.email_confirmed_at),
        epoch=row.epoch,
    )


def _micros(instant: datetime | None) -> int | None:
    return None if instant is None else to_micros(instant)
