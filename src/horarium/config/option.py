"""Say what one setting is: its variable, what it takes, its default and a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Option:
    """One setting.

    `variable` is its name in the environment, `field` its name in `Config`. `read` turns text into the value and raises
    `ValueError`; `allowed` says in words what it takes. `default_words` replaces the default where that depends on the
    machine. The value of a `secret` is never shown.
    """

    variable: str
    field: str
    read: Callable[[str], Any]
    default: Any
    allowed: str
    sentence: str
    default_words: str = ""
    secret: bool = False

    @property
    def default_text(self) -> str:
        """Return the default as it is written in the reference."""
        if self.default_words:
            return self.default_words
        if isinstance(self.default, bool):
            return "on" if self.default else "off"
        return (
            "" if self.default in {None, ()} else f"{self.default:g}" if _is_number(self.default) else str(self.default)
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
