"""Keep people signed in: random ids known to the browser alone, ended by idleness, by age, and by hand."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from horarium.accounts.fingerprints import fingerprint
from horarium.accounts.mentions import about
from horarium.accounts.roles import Identity
from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.clock import Clock
from horarium.errors import SignInRefused, StoreError
from horarium.records.actors import Actor
from horarium.records.people import Role, Session, User
from horarium.store.books.people import PeopleBook
from horarium.store.books.projects import ProjectBook
from horarium.store.books.signins import SessionBook
from horarium.store.port import Store

_ID_OCTETS: Final = 32
_TOUCH_EVERY: Final = timedelta(minutes=1)
_SWEEP_AT_ONCE: Final = 200
_BACKWARDS: Final = timedelta(minutes=5)
"""How far the clock may go back, as clocks of several machines differ, before a session seen "later" is ended."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts unused and in all, for people and, shorter, for administrators.

    `proof` is how long a proof of who one is counts as fresh, `most` how many sessions a person has at once: the ones
    unused for longest make way.
    """

    idle: timedelta = timedelta(hours=12)
    longest: timedelta = timedelta(days=14)
    admin_idle: timedelta = timedelta(hours=1)
    admin_longest: timedelta = timedelta(days=1)
    proof: timedelta = timedelta(minutes=10)
    most: int = 20

    def is_fresh(self, session: Session, now: datetime) -> bool:
        """Tell whether the person has proved who they are a short while ago; a clock set back revives no proof."""
        return session.proved_at is not None and -_BACKWARDS < now - session.proved_at <= self.proof

    def is_over(self, session: Session, user: User, now: datetime) -> bool:
        """Tell whether the session has ended for this person at `now`.

        One that was seen well after `now` has ended too: the clock was set back, and what had run out stays so.
        """
        idle, longest = (self.admin_idle, self.admin_longest) if user.is_admin else (self.idle, self.longest)
        return (
            now - session.seen_at >= idle
            or now - session.created_at >= longest
            or session.seen_at - now > _BACKWARDS
            or not user.is_enabled
        )


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person with the session they act in, and the projects they belong to."""

    user: User
    session: Session
    projects: Mapping[int, Role] = field(default_factory=dict)

    @property
    def identity(self) -> Identity:
        """Return who asks, for `accounts.roles`."""
        return Identity(self.user, self.projects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """From where and with what somebody signs in, and how they proved who they are; `stays` outlives the browser."""

    address: str
    agent: str = ""
    method: str = "password"
    stays: bool = False


class Sessions:
    """The sessions of one store."""

    def __init__(self, store: Store, clock: Clock, *, limits: SessionLimits | None = None) -> None:
        """Work on `store`; sessions last as long as `limits` say."""
        self._store = store
        self._clock = clock
        self._limits = limits or SessionLimits()
        self._trail = Trail(store, clock)

    def start(self, user: User, device: Device, *, actor: Actor, replaces: str | None = None) -> str:
        """Sign a person in; return the new session's id, which is not kept and cannot be had again.

        A session that the browser had before (`replaces`, its id) ends: ids are never carried over a sign-in.
        """
        token = secrets.token_urlsafe(_ID_OCTETS)
        now = self._clock.now()
        session = Session(
            key=fingerprint(token),
            user_id=user.id,
            created_at=now,
            seen_at=now,
            address=device.address[:64],
            agent="".join(letter for letter in device.agent[:200] if letter.isprintable()),
            proved_at=now,
            method=device.method,
            stays=device.stays,
        )
        with self._store.transaction() as tx:
            book = SessionBook(tx)
            if replaces:
                book.remove(fingerprint(replaces))
            self._sweep(book, now)
            book.remove_beyond(user.id, keep=self._limits.most - 1)
            book.add(session)
            PeopleBook(tx).note_login(user.id, now)
            self._trail.note(tx, actor, Action.PERSON_SIGNED_IN, about(user), method=device.method)
        return token

    def prove(self, signed_in: SignedIn, *, actor: Actor) -> str:
        """Note that a person has proved once more who they are; return the id that their session has from now on."""
        token = secrets.token_urlsafe(_ID_OCTETS)
        with self._store.transaction() as tx:
            renamed = SessionBook(tx).rename(signed_in.session.key, fingerprint(token), proved_at=self._clock.now())
            if not renamed:
                raise SignInRefused("this session has ended meanwhile")
            self._trail.note(tx, actor, Action.PERSON_PROVED, about(signed_in.user))
        return token

    def find(self, token: str) -> SignedIn | None:
        """Return who is signed in by the id `token`, None if nobody is any more; note that the session is used."""
        if not token or len(token) > 200:
            return None
        key = fingerprint(token)
        now = self._clock.now()
        with self._store.reading() as tx:
            found = SessionBook(tx).find([key])
            projects = ProjectBook(tx).roles_of(found[0][1].id) if found else {}
        if not found:
            return None
        session, user = found[0]
        if self._limits.is_over(session, user, now):
            # Removed on sight, so that no later clock can bring it back.
            self._quietly_remove(key)
            return None
        if now - session.seen_at >= _TOUCH_EVERY:
            self._quietly_touch(key, now)
        return SignedIn(user, session, projects)

    def living(self, keys: Collection[str]) -> dict[str, SignedIn]:
        """Return those of `keys` whose sessions still stand, each with its person as they are now."""
        now = self._clock.now()
        with self._store.reading() as tx:
            found = SessionBook(tx).find(keys)
            projects = ProjectBook(tx).roles_of_all({user.id for _, user in found})
        return {
            session.key: SignedIn(user, session, projects.get(user.id, {}))
            for session, user in found
            if not self._limits.is_over(session, user, now)
        }

    def is_fresh(self, signed_in: SignedIn) -> bool:
        """Tell whether a person has proved who they are a short while ago."""
        return self._limits.is_fresh(signed_in.session, self._clock.now())

    def cookie_seconds(self, signed_in: SignedIn) -> int | None:
        """Return how long the browser is to keep the id of a session, None for until it is closed."""
        return self.longest_seconds(signed_in.user) if signed_in.session.stays else None

    def longest_seconds(self, user: User) -> int:
        """Return how long a session of this person lasts at most, in seconds."""
        longest = self._limits.admin_longest if user.is_admin else self._limits.longest
        return int(longest.total_seconds())

    def end(self, signed_in: SignedIn, *, actor: Actor) -> None:
        """Sign a person out here."""
        with self._store.transaction() as tx:
            if SessionBook(tx).remove(signed_in.session.key):
                self._trail.note(tx, actor, Action.PERSON_SIGNED_OUT, about(signed_in.user))

    def end_one(self, user: User, key: str, *, actor: Actor) -> bool:
        """End one session of somebody; return False if it is not theirs or has ended."""
        with self._store.transaction() as tx:
            if not SessionBook(tx).remove_one_of(user.id, key):
                return False
            self._trail.note(tx, actor, Action.SESSION_ENDED, about(user))
        return True

    def end_all(self, user: User, *, actor: Actor, keep: str | None = None) -> int:
        """Sign a person out everywhere, or everywhere but in the session with the key `keep`; return how many."""
        with self._store.transaction() as tx:
            ended = SessionBook(tx).remove_of(user.id, keep=keep)
            if ended:
                self._trail.note(tx, actor, Action.SESSION_ENDED, about(user), sessions=ended)
        return ended

    def of_user(self, user_id: int) -> list[Session]:
        """Return a person's sessions, the latest used first."""
        with self._store.reading() as tx:
            return SessionBook(tx).of_user(user_id)

    def sweep(self, *, dry_run: bool = False, go_on: Callable[[], None] | None = None) -> tuple[int, int]:
        """Remove every session that has ended, or only count with `dry_run`; return how many ended and how many stand.

        Works in small transactions, calls `go_on` between them, and may be killed, repeated, or run twice at once.
        """
        now = self._clock.now()
        ended = standing = 0
        after = ""
        while True:
            with self._store.reading() as tx:
                page = SessionBook(tx).page(after=after, most=_SWEEP_AT_ONCE)
            if not page:
                return ended, standing
            over = [session.key for session, user in page if self._limits.is_over(session, user, now)]
            standing += len(page) - len(over)
            ended += len(over) if dry_run else self._remove_all(over)
            after = page[-1][0].key
            if go_on is not None:
                go_on()

    def _remove_all(self, keys: list[str]) -> int:
        if not keys:
            return 0
        with self._store.transaction() as tx:
            return SessionBook(tx).remove_all(keys)

    def _sweep(self, book: SessionBook, now: datetime) -> None:
        book.remove_unused(seen_before=now - self._limits.idle, created_before=now - self._limits.longest)

    def _quietly_remove(self, key: str) -> None:
        try:
            with self._store.transaction() as tx:
                SessionBook(tx).remove(key)
        except StoreError:
            # It is over either way; a full or locked store must not turn "sign in again" into an error.
            return

    def _quietly_touch(self, key: str, now: datetime) -> None:
        try:
            with self._store.transaction() as tx:
                SessionBook(tx).touch(key, now)
        except StoreError:
            # Reading goes on while the store cannot be written; the session only looks idle for longer.
            return
