"""The ways in which a careless program shows a secret, and a look for what is left of one."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import shlex
import zlib
from collections.abc import Iterable, Iterator
from html import escape
from urllib.parse import quote, quote_plus

LONGEST_REST = 15
"""So many characters of an encoded secret may be left beside a mark: what depends on its neighbours there."""
GRAM = 8


def canary() -> str:
    """Make up a secret that is written differently in each encoding and that no other test has."""
    return f"s'{secrets.token_hex(9)}/\"ä $&{secrets.token_hex(9)}"


def shown(secret: str) -> dict[str, str]:
    """Return ways to write a secret, by name."""
    data = secret.encode()
    return {
        "raw": secret,
        "address": quote(secret, safe=""),
        "path, small figures": quote(secret).replace("%C3%A4", "%c3%a4").replace("%2C", "%2c"),
        "form": quote_plus(secret),
        "JSON": json.dumps(secret),
        "JSON with letters": json.dumps(secret, ensure_ascii=False),
        "shell": shlex.quote(secret),
        "shell by hand": "'" + secret.replace("'", r"'\''") + "'",
        "repr": repr(secret),
        "repr of bytes": repr(data),
        "HTML": escape(secret),
        "hex": data.hex(),
        "HEX": data.hex().upper(),
        "base64": base64.b64encode(data).decode(),
        "base64 after one": base64.b64encode(b"u" + data + b"\n").decode(),
        "base64 after two": base64.b64encode(b"u:" + data + b"\n").decode(),
        "base64 of a login": base64.b64encode(b"user:" + data).decode(),
        "base64url": base64.urlsafe_b64encode(b"u:" + data).decode(),
    }


def left_of(secret: str, texts: Iterable[str | bytes]) -> list[str]:
    """Return the names of the ways in which a long piece of the secret can be read in one of the texts."""
    found = []
    for text in texts:
        plain = text if isinstance(text, str) else text.decode("utf-8", "replace")
        for name, form in shown(secret).items():
            inner = form.strip("'\"") if len(form) > LONGEST_REST else form
            size = LONGEST_REST + 1
            if any(inner[at : at + size] in plain for at in range(max(len(inner) - size, 0) + 1)):
                found.append(name)
    return found


class Traces:
    """Looks for what is left of several secrets, in large amounts of bytes, also within what is compressed."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Look for every long piece of every way to write them."""
        self._pieces: dict[bytes, str] = {}
        self._grams: set[bytes] = set()
        for secret in secrets:
            for name, form in shown(secret).items():
                data = form.strip("'\"").encode()
                self._grams.update(data[at : at + GRAM] for at in range(len(data) - GRAM + 1))
                for at in range(len(data) - LONGEST_REST):
                    self._pieces.setdefault(data[at : at + LONGEST_REST + 1], f"{name} of {secret[:4]}…")

    def _likely(self, data: bytes) -> Iterator[bytes]:
        """Return the stretches that may be a piece: each holds a whole gram at one of every few places."""
        size = LONGEST_REST + 1
        for at in range(0, len(data) - GRAM + 1, size - GRAM + 1):
            if data[at : at + GRAM] in self._grams:
                yield from (data[begin : begin + size] for begin in range(max(at - size + GRAM, 0), at + 1))

    def left_in(self, texts: Iterable[tuple[str, str | bytes]]) -> list[str]:
        """Return where something was found, with the name of the place and of the way it was written."""
        found = []
        for place, text in texts:
            for part, data in _expanded(place, text if isinstance(text, bytes) else text.encode()):
                names = {self._pieces[each] for each in self._likely(data) if each in self._pieces}
                found += [f"{part}: {name}" for name in sorted(names)]
        return found


def _expanded(place: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Return data, and what is in each stretch of it that is compressed, with or without the head of a file."""
    yield place, data
    for mark in (b"\x1f\x8b\x08", b"\x78\x01", b"\x78\x9c", b"\x78\xda"):
        at = data.find(mark)
        while at >= 0:
            with contextlib.suppress(zlib.error):
                yield f"{place} (compressed, at {at})", zlib.decompressobj(47).decompress(data[at:])
            at = data.find(mark, at + 1)
