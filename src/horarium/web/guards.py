"""Stand before everything: a number for each request, the host's name, a limit on size, and headers on each answer.

Plain ASGI, so that streams pass through untouched.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from horarium.web import incoming
from horarium.web.assets import KEPT
from horarium.web.errors import Refusal
from horarium.web.incoming import Incoming
from horarium.web.services import WebSettings
from horarium.web.traffic import Traffic

log = logging.getLogger("horarium.web")

POLICY: Final = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
HSTS: Final = "max-age=31536000"
_MOST_TARGET: Final = 8192

OnError = Callable[[Scope, Exception], Awaitable[ASGIApp]]


class Guards:
    """The outermost layer of the pages."""

    def __init__(self, app: ASGIApp, *, settings: WebSettings, on_error: OnError, traffic: Traffic) -> None:
        """Guard `app`; `on_error` gives the answer to an error that nobody below has answered; `traffic` counts."""
        self._app = app
        self._settings = settings
        self._on_error = on_error
        self._traffic = traffic
        self._trusted = incoming.networks(settings.trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        found = scope[incoming.KEY] = incoming.read(scope, self._settings, self._trusted)
        answer = _Head(send, found, self._traffic, scope["method"])
        try:
            self._judge(scope)
            self._find_root(scope)
            await self._app(scope, receive, answer)
        except Exception as error:
            if answer.has_begun:
                # Too late for an answer: the connection breaks off, which a client can tell from an end.
                log.exception("request %s broke off in the middle of its answer", found.number)
                raise
            await self._answer(scope, receive, answer, error)

    def _judge(self, scope: Scope) -> None:
        incoming.judge_host(scope, self._settings)
        if not scope["path"].startswith("/") or len(scope.get("raw_path") or b"") > _MOST_TARGET:
            raise Refusal("bad_request")
        headers = Headers(scope=scope)
        if "content-length" in headers and "transfer-encoding" in headers:
            # Whoever stands before us may have read the other one, and seen another request in what follows.
            raise Refusal("bad_request")

    def _find_root(self, scope: Scope) -> None:
        """Let a proxy leave the path of the mount in the address or take it out: both are understood."""
        root = self._settings.root
        if not root:
            return
        if scope["path"] != root and not scope["path"].startswith(f"{root}/"):
            scope["path"] = root + scope["path"]
        scope["root_path"] = root

    async def _answer(self, scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
        number = scope[incoming.KEY].number
        try:
            response = await self._on_error(scope, error)
        except Exception:
            log.exception("request %s failed, and so did the page about it", number)
            response = PlainTextResponse(f"Something broke on our side. Its number is {number}.", 500)
        await response(scope, receive, send)


class _Head:
    """Add the headers that every answer carries."""

    __slots__ = ("_began", "_incoming", "_method", "_send", "_traffic", "has_begun")

    def __init__(self, send: Send, found: Incoming, traffic: Traffic, method: str) -> None:
        self._send = send
        self._traffic, self._method, self._began = traffic, method, traffic.clock.monotonic()
        self._incoming = found
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            self._traffic.note(self._method, message["status"], self._began)
            message.setdefault("headers", [])
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
            if headers["Cache-Control"] == KEPT and message["status"] not in {200, 206, 304}:
                headers["Cache-Control"] = "no-store"
            headers["X-Request-Id"] = self._incoming.number
            if self._incoming.is_https:
                headers["Strict-Transport-Security"] = HSTS
        await self._send(message)
