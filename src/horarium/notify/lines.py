"""Make text of others safe: for one line, for a few, and for places that make links or mentions of what they find."""

from __future__ import annotations

import re
from typing import Final

MOST: Final = 200
MORE: Final = "…"
_LOOKED_AT: Final = 8

# What a terminal is told in between: colours, titles, the place of the cursor.
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)|\x9b[0-?]*[ -/]*[@-~]")
_BREAKS: Final = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Takes no room, breaks no line, and ends whatever a reader of text looks for: an address, a name after an @.
_JOINT: Final = "\u2060"
_LIVELY: Final = re.compile(r"(?<=[@#$<\]])|(?<=/)(?<!\w/)|(?<=\w:)(?=//)|(?<=\w\.)(?=\w)")


def one_line(text: str, most: int = MOST) -> str:
    """Return `text` as one line of at most `most` characters; nothing in it ends a header or steers a reader."""
    # Of ten thousand letters the first few decide.
    tidy = " ".join(_printable(text[: _LOOKED_AT * most]).split())
    return cut(tidy if len(text) <= _LOOKED_AT * most else f"{tidy}{MORE}", most)


def some_lines(text: str, *, most: int, lines: int) -> str:
    """Return `text` in at most so many lines, and characters in all; blanks at the beginning of a line stay."""
    tidy = _ESCAPES.sub("", text[: 4 * most]).replace("\t", "    ")
    found = [_printable(line).rstrip() for line in _BREAKS.split(tidy)]
    while found and not found[-1]:
        found.pop()
    while found and not found[0]:
        found.pop(0)
    if len(found) > lines:
        found = [*found[: lines - 1], MORE]
    return cut("\n".join(found), most)


def cut(text: str, most: int) -> str:
    """Return a text of at most `most` characters, with a mark where it goes on."""
    return text if len(text) <= most else f"{text[: most - 1]}{MORE}"


def lifeless(text: str) -> str:
    """Return a text in which nothing is an address, a mention, a tag or a command to whoever looks for such things.

    It looks as before: what is put in between takes no room.
    """
    return _LIVELY.sub(_JOINT, text)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
