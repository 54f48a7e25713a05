"""Confirm e-mail addresses, and change one: by links to both, so that nobody loses theirs to a stolen session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from horarium.accounts.letters import Draft, LetterKind
from horarium.accounts.links import LinkMaker, Purpose, number_in
from horarium.accounts.mentions import about
from horarium.accounts.names import checked_email, key_of
from horarium.accounts.people import found_in
from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.clock import Clock, to_micros
from horarium.errors import Conflict, DuplicateKey, InvalidValue, LinkRefused, TooManyTries
from horarium.records.actors import Actor
from horarium.records.people import User
from horarium.store.books.links import AccountLink, AccountLinkBook
from horarium.store.books.mail import Letter, OutboxBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.signins import SessionBook
from horarium.store.books.tokens import TokenBook
from horarium.store.port import Store, Transaction

LASTS: Final = timedelta(days=1)
PER_HOUR: Final = 3
_HOUR: Final = timedelta(hours=1)
_CHANGE: Final = (Purpose.LEAVE_ADDRESS.value, Purpose.TAKE_ADDRESS.value)
_LETTERS: Final = {
    Purpose.CONFIRM: LetterKind.CONFIRM,
    Purpose.LEAVE_ADDRESS: LetterKind.LEAVE_ADDRESS,
    Purpose.TAKE_ADDRESS: LetterKind.TAKE_ADDRESS,
}


class Outcome(StrEnum):
    """What came of a confirmation."""

    CONFIRMED = "confirmed"
    """The address is known to be the person's."""
    HALF = "half"
    """The other address still has to agree."""
    CHANGED = "changed"
    """The new address took the place of the old one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a link asks: whose address it is about, what for, and which address it is."""

    user: User
    purpose: Purpose
    email: str
    link: AccountLink


class Addresses:
    """The e-mail addresses of one store's people."""

    def __init__(self, store: Store, clock: Clock, *, links: LinkMaker) -> None:
        """Work on `store`."""
        self._store = store
        self._clock = clock
        self._links = links
        self._trail = Trail(store, clock)

    def ask_to_confirm(self, user_id: int, *, actor: Actor) -> None:
        """Send a link to the address that somebody has. Raises `Conflict`, `TooManyTries`."""
        with self._store.transaction() as tx:
            user = found_in(tx, user_id, lock=True)
            if not user.email or user.email_confirmed_at is not None:
                raise Conflict("there is no address that needs to be confirmed")
            self._limit(tx, user, LetterKind.CONFIRM)
            AccountLinkBook(tx).drop(user.id, [Purpose.CONFIRM.value])
            self._write(tx, user, Purpose.CONFIRM, to=user.email, body={"email": user.email})
            self._trail.note(tx, actor, Action.EMAIL_CONFIRMATION_ASKED, about(user))

    def ask_to_change(self, user_id: int, email: str, *, actor: Actor, keep_tokens: bool = False) -> str:
        """Send links to the old address and the new one, whose holder must both agree; return the new one, tidied.

        An old address that was never confirmed is not asked. Whoever calls this has checked the password. Whether the
        new address belongs to somebody else shows nowhere. Raises `InvalidValue`, `TooManyTries`.
        """
        tidy = checked_email(email)
        with self._store.transaction() as tx:
            user = found_in(tx, user_id, lock=True)
            if key_of(tidy) == key_of(user.email):
                raise InvalidValue("email", email, "it is your address already")
            self._limit(tx, user, LetterKind.TAKE_ADDRESS)
            AccountLinkBook(tx).drop(user.id, _CHANGE)
            body = {"email": tidy, "keep_tokens": keep_tokens}
            self._write(tx, user, Purpose.TAKE_ADDRESS, to=tidy, body=body)
            if user.email and user.email_confirmed_at is not None:
                self._write(tx, user, Purpose.LEAVE_ADDRESS, to=user.email, body=body)
            self._trail.note(
                tx, actor, Action.EMAIL_CHANGE_ASKED, about(user), before={"email": user.email}, after={"email": tidy}
            )
        return tidy

    def pending(self, user_id: int) -> str:
        """Return the address that waits to take the place of somebody's, empty where none does."""
        with self._store.reading() as tx:
            user, links = found_in(tx, user_id), AccountLinkBook(tx).of_user(user_id, _CHANGE)
        now = self._clock.now()
        waiting = [link for link in links if link.epoch == user.epoch and link.expires_at > now]
        return str(waiting[0].body["email"]) if waiting else ""

    def withdraw(self, user_id: int, *, actor: Actor) -> bool:
        """Take back a change that waits; return False if there is none."""
        with self._store.transaction() as tx:
            user = found_in(tx, user_id, lock=True)
            if not AccountLinkBook(tx).drop(user_id, _CHANGE):
                return False
            self._trail.note(tx, actor, Action.EMAIL_CHANGE_WITHDRAWN, about(user))
        return True

    def put(self, user_id: int, email: str, *, actor: Actor) -> User:
        """Give somebody another address without asking anybody, for the host. Raises `NotFound`, `InvalidValue`."""
        tidy = checked_email(email)
        with self._store.transaction() as tx:
            user = found_in(tx, user_id, lock=True)
            try:
                self._move(tx, user, tidy, confirmed=False, actor=actor)
            except DuplicateKey:
                raise InvalidValue("email", email, "it is taken") from None
            return found_in(tx, user_id)

    def answer(self, letter: Letter) -> Draft | None:
        """Say what a letter with a link says; None where its link is void."""
        with self._store.reading() as tx:
            link = AccountLinkBook(tx).get(int(letter.body["link"]))
            user = None if link is None else PeopleBook(tx).by_id(link.user_id)
            if link is None or user is None or not self._is_good(link, user):
                return None
            email = str(link.body["email"])
            is_taken = _is_taken(tx, email, user)
        if is_taken and link.kind != Purpose.CONFIRM:
            return None
        purpose = Purpose(link.kind)
        values = {
            "name": user.words,
            "email": email,
            "from": letter.body.get("from", ""),
            "link": self._links.link(purpose, link, epoch=link.epoch),
            "until": link.expires_at,
            "both": bool(user.email) and user.email_confirmed_at is not None,
        }
        return Draft(kind=_LETTERS[purpose], to=letter.address, values=values)

    def look(self, token: str) -> Asked:
        """Return what a link asks; looking uses nothing up. Raises `LinkRefused`."""
        with self._store.reading() as tx:
            return self._read(tx, token)

    def confirm(self, token: str, *, actor: Actor, keep_session: str | None = None) -> Outcome:
        """Agree by a link. With the last one that a change needs, the address changes.

        Then all sessions but `keep_session` (a key) end, and so do the API tokens unless they were to be kept. Raises
        `LinkRefused`.
        """
        asked = self.look(token)
        owner = replace(actor, name=asked.user.words, user_id=asked.user.id)
        try:
            with self._store.transaction() as tx:
                # Held first: of two links used at once the second finds the first one used.
                user = found_in(tx, asked.user.id, lock=True)
                self._read(tx, token)
                if not AccountLinkBook(tx).use(asked.link.id, self._clock.now()):
                    raise LinkRefused
                if asked.purpose is Purpose.CONFIRM:
                    PeopleBook(tx).change(user.id, email_confirmed_at=self._clock.micros())
                    self._trail.note(tx, owner, Action.EMAIL_CONFIRMED, about(user))
                    return Outcome.CONFIRMED
                if any(link.used_at is None for link in AccountLinkBook(tx).of_user(user.id, _CHANGE)):
                    return Outcome.HALF
                self._move(
                    *(tx, user, asked.email),
                    confirmed=True,
                    actor=owner,
                    keep_session=keep_session,
                    keep_tokens=bool(asked.link.body.get("keep_tokens")),
                )
                return Outcome.CHANGED
        except DuplicateKey:
            raise LinkRefused from None

    def _move(
        self,
        tx: Transaction,
        user: User,
        email: str,
        *,
        confirmed: bool,
        actor: Actor,
        keep_session: str | None = None,
        keep_tokens: bool = False,
    ) -> None:
        """Put another address in the place of the old one, and end what hung on it. Raises `DuplicateKey`."""
        now = self._clock.now()
        if _is_taken(tx, email, user):
            raise DuplicateKey("this address is somebody else's")
        values: dict[str, Any] = {"email": email, "email_key": key_of(email), "epoch": user.epoch + 1}
        values["email_confirmed_at"] = to_micros(now) if confirmed else None
        if user.email and key_of(user.name) == key_of(user.email):
            # Who signs in with the address goes on doing so, and leaves the old one free for others.
            values |= {"name": email, "name_key": key_of(email)}
        PeopleBook(tx).change(user.id, **values)
        AccountLinkBook(tx).drop(user.id, _CHANGE)
        SessionBook(tx).remove_of(user.id, keep=keep_session)
        ended = 0 if keep_tokens else TokenBook(tx).revoke_all(user.id, now)
        if user.email:
            body = {"name": user.words, "email": email, "from": actor.address, "tokens": ended}
            OutboxBook(tx).add(LetterKind.ADDRESS_CHANGED.value, user.email, body, at=now, user_id=user.id)
        before, after = {"email": user.email}, {"email": email}
        self._trail.note(tx, actor, Action.EMAIL_CHANGED, about(user), before=before, after=after, tokens_ended=ended)

    def _write(self, tx: Transaction, user: User, purpose: Purpose, *, to: str, body: dict[str, Any]) -> None:
        now = self._clock.now()
        link = AccountLinkBook(tx).add(
            purpose.value, user.id, epoch=user.epoch, at=now, expires_at=now + LASTS, body=body
        )
        OutboxBook(tx).add(_LETTERS[purpose].value, to, {"link": link.id}, at=now, user_id=user.id)

    def _limit(self, tx: Transaction, user: User, kind: LetterKind) -> None:
        if OutboxBook(tx).count_since(kind.value, self._clock.now() - _HOUR, user_id=user.id) >= PER_HOUR:
            raise TooManyTries(_HOUR.total_seconds())

    def _is_good(self, link: AccountLink, user: User) -> bool:
        is_current = link.kind != Purpose.CONFIRM or link.body.get("email") == user.email
        return (
            is_current
            and user.is_enabled
            and link.used_at is None
            and link.epoch == user.epoch
            and self._clock.now() < link.expires_at
        )

    def _read(self, tx: Transaction, token: str) -> Asked:
        link = AccountLinkBook(tx).get(number_in(token))
        user = None if link is None else PeopleBook(tx).by_id(link.user_id)
        if link is None or user is None or link.kind not in _LETTERS or not self._is_good(link, user):
            raise LinkRefused
        purpose = Purpose(link.kind)
        if not self._links.is_sound(token, purpose, link, epoch=link.epoch):
            raise LinkRefused
        return Asked(user, purpose, str(link.body["email"]), link)


def _is_taken(tx: Transaction, email: str, user: User) -> bool:
    found = PeopleBook(tx).by_login(key_of(email))
    return found is not None and found[0].id != user.id
