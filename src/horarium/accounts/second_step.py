"""Stand between the right password and the session: who owes a second step, and what counts as one.

Whoever is half-way carries that in a sealed mark of their browser; the store keeps nothing of it. Who must have a
second step is a rule of the installation, with days of grace from when it began to hold, or the account was made.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from horarium.accounts.keys import derive, is_signed, seal, sign, unseal
from horarium.accounts.mentions import about
from horarium.accounts.names import key_of
from horarium.accounts.passkeys import Answer, Passkeys
from horarium.accounts.second_factor import SecondFactor
from horarium.accounts.throttle import Throttle
from horarium.audit.actions import Action, Result
from horarium.audit.trail import Trail
from horarium.clock import Clock, from_micros, to_micros
from horarium.errors import SignInRefused
from horarium.records.actors import Actor
from horarium.records.people import User
from horarium.store.books.factors import FactorBook
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store

HALF_LASTS: Final = timedelta(minutes=10)
TRUST_LASTS: Final = timedelta(days=30)
ALONE: Final = "password"
"""The method of a session that a password alone began."""
_PASSKEY: Final = "passkey"


class Way(StrEnum):
    """By what somebody signed in can prove once more who they are."""

    PASSWORD = "password"  # noqa: S105 - the name of a way
    """Their password."""
    CODE = "code"
    """A code of their app, or a recovery code."""
    PASSKEY = "passkey"
    """A passkey."""
    AGAIN = "again"
    """Only by signing in anew."""


@dataclass(frozen=True, slots=True)
class HalfWay:
    """Somebody whose password was right: who, whether they stay signed in, and where they wanted to go."""

    user: User
    stays: bool
    wanted: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Who must have a second step (`nobody`, `admins` or `everybody`), and how long they may put it off."""

    whom: str = "nobody"
    grace: timedelta = timedelta(days=7)

    def holds_for(self, user: User) -> bool:
        """Tell whether this person must have one."""
        return self.whom == "everybody" or (self.whom == "admins" and user.is_admin)


