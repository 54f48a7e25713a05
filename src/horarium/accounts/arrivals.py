"""Let in whoever proved elsewhere who they are: at a provider of OpenID Connect, or at the proxy before us."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol

from horarium.accounts.login import Entry, Knock, Login
from horarium.accounts.mentions import about
from horarium.accounts.names import key_of
from horarium.accounts.people import NewPerson, People
from horarium.accounts.roles import rank
from horarium.audit.actions import Action, Result
from horarium.audit.trail import Trail
from horarium.clock import Clock
from horarium.errors import Conflict, InvalidValue, SignInRefused
from horarium.records.people import Role, User
from horarium.store.books.identities import IdentityBook
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store

log = logging.getLogger("horarium.accounts")

PROXY: Final = "proxy"
"""Who stands for what the proxy before us says."""
NOBODY: Final = "no account here belongs to you: ask an administrator for one"
CLOSED: Final = "your account here is closed: ask an administrator"


@dataclass(frozen=True, slots=True)
class ArrivalRules:
    """What is done with people from elsewhere.

    `makes_accounts` gives an account to whoever has none. `roles` are the roles that groups stand for; where there
    are any, they decide at each sign-in, and whoever is in none of the groups is an ordinary user.
    """

    makes_accounts: bool = False
    roles: Mapping[str, Role] = field(default_factory=lambda: MappingProxyType({}))

    def role_of(self, groups: Collection[str]) -> Role | None:
        """Return the highest role that one of the groups stands for, None where groups decide nothing."""
        if not self.roles:
            return None
        return max((self.roles[group] for group in groups if group in self.roles), key=rank, default=Role.USER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Somebody from elsewhere: who says so, under which lasting mark, and what is said of them.

    `email` is an address only if the one who says so has checked it, else empty.
    """

    issuer: str
    subject: str
    name: str = ""
    email: str = ""
    display_name: str = ""
    time_zone: str = "UTC"
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that has begun: where the browser goes, and what has to come back or be shown afterwards."""

    url: str
    state: str
    nonce: str
    verifier: str


class SignInProvider(Protocol):
    """A place where people prove who they are."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def issuer(self) -> str:
        """The address that stands for it."""

    def begin(self) -> Begun:
        """Return where to send somebody. Raises `ProviderFailed`."""

    def finish(self, code: str, begun: Begun) -> Arrival:
        """Return who came back with a `code`. Raises `ProviderFailed`."""


class Arrivals:
    """The door for people from elsewhere."""

    def __init__(self, store: Store, clock: Clock, *, people: People, login: Login, rules: ArrivalRules) -> None:
        """Let people of `store` in by `rules`."""
        self._store = store
        self._clock = clock
        self._people = people
        self._login = login
        self._rules = rules
        self._trail = Trail(store, clock)

    def enter(self, arrival: Arrival, knock: Knock, *, method: str, by_name: bool = False) -> Entry:
        """Let somebody in who proved who they are; `method` is written down with their session.

        The first time they are found by their address, or with `by_name` by the name of their account, and from then
        on by the lasting mark. Raises `SignInRefused` with a sentence for them.
        """
        user = self._known(arrival) or self._tied(arrival, knock, by_name=by_name) or self._made(arrival, knock)
        if user is None or not user.is_enabled:
            self._trail.note_alone(
                knock.actor(arrival.name or arrival.email or arrival.subject),
                Action.PERSON_REFUSED,
                about(user) if user else None,
                result=Result.REFUSED,
                method=method,
                issuer=arrival.issuer,
            )
            raise SignInRefused(CLOSED if user else NOBODY)
        user = self._with_role(user, arrival, knock)
        with self._store.transaction() as tx:
            IdentityBook(tx).note_login(arrival.issuer, arrival.subject, self._clock.now())
        return self._login.welcome(user, knock, method=method)

    def is_still(self, user: User, name: str) -> bool:
        """Tell whether the person that the proxy names now is the one who signed in by it."""
        with self._store.reading() as tx:
            return IdentityBook(tx).find(PROXY, key_of(name)) == user.id

    def from_proxy(self, name: str, groups: tuple[str, ...], knock: Knock) -> Entry:
        """Let in whom a trusted proxy names. Raises `SignInRefused` with a sentence for them."""
        arrival = Arrival(issuer=PROXY, subject=key_of(name), name=name, groups=groups)
        return self.enter(arrival, knock, method=PROXY, by_name=True)

    def _known(self, arrival: Arrival) -> User | None:
        with self._store.reading() as tx:
            user_id = IdentityBook(tx).find(arrival.issuer, arrival.subject)
            return None if user_id is None else PeopleBook(tx).by_id(user_id)

    def _tied(self, arrival: Arrival, knock: Knock, *, by_name: bool) -> User | None:
        """Tie the arrival to an account that is there, if one is theirs."""
        user = self._people.find(arrival.email) if arrival.email else None
        if user is not None and key_of(user.email) != key_of(arrival.email):
            # Somebody's sign-in name that happens to look like an address.
            user = None
        if user is None and by_name and arrival.name:
            user = self._people.find(arrival.name)
        if user is None or not user.is_enabled:
            return user
        self._tie(user, arrival, knock)
        return user

    def _made(self, arrival: Arrival, knock: Knock) -> User | None:
        if not self._rules.makes_accounts:
            return None
        role = self._rules.role_of(arrival.groups) or Role.USER
        wanted = NewPerson(
            name=arrival.name or arrival.email,
            email=arrival.email,
            display_name=arrival.display_name,
            time_zone=arrival.time_zone,
            role=role,
            email_confirmed_at=self._clock.now() if arrival.email else None,
        )
        try:
            user = self._people.add(wanted, actor=knock.actor(wanted.name))
        except InvalidValue as error:
            raise SignInRefused(f"no account could be made for you: {error}") from None
        self._tie(user, arrival, knock)
        return user

    def _tie(self, user: User, arrival: Arrival, knock: Knock) -> None:
        with self._store.transaction() as tx:
            book = IdentityBook(tx)
            if book.find(arrival.issuer, arrival.subject) is None:
                book.add(user.id, arrival.issuer, arrival.subject, self._clock.now())
                actor = knock.actor(user.name, user.id)
                self._trail.note(tx, actor, Action.IDENTITY_LINKED, about(user), issuer=arrival.issuer)

    def _with_role(self, user: User, arrival: Arrival, knock: Knock) -> User:
        role = self._rules.role_of(arrival.groups)
        if role is None or role is user.role:
            return user
        try:
            return self._people.change_role(user.id, role, actor=knock.actor(user.name, user.id))
        except Conflict:
            # The last administrator stays one, whatever the groups say: somebody has to hold the key.
            log.warning("%s stays administrator: there is no other one", user.name)
            return user
