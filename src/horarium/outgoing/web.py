"""Ask a web server one thing: no redirect is followed, nothing is unpacked, and only a bounded part is read."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from horarium.outgoing.caller import Barred, Caller, Unreached

MOST_OCTETS: Final = 64 * 1024
MOST_ADDRESS: Final = 2000
PORTS: Final = {"https": 443, "http": 80}

_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE: Final = re.compile(r"[\x20-\x7e\xa0-\xff]*")
_OURS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect", "keep-alive"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered: the status, the headers in small letters, and the beginning of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def checked_address(text: str) -> SplitResult:
    """Return the parts of an address that may be asked. Raises `Barred`, without repeating it."""
    if len(text) > MOST_ADDRESS or not text.isascii() or not text.isprintable() or " " in text:
        raise Barred(f"its address is not one: use at most {MOST_ADDRESS} printable ASCII characters, without blanks")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise Barred("its address is not one") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise Barred("its address does not begin with https:// and the name of a host")
    if parts.username is not None or parts.password is not None:
        raise Barred("its address holds a user or password: those belong into fields of their own")
    return parts


def checked_header(name: str) -> str:
    """Return the name of a header that may be sent. Raises `Barred`."""
    if not _HEADER.fullmatch(name) or name.lower() in _OURS or name.lower().startswith("proxy-"):
        raise Barred("its header is none that a request may carry: use one such as X-Api-Key")
    return name


def ask(caller: Caller, method: str, address: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
    """Send a request and return the answer, whatever it is. Raises `Unreached`, `Barred`."""
    parts = checked_address(address)
    for name, value in headers.items():
        checked_header(name)
        if not _VALUE.fullmatch(value):
            raise Barred("a value of it has characters that no header can carry")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    line = _Line(caller, parts)
    try:
        with caller.told():
            line.request(method, target, body, {"User-Agent": "Horarium", "Connection": "close", **headers})
            answer = line.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read(MOST_OCTETS))
    except http.client.HTTPException:
        raise Unreached(caller.too_long() or "what answers there does not speak HTTP as it should") from None
    finally:
        line.close()


class _Line(http.client.HTTPConnection):
    """A connection that the caller opens."""

    def __init__(self, caller: Caller, parts: SplitResult) -> None:
        host = parts.hostname or ""
        super().__init__(host, parts.port or PORTS[parts.scheme])
        # So that the header Host leaves the port out where it is the usual one.
        self.default_port = PORTS[parts.scheme]
        self._caller = caller
        self._is_encrypted = parts.scheme == "https"

    def connect(self) -> None:
        """Connect to where one may go."""
        opened: socket.socket = self._caller.connect(self.host, self.port, in_clear=not self._is_encrypted)
        self.sock = self._caller.encrypt(opened, self.host) if self._is_encrypted else opened
