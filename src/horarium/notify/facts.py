"""Facts that stand beside what happened: lengths of time in words, and instants that wait for the reader's zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from horarium.clock import from_micros, to_micros
from horarium.notify.words import moment

_KEPT: Final = re.compile(r"\x01(-?[0-9]{1,17})\x01")
_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def at_mark(instant: datetime) -> str:
    """Return an instant as a fact keeps it until it is known in which zone it is read."""
    return f"\x01{to_micros(instant)}\x01"


def told(text: str, zone: str) -> str:
    """Return a text with the instants in it told in a zone."""
    return _KEPT.sub(lambda found: moment(from_micros(int(found[1])), zone), text).replace("\x01", "")


def told_facts(facts: Mapping[str, str], zone: str) -> dict[str, str]:
    """Return facts with the instants in them told in a zone."""
    return {name: told(value, zone) for name, value in facts.items()}


def in_words(seconds: float) -> str:
    """Return a length of time with its two largest units: `1h 4m`, `12s`, `0.4s`."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f}s".replace(".0s", "s")
    rest = int(seconds)
    parts: list[str] = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count}{unit}")
    return " ".join(part for part in parts[:2] if not part.startswith("0")) or "0s"
