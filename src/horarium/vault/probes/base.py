"""What a test of a credential found, and how its parts are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from horarium.outgoing.caller import Caller, Unreached

Values = Mapping[str, str]
PORT_WORDS: Final = "its port is not a whole number from 1 to 65535"


@dataclass(frozen=True, slots=True)
class Trial:
    """What a test found, in one sentence. `passed` is None where the secret itself could not be tried."""

    passed: bool | None
    words: str


def works(words: str) -> Trial:
    """Return that the secret is taken."""
    return Trial(passed=True, words=words)


def fails(words: str) -> Trial:
    """Return that it does not work."""
    return Trial(passed=False, words=words)


def says_nothing(words: str) -> Trial:
    """Return that the secret itself could not be tried."""
    return Trial(passed=None, words=words)


Probe = Callable[[Values, Caller], Trial]
"""Tries the values of one kind. Raises `Unreached` where it came to no answer."""


def port_of(values: Values, usual: int) -> int:
    """Return the port that was given, else the usual one. Raises `Unreached`."""
    text = values.get("port", "").strip()
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise Unreached(PORT_WORDS)
    return int(text)


def host_of(values: Values) -> str:
    """Return the host that was given. Raises `Unreached` for what is none."""
    host = values.get("host", "").strip().strip("[]")
    if not host or len(host) > 253 or not host.isascii() or not host.isprintable() or set(host) & set("/@?# "):
        raise Unreached("its host is not the name or address of one")
    return host
