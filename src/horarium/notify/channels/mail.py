"""Send messages as letters, over the mail server of the installation: one to each address, with nobody else's on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from horarium.accounts.names import checked_email
from horarium.errors import InvalidValue
from horarium.notify.channels.base import ChannelKind, DeliveryFailed, Field
from horarium.notify.channels.limits import within
from horarium.notify.drawing import Drawing
from horarium.notify.mailer import PATIENCE_SECONDS, Line, Mailer, MailFailed, MailSettings
from horarium.notify.mailing import NO_MAIL
from horarium.outgoing.caller import Caller
from horarium.records.notices import Message

MOST_ADDRESSES: Final = 20
_BETWEEN: Final = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class Post:
    """The installation's way to send letters: its mail server, and how letters are drawn."""

    settings: MailSettings
    drawing: Drawing


def kind(post: Post | None) -> ChannelKind:
    """Return the kind, which sends by `post`."""

    def send(message: Message, values: Mapping[str, str], caller: Caller) -> str:
        if post is None:
            raise DeliveryFailed(NO_MAIL)
        # One of its own: breaking it off ends nothing that somebody else sends.
        mailer = Mailer(post.settings, patience_seconds=min(PATIENCE_SECONDS, caller.seconds))
        drawing = post.drawing
        return within(
            caller.seconds, lambda: _deliver(mailer, drawing, message, values["to"].split()), give_up=mailer.hang_up
        )

    return ChannelKind(
        name="email",
        label="E-mail",
        sentence="Sends a letter to each of some addresses, over the installation's mail server.",
        icon="mail",
        fields=_FIELDS,
        send=send,
    )


def _deliver(mailer: Mailer, drawing: Drawing, message: Message, addresses: list[str]) -> str:
    refused: dict[str, MailFailed] = {}
    try:
        with mailer.line() as line:
            for address in addresses:
                if error := _refusal(line, drawing, message, address):
                    refused[address] = error
    except MailFailed as error:
        raise DeliveryFailed(str(error), is_final=error.is_final) from None
    # Who has it already gets it once more when it is tried again, under the same number; nobody goes without.
    passing = next((error for error in refused.values() if not error.is_final), None)
    if passing is not None:
        raise DeliveryFailed(str(passing))
    if len(refused) == len(addresses):
        raise DeliveryFailed(str(next(iter(refused.values()))), is_final=True)
    taken = f"taken for {len(addresses) - len(refused)} of {len(addresses)}"
    return "; ".join((taken, *(f"not for {address}: {error}" for address, error in refused.items())))


def _refusal(line: Line, drawing: Drawing, message: Message, address: str) -> MailFailed | None:
    """Send one letter; return why it was not taken. Raises `MailFailed` where no other would be."""
    try:
        drawn = drawing.notice(message, to=address)
        line.send(drawn.message, to=drawn.to, sender=drawn.sender)
    except MailFailed as error:
        if error.is_for_all:
            raise
        return error
    return None


def _addresses(text: str) -> str:
    found = [each for each in _BETWEEN.split(text) if each]
    if not 1 <= len(found) <= MOST_ADDRESSES:
        raise ValueError(f"use 1 to {MOST_ADDRESSES} addresses, with commas or blanks between")
    try:
        return " ".join(dict.fromkeys(checked_email(each) for each in found))
    except InvalidValue as error:
        raise ValueError(f"{error.value!r} is not an address: {error.allowed}") from None


_FIELDS: Final = (
    Field(
        name="to",
        label="Addresses",
        sentence="Who gets it: one address or some, with commas between. Nobody sees the others.",
        check=_addresses,
        has_lines=True,
    ),
)
