"""Keep API tokens: shown once, kept as a hash, found by their number, never worth more than their owner is."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from horarium.accounts.fingerprints import fingerprint, same
from horarium.accounts.names import checked_name
from horarium.accounts.people import found_in
from horarium.accounts.roles import Identity, Scope
from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Clock
from horarium.errors import Conflict, InvalidValue, NotFound, StoreError
from horarium.records.actors import Actor
from horarium.records.people import Role, User
from horarium.store.books.projects import ProjectBook
from horarium.store.books.tokens import Token, TokenBook
from horarium.store.port import Store, Transaction

PREFIX: Final = "hor"
NAME_LIMIT: Final = 100
USUAL_DAYS: Final = 90
LONGEST_DAYS: Final = 366
MOST: Final = 50
"""How many tokens a person has at once."""

_LETTERS: Final = string.ascii_letters + string.digits
_SECRET_LENGTH: Final = 40
_HINT_LENGTH: Final = 4
_SHAPE: Final = re.compile(rf"{PREFIX}_([1-9][0-9]{{0,17}})_([A-Za-z0-9]{{{_SECRET_LENGTH}}})")
_NOBODYS: Final = fingerprint("")
"""What a secret is compared with where there is no token of its number, so that this takes as long."""
_TOUCH_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """What a token is to be: its name, what it may be used for, and how many days it lasts, None for without end."""

    name: str
    scopes: Collection[str]
    days: int | None = USUAL_DAYS


@dataclass(frozen=True, slots=True)
class Made:
    """A new token: what is kept of it, and the whole `text`, which cannot be had again."""

    token: Token
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Holder:
    """A person who asks with a token, and the projects they belong to."""

    user: User
    token: Token
    projects: Mapping[int, Role] = field(default_factory=dict)

    @property
    def identity(self) -> Identity:
        """Return who asks, for `accounts.roles`: the owner as they are now, within the token's scopes."""
        known = {scope.value: scope for scope in Scope}
        scopes = frozenset(known[each] for each in self.token.scopes if each in known)
        return Identity(self.user, self.projects, scopes)


class Tokens:
    """The API tokens of one store."""

    def __init__(self, store: Store, clock: Clock, *, endless_ok: bool = False) -> None:
        """Work on `store`; with `endless_ok` a token may be made that never ends."""
        self._store = store
        self._clock = clock
        self.endless_ok = endless_ok
        self._trail = Trail(store, clock)

    def make(self, user_id: int, wanted: NewToken, *, actor: Actor) -> Made:
        """Make a token for somebody.

        Raises `InvalidValue` for a name that is malformed or taken, no scope, an unknown one, or a time that is too
        long; `Conflict` for a closed account or too many tokens; `NotFound`.
        """
        now = self._clock.now()
        secret = "".join(secrets.choice(_LETTERS) for _ in range(_SECRET_LENGTH))
        token = Token(
            id=0,
            user_id=user_id,
            name=checked_name(wanted.name, limit=NAME_LIMIT),
            hint=secret[-_HINT_LENGTH:],
            scopes=_checked_scopes(wanted.scopes),
            created_at=now,
            expires_at=self._end(wanted.days, now),
        )
        with self._store.transaction() as tx:
            owner = found_in(tx, user_id, lock=True)
            _check_room(tx, owner, token, now)
            made = TokenBook(tx).add(token, key=fingerprint(secret))
            self._trail.note(tx, actor, Action.TOKEN_MADE, _about(made), after=_shown(made), owner=owner.name)
        return Made(made, f"{PREFIX}_{made.id}_{secret}")

    def find(self, text: str, *, address: str = "") -> Holder | None:
        """Return who asks with the token `text`, None if it opens nothing; note when and from where it was used."""
        parts = _SHAPE.fullmatch(text)
        if parts is None:
            return None
        now = self._clock.now()
        with self._store.reading() as tx:
            found = TokenBook(tx).by_number(int(parts[1]))
            if not same(_NOBODYS if found is None else found[2], fingerprint(parts[2])) or found is None:
                return None
            token, user, _ = found
            projects = ProjectBook(tx).roles_of(user.id)
        if token.is_over(now) or not user.is_enabled:
            return None
        if token.last_used_at is None or now - token.last_used_at >= _TOUCH_EVERY:
            self._quietly_touch(token.id, now, address)
        return Holder(user, token, projects)

    def of_user(self, user_id: int) -> list[Token]:
        """Return a person's tokens, those that have ended by themselves too, the newest first."""
        with self._store.reading() as tx:
            return TokenBook(tx).of_user(user_id)

    def everybodys(self) -> list[tuple[Token, User]]:
        """Return all tokens with their owners, the newest first."""
        with self._store.reading() as tx:
            return TokenBook(tx).everybodys()

    def revoke(self, user_id: int, token_id: int, *, actor: Actor) -> bool:
        """Revoke a token; return False if it is not this person's, or was revoked already."""
        with self._store.transaction() as tx:
            found = TokenBook(tx).by_number(token_id)
            return found is not None and found[1].id == user_id and self._revoke(tx, found[0], found[1], actor)

    def revoke_any(self, token_id: int, *, actor: Actor) -> Token:
        """Revoke anybody's token, for somebody at the console. Raises `NotFound` if there is none to revoke."""
        with self._store.transaction() as tx:
            found = TokenBook(tx).by_number(token_id)
            if found is None or not self._revoke(tx, found[0], found[1], actor):
                raise NotFound(f"there is no token {token_id}")
        return found[0]

    def _revoke(self, tx: Transaction, token: Token, owner: User, actor: Actor) -> bool:
        if not TokenBook(tx).revoke(owner.id, token.id, self._clock.now()):
            return False
        self._trail.note(tx, actor, Action.TOKEN_REVOKED, _about(token), owner=owner.name)
        return True

    def _end(self, days: int | None, now: datetime) -> datetime | None:
        if days is None:
            if not self.endless_ok:
                raise InvalidValue("days", "never", f"use 1 to {LONGEST_DAYS}; tokens have to end here")
            return None
        if not 1 <= days <= LONGEST_DAYS:
            raise InvalidValue("days", days, f"use 1 to {LONGEST_DAYS}")
        return now + timedelta(days=days)

    def _quietly_touch(self, token_id: int, now: datetime, address: str) -> None:
        try:
            with self._store.transaction() as tx:
                TokenBook(tx).touch(token_id, now, address)
        except StoreError:
            # Reading goes on while the store cannot be written; the last use is only told less exactly.
            return


def _checked_scopes(wanted: Collection[str]) -> tuple[str, ...]:
    known = [scope.value for scope in Scope]
    unknown = sorted(set(wanted) - set(known))
    if unknown or not wanted:
        raise InvalidValue("scopes", unknown[0] if unknown else "", f"use one or more of {', '.join(known)}")
    return tuple(scope for scope in known if scope in wanted)


def _check_room(tx: Transaction, owner: User, token: Token, now: datetime) -> None:
    if not owner.is_enabled:
        raise Conflict(f"the account of {owner.name!r} is closed")
    kept = TokenBook(tx).of_user(owner.id)
    if token.name in {each.name for each in kept}:
        raise InvalidValue("name", token.name, "another token has it; revoke that one first")
    if sum(not each.is_over(now) for each in kept) >= MOST:
        raise Conflict(f"a person has at most {MOST} tokens; revoke one first")


def _about(token: Token) -> About:
    return About("token", token.id, token.name)


def _shown(token: Token) -> dict[str, Any]:
    return {"scopes": token.scopes, "expires_at": token.expires_at}
