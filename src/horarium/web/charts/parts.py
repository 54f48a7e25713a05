"""Hold what the charts share: outcomes and their words, percentages, and building SVG text safely."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from markupsafe import Markup, escape

Outcome = Literal["ok", "retry", "bad", "timeout", "cancel", "skip", "miss", "run", "plan"]
"""How a mark is drawn. A run whose process went away is `bad`."""

WORDS: Final[dict[Outcome, str]] = {
    "ok": "succeeded",
    "retry": "succeeded after a retry",
    "bad": "failed",
    "timeout": "timed out",
    "cancel": "cancelled",
    "skip": "skipped",
    "miss": "missed",
    "run": "running",
    "plan": "planned",
}
SEVERITY: Final[dict[Outcome, int]] = {
    "plan": 0,
    "ok": 1,
    "skip": 2,
    "cancel": 3,
    "retry": 4,
    "run": 5,
    "miss": 6,
    "timeout": 7,
    "bad": 8,
}
"""Which of several marks at one place is worth showing: the one with the highest figure."""


def pct(value: float) -> str:
    """Return a percentage for an attribute, without needless digits."""
    return f"{value:.3f}".rstrip("0").rstrip(".") + "%"


def num(value: float) -> str:
    """Return a length in pixels for an attribute, with one decimal at most."""
    return f"{value:.1f}".removesuffix(".0")


def tag(name: str, body: Markup | str = "", /, **attributes: object) -> Markup:
    """Return one element; `_` in an attribute's name stands for `-`, `cls` for `class`, None leaves it out.

    Attribute values and a plain string body are escaped; a Markup body is taken as it is.
    """
    shown = "".join(
        f' {"class" if key == "cls" else key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{shown}>{escape(body)}</{name}>")  # noqa: S704 -- every part was escaped


def join(parts: Iterable[Markup]) -> Markup:
    """Put drawn parts behind one another."""
    return Markup("").join(parts)


def sentence(words: Iterable[tuple[int, str]]) -> str:
    """Return counted words as a list, without those that count nothing: `18 succeeded, 2 failed`."""
    return ", ".join(f"{number} {word}" for number, word in words if number)
