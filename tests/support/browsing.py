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


class Direct(httpx2.BaseTransport):
    """Hand a request to the application, and return its answer once it is whole."""

    def __init__(self, app: ASGIApp, streams: httpx2.BaseTransport) -> None:
        self._app = app
        self._streams = streams

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if STREAMS.search(request.url.path):
            return self._streams.handle_request(request)
        parts: list[bytes] = []
        head: list[Message] = []
        asked = [{"type": "http.request", "body": request.read()}]

        async def receive() -> Message:
            return asked.pop() if asked else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                head.append(message)
            elif message["type"] == "http.response.body":
                parts.append(bytes(message.get("body", b"")))

        async def answer() -> None:
            try:
                await self._app(_scope(request), receive, send)
            except Exception:
                # An error of the pages is an answer, once they have given one.
                if not head:
                    raise

        portal().call(answer)
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head[0]["headers"]]
        content = b"" if request.method == "HEAD" else b"".join(parts)
        return httpx2.Response(head[0]["status"], headers=headers, content=content, request=request)


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
