"""Take the calls of heartbeats: no session, no cookie, no form; an address that nobody guesses is the whole proof."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from horarium.clock import Clock
from horarium.errors import NotFound, StoreError
from horarium.records.checks import CallKind
from horarium.web import incoming
from horarium.web.gate import Gate

log = logging.getLogger("horarium.web")

WINDOW_SECONDS: Final = 10.0
MOST_OF_ADDRESS: Final = 200
MOST_OF_TOKEN: Final = 20
_MOST_KEYS: Final = 50_000
_MOST_TOKEN: Final = 64
_LARGEST_CODE: Final = 255
_KINDS: Final = {"ping": CallKind.DONE, "ping_start": CallKind.START, "ping_fail": CallKind.FAIL}


@dataclass(slots=True)
class Turnstile:
    """Counts calls of the last seconds by address and by token, in memory: cheap, and forgotten with the window."""

    clock: Clock
    _counts: dict[str, int] = field(default_factory=dict)
    _until: float = 0.0

    def admits(self, key: str, most: int) -> bool:
        """Count a call under `key`; tell whether it is among the first `most` of this window."""
        now = self.clock.monotonic()
        if now >= self._until or now < self._until - WINDOW_SECONDS or len(self._counts) > _MOST_KEYS:
            self._counts.clear()
            self._until = now + WINDOW_SECONDS
        count = self._counts[key] = self._counts.get(key, 0) + 1
        return count <= most


@dataclass(frozen=True, slots=True)
class Ping:
    """The calls of one path, as the application that Starlette calls."""

    gate: Gate
    route: str
    turnstile: Turnstile

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call, whatever its method; a body is not read."""
        response = await self._answer(scope)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        found: incoming.Incoming = scope[incoming.KEY]
        token, code = scope["path_params"]["ping"], scope["path_params"].get("code")
        if not self.turnstile.admits(found.address, MOST_OF_ADDRESS):
            return _said("too many calls", 429)
        if len(token) > _MOST_TOKEN or "\0" in token or (code is not None and code > _LARGEST_CODE):
            return _said("not found", 404)
        if not self.turnstile.admits(f"/{token}", MOST_OF_TOKEN):
            return _said("too many calls", 429)
        agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
        try:
            await self.gate.pages.call(
                *(self.gate.house.calls.take, token, _KINDS.get(self.route, CallKind.DONE)),
                exit_code=code,
                address=found.address,
                agent=_printable(agent.decode("latin-1")),
            )
        except NotFound:
            return _said("not found", 404)
        except StoreError as error:
            log.warning("A heartbeat could not be taken: %s", error)
            return _said("try again", 503)
        return _said("OK", 200)


def _said(words: str, status: int) -> Response:
    again = {"Retry-After": str(round(WINDOW_SECONDS))} if status in {429, 503} else {}
    return PlainTextResponse(f"{words}\n", status, headers=again)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:200])
