"""Let people make an account themselves, where the settings permit it: by a link to an address that they can read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from horarium.accounts.letters import Draft, LetterKind
from horarium.accounts.links import LinkMaker, Purpose
from horarium.accounts.names import checked_email, domain_of, key_of
from horarium.audit.actions import Action, Result
from horarium.audit.trail import About, Trail
from horarium.clock import Clock
from horarium.errors import InvalidValue, NotFound
from horarium.records.actors import Actor, Source
from horarium.records.people import Role
from horarium.store.books.invitations import Invitation, InvitationBook
from horarium.store.books.mail import Letter, OutboxBook
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store, Transaction

LASTS: Final = timedelta(days=1)
PER_HOUR: Final = 3
_HOUR: Final = timedelta(hours=1)


class Mode(StrEnum):
    """Who may make an account by themselves."""

    OFF = "off"
    """Nobody."""
    INVITATION = "invitation"
    """Whoever was invited and asks for the letter again."""
    DOMAIN = "domain"
    """People with an address at one of some domains."""
    OPEN = "open"
    """Anybody."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may register: the mode, and for `DOMAIN` the domains, in small letters. The role is always `user`."""

    mode: Mode = Mode.OFF
    domains: tuple[str, ...] = ()

    def admits(self, email: str) -> bool:
        """Tell whether somebody with this address may make an account without having been invited."""
        if self.mode is Mode.DOMAIN:
            # The whole domain is compared: corp.example.evil.test and evil-corp.example are others.
            return domain_of(email) in self.domains
        return self.mode is Mode.OPEN


class Registering:
    """The door to one store for people who have no account."""

    def __init__(self, store: Store, clock: Clock, *, links: LinkMaker, rules: Rules) -> None:
        """Let people in as `rules` say."""
        self._store = store
        self._clock = clock
        self._links = links
        self.rules = rules
        self._trail = Trail(store, clock)

    def ask(self, email: str, *, actor: Actor) -> None:
        """Note that somebody wants an account. Whether the address has one, or is invited, shows nowhere.

        Raises `NotFound` where nobody may register, and `InvalidValue` for an address that is malformed or of a domain
        that may not.
        """
        if self.rules.mode is Mode.OFF:
            raise NotFound("nobody can register here")
        tidy = checked_email(email)
        if self.rules.mode is Mode.DOMAIN and not self.rules.admits(tidy):
            raise InvalidValue("email", email, f"use an address at {' or '.join(self.rules.domains)}")
        body = {"from": actor.address, "request": actor.request}
        with self._store.transaction() as tx:
            OutboxBook(tx).add(LetterKind.REGISTER.value, tidy, body, at=self._clock.now())

    def answer(self, letter: Letter) -> Draft | None:
        """Say what the letter to somebody who wants an account says; None where nothing is to be sent."""
        now = self._clock.now()
        with self._store.transaction() as tx:
            # This letter is among those that are counted.
            if OutboxBook(tx).count_since(letter.kind, now - _HOUR, address=letter.address) > PER_HOUR:
                self._note(tx, letter, Result.REFUSED)
                return None
            if PeopleBook(tx).by_login(key_of(letter.address)) is not None:
                login = {"link": f"{self._links.base_url}/login"}
                return Draft(kind=LetterKind.REGISTER_KNOWN, to=letter.address, values=login)
            invitation = InvitationBook(tx).to(key_of(letter.address), now)
            if invitation is None and not self.rules.admits(letter.address):
                self._note(tx, letter, Result.REFUSED)
                return None
            if invitation is None:
                invitation = self._invite_themselves(tx, letter)
        link = self._links.link(Purpose.JOIN, invitation)
        values = {"link": link, "from": letter.body.get("from", ""), "until": invitation.expires_at}
        return Draft(kind=LetterKind.REGISTER, to=letter.address, values=values)

    def _invite_themselves(self, tx: Transaction, letter: Letter) -> Invitation:
        now, book = self._clock.now(), InvitationBook(tx)
        book.forget_unanswered(now)
        made = book.add(
            Invitation(
                email=letter.address,
                email_key=key_of(letter.address),
                role=Role.USER,
                created_at=now,
                expires_at=now + LASTS,
            )
        )
        self._note(tx, letter, Result.DONE)
        return made

    def _note(self, tx: Transaction, letter: Letter, result: Result) -> None:
        actor = Actor(
            source=Source.WEB,
            address=str(letter.body.get("from", "")),
            request=str(letter.body.get("request", "")),
        )
        self._trail.note(tx, actor, Action.REGISTRATION_ASKED, About("invitation", name=letter.address), result=result)
