"""Keep the accounts: make them, find them, change them, close them; one administrator always stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from horarium.accounts.mentions import about
from horarium.accounts.names import DISPLAY_LIMIT, checked_email, checked_name, key_of
from horarium.accounts.passwords import Hasher, validate_password
from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.clock import Clock, SystemClock
from horarium.errors import Conflict, DuplicateKey, InvalidValue, NotFound, SignInRefused, WeakPassword
from horarium.records.actors import Actor
from horarium.records.people import Role, User
from horarium.store.books.people import PeopleBook
from horarium.store.books.signins import SessionBook
from horarium.store.books.tokens import TokenBook
from horarium.store.port import Store, Transaction

REFUSAL = "name and password do not match"
LAST_ADMIN = "this is the last administrator who can sign in; give somebody else that role first"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """What an account is to be made of. Without a password nobody can sign in by one until one is set."""

    name: str
    email: str = ""
    display_name: str = ""
    time_zone: str = "UTC"
    role: Role = Role.USER
    password: str | None = None
    email_confirmed_at: datetime | None = None


class People:
    """The accounts of one store."""

    def __init__(self, store: Store, clock: Clock | None = None, *, hasher: Hasher | None = None) -> None:
        """Work on `store`; passwords are hashed by `hasher`, at the usual cost if none is given."""
        self._store = store
        self._clock = clock or SystemClock()
        self.hasher = hasher or Hasher()
        self._trail = Trail(store, self._clock)

    def add(self, wanted: NewPerson, *, actor: Actor) -> User:
        """Make an account. Raises `InvalidValue` for what is malformed or taken, `WeakPassword`, `TooBusy`."""
        user, hashed = self.prepare(wanted)
        with self._store.transaction() as tx:
            return self.insert(tx, user, hashed, actor=actor)

    def add_admin(self, wanted: NewPerson, *, actor: Actor) -> User:
        """Make an administrator, whatever role is asked for; the first set-up is over with that."""
        user, hashed = self.prepare(wanted, role=Role.ADMIN)
        with self._store.transaction() as tx:
            made = self.insert(tx, user, hashed, actor=actor)
            PeopleBook(tx).note_setup("done")
        return made

    def prepare(self, wanted: NewPerson, *, role: Role | None = None) -> tuple[User, str]:
        """Check what an account is to be made of; return it unsaved, with the hash of its password."""
        now = self._clock.now()
        user = User(
            id=0,
            name=checked_name(wanted.name),
            email=checked_email(wanted.email) if wanted.email.strip() else "",
            display_name=_checked_display(wanted.display_name),
            role=role or wanted.role,
            time_zone=checked_zone(wanted.time_zone),
            created_at=now,
            password_changed_at=None if wanted.password is None else now,
            email_confirmed_at=wanted.email_confirmed_at,
        )
        return user, "" if wanted.password is None else hash_for(self.hasher, wanted.password, user)

    def insert(self, tx: Transaction, user: User, password_hash: str, *, actor: Actor) -> User:
        """Write a prepared account inside `tx`. Raises `InvalidValue` if its name or address is taken."""
        book = PeopleBook(tx)
        for field, text in (("name", user.name), ("email", user.email)):
            # A name may not be somebody else's address either: both sign in.
            if text and book.by_login(key_of(text)) is not None:
                raise InvalidValue(field, text, "it is taken")
        try:
            made = book.add(
                user, name_key=key_of(user.name), email_key=key_of(user.email) or None, password_hash=password_hash
            )
        except DuplicateKey:
            raise InvalidValue("name", user.name, "it is taken") from None
        self._trail.note(tx, actor, Action.PERSON_ADDED, about(made), after=_shown(made))
        return made

    def authenticate(self, name: str, password: str) -> User:
        """Return the person that this name (or e-mail address) and password belong to.

        Raises `SignInRefused` without saying what was wrong, and `TooBusy`. An unknown name costs as much as a known
        one. Guessing is limited elsewhere: doors call `accounts.login`.
        """
        with self._store.reading() as tx:
            found = PeopleBook(tx).by_login(key_of(name))
        user, stored = found or (None, None)
        right, better = self.hasher.verify(password, stored)
        if not right or user is None or not user.is_enabled:
            raise SignInRefused(REFUSAL)
        if better and stored:
            with self._store.transaction() as tx:
                PeopleBook(tx).replace_hash(user.id, old=stored, new=better)
        return user

    def get(self, user_id: int) -> User:
        """Return the person with this number. Raises `NotFound`."""
        with self._store.reading() as tx:
            return found_in(tx, user_id)

    def find(self, name: str) -> User | None:
        """Return the person with this name or address, however it is spelt."""
        with self._store.reading() as tx:
            found = PeopleBook(tx).by_login(key_of(name))
        return found[0] if found else None

    def list(self) -> list[User]:
        """Return everybody by name, closed accounts too."""
        with self._store.reading() as tx:
            return PeopleBook(tx).everyone()

    def change(self, user_id: int, *, actor: Actor, **wanted: str) -> User:
        """Change somebody's `display_name`, `time_zone` or `email`. Raises `NotFound`, `InvalidValue`."""
        checks = {"display_name": _checked_display, "time_zone": checked_zone, "email": checked_email}
        values: dict[str, Any] = {name: checks[name](value) for name, value in wanted.items()}
        with self._store.transaction() as tx:
            before = found_in(tx, user_id, lock=True)
            email = values.get("email", before.email)
            if email != before.email:
                found = PeopleBook(tx).by_login(key_of(email))
                if found is not None and found[0].id != user_id:
                    raise InvalidValue("email", email, "it is taken")
                # Nobody has shown yet that it is theirs, and links that went to the old one end.
                values |= {"email_key": key_of(email), "email_confirmed_at": None, "epoch": before.epoch + 1}
            PeopleBook(tx).change(user_id, **values)
            after = found_in(tx, user_id)
            if after != before:
                self._trail.note(
                    tx, actor, Action.PERSON_CHANGED, about(after), before=_shown(before), after=_shown(after)
                )
        return after

    def change_role(self, user_id: int, role: Role, *, actor: Actor) -> User:
        """Give somebody another role; their sessions get new ids only by signing in again, so they end.

        Raises `NotFound`, and `Conflict` for the last administrator.
        """
        with self._store.transaction() as tx:
            before = found_in(tx, user_id)
            if before.role is role:
                return before
            before = held_to_leave(tx, user_id)
            PeopleBook(tx).change(user_id, role=role.value)
            SessionBook(tx).remove_of(user_id)
            after = found_in(tx, user_id)
            self._trail.note(
                tx, actor, Action.PERSON_ROLE_CHANGED, about(after), before=_shown(before), after=_shown(after)
            )
        return after

    def disable(self, user_id: int, *, actor: Actor) -> bool:
        """Close an account: its sessions and tokens end at once. Return False if it was closed already.

        Raises `NotFound`, and `Conflict` for the last administrator.
        """
        with self._store.transaction() as tx:
            now = self._clock.now()
            closed = close_account(tx, user_id, now)
            TokenBook(tx).revoke_all(user_id, now)
            if closed is not None:
                self._trail.note(tx, actor, Action.PERSON_DISABLED, about(closed))
        return closed is not None

    def enable(self, user_id: int, *, actor: Actor) -> bool:
        """Open a closed account again. Return False if it is open. Raises `NotFound`."""
        with self._store.transaction() as tx:
            user = found_in(tx, user_id, lock=True)
            if user.is_enabled:
                return False
            PeopleBook(tx).change(user_id, disabled_at=None)
            self._trail.note(tx, actor, Action.PERSON_ENABLED, about(user))
        return True


