"""Connect to other machines: to addresses that were judged, encrypted with the certificate checked, within a time."""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import socket
import ssl
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from horarium.outgoing.addresses import Address, Policy, plain_of

SECONDS: Final = 12.0
CONNECT_SECONDS: Final = 5.0
SETTING: Final = "HORARIUM_OUTGOING_ALLOW"

_Where = tuple[int, tuple[str, int]]


class Unreached(Exception):
    """Say in one sentence why something could not be reached or asked; never with a word of what was sent or got."""


class Barred(Unreached):
    """Say in one sentence why something may not be asked at all: trying again changes nothing."""


class Caller:
    """Calls other machines under a policy. Used as a context, it ends whatever is still open after `seconds`.

    `hosts` are the only ones to go to, where there are any; `*.example.org` stands for all below it.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        hosts: tuple[str, ...] = (),
        seconds: float = SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        """Go where `policy` permits."""
        self.policy = policy
        self.seconds = seconds
        self.connect_seconds = min(connect_seconds, seconds)
        self._hosts = tuple(host.lower() for host in hosts)
        self._open: list[socket.socket] = []
        self._known: dict[tuple[str, int], list[_Where]] = {}
        self._lock = threading.Lock()
        self._is_over = False
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for each in self._open:
                each.close()

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Turn what goes wrong on the line into one sentence. Raises `Unreached`."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise Unreached(f"its certificate is not to be trusted: {error.verify_message.rstrip('.')}") from None
        except ssl.SSLError:
            raise Unreached(self.too_long() or "no encrypted connection came about") from None
        except TimeoutError:
            raise Unreached(self.too_long() or "it does not answer") from None
        except OSError as error:
            raise Unreached(self.too_long() or f"the connection failed: {error.strerror or 'it broke off'}") from None

    def connect(self, host: str, port: int, *, in_clear: bool = False) -> socket.socket:
        """Open a connection. Raises `Barred`, before anything is sent, for where one may not go, and `Unreached`.

        With `in_clear` something secret is to go over it as it is: that needs the administrators' word.
        """
        self.check(host, port, in_clear=in_clear)
        last = Unreached("it cannot be reached")
        for family, where in self._found(host, port):
            opened = socket.socket(family, socket.SOCK_STREAM)
            opened.settimeout(self.connect_seconds)
            self._keep(opened)
            try:
                with self.told():
                    opened.connect(where)
                    opened.settimeout(self.seconds)
                    return opened
            except Unreached as error:
                opened.close()
                last = error
        raise last

    def check(self, host: str, port: int, *, in_clear: bool = False) -> str:
        """Return the address that a host has and that one may go to. Raises `Barred`, `Unreached`."""
        if self._hosts and not any(_is_host(host, pattern) for pattern in self._hosts):
            raise Barred("it is not one of the hosts that the credential is for")
        addresses = [_address(where) for _, where in self._found(host, port)]
        for address in addresses:
            if not self.policy.permits(host, address, port):
                raise Barred(
                    f"its address belongs to an inner network or to this machine: only what {SETTING} names may be"
                    " gone to there"
                )
            if in_clear and not self.policy.names(host, plain_of(address), port):
                raise Barred(f"without encryption only what {SETTING} names is asked: use an encrypted address")
        return str(addresses[0])

    def encrypt(self, opened: socket.socket, host: str) -> ssl.SSLSocket:
        """Encrypt a connection, with the certificate checked against the name. Raises `Unreached`."""
        with self.told():
            return ssl.create_default_context().wrap_socket(opened, server_hostname=host)

    def too_long(self) -> str:
        """Return the sentence about the time that is over, empty while it is not."""
        return f"it took longer than {self.seconds:g} s" if self._is_over else ""

    def _found(self, host: str, port: int) -> list[_Where]:
        """Return where a name leads. It is looked up once: what was judged is what is connected to."""
        key = (host, port)
        if key not in self._known:
            self._known[key] = self._look_up(host, port)
        return self._known[key]

    def _look_up(self, host: str, port: int) -> list[_Where]:
        # The resolver has patience of its own, which nobody can cut short: it is left behind in a thread.
        answer: queue.Queue[list[_Where]] = queue.Queue()
        threading.Thread(target=_resolve, args=(host, port, answer), daemon=True).start()
        try:
            found = answer.get(timeout=self.connect_seconds)
        except queue.Empty:
            raise Unreached("its name could not be looked up in time") from None
        if not found:
            raise Unreached("there is no host of this name")
        return found

    def _keep(self, opened: socket.socket) -> None:
        # A second handle on the same connection: it stays ours when the first one is wrapped for encryption.
        with self._lock:
            if self._is_over:
                # Nobody ends this one any more, and who answers a little at a time could hold it for ever.
                opened.close()
                raise Unreached(self.too_long())
            self._open.append(opened.dup())

    def _end(self) -> None:
        with self._lock:
            self._is_over = True
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


def _resolve(host: str, port: int, answer: queue.Queue[list[_Where]]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        answer.put([])
        return
    # A scope (`fe80::1%eth0`) belongs to this machine's own wires; such an address is never permitted anyway.
    answer.put(list(dict.fromkeys((family, (str(where[0]), port)) for family, _, _, _, where in found)))


def _address(where: tuple[str, int]) -> Address:
    return ipaddress.ip_address(where[0].partition("%")[0])


def _is_host(host: str, pattern: str) -> bool:
    name = host.lower().rstrip(".")
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern
