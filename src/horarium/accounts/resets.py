"""Set a new password by a link: asked for at the door or started by an administrator, good once and not for long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from horarium.accounts.letters import Draft, LetterKind
from horarium.accounts.links import LinkMaker, Purpose, number_in
from horarium.accounts.mentions import about
from horarium.accounts.names import EMAIL_LIMIT, key_of, shown
from horarium.accounts.password_change import PasswordChange
from horarium.accounts.people import People, found_in, hash_for
from horarium.audit.actions import Action, Result
from horarium.audit.trail import Trail
from horarium.clock import Clock
from horarium.errors import Conflict, LinkRefused
from horarium.records.actors import Actor, Source
from horarium.records.people import User
from horarium.store.books.links import AccountLink, AccountLinkBook
from horarium.store.books.mail import Letter, OutboxBook
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store, Transaction

LASTS: Final = timedelta(minutes=30)
PER_HOUR: Final = 3
HOUR: Final = timedelta(hours=1)
_KIND: Final = Purpose.RESET.value


class Resets:
    """The ways to a new password in one store for people who have forgotten theirs."""

    def __init__(
        self, store: Store, clock: Clock, *, people: People, passwords: PasswordChange, links: LinkMaker
    ) -> None:
        """Work on `store`; new passwords are hashed by `people` and settled by `passwords`."""
        self._store = store
        self._clock = clock
        self._people = people
        self._passwords = passwords
        self._links = links
        self._trail = Trail(store, clock)

    def ask(self, login: str, *, actor: Actor) -> None:
        """Note that somebody asks for a link, by name or address. Whether there is such an account shows nowhere.

        It is looked up when the letter is sent: here the same is done for all.
        """
        tidy = "".join(letter for letter in login if letter.isprintable()).strip()[:EMAIL_LIMIT]
        body = {"login": tidy, "from": actor.address, "request": actor.request}
        with self._store.transaction() as tx:
            OutboxBook(tx).add(LetterKind.RESET.value, "", body, at=self._clock.now())

    def start(self, user_id: int, *, actor: Actor, by_mail: bool) -> str | None:
        """Let an administrator start it: by mail, or return the link to hand over. They never learn the password.

        Raises `NotFound`, and `Conflict` for a closed account or one without an address to write to.
        """
        with self._store.transaction() as tx:
            user = found_in(tx, user_id, lock=True)
            if not user.is_enabled:
                raise Conflict("this account is closed; open it first")
            if by_mail and not user.email:
                raise Conflict("this account has no e-mail address; hand the link over instead")
            self._trail.note(tx, actor, Action.PASSWORD_RESET_ASKED, about(user), by_mail=by_mail)
            if by_mail:
                body = {"by": actor.words}
                OutboxBook(tx).add(LetterKind.RESET.value, user.email, body, at=self._clock.now(), user_id=user.id)
                return None
            return self._fresh_link(tx, user)

    def answer(self, letter: Letter) -> Draft | None:
        """Say what a letter that was asked for says: the link for the person it is about; None where there is none."""
        with self._store.transaction() as tx:
            user = self._asked_for(tx, letter)
            if user is None:
                return None
            values = {"name": user.words, "from": letter.body.get("from", ""), "by": letter.body.get("by", "")}
            values |= {"link": self._fresh_link(tx, user), "minutes": LASTS // timedelta(minutes=1)}
        return Draft(kind=LetterKind.RESET, to=user.email, values=values)

    def look(self, token: str) -> User:
        """Return whose password a link sets; looking uses nothing up. Raises `LinkRefused`."""
        with self._store.reading() as tx:
            return self._found(tx, token)[1]

    def complete(self, token: str, password: str, *, actor: Actor) -> User:
        """Set a new password; of many calls at once with one link exactly one succeeds.

        All sessions and API tokens end. Raises `LinkRefused`, `WeakPassword`, `TooBusy`.
        """
        user = self.look(token)
        hashed = hash_for(self._people.hasher, password, user)
        with self._store.transaction() as tx:
            current = found_in(tx, user.id, lock=True)
            link, _ = self._found(tx, token)
            if not AccountLinkBook(tx).use(link.id, self._clock.now()):
                raise LinkRefused
            PeopleBook(tx).change(current.id, password_hash=hashed)
            owner = replace(actor, name=current.words, user_id=current.id)
            self._passwords.settle(tx, current, Action.PASSWORD_RESET, actor=owner)
        return current

    def _asked_for(self, tx: Transaction, letter: Letter) -> User | None:
        """Return who a letter is for, and note it down; None where nothing is to be sent."""
        book = OutboxBook(tx)
        if letter.user_id is not None:
            user = PeopleBook(tx).by_id(letter.user_id, lock=True)
            # A newer letter brings the link that counts.
            newer = book.count_since(LetterKind.RESET.value, letter.created_at, user_id=letter.user_id)
            return user if user and user.is_enabled and user.email and not newer else None
        login = str(letter.body.get("login", ""))
        found = PeopleBook(tx).by_login(key_of(login))
        user, has_password = found[0] if found else None, bool(found and found[1])
        since = self._clock.now() - HOUR
        is_open = user is not None and user.is_enabled and bool(user.email) and has_password
        if user is None or not is_open or book.count_since(letter.kind, since, user_id=user.id) >= PER_HOUR:
            self._note(tx, letter, user, shown(login), Result.REFUSED)
            return None
        book.direct(letter.id, user.email, user.id)
        self._note(tx, letter, user, user.words, Result.DONE)
        return user

    def _note(self, tx: Transaction, letter: Letter, user: User | None, name: str, result: Result) -> None:
        actor = Actor(
            name=name if user is None else user.words,
            user_id=None if user is None else user.id,
            source=Source.WEB,
            address=str(letter.body.get("from", "")),
            request=str(letter.body.get("request", "")),
        )
        self._trail.note(tx, actor, Action.PASSWORD_RESET_ASKED, None if user is None else about(user), result=result)

    def _fresh_link(self, tx: Transaction, user: User) -> str:
        """Return a new link; those before it are void."""
        book, now = AccountLinkBook(tx), self._clock.now()
        book.drop(user.id, [_KIND])
        row = book.add(_KIND, user.id, epoch=user.epoch, at=now, expires_at=now + LASTS)
        return self._links.link(Purpose.RESET, row, epoch=user.epoch)

    def _found(self, tx: Transaction, token: str) -> tuple[AccountLink, User]:
        link = AccountLinkBook(tx).get(number_in(token))
        if link is None or link.kind != _KIND or link.used_at is not None or link.expires_at <= self._clock.now():
            raise LinkRefused
        user = PeopleBook(tx).by_id(link.user_id)
        if user is None or not user.is_enabled or user.epoch != link.epoch:
            raise LinkRefused
        if not self._links.is_sound(token, Purpose.RESET, link, epoch=link.epoch):
            raise LinkRefused
        return link, user
