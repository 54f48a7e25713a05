"""The ways in which a careless program shows a secret, and a look for what is left of one."""

from __future__ import annotations

import base64
import json
import secrets
import shlex
from collections.abc import Iterable
from html import escape
from urllib.parse import quote, quote_plus

LONGEST_REST = 15
"""So many characters of an encoded secret may be left beside a mark: what depends on its neighbours there."""


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
