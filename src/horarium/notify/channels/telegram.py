"""Send messages by a Telegram bot. Marks are told apart from the text, which is therefore never read as markup."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from horarium.notify.channels.base import ChannelKind, DeliveryFailed, Field
from horarium.notify.channels.posting import a_server, bounded, encoded, object_in, post
from horarium.notify.fitting import cut_to, listed, units
from horarium.notify.lines import lifeless, some_lines
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

SERVER: Final = "https://api.telegram.org"
MOST: Final = 4096
TOPICS_MOST: Final = 45
"""At most a hundred marks count."""
_WORDS_MOST: Final = 2000
_TOKEN: Final = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{20,100}")
_CHAT: Final = re.compile(r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,31}")
# How the descriptions of refusals begin or go on, in words for who has to set them right.
_REFUSALS: Final = (
    ("chat not found", "there is no such chat for the bot: add it there, or write to it first"),
    ("message thread not found", "there is no such topic in the chat"),
    ("bot was blocked", "the bot was blocked by who it writes to"),
    ("bot was kicked", "the bot was put out of the chat"),
    ("bot is not a member", "the bot is not a member of the channel"),
    ("not enough rights", "the bot may not write there"),
    ("user is deactivated", "who it writes to has left Telegram"),
    ("bot can't initiate", "the bot may not begin a chat: write to it first"),
)
_TOKEN_REFUSED: Final = "the bot's token is refused"  # noqa: S105 - a sentence about one


class Text:
    """A text that grows, with marks on its parts. Places are counted as Telegram counts them, in UTF-16."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.text = ""
        self.marks: list[dict[str, Any]] = []

    def add(self, part: str, **mark: Any) -> None:
        """Go on with a part; `mark` is what it is, a `type` and what goes with it."""
        if mark and part:
            self.marks.append({"offset": units(self.text), "length": units(part), **mark})
        self.text += part


def payload(message: Message, values: Mapping[str, str]) -> dict[str, Any]:
    """Return what is posted."""
    text = Text()
    text.add(f"{MARKS[tone(message)]} {cut_to(lifeless(headline(message)), 600, units)}", type="bold")
    text.add("\n")
    if len(message.topics) == 1:
        _whole(text, message.topics[0], message)
    else:
        _several(text, message)
    found = {
        "chat_id": values["chat"],
        "text": text.text,
        "entities": text.marks,
        "link_preview_options": {"is_disabled": True},
    }
    return found | ({"message_thread_id": int(values["topic"])} if values.get("topic") else {})


def send(message: Message, values: Mapping[str, str], caller: Caller) -> str:
    """Send a message. Raises `DeliveryFailed`."""
    address = f"{values.get('server') or SERVER}/bot{values['token']}/sendMessage"
    answer = post(caller, address, encoded(payload(message, values)), meaning=_meaning, wait=_wait)
    found = object_in(answer)
    result = found.get("result")
    number = result.get("message_id") if isinstance(result, dict) else None
    if found.get("ok") is not True or not isinstance(number, int):
        raise DeliveryFailed("what answers there is no Bot API")
    return f"taken as message {number}"


def _whole(text: Text, topic: Topic, message: Message) -> None:
    text.add(f"{span_of(topic, message.zone)}\n")
    if words := some_lines(topic.words, most=_WORDS_MOST, lines=30):
        text.add(cut_to(words, _WORDS_MOST, units), type="pre")
        text.add("\n")
    for label, value in facts_of(topic, 8, value_most=100):
        text.add(f"{cut_to(lifeless(f'{label}: {value}'), 180, units)}\n")
    text.add(button_of(topic), type="text_link", url=link_of(topic, message))
    text.add(f"\n{lifeless(house(message))}")


def _several(text: Text, message: Message) -> None:
    last = f"\n{lifeless(house(message))}"
    room = MOST - units(text.text) - units(last)
    shown, rest = listed(
        message.topics,
        lambda topic: _short(topic, message),
        lambda part: units(part[0].text),
        room=room,
        most=TOPICS_MOST,
    )
    for part, _ in shown:
        begin = units(text.text)
        text.marks += [{**mark, "offset": mark["offset"] + begin} for mark in part.marks]
        text.text += part.text
    text.add(f"{rest}{last}")


def _short(topic: Topic, message: Message) -> tuple[Text, Topic]:
    part = Text()
    part.add(f"{MARKS[tone_of(topic)]} ")
    part.add(lifeless(title_of(topic, 80)), type="text_link", url=link_of(topic, message))
    words = lifeless(words_of(topic, 100))
    part.add(f"\n{words}\n" if words else "\n")
    return part, topic


def _meaning(answer: Answer) -> str | None:
    found = object_in(answer)
    parameters = found.get("parameters")
    moved = parameters.get("migrate_to_chat_id") if isinstance(parameters, dict) else None
    if isinstance(moved, int):
        return f"the chat has become a larger group: enter {moved} as chat"
    if answer.status in {401, 404}:
        return _TOKEN_REFUSED
    description = str(found.get("description", "")).lower()
    return next((words for part, words in _REFUSALS if part in description), None)


def _wait(answer: Answer) -> float | None:
    parameters = object_in(answer).get("parameters")
    seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return bounded(float(seconds)) if isinstance(seconds, int | float) else None


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("use the token that BotFather gives: figures, a colon, letters and figures")
    return text


def _chat(text: str) -> str:
    if not _CHAT.fullmatch(text):
        raise ValueError("use the number of a chat, such as -1001234567890, or @ and the name of a channel")
    return text


def _topic(text: str) -> str:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**31):
        raise ValueError("use the number of a topic, such as 17")
    return text


KIND: Final = ChannelKind(
    name="telegram",
    label="Telegram",
    sentence="Sends messages to a chat by a bot.",
    icon="chat",
    fields=(
        Field(
            name="token",
            label="Token of the bot",
            sentence="BotFather gives it for /newbot.",
            is_secret=True,
            check=_token,
        ),
        Field(
            name="chat",
            label="Chat",
            sentence="The number of the chat, such as -1001234567890, or @ and the name of a channel.",
            check=_chat,
        ),
        Field(
            name="topic",
            label="Topic",
            sentence="The number of a topic, in a group that has topics.",
            is_required=False,
            check=_topic,
        ),
        Field(
            name="server",
            label="Server",
            sentence=f"A Bot API server of your own. Left empty: {SERVER}.",
            is_required=False,
            check=a_server,
        ),
    ),
    send=send,
)
