"""Turn the text of a setting into its value, or refuse it in words.

Each reader raises `ValueError` without words of its own: the catalogue says what is allowed, and a refused value may be
a secret, so it is never part of a message.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from email.utils import getaddresses
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from horarium.outgoing.addresses import Place

_YES = frozenset({"on", "true", "yes", "1"})
_NO = frozenset({"off", "false", "no", "0"})
_HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,253}")
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}\$?")
_HEADER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?")
_OF_THE_LINE = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "host", "transfer-encoding", "user-agent"}
)
_WORD = re.compile(r"[!-~]{1,200}")
_ROLES = frozenset({"user", "viewer", "operator", "editor", "admin"})
_ADDRESS = re.compile(r"[^@\s<>,;:\"()]{1,64}@[^@\s<>,;:\"()]{1,253}")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_TARGETS = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)?", re.ASCII)
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")


def as_switch(text: str) -> bool:
    """Read on or off."""
    lowered = text.lower()
    if lowered not in _YES | _NO:
        raise ValueError
    return lowered in _YES


def as_count(low: int, high: int) -> Callable[[str], int]:
    """Make a reader of whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or len(text) > 12 or not low <= int(text) <= high:
            raise ValueError
        return int(text)

    return read


def as_seconds(low: float, high: float) -> Callable[[str], float]:
    """Make a reader of seconds from `low` to `high`."""

    def read(text: str) -> float:
        value = float(text)
        if not math.isfinite(value) or not low <= value <= high:
            raise ValueError
        return value

    return read


def as_choice(*choices: str) -> Callable[[str], str]:
    """Make a reader of one word out of `choices`, in any case."""

    def read(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError
        return text.lower()

    return read


def as_text(limit: int) -> Callable[[str], str]:
    """Make a reader of one line of at most `limit` characters."""

    def read(text: str) -> str:
        if len(text) > limit or not text.isprintable():
            raise ValueError
        return text

    return read


def as_folder(text: str) -> Path:
    """Read the path of a folder; a leading `~` is the home folder."""
    if "\0" in text:
        raise ValueError
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError from None


def as_host(text: str) -> str:
    """Read a host name or an IP address to listen on."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if not _HOST.fullmatch(bare):
        raise ValueError
    return bare


def as_base_url(text: str) -> str:
    """Read the address that people type, without a slash at its end."""
    parts = urlsplit(text)
    _ = parts.port  # a bad port raises here
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError
    if parts.query or parts.fragment or not text.isprintable() or " " in text:
        raise ValueError
    return text.rstrip("/")


def as_ping_url(text: str) -> str:
    """Read the address of an outside monitor, without a slash at its end."""
    address = as_base_url(text)
    if len(address) > 1000 or not address.isascii():
        raise ValueError
    return address


def as_collector(text: str) -> str:
    """Read the base address of a collector, without a slash at its end."""
    address = as_ping_url(text)
    if address.endswith("/v1/traces"):
        raise ValueError
    return address


def as_headers(text: str) -> tuple[tuple[str, str], ...]:
    """Read pairs of a header and its percent-encoded value, separated by commas, as OpenTelemetry writes them."""
    pairs = []
    for part in text.split(","):
        name, sign, value = (each.strip() for each in part.partition("="))
        value = unquote(value, errors="strict")
        if not sign or not value or not value.isascii() or not value.isprintable():
            raise ValueError
        name = as_header(name)
        if name in _OF_THE_LINE:
            raise ValueError
        pairs.append((name, value))
    return tuple(pairs)


def as_token(text: str) -> str:
    """Read a token that is long enough not to be guessed."""
    if not 20 <= len(text) <= 200 or not _WORD.fullmatch(text):
        raise ValueError
    return text


def as_root_path(text: str) -> str:
    """Read a path prefix, without a slash at its end."""
    bare = text.rstrip("/")
    if bare and not _PATH.fullmatch(bare):
        raise ValueError
    return bare


def as_targets(text: str) -> tuple[str, ...]:
    """Read packages, modules and functions of modules, separated by commas."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not all(_TARGETS.fullmatch(name) for name in names):
        raise ValueError
    return names


def as_networks(text: str) -> tuple[str, ...]:
    """Read IP addresses and networks, separated by commas."""
    return tuple(str(ipaddress.ip_network(part.strip(), strict=False)) for part in text.split(",") if part.strip())


def as_places(text: str) -> tuple[str, ...]:
    """Read hosts, addresses and networks, each with a port or without, separated by commas."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    for each in found:
        Place.read(each)
    return found


def as_issuer(text: str) -> str:
    """Read the address of an OpenID Connect provider; only on loopback may it be without TLS."""
    address = as_base_url(text)
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError
    return address


def as_header(text: str) -> str:
    """Read the name of an HTTP header, in small letters."""
    if not _HEADER.fullmatch(text):
        raise ValueError
    return text.lower()


def as_words(text: str) -> tuple[str, ...]:
    """Read words, separated by blanks."""
    words = tuple(text.split())
    if not words or not all(_WORD.fullmatch(word) for word in words):
        raise ValueError
    return words


def as_group_roles(text: str) -> tuple[tuple[str, str], ...]:
    """Read pairs of a group and the role that it stands for, separated by commas."""
    pairs = []
    for part in text.split(","):
        group, sign, role = (each.strip() for each in part.rpartition("="))
        if not sign or not group or not group.isprintable() or role not in _ROLES:
            raise ValueError
        pairs.append((group, role))
    return tuple(pairs)


def as_sender(text: str) -> str:
    """Read who mail comes from: an address, or a name and an address in angle brackets."""
    found = getaddresses([text])
    if len(text) > 320 or not text.isprintable() or len(found) != 1 or not _ADDRESS.fullmatch(found[0][1]):
        raise ValueError
    return text


def as_domains(text: str) -> tuple[str, ...]:
    """Read domains, separated by commas, in small letters."""
    found = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if not all(_DOMAIN.fullmatch(each) for each in found):
        raise ValueError
    return found


def as_zone(text: str) -> str:
    """Read the IANA name of a time zone."""
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError from None


def as_account(text: str) -> str:
    """Read the name of an account of the operating system."""
    if not _ACCOUNT.fullmatch(text):
        raise ValueError
    return text


def as_secret(text: str) -> str:
    """Take a secret exactly as it is; whether it is strong enough is asked where it is needed."""
    return text


def as_database(text: str) -> str:
    """Take an address of a database; the store reads it, and refuses what it does not know."""
    if not text.isprintable():
        raise ValueError
    return text
