"""Say which addresses may be gone to. What a socket is connected to counts, not the name that somebody typed."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Told one by one: what a library calls private or global leaves out some of these, and changes with its version.
_SHUT_V4: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
_OPEN_V6: Final = ipaddress.IPv6Network("2000::/3")
_SHUT_V6: Final = tuple(
    ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)

_ENTRY: Final = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")
_NAME: Final = re.compile(r"(?=[^/]*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Place:
    """One place that administrators allow: a host by its name or a network, with one port or all of them."""

    name: str = ""
    network: Network | None = None
    port: int | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `db.internal`, `10.1.0.0/16`, `10.1.2.3:5432`, `[fd00::1]:22`. Raises `ValueError`."""
        if text.count(":") > 1 and "[" not in text:
            return cls(network=ipaddress.ip_network(text, strict=False))
        found = _ENTRY.fullmatch(text)
        if found is None:
            raise ValueError(text)
        port = None if found["port"] is None else int(found["port"])
        if port is not None and not 1 <= port <= 65535:
            raise ValueError(text)
        bare = found["v6"] or found["host"]
        if found["v6"] is None and _NAME.fullmatch(bare):
            return cls(name=bare.lower(), port=port)
        return cls(network=ipaddress.ip_network(bare, strict=False), port=port)

    def covers(self, host: str, address: Address, port: int) -> bool:
        """Tell whether this is where somebody wants to go, who typed `host` and would be connected to `address`."""
        if self.port not in {None, port}:
            return False
        if self.network is None:
            return self.name == host.lower().rstrip(".")
        return address in self.network


@dataclass(frozen=True, slots=True)
class Policy:
    """Where somebody may go: anywhere public, and to the `places` that administrators allow; or just `everywhere`."""

    places: tuple[Place, ...] = ()
    everywhere: bool = False

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Return the policy of a setting. Raises `ValueError`."""
        return cls(tuple(Place.read(text) for text in texts))

    def names(self, host: str, address: Address, port: int) -> bool:
        """Tell whether administrators said that one may go there."""
        return self.everywhere or any(place.covers(host, address, port) for place in self.places)

    def permits(self, host: str, address: Address, port: int) -> bool:
        """Tell whether one may go there."""
        plain = plain_of(address)
        return self.names(host, plain, port) or (is_public(plain) and not is_ours(plain))


def plain_of(address: Address) -> Address:
    """Return the address that is really meant: an IPv4 one that stands inside an IPv6 one is taken out of it."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the open internet: not private, local, reserved, or another one in disguise."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _SHUT_V4)
    return address in _OPEN_V6 and not any(address in network for network in _SHUT_V6)


def is_ours(address: Address) -> bool:
    """Tell whether an address belongs to this very machine: only such a one can be bound to."""
    family = socket.AF_INET if isinstance(address, ipaddress.IPv4Address) else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True
