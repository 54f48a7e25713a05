"""Ask the pages without a network: one event loop answers every request of a test process.

Starlette's client makes a loop and a thread for each request, which takes longer than most pages do. What has no end is
still asked its way.
"""

from __future__ import annotations

import atexit
import re
from contextlib import ExitStack
from functools import cache
from typing import Any
from urllib.parse import unquote

import httpx2
from anyio import Event
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message

STREAMS = re.compile(r"/events|/stream")


@cache
def portal() -> BlockingPortal:
    """Return what runs things in the loop of this process."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(start_blocking_portal())


class _Exchange:
    """A request as the application reads it, and what it answers."""

    def __init__(self, body: bytes) -> None:
        self._asked = [{"type": "http.request", "body": body}]
        self._over = Event()
        self.head: Message = {}
        self.parts: list[bytes] = []

    async def receive(self) -> Message:
        if self._asked:
            return self._asked.pop()
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.head = message
        elif message["type"] == "http.response.body":
            self.parts.append(bytes(message.get("body", b"")))
            if not message.get("more_body", False):
                self._over.set()


class Direct(httpx2.BaseTransport):
    """Hand a request to the application, and return its answer once it is whole."""

    def __init__(self, app: ASGIApp, streams: httpx2.BaseTransport) -> None:
        self._app = app
        self._streams = streams

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if STREAMS.search(request.url.path):
            return self._streams.handle_request(request)
        found = _Exchange(request.read())

        async def answer() -> None:
            try:
                await self._app(_scope(request), found.receive, found.send)
            except Exception:
                # An error of the pages is an answer, once they have given one.
                if not found.head:
                    raise

        portal().call(answer)
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in found.head["headers"]]
        content = b"" if request.method == "HEAD" else b"".join(found.parts)
        return httpx2.Response(found.head["status"], headers=headers, content=content, request=request)


def _scope(request: httpx2.Request) -> dict[str, Any]:
    given = [(name.lower().encode(), value.encode()) for name, value in request.headers.multi_items()]
    port = request.url.port or (443 if request.url.scheme == "https" else 80)
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "path": unquote(request.url.path),
        "raw_path": request.url.raw_path.split(b"?", 1)[0],
        "root_path": "",
        "scheme": request.url.scheme,
        "query_string": request.url.query,
        "headers": given,
        "client": ("testclient", 50000),
        "server": [request.url.host, port],
        "extensions": {},
        "state": {},
    }


def browser_of(app: ASGIApp, host: str) -> TestClient:
    """Return a browser that nobody is signed in with."""
    client = TestClient(app, base_url=f"http://{host}", follow_redirects=False, raise_server_exceptions=False)
    client._transport = Direct(app, client._transport)
    return client
