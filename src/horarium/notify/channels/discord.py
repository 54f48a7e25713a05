"""Post messages to a Discord channel, by a webhook: what others wrote is escaped, and nobody is pinged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from horarium.notify.channels.base import ChannelKind, DeliveryFailed, Field
from horarium.notify.channels.posting import an_address, bounded, encoded, object_in, post
from horarium.notify.fitting import cut_to, escaped, listed, units
from horarium.notify.lines import some_lines
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

TITLE_MOST: Final = 256
DESCRIPTION_MOST: Final = 4096
FIELDS_MOST: Final = 8
FOOTER_MOST: Final = 2048
_WORDS_MOST: Final = 2400
_COLOURS: Final[Mapping[Tone, int]] = {
    Tone.BAD: 0xCF3A32,
    Tone.WARN: 0xB7791F,
    Tone.CALM: 0x2C5CC5,
    Tone.GOOD: 0x1F8A5F,
}
# With a stroke before it each of these is only itself: no markup, no mention, no address begins there.
_MARKS: Final = "\\`*_~|<>#@[](){}:/-+.!&"
_JOINT: Final = "\u2060"
_REFUSALS: Final[Mapping[object, str]] = {
    10015: "the webhook was removed in Discord",
    50027: "the token in the webhook's address is refused",
    10003: "the webhook's channel is gone",
    30007: "there are too many webhooks",
}


def payload(message: Message) -> dict[str, Any]:
    """Return what is posted."""
    embed: dict[str, Any] = {
        "title": _inert(f"{MARKS[tone(message)]} {headline(message)}", TITLE_MOST),
        "color": _COLOURS[tone(message)],
        "timestamp": message.created_at.isoformat(),
    }
    if len(message.topics) == 1:
        embed |= _whole(message.topics[0], message)
    else:
        embed |= _several(message)
    # Whatever a text holds, it pings nobody.
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def send(message: Message, values: Mapping[str, str], caller: Caller) -> str:
    """Post a message. Raises `DeliveryFailed`."""
    address = values["url"]
    # Else the answer comes before the message is looked at.
    address += ("&" if "?" in address else "?") + "wait=true"
    answer = post(caller, address, encoded(payload(message)), meaning=_meaning, wait=_wait)
    found = object_in(answer).get("id")
    if not isinstance(found, str) or not found.isdigit():
        raise DeliveryFailed("what answers there is not Discord")
    return f"taken as message {found[:30]}"


def _whole(topic: Topic, message: Message) -> dict[str, Any]:
    words = some_lines(topic.words, most=_WORDS_MOST, lines=30)
    block = f"```\n{cut_to(words.replace('`', f'`{_JOINT}'), _WORDS_MOST, units)}\n```\n" if words else ""
    fields = [
        {"name": _inert(label, 120) or "\u2013", "value": _inert(value, 200) or "\u2013", "inline": True}
        for label, value in facts_of(topic, FIELDS_MOST)
    ]
    return {
        "url": link_of(topic, message),
        "description": f"{block}{_inert(span_of(topic, message.zone), 200)}",
        "fields": fields,
        "footer": {"text": house(message)},
    }


def _several(message: Message) -> dict[str, Any]:
    shown, rest = listed(
        message.topics, lambda topic: _short(topic, message), lambda line: units(line) + 1, room=DESCRIPTION_MOST
    )
    return {
        "url": message.base_url,
        "description": "\n".join(shown),
        "footer": {"text": cut_to(f"{rest} {house(message)}".strip(), FOOTER_MOST - DESCRIPTION_MOST // 4, units)},
    }


def _short(topic: Topic, message: Message) -> str:
    words = _inert(words_of(topic, 100), 150)
    title = f"{MARKS[tone_of(topic)]} **[{_inert(title_of(topic, 80), 220)}]({link_of(topic, message)})**"
    return "\n".join(part for part in (title, words) if part)


def _inert(text: str, most: int) -> str:
    return escaped(cut_to(text, most, lambda part: units(escaped(part, _MARKS, "\\"))), _MARKS, "\\")


def _meaning(answer: Answer) -> str | None:
    code = object_in(answer).get("code")
    return _REFUSALS.get(code) if isinstance(code, int) else None


def _wait(answer: Answer) -> float | None:
    seconds = object_in(answer).get("retry_after")
    return bounded(float(seconds)) if isinstance(seconds, int | float) else None


def _address(text: str) -> str:
    if "/webhooks/" not in an_address(text) or "#" in text:
        raise ValueError("use the address of a webhook, such as https://discord.com/api/webhooks/…")
    return text


KIND: Final = ChannelKind(
    name="discord",
    label="Discord",
    sentence="Posts to a Discord channel by a webhook.",
    icon="chat",
    fields=(
        Field(
            name="url",
            label="Webhook address",
            sentence="In Discord: Edit Channel, Integrations, Webhooks, Copy Webhook URL.",
            is_secret=True,
            check=_address,
        ),
    ),
    send=send,
)
