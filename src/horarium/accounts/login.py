"""Sign people in: count the try, check the password, start a session; one order of steps for every door."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import ClassVar, Final

from horarium.accounts.keys import derive, is_signed, sign
from horarium.accounts.mentions import about
from horarium.accounts.names import key_of, shown
from horarium.accounts.people import People
from horarium.accounts.second_step import ALONE, SecondStep
from horarium.accounts.sessions import Device, Sessions
from horarium.accounts.throttle import Throttle, Ticket
from horarium.audit.actions import Action, Result
from horarium.audit.trail import Trail
from horarium.clock import Clock, to_micros
from horarium.errors import Denied, SignInRefused, TooManyTries
from horarium.records.actors import Actor, Source
from horarium.records.people import User
from horarium.store.port import Store

DEVICE_LASTS: Final = timedelta(days=180)
TELL_AGAIN_SECONDS: Final = 60.0
_REMEMBERED: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """Somebody at the door: where they come from, and what their browser brought along.

    `session`, `device` and `trusted` are the id of a session, the mark of a browser that has signed in before, and that
    of one that is not asked for the second step.
    """

    address: str
    agent: str = ""
    session: str | None = None
    device: str | None = None
    trusted: str | None = None
    request: str = ""
    source: Source = Source.WEB
    stays: bool = False

    def actor(self, name: str, user_id: int | None = None) -> Actor:
        """Return who is at the door, under the name that is known of them."""
        return Actor(name=name, source=self.source, user_id=user_id, address=self.address, request=self.request)


@dataclass(frozen=True, slots=True)
class Entry:
    """A person let in: the id of the new session, the mark by which this browser is known next time, and the method."""

    user: User
    session: str
    device: str
    method: str = ALONE


class SecondStepOwed(Denied):
    """Report that a password was right and does not do by itself; `user` is whose it was."""

    code: ClassVar[str] = "second_step_owed"

    def __init__(self, user: User) -> None:
        """Name the person."""
        self.user = user
        super().__init__("a second step is needed to sign in")


class Login:
    """The door for people with a password."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        users: People,
        sessions: Sessions,
        throttle: Throttle,
        second_step: SecondStep,
        secret: bytes,
    ) -> None:
        """Let people of `store` in; the marks of known browsers are signed with a key made from `secret`."""
        self._clock = clock
        self._users = users
        self._sessions = sessions
        self._throttle = throttle
        self._second_step = second_step
        self._key = derive(secret, "device")
        self._trail = Trail(store, clock)
        self._throttled: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def enter(self, name: str, password: str, knock: Knock) -> Entry:
        """Let somebody in. Raises `TooManyTries`, `TooBusy`, and `SignInRefused` without saying what was wrong.

        Raises `SecondStepOwed` where the password was right and the person has a second step: only then is that told.
        """
        device = self._known_device(name, knock.device)
        ticket = self._take_ticket(name, knock, device)
        try:
            user = self._users.authenticate(name, password)
        except SignInRefused:
            self._tell(Action.PERSON_REFUSED, name, knock)
            raise
        self._throttle.take_back(ticket)
        method = self._second_step.method_without(user, knock.trusted)
        if method is None:
            raise SecondStepOwed(user)
        return self.welcome(user, knock, method=method)

    def confirm(self, user: User, password: str, knock: Knock) -> None:
        """Check that somebody signed in knows their password. Raises `SignInRefused`, `TooManyTries`, `TooBusy`.

        Guesses count like those at the door, apart from those made from elsewhere: a session that was left open must
        not be a place to guess at, and a stranger who guesses at the door must not keep the owner from this.
        """
        ticket = self._throttle.take(address=knock.address, name=user.name, device=f"{key_of(user.name)}\0confirm")
        try:
            self._users.authenticate(user.name, password)
        except SignInRefused:
            self._tell(Action.PERSON_REFUSED, user.name, knock)
            raise
        self._throttle.take_back(ticket)

    def welcome(self, user: User, knock: Knock, *, method: str = ALONE) -> Entry:
        """Start a session for somebody who has proven who they are, by the `method` that is written down with it."""
        device = Device(address=knock.address, agent=knock.agent, method=method, stays=knock.stays)
        session = self._sessions.start(user, device, actor=knock.actor(user.name, user.id), replaces=knock.session)
        return Entry(user, session, self._mark(user), method)

    def _take_ticket(self, name: str, knock: Knock, device: str | None) -> Ticket:
        try:
            return self._throttle.take(address=knock.address, name=name, device=device)
        except TooManyTries:
            if self._is_news(name):
                self._tell(Action.PERSON_THROTTLED, name, knock)
            raise

    def _is_news(self, name: str) -> bool:
        """Tell whether nobody was told for a while that this account is guessed at: guessing must not fill the log."""
        now, key = self._clock.monotonic(), key_of(name)
        with self._lock:
            last = self._throttled.pop(key, -TELL_AGAIN_SECONDS)
            self._throttled[key] = now if now - last >= TELL_AGAIN_SECONDS else last
            while len(self._throttled) > _REMEMBERED:
                self._throttled.popitem(last=False)
        return now - last >= TELL_AGAIN_SECONDS

    def _mark(self, user: User) -> str:
        nonce, until = secrets.token_urlsafe(12), str(to_micros(self._clock.now() + DEVICE_LASTS))
        return ".".join((nonce, until, sign(self._key, key_of(user.name), nonce, until)))

    def _known_device(self, name: str, mark: str | None) -> str | None:
        """Return what counts as this browser, if it has signed in to the account `name` before."""
        parts = (mark or "").split(".")
        if len(parts) != 3:
            return None
        nonce, until, signature = parts
        found = self._users.find(name)
        account = key_of(found.name if found else name)
        if not is_signed(self._key, signature, account, nonce, until) or int(until) < to_micros(self._clock.now()):
            return None
        return f"{account}\0{nonce}"

    def _tell(self, action: Action, name: str, knock: Knock) -> None:
        found = self._users.find(name)
        # An unknown name is cut short: it may be a password that slipped into the wrong field.
        actor = knock.actor(found.name, found.id) if found else knock.actor(shown(name))
        self._trail.note_alone(
            actor, action, about(found) if found else None, result=Result.REFUSED, known=found is not None
        )
