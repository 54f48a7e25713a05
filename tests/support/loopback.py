"""Servers on loopback that somebody might be led to: what they are asked is kept, what they answer a test says."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass(slots=True)
class WebServer:
    """What a web server was asked; `answer` makes the status, the headers and the body of each answer."""

    address: str = ""
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    answer: Callable[[Asked], tuple[int, dict[str, str], str]] = lambda _: (200, {}, "")


@contextmanager
def web_server(context: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    """Run a web server, encrypted where there is a context."""
    found = WebServer()

    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, self.rfile.read(size).decode())
            found.asked.append(asked)
            status, more, body = found.answer(asked)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body.encode())

        do_GET = do_HEAD = do_POST = _respond  # noqa: N815 - called by name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    found.port = server.server_address[1]
    found.address = f"{'http' if context is None else 'https'}://localhost:{found.port}"
    with _serving(lambda: server.serve_forever(0.02)):
        try:
            yield found
        finally:
            server.shutdown()
            server.server_close()


@contextmanager
def talker(*said: bytes, waits: float = 0.0) -> Iterator[tuple[int, list[bytes]]]:
    """Run a server that says some pieces to whoever comes, with pauses; give its port and what it was told."""
    heard: list[bytes] = []
    over = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                opened, _ = listening.accept()
                with opened:
                    for piece in said:
                        opened.sendall(piece)
                        over.wait(waits)
                    opened.settimeout(0.2)
                    with contextlib.suppress(OSError):
                        heard.append(opened.recv(4096))

    with _serving(serve):
        try:
            yield listening.getsockname()[1], heard
        finally:
            over.set()
            # Whoever waits in `accept` is not woken by closing alone.
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()


@contextmanager
def _serving(work: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    thread.join(10)
