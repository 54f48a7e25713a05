"""`UserManager`: accounts and sessions for programs, without the web. The rooms below do the work."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict, Unpack

from horarium.accounts.mentions import about
from horarium.accounts.names import key_of, shown
from horarium.accounts.password_change import PasswordChange
from horarium.accounts.people import NewPerson, People, found_in, hash_for
from horarium.accounts.sessions import Device, Sessions
from horarium.accounts.throttle import Throttle
from horarium.audit.actions import Action, Result
from horarium.audit.trail import Trail
from horarium.clock import Clock, SystemClock
from horarium.errors import Conflict, InvalidValue, NotFound, SignInRefused
from horarium.library.places import StoreOrAddress, open_here
from horarium.records.actors import Actor
from horarium.records.people import Role, User
from horarium.scheduling.departures import Departures, Fate, Will
from horarium.scheduling.tasks import TaskDesk
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store


class UserChanges(TypedDict, total=False):
    """What of an account a program may change."""

    email: str
    password: str
    display_name: str
    time_zone: str
    role: str
    is_admin: bool
    is_active: bool


class UserManager:
    """The accounts of one installation, their sessions, and who they belong to.

    `store` is an open store, a path or an address (default: the environment's `DATABASE_URL`, else the file
    `horarium.db` here); one that is opened here is made if it is new, and closed by `close` or the end of a `with`.
    `actor` is the name under which changes are noted in the audit log.
    """

    def __init__(self, store: StoreOrAddress | None = None, *, actor: str = "", clock: Clock | None = None) -> None:
        """Open the store. Raises `StoreError`, `InvalidValue`."""
        self._clock = clock or SystemClock()
        self._owns_store = store is None or isinstance(store, str | Path)
        self._store = open_here(store, self._clock) if store is None or isinstance(store, str | Path) else store
        self._actor = Actor.of_code(actor)
        self._people = People(self._store, self._clock)
        self._sessions = Sessions(self._store, self._clock)
        self._throttle = Throttle(self._store, self._clock)
        self._trail = Trail(self._store, self._clock)

    @property
    def store(self) -> Store:
        """Return the open store, for `log_audit`, `check_rate_limit` and whatever else works on one."""
        return self._store

    def create_user(
        self,
        username: str,
        email: str,
        password: str,
        is_admin: bool = False,  # noqa: FBT001, FBT002 - its place is known from an earlier interface
    ) -> int:
        """Make an account; return its number. Raises `InvalidValue` for what is malformed or taken, `WeakPassword`."""
        wanted = NewPerson(name=username, email=email, password=password)
        made = (self._people.add_admin if is_admin else self._people.add)(wanted, actor=self._actor)
        return made.id

    def authenticate_user(self, username: str, password: str, *, ip_address: str | None = None) -> User | None:
        """Return whose name (or address) and password these are, None if they do not match or the account is closed.

        Guesses are counted, by account and by `ip_address` where it is given. Raises `TooManyTries`, `TooBusy`. A
        second step of signing in is not asked for here.
        """
        ticket = self._throttle.take(address=ip_address, name=username)
        try:
            user = self._people.authenticate(username, password)
        except SignInRefused:
            found = self._people.find(username)
            # An unknown name is cut short: it may be a password that slipped into the wrong field.
            who = Actor(name=found.words if found else shown(username), user_id=found.id if found else None)
            self._trail.note_alone(who, Action.PERSON_REFUSED, about(found) if found else None, result=Result.REFUSED)
            return None
        self._throttle.take_back(ticket)
        return user

    def get_user_by_id(self, user_id: int) -> User | None:
        """Return the person with this number, None if there is none."""
        try:
            return self._people.get(user_id)
        except NotFound:
            return None

    def get_user_by_username(self, username: str) -> User | None:
        """Return the person with this name, however it is spelt; an address is no name."""
        found = self._people.find(username)
        return found if found is not None and key_of(found.name) == key_of(username) else None

    def update_user(self, user_id: int, **changes: Unpack[UserChanges]) -> bool:
        """Change an account; return False where there is none, or nothing to change.

        `changes` are `email`, `display_name`, `time_zone`, `password`, `role` or `is_admin`, and `is_active`: an
        account that is closed keeps what it owns, paused, until it is active again. Each is done and noted by itself,
        in this order. Raises `InvalidValue`, `WeakPassword`, and `Conflict` for the last administrator.
        """
        unknown = set(changes) - set(UserChanges.__annotations__)
        if unknown:
            raise InvalidValue("change", min(unknown), f"use {', '.join(UserChanges.__annotations__)}")
        role = _role_in(changes)
        if not changes or self.get_user_by_id(user_id) is None:
            return False
        texts = {name: str(value) for name, value in changes.items() if name in {"email", "display_name", "time_zone"}}
        if texts:
            self._people.change(user_id, actor=self._actor, **texts)
        if "password" in changes:
            self._set_password(user_id, changes["password"])
        if role is not None:
            self._people.change_role(user_id, role, actor=self._actor)
        if "is_active" in changes:
            departures = Departures(TaskDesk(self._store, self._clock))
            if changes["is_active"]:
                departures.open_again(user_id, actor=self._actor)
            else:
                departures.close(user_id, Will(), actor=self._actor)
        return True

    def delete_user(
        self, user_id: int, *, tasks: str = "keep", heir: int | None = None, cancel_runs: bool = False
    ) -> bool:
        """Delete an account; return False where there is none. Its history stays.

        For somebody who owns tasks or heartbeats, `tasks` says what becomes of both: `remove`, `installation`, or
        `person` and `project` with the number of the `heir`. Raises `InvalidValue` where that is not said, and
        `Conflict` for the last administrator.
        """
        if tasks not in set(Fate):
            raise InvalidValue("tasks", tasks, f"use one of {', '.join(Fate)}")
        will = Will(fate=Fate(tasks), heir_id=heir, cancel_runs=cancel_runs)
        try:
            Departures(TaskDesk(self._store, self._clock)).delete(user_id, will, actor=self._actor)
        except NotFound:
            return False
        return True

    def list_users(self, *, admin_only: bool = False, active_only: bool = False) -> list[User]:
        """Return people by name: all, only administrators, only those with an open account."""
        return [
            user
            for user in self._people.list()
            if (user.is_admin or not admin_only) and (user.is_enabled or not active_only)
        ]

    def create_session(self, user_id: int, ip_address: str = "", user_agent: str = "") -> str:
        """Sign a person in; return the session's id, which is not kept and cannot be had again.

        It ends by idleness and age like every other. Raises `NotFound`, and `Conflict` for a closed account.
        """
        user = self._people.get(user_id)
        if not user.is_enabled:
            raise Conflict(f"the account of {user.name} is closed")
        who = Actor(name=user.words, user_id=user.id, address=ip_address)
        return self._sessions.start(user, Device(address=ip_address, agent=user_agent, method="program"), actor=who)

    def validate_session(self, session_token: str) -> User | None:
        """Return who is signed in by this id, as they are now; None if nobody is any more."""
        found = self._sessions.find(session_token)
        return None if found is None else found.user

    def delete_session(self, session_token: str) -> bool:
        """Sign a person out; return False if the session had ended already."""
        found = self._sessions.find(session_token)
        if found is None:
            return False
        self._sessions.end(found, actor=Actor(name=found.user.words, user_id=found.user.id))
        return True

    def close(self) -> None:
        """Close the store if it was opened here. Harmless when repeated."""
        if self._owns_store:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _set_password(self, user_id: int, password: str) -> None:
        hashed = hash_for(self._people.hasher, password, self._people.get(user_id))
        with self._store.transaction() as tx:
            user = found_in(tx, user_id, lock=True)
            PeopleBook(tx).change(user_id, password_hash=hashed)
            change = PasswordChange(self._store, self._clock, self._people)
            change.settle(tx, user, Action.PASSWORD_CHANGED, actor=self._actor)


def _role_in(changes: UserChanges) -> Role | None:
    """Return the role that changes name, None where they name none. Raises `InvalidValue`."""
    if "role" in changes and changes["role"] not in set(Role):
        raise InvalidValue("role", changes["role"], f"use one of {', '.join(Role)}")
    if "role" in changes:
        return Role(changes["role"])
    if "is_admin" in changes:
        return Role.ADMIN if changes["is_admin"] else Role.USER
    return None
