"""Tell people when what they sign in with was added to or taken away: whoever has a foothold changes that first."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from horarium.records.actors import Actor
from horarium.records.people import User
from horarium.store.books.mail import OutboxBook
from horarium.store.port import Transaction

LETTER: Final = "second_step_changed"


class Change(StrEnum):
    """What of a second step changed, as the row of the letter says it."""

    APP_ADDED = "app_added"
    """An authenticator app was set up, or took the place of another."""
    APP_REMOVED = "app_removed"
    """The authenticator app was removed."""
    PASSKEY_ADDED = "passkey_added"
    """A passkey was added."""
    PASSKEY_REMOVED = "passkey_removed"
    """A passkey was removed."""
    CODES_MADE = "codes_made"
    """New recovery codes took the place of those before."""
    TAKEN_AWAY = "taken_away"
    """All of it was taken away, by an administrator or at the machine."""


def write_to_owner(
    tx: Transaction, user: User, change: Change, *, actor: Actor, at: datetime, passkey: str = ""
) -> None:
    """Write to the owner of an account that their second step changed, with the commit of `tx`."""
    if not user.email:
        return
    body: dict[str, Any] = {"name": user.words, "what": change.value, "from": actor.address}
    if passkey:
        body["passkey"] = passkey
    if actor.user_id != user.id:
        body["by"] = actor.words
    OutboxBook(tx).add(LETTER, user.email, body, at=at, user_id=user.id)
