"""Let requests in, one way for all of them: who is it, may they, is the form theirs; only then is a page asked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from horarium.accounts.arrivals import PROXY
from horarium.accounts.roles import is_out_of_scope, least_scope, may
from horarium.accounts.sessions import SignedIn
from horarium.errors import Denied
from horarium.web import bearer, cookies, csrf, incoming, notes, one_click, proof
from horarium.web.access import BEFORE_SECOND_STEP, Door, Method, Row, Transport, row_for
from horarium.web.cookies import Jar
from horarium.web.errors import Refusal, Said, said_of, said_of_status
from horarium.web.forms import Fields, form_of, query_of
from horarium.web.frame import bare_shell, porch
from horarium.web.house import House
from horarium.web.links import is_api
from horarium.web.refusals import Refusals
from horarium.web.threads import Threads
from horarium.web.views.message import MessagePage
from horarium.web.visit import Handler, Visit

log = logging.getLogger("horarium.web")

PAGE_THREADS: Final = 32
BODY_SECONDS: Final = 30.0
DOOR_THREADS: Final = 8
"""Checking passwords has threads of its own, so that a crowd at the door keeps no page waiting."""
_ALWAYS: Final = frozenset({"health_live", "health_ready"})
OUTSIDE_THREADS: Final = 4
"""What somebody asks of other servers has few of its own: they are slow, and never many at once."""


class Gate:
    """What stands between a request and its page."""

    def __init__(self, house: House) -> None:
        """Judge by what `house` knows."""
        self.house = house
        self.refusals = Refusals(house)
        self.pages = Threads(PAGE_THREADS, "pages")
        self.door = Threads(DOOR_THREADS, "door")
        self.outside = Threads(OUTSIDE_THREADS, "outside")

    def open_visit(self, scope: Scope, receive: Receive) -> Visit:
        """Begin a visit: what the request brings, not yet who it is."""
        request = Request(scope, receive)
        found: incoming.Incoming = scope[incoming.KEY]
        settings = self.house.settings
        jar = Jar(request, found.is_https, settings.root)
        now = self.house.services.clock.now()
        asks_api = is_api(scope["path"], settings.root)
        return Visit(house=self.house, request=request, incoming=found, jar=jar, now=now, is_api=asks_api)

    def identify(self, visit: Visit) -> None:
        """Find out who asks, if that can be known: the pages look at the session alone, the API at the token."""
        if visit.is_api:
            token = bearer.token_of(visit.request)
            visit.holder = self.house.tokens.find(token, address=visit.incoming.address) if token else None
            return
        session = visit.jar.get(cookies.SESSION)
        visit.signed_in = self.house.sessions.find(session) if session else None
        if visit.signed_in and visit.signed_in.session.method == PROXY and not self._is_still_named(visit):
            visit.signed_in = None
        visit.session = session if visit.signed_in else None

    def _is_still_named(self, visit: Visit) -> bool:
        """Tell whether the proxy that signed somebody in still says that it is they who ask."""
        person = visit.incoming.person
        return bool(person) and self.house.arrivals.is_still(visit.user, person)

    def admit(self, visit: Visit, row: Row) -> None:
        """Refuse a visitor who may not use this route. Nothing else of the request has been read before this."""
        visit.row = row
        visit.is_api = row.transport is Transport.API
        if self.house.backups.is_still and row.route not in _ALWAYS:
            # Not even who asks may be asked for: the store is being replaced.
            raise Refusal("maintenance")
        self.identify(visit)
        if row.needs is Door.EVERYBODY:
            return
        if visit.caller is None:
            raise Refusal("token_needed" if row.transport is Transport.API else "sign_in_first")
        visit.is_held = visit.signed_in is not None and self._owes_second_step(visit.signed_in)
        if visit.is_held and row.route not in BEFORE_SECOND_STEP:
            raise Refusal("second_step_first")
        if isinstance(row.needs, Door) or may(visit.identity, row.needs):
            return
        if is_out_of_scope(visit.identity, row.needs):
            raise Refusal(
                "denied", f"This token may not do this; it takes one with the scope {least_scope(row.needs)}."
            )
        raise Denied("this role may not")

    def _owes_second_step(self, signed_in: SignedIn) -> bool:
        return self.house.second_step.is_overdue(signed_in.user, signed_in.session.method)

    async def perform(self, visit: Visit, row: Row, handler: Handler) -> Response:
        """Admit a visitor and ask the page, in a thread of its own."""
        if row.method == "GET":
            threads = self.door if row.asks_outside else self.pages
            return await threads.call(self._get, visit, row, handler)
        await self.pages.call(self.admit, visit, row)
        if row.one_click:
            visit.form = await self._in_time(one_click.form_of_mail(visit.request))
            if one_click.is_asked(visit.form):
                return await self.door.call(handler, visit)
        csrf.check_source(visit.request.headers, visit.incoming.host, self.house.settings)
        if not row.one_click:
            visit.form = await self._in_time(form_of(visit.request, row.many))
        token = visit.form.whole(csrf.FIELD) or visit.request.headers.get(csrf.HEADER, "")
        mark = visit.jar.get(cookies.VISIT)
        csrf.check_token(self.house.form_key, token, session=visit.session, visit=mark)
        if set(visit.form.values) - row.fields - {csrf.FIELD} - (proof.FIELDS if row.fresh else set()):
            raise Refusal("unknown_field")
        if row.fresh:
            # Who waits for another server keeps nobody from signing in.
            threads = self.outside if row.asks_outside else self.door
            return await threads.call(proof.ask_with_proof, visit, row, handler)
        threads = self.door if row.needs is Door.EVERYBODY else self.outside if row.asks_outside else self.pages
        return await threads.call(handler, visit)

    async def _in_time(self, reading: Awaitable[Fields]) -> Fields:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await reading
        except TimeoutError:
            raise Refusal("bad_request", "The form took too long to arrive.") from None

    def _get(self, visit: Visit, row: Row, handler: Handler) -> Response:
        self.admit(visit, row)
        visit.query = query_of(visit.request, row.many)
        visit.notices = notes.unseal(self.house.note_key, visit.jar.get(cookies.NOTE), visit.session)
        return handler(visit)

    async def refuse(self, visit: Visit, error: Exception) -> Response:
        """Answer an error."""
        said = said_of_status(error.status_code) if isinstance(error, HTTPException) else said_of(error)
        if said.is_ours:
            log.error("request %s failed: %s", visit.incoming.number, said.code, exc_info=error)
        if said.code == "sign_in_first" and visit.request.method in {"GET", "HEAD"} and not visit.wants_json:
            return self._to_login(visit)
        if said.code == "second_step_first" and visit.request.method in {"GET", "HEAD"} and not visit.wants_json:
            return visit.go(visit.links.to("second_step"), status=302)
        response = self._as_json(visit, said) if visit.wants_json else self._as_page(visit, said)
        response.headers["X-Error"] = said.code
        proof.keep_session(visit, response)
        self.refusals.after(response, visit, error)
        if said.retry_seconds is not None:
            response.headers["Retry-After"] = str(max(1, said.retry_seconds))
        if isinstance(error, HTTPException) and error.headers:
            response.headers.update(error.headers)
        if said.code == "maintenance":
            # Whoever waits finds out by themselves when it is over, without a script, too.
            response.headers["Refresh"] = "5"
        if said.code == "token_needed":
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    async def refuse_stream(self, visit: Visit, error: Exception) -> Response:
        """Answer an error where a stream was asked for: never by the way to another page."""
        if isinstance(error, Refusal) and error.web_code in {"sign_in_first", "second_step_first"}:
            return self._as_json(visit, said_of(error))
        return await self.refuse(visit, error)

    async def stray(self, scope: Scope, receive: Receive, error: Exception) -> Response:
        """Answer an error of a request that reached no page, with the frame of whoever is signed in."""
        visit = self.open_visit(scope, receive)
        if not isinstance(error, Refusal) and not visit.is_api:
            await self.pages.call(self._identify_if_possible, visit)
        return await self.refuse(visit, error)

    def _identify_if_possible(self, visit: Visit) -> None:
        try:
            self.identify(visit)
        except Exception:
            # The page about an error must not need what may have caused it.
            log.warning("request %s: nobody could be asked who is signed in", visit.incoming.number, exc_info=True)

    def _to_login(self, visit: Visit) -> Response:
        url = visit.request.url
        wanted = url.path + (f"?{url.query}" if url.query else "")
        login = visit.links.to("login")
        overview = visit.links.to("overview")
        there = login if wanted in {overview, overview.rstrip("/")} else f"{login}?{urlencode({'next': wanted})}"
        return visit.go(there, status=302)

    def _as_json(self, visit: Visit, said: Said) -> Response:
        error = {"code": said.code, "message": said.text, "request": visit.incoming.number}
        return JSONResponse({"error": error}, said.answer.status)

    def _as_page(self, visit: Visit, said: Said) -> Response:
        answer = said.answer
        is_get = visit.request.method == "GET"
        page = MessagePage(
            shell=bare_shell(visit) if visit.signed_in else porch(visit),
            title=answer.title,
            text=said.text,
            code=answer.status,
            art=answer.art,
            number="" if answer.status == 404 else visit.incoming.number,
            retry=visit.request.url.path if is_get and answer.status >= 500 else "",
        )
        return visit.show(page, status=answer.status)


@dataclass(frozen=True, slots=True)
class Page:
    """The pages of one path, by method, as the application that Starlette calls."""

    gate: Gate
    route: str
    handlers: Mapping[Method, Handler]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        method: Method = "POST" if scope["method"] == "POST" else "GET"
        visit = self.gate.open_visit(scope, receive)
        response: ASGIApp
        try:
            row = row_for(self.route, method)
            response = await self.gate.perform(visit, row, self.handlers[method])
        except Exception as error:  # noqa: BLE001 - every error becomes an answer, here with the visitor known
            response = await self.gate.refuse(visit, error)
        await response(scope, receive, send)
