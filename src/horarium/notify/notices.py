"""Make a letter's content of a message: one topic in full, or a list of many and the count of what is left out."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from horarium.notify.fitting import listed, octets
from horarium.notify.lines import one_line, some_lines
from horarium.notify.wording import (
    MARKS,
    Tone,
    button_of,
    counts,
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
from horarium.records.notices import Message, Topic

HTML_ROOM: Final = 85_000
"""Big mail services cut letters off at about 100 KB."""
TEXT_ROOM: Final = 300_000
_ROW_OCTETS: Final = 1100
"""What the marks around a row take."""
_LINK: Final = re.compile(r"https?://[!-;=?-~]{1,1500}")
_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Look:
    """The colours of a tone: solid behind its mark, pale behind the heading, the edge and the ink there."""

    name: str
    mark: str
    solid: str
    pale: str
    edge: str
    ink: str


_LOOKS: Final[Mapping[Tone, Look]] = {
    each: Look(each.value, MARKS[each], *colours)
    for each, colours in {
        Tone.BAD: ("#cf3a32", "#fdf1ef", "#f3cfca", "#a8322b"),
        Tone.WARN: ("#8f5d12", "#fdf6e7", "#f0dcb4", "#7c5010"),
        Tone.CALM: ("#2c5cc5", "#eff3fb", "#cfdcf5", "#2650a8"),
        Tone.GOOD: ("#1b7a54", "#eef7f2", "#cbe5d8", "#17694a"),
    }.items()
}


@dataclass(frozen=True, slots=True)
class Row:
    """One topic of several."""

    look: Look
    title: str
    link: str
    words: str
    span: str

    @property
    def octets(self) -> int:
        """Return about what it takes as HTML."""
        return _ROW_OCTETS + sum(octets(html.escape(text)) for text in (self.title, self.link, self.words, self.span))

    @property
    def plain_octets(self) -> int:
        """Return about what it takes as text."""
        return 12 + sum(octets(text) for text in (self.title, self.words, self.span))


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a letter shows: for one topic `lines` and `facts`; for several `rows`, and `plain` ones in the text."""

    subject: str
    title: str
    lead: str
    look: Look
    button: str
    link: str
    foot: str
    unsubscribe: str
    label: str = ""
    lines: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    rows: tuple[Row, ...] = ()
    rest: str = ""
    plain: tuple[Row, ...] = ()
    plain_rest: str = ""

    @property
    def preview(self) -> str:
        """Return what mail programs show beside the subject."""
        return one_line(" ".join((*self.lines[:2], self.lead)))


def notice_of(message: Message) -> Notice:
    """Return what a letter says of a message."""
    return _single(message.topics[0], message) if len(message.topics) == 1 else _several(message)


def headers_of(message: Message, domain: str) -> dict[str, str]:
    """Return the headers beside the usual ones: what it belongs with, and how to get no more of them."""
    found: dict[str, str] = {}
    if message.thread:
        # The first letter of a thread is one that was never sent: all hang together on it, in whatever order they come.
        root = f"<{name_of(message.thread)}@{domain}>"
        found |= {"In-Reply-To": root, "References": root}
    return found | headers_of_way_out(message.unsubscribe)


def headers_of_way_out(link: str) -> dict[str, str]:
    """Return what tells mail programs how to end such letters: nothing for what is no link, one click for https."""
    if not _LINK.fullmatch(link):
        return {}
    found = {"List-Unsubscribe": f"<{link}>"}
    return found | ({"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"} if link.startswith("https:") else {})


def name_of(text: str) -> str:
    """Return a text as it may stand in the number of a letter."""
    return _NAME.sub("-", text)[:120].strip(".") or "-"


def _single(topic: Topic, message: Message) -> Notice:
    look = _LOOKS[tone_of(topic)]
    is_bad = tone_of(topic) is Tone.BAD
    words = some_lines(topic.words, most=6000, lines=40)
    return Notice(
        subject=headline(message),
        title=headline(message),
        lead=span_of(topic, message.zone),
        look=look,
        button=button_of(topic),
        link=link_of(topic, message),
        foot=_foot(message),
        unsubscribe=_unsubscribe(message),
        label="What went wrong" if is_bad else "What there is to say",
        lines=tuple(words.split("\n")) if words else (),
        facts=facts_of(topic),
    )


def _several(message: Message) -> Notice:
    rows, rest = listed(message.topics, lambda topic: _row(topic, message, 160), lambda row: row.octets, room=HTML_ROOM)
    plain, plain_rest = listed(
        message.topics, lambda topic: _row(topic, message, 120), lambda row: row.plain_octets, room=TEXT_ROOM
    )
    return Notice(
        subject=headline(message),
        title=f"{len(message.topics):,} notices",
        lead=counts(message.topics),
        look=_LOOKS[tone(message)],
        button="Open Horarium",
        link=message.base_url,
        foot=_foot(message),
        unsubscribe=_unsubscribe(message),
        rows=tuple(rows),
        rest=rest,
        plain=tuple(plain),
        plain_rest=plain_rest,
    )


def _row(topic: Topic, message: Message, words: int) -> Row:
    return Row(
        look=_LOOKS[tone_of(topic)],
        title=title_of(topic),
        link=link_of(topic, message),
        words=words_of(topic, words),
        span=span_of(topic, message.zone),
    )


def _foot(message: Message) -> str:
    return f"You get this because {house(message)} was asked to tell you."


def _unsubscribe(message: Message) -> str:
    return message.unsubscribe if _LINK.fullmatch(message.unsubscribe) else ""
