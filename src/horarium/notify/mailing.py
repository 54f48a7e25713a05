"""Mail as a way to tell people: whose addresses may be written to, and a plain letter out of a message."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from horarium.errors import InvalidValue
from horarium.notify.channels.base import DeliveryFailed
from horarium.notify.drawing import Drawing, Stamp
from horarium.notify.gathering import VERBS, summary_of
from horarium.notify.mailer import Mailer, MailFailed
from horarium.notify.words import Words, moment
from horarium.outgoing.caller import Caller
from horarium.records.notices import Message, Topic
from horarium.records.people import User

EMAIL: Final = "email"
"""The kind of channel whose value `to` holds addresses."""
TO: Final = "to"
_BETWEEN: Final = re.compile(r"[\s,;]+")
_MOST_TOPICS: Final = 200


def proven_addresses(user: User) -> frozenset[str]:
    """Return the addresses that a person has shown to be theirs."""
    return frozenset({user.email.casefold()}) if user.email and user.email_confirmed_at is not None else frozenset()


def refuse_foreign_addresses(kind: str, values: Mapping[str, str], own: Collection[str], *, is_admin: bool) -> None:
    """Raise `InvalidValue` where somebody would have mail sent to addresses that they have not shown to be theirs."""
    if kind != EMAIL or is_admin:
        return
    addresses = [each.casefold() for each in _BETWEEN.split(values.get(TO, "")) if each]
    if any(each not in own for each in addresses):
        raise InvalidValue(TO, values.get(TO, ""), "use your own address, once you have confirmed it")


class PlainPost:
    """Sends a message as a letter to the address in `to`; implements `channels.base.Sender`."""

    def __init__(self, mailer: Mailer, drawing: Drawing) -> None:
        """Send over `mailer` what `drawing` makes."""
        self._mailer = mailer
        self._drawing = drawing

    def __call__(self, message: Message, values: Mapping[str, str], caller: Caller) -> str:
        """Return what the mail server answered. Raises `DeliveryFailed`."""
        del caller
        stamp = Stamp(message_id=message.id, at=message.created_at)
        try:
            drawn = self._drawing.put(words_of(message), to=values[TO], stamp=stamp, team=message.team)
            if message.unsubscribe:
                drawn.message["List-Unsubscribe"] = f"<{message.unsubscribe}>"
                drawn.message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
            with self._mailer.line() as line:
                line.send(drawn.message, to=drawn.to, sender=drawn.sender)
        except MailFailed as error:
            raise DeliveryFailed(str(error), is_final=error.is_final) from None
        return "the mail server took it"


def words_of(message: Message) -> Words:
    """Return what a letter about a message says."""
    told = message.topics[:_MOST_TOPICS]
    rest = len(message.topics) - len(told)
    lines = [_line(topic, message.zone) for topic in told]
    if rest > 0:
        lines.append(f"And {sum(topic.many for topic in message.topics[_MOST_TOPICS:]):,} more of {rest:,} others.")
    only = message.topics[0] if len(message.topics) == 1 else None
    stop = f" To get no more of this kind: {message.unsubscribe}" if message.unsubscribe else ""
    return Words(
        subject=summary_of(message.topics),
        title=summary_of(message.topics),
        lead=only.words if only is not None else f"{len(message.topics):,} things to know of.",
        paragraphs=() if only is not None else tuple(lines),
        button="Open Horarium" if only is None or not only.path else "Look at it",
        link=f"{message.base_url}{(only.path if only else '') or '/'}",
        facts=() if only is None else tuple(only.facts.items()),
        foot=f"You get this because a rule for notifications says so.{stop}",
    )


def _line(topic: Topic, zone: str) -> str:
    times = "" if topic.many == 1 else f" {topic.many:,} times"
    words = f": {topic.words}" if topic.words else "."
    return f"{topic.subject} {VERBS[topic.kind]}{times}, last {moment(topic.last_at, zone)}{words}"
