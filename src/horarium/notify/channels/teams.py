"""Post messages to Microsoft Teams as adaptive cards, by the link of a workflow.

What others wrote stands in runs of rich text only: Teams reads Markdown in any other text of a card.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from horarium.notify.channels.base import ChannelKind, Field
from horarium.notify.channels.posting import an_address, encoded, host_of, post
from horarium.notify.fitting import listed, octets, units
from horarium.notify.lines import some_lines
from horarium.notify.wording import (
    MARKS,
    Tone,
    button_of,
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

MOST_OCTETS: Final = 28 * 1024
_ROOM: Final = 22 * 1024
_WORDS_MOST: Final = 2000
_WORDS_LINES: Final = 20
_COLOURS: Final[Mapping[Tone, str]] = {
    Tone.BAD: "Attention",
    Tone.WARN: "Warning",
    Tone.CALM: "Accent",
    Tone.GOOD: "Good",
}
_GONE: Final = "the workflow was removed or switched off in Teams, or its link was renewed"
_REFUSALS: Final[Mapping[int, str]] = {401: _GONE, 403: _GONE, 404: _GONE, 410: _GONE}
_RETIRED: Final = (".webhook.office.com", "outlook.office.com", "outlook.office365.com")


def payload(message: Message) -> dict[str, Any]:
    """Return what is posted: a message with one card."""
    mark = tone(message)
    body = [_line(_run(f"{MARKS[mark]} {headline(message)}", weight="Bolder", size="Large", color=_COLOURS[mark]))]
    first = message.topics[0] if len(message.topics) == 1 else None
    body += _whole(first, message) if first else _several(message)
    body.append(_line(_run(house(message), isSubtle=True, size="Small"), spacing="Medium"))
    action = {
        "type": "Action.OpenUrl",
        "title": button_of(first) if first else "Open Horarium",
        "url": link_of(first, message) if first else message.base_url,
    }
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [action],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def size_of(part: object) -> int:
    """Return the larger of what something takes in UTF-8 and in UTF-16: the limit is told in neither."""
    text = encoded(part).decode()
    return max(octets(text), 2 * units(text))


def send(message: Message, values: Mapping[str, str], caller: Caller) -> str:
    """Post a message. Raises `DeliveryFailed`."""
    answer = post(caller, values["url"], encoded(payload(message)), meaning=_meaning)
    return f"taken: {answer.status}"


def _whole(topic: Topic, message: Message) -> list[dict[str, Any]]:
    blocks = [_line(_run(span_of(topic, message.zone), isSubtle=True), spacing="None")]
    words = some_lines(topic.words, most=_WORDS_MOST, lines=_WORDS_LINES)
    if words:
        items = [_line(_run(line or " ", fontType="Monospace"), spacing="None") for line in words.split("\n")]
        blocks.append({"type": "Container", "style": "emphasis", "items": items})
    blocks += [
        _line(_run(f"{label}: ", isSubtle=True), _run(value or "\u2013"), spacing="Small")
        for label, value in facts_of(topic, 10, value_most=200)
    ]
    return blocks


def _several(message: Message) -> list[dict[str, Any]]:
    shown, rest = listed(
        message.topics, lambda topic: _short(topic, message), lambda block: size_of(block) + 2, room=_ROOM
    )
    return [*shown, *([_line(_run(rest), spacing="Medium")] if rest else [])]


def _short(topic: Topic, message: Message) -> dict[str, Any]:
    mark = tone_of(topic)
    leads = {"type": "Action.OpenUrl", "url": link_of(topic, message)}
    return _line(
        _run(f"{MARKS[mark]} ", color=_COLOURS[mark], weight="Bolder"),
        _run(title_of(topic, 80), weight="Bolder", selectAction=leads),
        _run(f" {words_of(topic, 120)}", isSubtle=True),
    )


def _line(*runs: dict[str, Any], spacing: str = "Small") -> dict[str, Any]:
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": list(runs)}


def _run(text: str, **look: Any) -> dict[str, Any]:
    # In any text of a card a pair of braces may hold a date to be written out.
    return {"type": "TextRun", "text": text.replace("{{", "{\u2060{"), **look}


def _meaning(answer: Answer) -> str | None:
    return _REFUSALS.get(answer.status)


def _address(text: str) -> str:
    host = host_of(an_address(text))
    if host.endswith(_RETIRED):
        raise ValueError("use the link of a workflow: Microsoft has ended the connectors that had such addresses")
    return text


KIND: Final = ChannelKind(
    name="teams",
    label="Microsoft Teams",
    sentence="Posts cards to a chat or channel by the link of a workflow.",
    icon="chat",
    fields=(
        Field(
            name="url",
            label="Workflow link",
            sentence="In Teams: Workflows, “When a Teams webhook request is received”. Whoever has the link can post.",
            is_secret=True,
            check=_address,
        ),
    ),
    send=send,
)
