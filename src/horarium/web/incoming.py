"""Read who asks, from where and under which name, believing proxies only as far as they are trusted."""

from __future__ import annotations

import ipaddress
import re
import secrets
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from horarium.web.errors import Refusal
from horarium.web.services import WebSettings

KEY: Final = "horarium.incoming"
"""Where in the scope the guards leave what they read."""

_HOST: Final = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>\d{1,5}))?"
)
_MOST_HOPS: Final = 20
_MOST_VALUE: Final = 2000

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it reached us: its own number, the client's address, the host asked for, and whether over HTTPS.

    `person` and `groups` are who a trusted proxy says it is from, empty where none says so.
    """

    number: str
    address: str
    host: str
    is_https: bool
    person: str = ""
    groups: tuple[str, ...] = ()


def networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Return addresses and networks as networks. Raises `ValueError` for what is neither."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def read(scope: Scope, settings: WebSettings, trusted: tuple[Network, ...]) -> Incoming:
    """Read a request's head; the host is not judged here."""
    headers = Headers(scope=scope)
    peer = scope["client"][0] if scope.get("client") else ""
    behind_proxy = _is_in(peer, trusted)
    address, https, person, groups = peer, scope["scheme"] == "https", "", ""
    if behind_proxy:
        address = _client(headers.getlist("x-forwarded-for"), peer, trusted)
        https = https or headers.get("x-forwarded-proto", "").strip().lower() == "https"
        person = _only(headers, settings.proxy_user_header)
        groups = _only(headers, settings.proxy_groups_header)
    return Incoming(
        secrets.token_hex(8),
        address,
        headers.get("host", ""),
        https or settings.is_https,
        person=person,
        groups=tuple(group.strip() for group in groups.split(",") if group.strip()),
    )


def judge_host(scope: Scope, settings: WebSettings) -> None:
    """Refuse a request for a host that is not ours, or for more than one."""
    hosts = Headers(scope=scope).getlist("host")
    match = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    if match is None or match["name"].lower().strip("[]") not in settings.hosts:
        raise Refusal("unknown_host")


def _only(headers: Headers, name: str) -> str:
    """Return the value of a header that came once and is plain text, else nothing: two of them are no answer."""
    found = headers.getlist(name) if name else []
    value = found[0].strip() if len(found) == 1 else ""
    return value if value.isprintable() and len(value) <= _MOST_VALUE else ""


def _client(forwarded: list[str], peer: str, trusted: tuple[Network, ...]) -> str:
    """Return the right-most hop that is not one of our proxies: what stands left of it anybody may have written."""
    hops = [hop.strip() for line in forwarded for hop in line.split(",")][-_MOST_HOPS:]
    client = peer
    for hop in reversed(hops):
        bare = hop.removeprefix("[").partition("]")[0] if hop.startswith("[") else hop
        if _parsed(bare) is None:
            return client
        client = bare
        if not _is_in(bare, trusted):
            return client
    return client


def _is_in(address: str, trusted: tuple[Network, ...]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed.version == network.version and parsed in network for network in trusted)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