def found_in(tx: Transaction, user_id: int, *, lock: bool = False) -> User:
    """Return the person with this number; with `lock` nobody else changes them meanwhile. Raises `NotFound`."""
    found = PeopleBook(tx).by_id(user_id, lock=lock)
    if found is None:
        raise NotFound(f"there is no user {user_id}")
    return found


def hash_for(hasher: Hasher, password: str, user: User) -> str:
    """Return the hash of a new password for somebody. Raises `WeakPassword`, `TooBusy`."""
    verdict = validate_password(password, name=f"{user.name} {user.display_name} {user.email}")
    if not verdict:
        raise WeakPassword(verdict.reasons)
    return hasher.hash(password)


def close_account(tx: Transaction, user_id: int, at: datetime) -> User | None:
    """Close an account inside `tx`: its sessions end. Return whose, None if it was closed already.

    Its tokens are the caller's to end.

    Raises `NotFound`, and `Conflict` for the last administrator.
    """
    user = held_to_leave(tx, user_id)
    SessionBook(tx).remove_of(user_id)
    if not user.is_enabled:
        return None
    PeopleBook(tx).disable(user_id, at)
    return user


def held_to_leave(tx: Transaction, user_id: int) -> User:
    """Return somebody who is to lose their rights, and keep others from changing that meanwhile.

    Raises `NotFound`, and `Conflict` where they are the last administrator who can sign in.
    """
    # All administrators are held first, in order: of two who demote each other one waits, and then finds nobody left.
    others = PeopleBook(tx).hold_admins() - {user_id}
    user = found_in(tx, user_id, lock=True)
    if user.is_admin and user.is_enabled and not others:
        raise Conflict(LAST_ADMIN)
    return user


def checked_zone(name: str) -> str:
    """Return the name of a zone; refuse one that is not on the IANA list with `InvalidValue`."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidValue("time zone", name, "use a name of the IANA list, for example Europe/Berlin") from None
    return name


def _checked_display(name: str) -> str:
    return checked_name(name, field="display_name", limit=DISPLAY_LIMIT) if name.strip() else ""


def _shown(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "email": user.email,
        "display_name": user.display_name,
        "role": user.role.value,
        "time_zone": user.time_zone,
    }
