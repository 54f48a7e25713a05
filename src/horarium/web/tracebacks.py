"""Take a Python traceback apart into frames: which file, which line, in what, and the line itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

_FRAME: Final = re.compile(r'^  File "(?P<file>[^"\n]+)", line (?P<line>\d{1,9}), in (?P<name>.+)$')
_UNDERLINE: Final = re.compile(r"^[\s~^]+$")
_LIBRARY: Final = re.compile(r"(?:^|/)(?:site-packages|dist-packages|horarium|lib/python\d[\d.]*)/|^<frozen ")
MOST_FRAMES: Final = 40
"""Frames shown at most, the last ones; deep recursion has thousands."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: `library` is true for code that is not the team's own."""

    file: str
    line: int
    name: str
    source: str = ""
    library: bool = False


def frames(text: str) -> tuple[Frame, ...]:
    """Return the frames of the last traceback in `text`, outermost first; nothing when there is none."""
    lines = text.rpartition("Traceback (most recent call last):\n")[2].splitlines()
    found: list[Frame] = []
    for number, line in enumerate(lines):
        match = _FRAME.match(line)
        if match:
            after = lines[number + 1] if number + 1 < len(lines) else ""
            is_source = after.startswith("    ") and not _UNDERLINE.match(after)
            file = match["file"]
            library = bool(_LIBRARY.search(file))
            found.append(Frame(file, int(match["line"]), match["name"], after.strip() if is_source else "", library))
    return tuple(found[-MOST_FRAMES:])


def grouped(shown: Iterable[Frame]) -> list[tuple[bool, list[Frame]]]:
    """Return the frames in runs of one sort: (library or own, frames)."""
    return [(library, list(own)) for library, own in groupby(shown, key=lambda frame: frame.library)]
