"""Serve drawn pages with the static files in a thread of the test, under the strict content security policy."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from horarium.web.assets import StaticAssets, version
from horarium.web.rendering import render
from horarium.web.views.shell import ViewModel

POLICY: Final = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"


class Theatre:
    """A made-up server: pages that the test sets, a stream that it writes to, and the actions that came in."""

    def __init__(self) -> None:
        """Begin with no pages."""
        self.pages: dict[str, Callable[[], ViewModel]] = {}
        self.posted: list[tuple[str, dict[str, list[str]]]] = []
        self.answer = 303
        self.back = "/"
        self.streams = 0
        self.last_event_ids: list[str | None] = []
        self.refusal = 0
        self._told: list[str] = []
        self._closing = 0

    def tell(self, event: str, data: str = "{}", number: int | None = None) -> None:
        """Send an event to the open page."""
        body = "".join(f"data: {line}\n" for line in data.splitlines())
        self._told.append(f"{'' if number is None else f'id: {number}{chr(10)}'}event: {event}\n{body}\n")

    def hang_up(self) -> None:
        """End the streams that are open."""
        self._closing += 1

    def app(self) -> Starlette:
        """Return the app; whatever is posted is noted and answered by `answer`."""
        routes = [
            Route("/page/{name}", self._page),
            Route("/events", self._stream),
            Route("/runs/{run_id:int}/log/stream", self._stream),
            Mount(f"/static/{version()}", StaticAssets()),
            Route("/{path:path}", self._post, methods=["POST"]),
            Route("/{path:path}", lambda _: Response("elsewhere")),
        ]
        return Starlette(routes=routes)

    async def _page(self, request: Request) -> Response:
        partly = "HX-Request-Type" in request.headers
        if partly and self.refusal:
            return Response("no", self.refusal)
        html = render(self.pages[request.path_params["name"]](), parts_only=partly)
        return HTMLResponse(html, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})

    async def _post(self, request: Request) -> Response:
        form = await request.form()
        self.posted.append((request.url.path, {key: [str(one) for one in form.getlist(key)] for key in form}))
        if self.answer == 303:
            return RedirectResponse(self.back, 303)
        html = render(self.pages["500"]())
        return HTMLResponse(html, self.answer, headers={"Content-Security-Policy": POLICY})

    async def _stream(self, request: Request) -> Response:
        self.last_event_ids.append(request.headers.get("last-event-id"))
        if self.refusal:
            return Response("no", self.refusal)
        self.streams += 1
        return StreamingResponse(self._events(), media_type="text/event-stream")

    async def _events(self) -> AsyncIterator[str]:
        closing = self._closing
        yield "event: tick\ndata: {}\n\n"
        while closing == self._closing:
            while self._told:
                yield self._told.pop(0)
            await asyncio.sleep(0.02)


class _Server(uvicorn.Server):
    """A server that tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@contextmanager
def served(theatre: Theatre) -> Iterator[str]:
    """Serve on a free loopback port and give the address."""
    config = uvicorn.Config(theatre.app(), host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    config.timeout_graceful_shutdown = 1
    server = _Server(config)
    thread = threading.Thread(target=server.run, name="theatre")
    thread.start()
    try:
        assert server.listens.wait(20)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        theatre.hang_up()
        server.should_exit = True
        thread.join(20)
