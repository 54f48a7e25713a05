"""Post messages as signed JSON to an address of somebody's own.

What is signed, and under which headers, follows Standard Webhooks: receivers have libraries for it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any, Final

from horarium.clock import Clock
from horarium.errors import InvalidValue
from horarium.notify.channels.base import HIDDEN, ChannelKind, Field
from horarium.notify.channels.body_template import a_template, filled
from horarium.notify.channels.posting import an_address, encoded, post
from horarium.notify.fitting import listed, octets
from horarium.notify.lines import one_line, some_lines
from horarium.notify.wording import headline, link_of, title_of, tone_of
from horarium.outgoing.caller import Barred, Caller
from horarium.outgoing.web import checked_header
from horarium.records.notices import Message, Topic

PREFIX: Final = "whsec_"
MOST_OCTETS: Final = 200 * 1024
_KEY_OCTETS: Final = range(24, 65)
_SHORTEST_KEY: Final = 24
_MOST_KEYS: Final = 2
_OURS: Final = frozenset({"webhook-id", "webhook-timestamp", "webhook-signature", "content-type", "user-agent"})


def new_key() -> str:
    """Return a new key to sign with."""
    return f"{PREFIX}{base64.b64encode(secrets.token_bytes(32)).decode()}"


def signature(key: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return what stands in the header: HMAC-SHA-256 over the id, the time and the body. Raises `ValueError`."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return f"v1,{base64.b64encode(hmac.digest(_octets_of(key), signed, hashlib.sha256)).decode()}"


def body_of(message: Message) -> bytes:
    """Return a message as JSON: all of it, or as many topics as 200 KiB hold and the number of the others."""
    head: dict[str, Any] = {
        "id": message.id,
        "created_at": message.created_at.isoformat(),
        "title": one_line(headline(message), 300),
        "team": message.team,
        "base_url": message.base_url,
        "is_digest": message.is_digest,
        "thread": message.thread,
    }
    shown, rest = listed(
        message.topics,
        lambda topic: _topic(topic, message),
        lambda topic: len(encoded(topic)) + 1,
        room=MOST_OCTETS - len(encoded(head)),
    )
    more = len(message.topics) - len(shown)
    return encoded({**head, "topics": shown, "more": more, "more_words": rest})


def kind(clock: Clock) -> ChannelKind:
    """Return the kind, which tells the time by `clock`."""

    def send(message: Message, values: Mapping[str, str], caller: Caller) -> str:
        timestamp = int(clock.now().timestamp())
        template = values.get("template", "")
        body = filled(template, message) if template else body_of(message)
        headers = {
            "Webhook-Id": message.id,
            "Webhook-Timestamp": str(timestamp),
            "Webhook-Signature": " ".join(
                signature(key, message.id, timestamp, body) for key in values["secret"].split()
            ),
        }
        if values.get("header"):
            headers[values["header"]] = values.get("header_value", "")
        answer = post(caller, values["url"], body, headers=headers)
        return f"taken: {answer.status}"

    return ChannelKind(
        name="webhook",
        label="Webhook",
        sentence="Posts signed JSON to an address of your own.",
        icon="webhook",
        fields=_FIELDS,
        send=send,
        check_all=_check_all,
    )


def _topic(topic: Topic, message: Message) -> dict[str, Any]:
    return {
        "kind": topic.kind.value,
        "tone": tone_of(topic).value,
        "title": title_of(topic),
        "subject": one_line(topic.subject, 1000),
        "words": some_lines(topic.words, most=8000, lines=200),
        "facts": {one_line(label): one_line(value, 2000) for label, value in list(topic.facts.items())[:50]},
        "first_at": topic.first_at.isoformat(),
        "last_at": topic.last_at.isoformat(),
        "many": topic.many,
        "task_id": topic.task_id,
        "run_id": topic.run_id,
        "url": link_of(topic, message),
    }


def _octets_of(key: str) -> bytes:
    if not key.startswith(PREFIX):
        return key.encode()
    try:
        return base64.b64decode(key.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError from None


def _keys(text: str) -> str:
    keys = text.split()
    for key in keys:
        try:
            is_long = len(_octets_of(key)) in _KEY_OCTETS if key.startswith(PREFIX) else octets(key) >= _SHORTEST_KEY
        except ValueError:
            is_long = False
        if not is_long or not key.isprintable() or len(keys) > _MOST_KEYS:
            raise ValueError(
                f"use {PREFIX} with 24 to 64 octets in Base64, or {_SHORTEST_KEY} or more characters of your own, no"
                " blanks; while receivers change over, two keys with a blank between"
            )
    return " ".join(keys)


def _header(name: str) -> str:
    try:
        checked_header(name)
    except Barred as barred:
        raise ValueError(str(barred).replace("its header is", "this is", 1)) from None
    if name.lower() in _OURS:
        raise ValueError("this header is set already: use one such as X-Api-Key")
    return name


def _header_value(text: str) -> str:
    if not text.isascii() or not text.isprintable() or len(text) > 4000:
        raise ValueError("use at most 4,000 printable ASCII characters")
    return text


def _check_all(values: Mapping[str, str]) -> None:
    if values.get("header") and not values.get("header_value"):
        raise InvalidValue("header_value", "", "give the value that goes with the header")
    if values.get("header_value") and not values.get("header"):
        raise InvalidValue("header", HIDDEN, "name the header that carries the value")


_FIELDS: Final = (
    Field(
        name="url",
        label="Address",
        sentence="Where messages are posted to, such as https://status.example.org/hook.",
        is_secret=True,
        check=an_address,
    ),
    Field(
        name="secret",
        label="Signing key",
        sentence="What the receiver checks signatures with. Two keys with a blank between while you change it.",
        is_secret=True,
        check=_keys,
    ),
    Field(
        name="header",
        label="Extra header",
        sentence="The name of a header that the receiver asks for, such as X-Api-Key.",
        is_required=False,
        check=_header,
    ),
    Field(
        name="header_value",
        label="Value of the extra header",
        sentence="What goes along in that header.",
        is_secret=True,
        is_required=False,
        check=_header_value,
    ),
    Field(
        name="template",
        label="Body",
        sentence="JSON of your own, with {{title}}, {{text}}, {{link}} and the like. Left empty: the body in full.",
        is_required=False,
        has_lines=True,
        check=a_template,
    ),
)
