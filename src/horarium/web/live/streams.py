"""Answer with a stream: send what the hub queues, a sign of life where nothing happens, and end when told to."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import Receive, Scope, Send

from horarium.web.live.hub import Hub
from horarium.web.live.listener import Listener
from horarium.web.live.messages import TICK

HEARTBEAT_SECONDS: Final = 15.0
_STUCK_SECONDS: Final = 30.0
_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Proxies that collect answers before they pass them on would hold the events back.
    (b"x-accel-buffering", b"no"),
)


class EventStream:
    """The answer to a page that wants to stay up to date."""

    def __init__(self, hub: Hub, listener: Listener, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        """Send what `hub` has for `listener`."""
        self._hub = hub
        self._listener = listener
        self._heartbeat_seconds = heartbeat_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader goes, cannot keep up, may not read any more, or the server stops."""
        gone = asyncio.ensure_future(self._watch(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
            if scope["method"] != "HEAD":
                await self._send_all(send, gone)
            if not gone.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            self._hub.leave(self._listener)

    async def _send_all(self, send: Send, gone: asyncio.Future[None]) -> None:
        told = TICK
        while not gone.done():
            try:
                async with asyncio.timeout(_STUCK_SECONDS):
                    await send({"type": "http.response.body", "body": told, "more_body": True})
            except TimeoutError:
                return
            if self._listener.ended:
                rest = await self._listener.take(0)
                if rest:
                    await send({"type": "http.response.body", "body": rest, "more_body": True})
                return
            told = await self._listener.take(self._heartbeat_seconds) or TICK

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._listener.wake()