class SecondStep:
    """The second step of one store."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        factor: SecondFactor,
        passkeys: Passkeys,
        throttle: Throttle,
        secret: bytes,
        rule: Rule | None = None,
    ) -> None:
        """Ask for what `factor` and `passkeys` know; marks are made with keys derived from `secret`."""
        self._store = store
        self._clock = clock
        self.factor = factor
        self.passkeys = passkeys
        self._throttle = throttle
        self._half_key = derive(secret, "half-way")
        self._trust_key = derive(secret, "trusted browser")
        self._rule = rule or Rule()
        self._trail = Trail(store, clock)

    def method_without(self, user: User, trusted: str | None) -> str | None:
        """Return the method by which a right password alone signs in, None where a second step is owed."""
        if user.id not in self.factor.kinds([user.id]):
            return ALONE
        return f"{ALONE}+device" if self._is_trusted(user, trusted) else None

    def begin(self, user: User, *, browser: str, stays: bool, wanted: str) -> str:
        """Return the mark of somebody whose password was right, which only this `browser` can use."""
        until = to_micros(self._clock.now() + HALF_LASTS)
        note = {"user": user.id, "epoch": user.epoch, "until": until, "stays": stays, "wanted": wanted}
        return seal(self._half_key, json.dumps(note).encode(), browser)

    def half_way(self, mark: str | None, browser: str | None) -> HalfWay | None:
        """Return who is half-way by this mark; None if it has run out, or their proofs have changed since."""
        found = unseal(self._half_key, mark, browser) if mark and browser else None
        if found is None:
            return None
        note = json.loads(found)
        with self._store.reading() as tx:
            user = PeopleBook(tx).by_id(note["user"])
        if user is None or not user.is_enabled or user.epoch != note["epoch"]:
            return None
        return HalfWay(user, note["stays"], note["wanted"]) if note["until"] > to_micros(self._clock.now()) else None

    def take_code(self, user: User, typed: str, *, actor: Actor) -> str:
        """Take a code of the app or a recovery code; return the method to write down with the session.

        Raises `SignInRefused`, `TooManyTries`.
        """
        ticket = self._throttle.take(address=actor.address, device=f"{key_of(user.name)}\0second step")
        try:
            way = self.factor.take(user, typed, actor=actor)
        except SignInRefused:
            self._tell(user, actor)
            raise
        self._throttle.take_back(ticket)
        return f"{ALONE}+{way}"

    def take_passkey(self, user: User, answer: Answer, *, actor: Actor) -> str:
        """Take a passkey of somebody half-way; return the method. Raises `SignInRefused`, `TooManyTries`."""
        ticket = self._throttle.take(address=actor.address, device=f"{key_of(user.name)}\0second step")
        try:
            self.passkeys.take(answer, user=user)
        except SignInRefused:
            self._tell(user, actor)
            raise
        self._throttle.take_back(ticket)
        return f"{ALONE}+{_PASSKEY}"

    def know_passkey(self, answer: Answer, *, actor: Actor) -> tuple[User, str]:
        """Return whose passkey answered, without a password, and the method. Raises `SignInRefused`, `TooManyTries`."""
        ticket = self._throttle.take(address=actor.address)
        try:
            user = self.passkeys.take(answer)
        except SignInRefused:
            self._trail.note_alone(actor, Action.PERSON_REFUSED, result=Result.REFUSED, step=_PASSKEY)
            raise
        self._throttle.take_back(ticket)
        return user, _PASSKEY

    def way_to_prove(self, user: User) -> Way:
        """Return by what somebody can prove once more who they are: their password, else what they have instead."""
        with self._store.reading() as tx:
            if PeopleBook(tx).password_hash(user.id):
                return Way.PASSWORD
            kinds = FactorBook(tx).kinds([user.id]).get(user.id, frozenset())
        if "app" in kinds:
            return Way.CODE
        return Way.PASSKEY if _PASSKEY in kinds else Way.AGAIN

    def trust_mark(self, user: User) -> str:
        """Return the mark of a browser that is not asked for the second step for a while, until proofs change."""
        nonce, until = secrets.token_urlsafe(12), str(to_micros(self._clock.now() + TRUST_LASTS))
        return ".".join((nonce, until, sign(self._trust_key, *_trusted(user), nonce, until)))

    def begin_rule(self) -> None:
        """Note since when the rule holds, if it is another than before. To be called where somebody signs in."""
        with self._store.reading() as tx:
            noted = FactorBook(tx).rule_note()
        if (noted or "nobody").partition(":")[0] != self._rule.whom:
            with self._store.transaction() as tx:
                FactorBook(tx).note_rule(f"{self._rule.whom}:{self._clock.micros()}")

    def due(self, user: User, method: str) -> datetime | None:
        """Return until when somebody must have set up a second step; None if they need not, or have.

        Only who signed in with a password alone (`method`) is asked: who signed in elsewhere was asked there.
        """
        if method != ALONE or not self._rule.holds_for(user):
            return None
        with self._store.reading() as tx:
            if FactorBook(tx).kinds([user.id]):
                return None
            _, _, since = (FactorBook(tx).rule_note() or "").partition(":")
        began = from_micros(int(since)) if since else self._clock.now()
        return max(began, user.created_at) + self._rule.grace

    def is_overdue(self, user: User, method: str) -> bool:
        """Tell whether somebody may do nothing more before they have set up a second step."""
        due = self.due(user, method)
        return due is not None and due <= self._clock.now()

    def _is_trusted(self, user: User, mark: str | None) -> bool:
        parts = (mark or "").split(".")
        if len(parts) != 3:
            return False
        nonce, until, signature = parts
        signed = is_signed(self._trust_key, signature, *_trusted(user), nonce, until)
        return signed and int(until) > to_micros(self._clock.now())

    def _tell(self, user: User, actor: Actor) -> None:
        self._trail.note_alone(actor, Action.PERSON_REFUSED, about(user), result=Result.REFUSED, step="second")


def _trusted(user: User) -> tuple[str, str]:
    return str(user.id), str(user.epoch)
