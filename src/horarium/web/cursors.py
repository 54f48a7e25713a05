"""Write the place where a list was left as text for an address, and read it back with care."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

MOST: Final = 2000
"""How long the text of a place may be: the longest name in letters that JSON writes out in six."""


def pack(key: tuple[Any, int]) -> str:
    """Return a place, the value that a list is sorted by and a number, as text."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def unpack(text: str, kind: type[str | int]) -> tuple[Any, int] | None:
    """Return the place that a text means in a list sorted by values of this kind, None if it means none."""
    try:
        value, number = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(number, int) or not isinstance(value, kind):
        return None
    fits = all(abs(each) < 1 << 63 for each in (value, number) if isinstance(each, int))
    return (value, number) if fits and "\0" not in str(value) else None
