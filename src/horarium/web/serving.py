"""Serve the pages over HTTP: our own listening socket, streams that end at once on a stop, slow heads cut off."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

import h11
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from horarium.errors import ConfigError

HEAD_SECONDS: Final = 10.0
GRACE_SECONDS: Final = 10
BACKLOG: Final = 2048
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Protocol(H11Protocol):
    """HTTP/1.1 that gives a client ten seconds to finish the head of a request."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock with the connection."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock with the connection."""
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; while a head is only begun its clock keeps running."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_clock()
        elif self.conn.trailing_data[0]:
            self._start_clock()

    def _start_clock(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_clock(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class Server(uvicorn.Server):
    """A server that tells the application at once when it is asked to stop, and that ends without a signal's death."""

    def __init__(self, app: Starlette, *, on_started: Callable[[], None] | None = None) -> None:
        """Serve `app`; `on_started` is called when it takes requests."""
        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._pages = app
        self._on_started = on_started
        self._running: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and remember the loop for a stop from another thread."""
        self._running = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started and self._on_started is not None:
            self._on_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop because a signal asks for it; a second one stops without waiting."""
        if self.should_exit:
            self.force_exit = True
        super().handle_exit(sig, frame)
        self._end_streams()

    def stop(self) -> None:
        """Stop because the program asks for it, from any thread."""
        self.should_exit = True
        self._end_streams()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listen for signals while serving; they are not raised again afterwards, since they were obeyed."""
        with signals_to(self.handle_exit):
            yield

    def _end_streams(self) -> None:
        if self._running is not None:
            self._running.call_soon_threadsafe(self._pages.state.hub.stop)


@contextlib.contextmanager
def signals_to(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Give signals that ask for an end to `handler`, and then to whom they went before; only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def serve(app: Starlette, host: str, port: int, on_started: Callable[[], None] | None = None) -> None:
    """Serve the pages until a signal asks to stop; `on_started` is called when they can be asked for.

    Raises `ConfigError` when nobody may listen there.
    """
    listening = listen(host, port)
    try:
        Server(app, on_started=on_started).run(sockets=[listening])
    finally:
        listening.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises `ConfigError` with the reason why there is none."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise ConfigError(f"HORARIUM_HOST {host!r} is no address of this machine") from None
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        raise ConfigError(_why(error, host, port)) from None
    opened.settimeout(0)
    return opened


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use by another program: stop that program or set HORARIUM_PORT"
    if error.errno == errno.EACCES:
        return f"port {port} may not be opened by this user: set HORARIUM_PORT to one above 1023"
    return f"HORARIUM_HOST {host!r} is no address of this machine"
