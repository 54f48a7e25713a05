"""Fit messages to what a service takes: list as many topics as there is room for, and count the rest by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from horarium.notify.lines import MORE, cut
from horarium.notify.wording import rest
from horarium.records.notices import NoticeKind, Topic

Shown = TypeVar("Shown")
Size = Callable[[str], int]

REST_ROOM: Final = 64 * len(NoticeKind)
"""So long the sentence about what is not listed can become."""


def octets(text: str) -> int:
    """Return the size of a text in UTF-8."""
    return len(text.encode())


def units(text: str) -> int:
    """Return the size of a text as services count it that count in UTF-16."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def cut_to(text: str, room: int, size: Size) -> str:
    """Return as much of the beginning of a text as has the room, with a mark where it goes on."""
    if size(text) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle]) <= room - size(MORE) else (low, middle - 1)
    return cut(text[: low + 1], low + 1) if room >= size(MORE) else ""


def listed(
    topics: Sequence[Topic],
    show: Callable[[Topic], Shown],
    size: Callable[[Shown], int],
    *,
    room: int,
    most: int | None = None,
) -> tuple[list[Shown], str]:
    """Return what shows the first topics, at most `most` and within `room`, and the sentence about the others.

    In `room` there has to be place for `REST_ROOM`, too: it is left free where not all are shown.
    """
    shown: list[Shown] = []
    ends: list[int] = []
    used = 0
    for topic in topics[:most]:
        each = show(topic)
        used += size(each)
        if used > room:
            break
        shown.append(each)
        ends.append(used)
    if len(shown) < len(topics):
        while ends and ends[-1] > room - REST_ROOM:
            ends.pop()
            shown.pop()
    return shown, rest(topics[len(shown) :])


def escaped(text: str, marks: Iterable[str], sign: str) -> str:
    """Return a text with `sign` before each of the marks."""
    table = {ord(mark): f"{sign}{mark}" for mark in marks}
    return text.translate(table)
