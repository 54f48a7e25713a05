"""Push messages to phones by ntfy, the public server or one of your own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from horarium.notify.channels.base import ChannelKind, DeliveryFailed, Field
from horarium.notify.channels.posting import a_server, encoded, object_in, post
from horarium.notify.fitting import cut_to, listed, octets
from horarium.notify.lines import lifeless, some_lines
from horarium.notify.wording import (
    MARKS,
    Tone,
    facts_of,
    headline,
    house,
    link_of,
    span_of,
    title_of,
    tone,
    tone_of,
    words_of,
)
from horarium.outgoing.caller import Caller
from horarium.outgoing.web import Answer
from horarium.records.notices import Message, Topic

SERVER: Final = "https://ntfy.sh"
MOST_OCTETS: Final = 4096
"""A longer message becomes an attachment, which some servers refuse."""
TITLE_MOST: Final = 250
_WORDS_MOST: Final = 2000
_PRIORITIES: Final[Mapping[Tone, int]] = {Tone.BAD: 4, Tone.WARN: 3, Tone.CALM: 3, Tone.GOOD: 2}
_TAGS: Final[Mapping[Tone, str]] = {
    Tone.BAD: "rotating_light",
    Tone.WARN: "warning",
    Tone.CALM: "information_source",
    Tone.GOOD: "white_check_mark",
}
_REFUSALS: Final[Mapping[int, str]] = {
    401: "the token is refused",
    403: "the token may not publish to this topic, or the topic takes none without one",
    429: "it takes no more messages for now",
    507: "it has no room for more topics",
}
_TOPIC: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,200}")


def payload(message: Message, topic_name: str) -> dict[str, Any]:
    """Return what is posted."""
    mark = tone(message)
    first = message.topics[0] if len(message.topics) == 1 else None
    return {
        "topic": topic_name,
        "title": cut_to(lifeless(headline(message)), TITLE_MOST, octets),
        "message": _whole(first, message) if first else _several(message),
        "priority": _PRIORITIES[mark],
        "tags": [_TAGS[mark]],
        "click": link_of(first, message) if first else message.base_url,
    }


def send(message: Message, values: Mapping[str, str], caller: Caller) -> str:
    """Push a message. Raises `DeliveryFailed`."""
    token = values.get("token")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = encoded(payload(message, values["topic"]))
    answer = post(caller, values.get("server") or SERVER, body, headers=headers, meaning=_meaning)
    found = object_in(answer).get("id")
    if not isinstance(found, str) or not _TOPIC.fullmatch(found):
        raise DeliveryFailed("what answers there is not ntfy")
    return f"taken as message {found}"


def _whole(topic: Topic, message: Message) -> str:
    words = cut_to(lifeless(some_lines(topic.words, most=_WORDS_MOST, lines=30)), _WORDS_MOST, octets)
    facts = [f"{label}: {value}" for label, value in facts_of(topic, 8, value_most=100)]
    lines = [
        words,
        cut_to(lifeless("\n".join(facts)), 1500, octets),
        span_of(topic, message.zone),
        lifeless(house(message)),
    ]
    return "\n".join(line for line in lines if line)


def _several(message: Message) -> str:
    last = lifeless(house(message))
    shown, rest = listed(message.topics, _short, lambda line: octets(line) + 1, room=MOST_OCTETS - octets(last) - 1)
    return "\n".join(line for line in (*shown, rest, last) if line)


def _short(topic: Topic) -> str:
    words = words_of(topic, 100)
    return lifeless(f"{MARKS[tone_of(topic)]} {title_of(topic, 80)}{f': {words}' if words else ''}")


def _meaning(answer: Answer) -> str | None:
    return _REFUSALS.get(answer.status)


def _topic(text: str) -> str:
    if not _TOPIC.fullmatch(text):
        raise ValueError("use 1 to 64 letters, figures, dashes and underscores")
    return text


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("use an access token of ntfy, such as one that begins with tk_")
    return text


KIND: Final = ChannelKind(
    name="ntfy",
    label="Push (ntfy)",
    sentence="Pushes messages to phones that follow a topic of ntfy.",
    icon="bell",
    fields=(
        Field(
            name="server",
            label="Server",
            sentence=f"A server of your own. Left empty: {SERVER}.",
            is_required=False,
            check=a_server,
        ),
        Field(
            name="topic",
            label="Topic",
            sentence="Without a token, whoever knows its name can read along: choose one that nobody guesses.",
            check=_topic,
        ),
        Field(
            name="token",
            label="Access token",
            sentence="Where the topic asks for one.",
            is_secret=True,
            is_required=False,
            check=_token,
        ),
    ),
    send=send,
)
