"""Make the first administrator: once, by whoever can read the server's console."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from horarium.accounts.fingerprints import fingerprint, same
from horarium.accounts.names import DISPLAY_LIMIT, checked_email, checked_name
from horarium.accounts.passwords import validate_password
from horarium.accounts.people import NewPerson, People
from horarium.clock import Clock, to_micros
from horarium.errors import DuplicateKey, InvalidValue, SetupClosed
from horarium.records.actors import Actor
from horarium.records.people import Role, User
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store

LASTS: Final = timedelta(days=1)
_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_GROUPS, _GROUP = 6, 5
_DONE: Final = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAdmin:
    """What the set-up form asks for."""

    name: str
    email: str
    password: str
    team: str = ""
    time_zone: str = "UTC"


class Setup:
    """The first set-up of one store."""

    def __init__(self, store: Store, clock: Clock, users: People) -> None:
        """Work on `store` and make the account through `users`."""
        self._store = store
        self._clock = clock
        self._users = users

    def offer(self) -> str | None:
        """Make a new code for the console, 150 random bits; None once there has been an account.

        The code before it is void. Only a hash is kept, so it can be printed now and never again.
        """
        code = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
        note = f"open:{fingerprint(_plain(code))}:{to_micros(self._clock.now())}"
        try:
            with self._store.transaction() as tx:
                book = PeopleBook(tx)
                if book.setup_note() == _DONE or book.count():
                    return None
                book.note_setup(note)
        except DuplicateKey:
            # Another server made its first note at the same moment; one more look replaces it.
            return self.offer()
        return code

    def is_open(self) -> bool:
        """Tell whether the first administrator is still to be made."""
        with self._store.reading() as tx:
            book = PeopleBook(tx)
            return book.setup_note() != _DONE and not book.count()

    def complaints(self, code: str, wanted: FirstAdmin) -> dict[str, str]:
        """Return what is wrong with a filled-in form, by field; nothing when it may be sent. Raises `SetupClosed`."""
        found: dict[str, str] = {}
        checks: tuple[tuple[str, Callable[[], object]], ...] = (
            ("code", lambda: self._open_note(code)),
            ("team", lambda: _checked_team(wanted.team)),
            ("name", lambda: checked_name(wanted.name, limit=DISPLAY_LIMIT)),
            ("email", lambda: checked_email(wanted.email)),
        )
        for field, check in checks:
            try:
                check()
            except InvalidValue as error:
                found[field] = _sentence(error.allowed)
        verdict = validate_password(wanted.password, name=f"{wanted.name} {wanted.email}")
        if not verdict:
            found["password"] = " ".join(verdict)
        return found

    def complete(self, code: str, wanted: FirstAdmin, *, actor: Actor) -> User:
        """Make the first administrator.

        Raises `SetupClosed` if there is one already, and what `complaints` would have said as `InvalidValue` or
        `WeakPassword`. Of many calls at once with the right code exactly one succeeds.
        """
        note = self._open_note(code)
        team = _checked_team(wanted.team)
        email = checked_email(wanted.email)
        person = NewPerson(
            name=email, password=wanted.password, email=email, display_name=wanted.name, time_zone=wanted.time_zone
        )
        user, hashed = self._users.prepare(person, role=Role.ADMIN)
        with self._store.transaction() as tx:
            book = PeopleBook(tx)
            # The note moves once: whoever finds it moved has lost, and so has whoever finds a user.
            if not book.move_setup(old=note, new=_DONE) or book.count():
                raise SetupClosed("there is an administrator already")
            book.name_team(team)
            return self._users.insert(tx, user, hashed, actor=replace(actor, name=user.name))

    def _open_note(self, code: str) -> str:
        with self._store.reading() as tx:
            book = PeopleBook(tx)
            note, users = book.setup_note(), book.count()
        if note == _DONE or users:
            raise SetupClosed("there is an administrator already")
        _, kept, made = (note or "open::0").split(":")
        if not same(kept, fingerprint(_plain(code))):
            raise InvalidValue("code", "(not shown)", "it is not the one that the server printed at its last start")
        if to_micros(self._clock.now() - LASTS) > int(made):
            raise InvalidValue("code", "(not shown)", "it is more than a day old; start the server again for a new one")
        return note or ""


def _checked_team(team: str) -> str:
    tidy = " ".join(team.split())
    if len(tidy) > DISPLAY_LIMIT or not tidy.isprintable():
        raise InvalidValue("team", team, f"use at most {DISPLAY_LIMIT} printable characters")
    return tidy


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".") + "."


def _plain(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isalnum())
