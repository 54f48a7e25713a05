"""Make text safe for one line of a letter: whatever breaks lines, or turns them round, becomes a blank."""

from __future__ import annotations

from typing import Final

MOST: Final = 200


def one_line(text: str, most: int = MOST) -> str:
    """Return `text` as one line of at most `most` characters; nothing in it ends a header or steers a reader."""
    tidy = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return tidy if len(tidy) <= most else f"{tidy[: most - 1]}…"
