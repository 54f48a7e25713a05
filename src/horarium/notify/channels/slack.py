"""Post messages to a Slack channel, by an incoming webhook.

What others wrote goes into plain and rich text only: there Slack looks for no markup, mention or address.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, Final

from horarium.notify.channels.base import ChannelKind, Field
from horarium.notify.channels.posting import an_address, encoded, host_of, post
from horarium.notify.fitting import listed
from horarium.notify.lines import cut, lifeless, one_line, some_lines
from horarium.notify.wording import (
    MARKS,
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

HEADER_MOST: Final = 150
TOPICS_MOST: Final = 45
"""A message has at most 50 blocks."""
ROOM: Final = 20_000
_WORDS_MOST: Final = 2800
_LINE_MOST: Final = 200
# What Slack calls its refusals, in words for who has to set them right.
_REFUSALS: Final[Mapping[str, str]] = {
    "invalid_token": "the webhook was removed in Slack, or its address is incomplete",
    "no_service": "the webhook was removed in Slack, or its address is incomplete",
    "no_service_id": "the webhook was removed in Slack, or its address is incomplete",
    "no_active_hooks": "the webhook was switched off in Slack",
    "no_team": "there is no such workspace any more",
    "team_disabled": "there is no such workspace any more",
    "channel_not_found": "the webhook's channel is gone",
    "channel_is_archived": "the webhook's channel is archived",
    "action_prohibited": "an administrator of the workspace does not allow it",
    "posting_to_general_channel_denied": "this webhook may not post to the channel of everybody",
    "user_not_found": "who the webhook writes to is gone",
    "invalid_payload": "it does not take the message as it is",
}


def payload(message: Message) -> dict[str, Any]:
    """Return what is posted."""
    title = f"{MARKS[tone(message)]} {headline(message)}"
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(cut(title, HEADER_MOST))}]
    if len(message.topics) == 1:
        blocks.append(_whole(message.topics[0], message))
        last = house(message)
    else:
        shown, rest = listed(
            message.topics,
            lambda topic: _short(topic, message),
            lambda block: len(encoded(block)),
            room=ROOM,
            most=TOPICS_MOST,
        )
        blocks += shown
        last = f"{rest} {house(message)}".strip()
    blocks.append({"type": "context", "elements": [_plain(last)]})
    return {
        # For notifications, where no blocks are shown.
        "text": html.escape(lifeless(_summary(message, title)), quote=False),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": blocks,
    }


def send(message: Message, values: Mapping[str, str], caller: Caller) -> str:
    """Post a message. Raises `DeliveryFailed`."""
    answer = post(caller, values["url"], encoded(payload(message)), meaning=_meaning)
    return f"taken: {answer.status}"


def _summary(message: Message, title: str) -> str:
    words = words_of(message.topics[0], 300) if len(message.topics) == 1 else ""
    return f"{title}: {words}" if words else title


def _whole(topic: Topic, message: Message) -> dict[str, Any]:
    elements: list[dict[str, Any]] = [_section(_text(span_of(topic, message.zone)))]
    if words := some_lines(topic.words, most=_WORDS_MOST, lines=30):
        elements.append({"type": "rich_text_preformatted", "elements": [_text(words)]})
    for label, value in facts_of(topic):
        elements.append(_section(_text(f"{label}: ", bold=True), _text(value or "\u2013")))
    elements.append(_section(_link(link_of(topic, message), button_of(topic))))
    return {"type": "rich_text", "elements": elements}


def _short(topic: Topic, message: Message) -> dict[str, Any]:
    title = _link(link_of(topic, message), title_of(topic), bold=True)
    words = words_of(topic, _LINE_MOST)
    under = f"\n{words}\n" if words else "\n"
    return {
        "type": "rich_text",
        "elements": [
            _section(_text(f"{MARKS[tone_of(topic)]} "), title, _text(f"{under}{span_of(topic, message.zone)}"))
        ],
    }


def _section(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": list(elements)}


def _text(text: str, *, bold: bool = False) -> dict[str, Any]:
    return {"type": "text", "text": text, **({"style": {"bold": True}} if bold else {})}


def _link(address: str, text: str, *, bold: bool = False) -> dict[str, Any]:
    return {**_text(text, bold=bold), "type": "link", "url": address}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _meaning(answer: Answer) -> str | None:
    return _REFUSALS.get(one_line(answer.body[:100].decode("utf-8", "replace")))


def _address(text: str) -> str:
    host = host_of(an_address(text))
    if host == "hooks.slack.com" and "/services/" not in text:
        raise ValueError(
            "use the address of an incoming webhook, which begins with https://hooks.slack.com/services/: triggers of"
            " workflows take no such messages"
        )
    return text


KIND: Final = ChannelKind(
    name="slack",
    label="Slack",
    sentence="Posts to a Slack channel by an incoming webhook.",
    icon="chat",
    fields=(
        Field(
            name="url",
            label="Webhook address",
            sentence="In Slack: your app, Incoming Webhooks, Add New Webhook. It begins with hooks.slack.com/services.",
            is_secret=True,
            check=_address,
        ),
    ),
    send=send,
)
