"""Open the streams: what happens, for every page; the lines of a run that lives, for its page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from horarium.accounts.roles import Permission
from horarium.accounts.sessions import SignedIn
from horarium.records.runs import Run
from horarium.web.access import row_for
from horarium.web.errors import Refusal
from horarium.web.forms import as_number, query_of
from horarium.web.gate import Gate
from horarium.web.judging import run_for
from horarium.web.live.listener import Listener, Log
from horarium.web.live.messages import message
from horarium.web.live.streams import EventStream
from horarium.web.threads import Threads
from horarium.web.visit import Visit

Opener = Callable[[Visit, SignedIn, Threads], Awaitable[Listener]]


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream as the application that Starlette calls: admitted like a page, then left to the hub."""

    gate: Gate
    route: str
    opener: Opener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a stream."""
        visit = self.gate.open_visit(scope, receive)
        response: ASGIApp
        try:
            who = await self.gate.pages.call(self._admit, visit)
            visit.query = query_of(visit.request)
            response = EventStream(self.gate.house.hub, await self.opener(visit, who, self.gate.pages))
        except Exception as error:  # noqa: BLE001 - every error becomes an answer
            response = await self.gate.refuse_stream(visit, error)
        await response(scope, receive, send)

    def _admit(self, visit: Visit) -> SignedIn:
        self.gate.admit(visit, row_for(self.route, "GET"))
        if visit.signed_in is None:
            raise Refusal("sign_in_first")
        return visit.signed_in


async def open_events(visit: Visit, who: SignedIn, threads: Threads) -> Listener:
    """Open the stream of what happens, from where the page left off."""
    del threads
    return await visit.house.hub.join(who, after=_last_seen(visit))


async def open_log(visit: Visit, who: SignedIn, threads: Threads) -> Listener:
    """Open the stream of a run's output, from the line after the last one that the page has."""
    run = await threads.call(_run, visit)
    attempt = visit.query.number("attempt") or max(run.attempt, 1)
    listener = await visit.house.hub.join(
        who, after=_last_seen(visit) or 0, log_of=Log(run.id, run.task_id, attempt, visit.zone)
    )
    # Looked at again now that the stream is open: what happened before that is told by nobody else.
    run = await threads.call(_run, visit)
    shown = visit.query.text("state", run.state.value)
    if not run.is_open or run.attempt > attempt or run.state.value != shown:
        # It moved on between the page and its stream: the page has to look again.
        listener.push(message("state", "{}"))
    return listener


def _run(visit: Visit) -> Run:
    with visit.house.services.store.reading() as tx:
        return run_for(visit, tx, visit.number("run_id"), Permission.RUNS_READ)[0]


def _last_seen(visit: Visit) -> int | None:
    """Return the last event or line that the page has: what it says on return, else what it was made with."""
    text = visit.request.headers.get("last-event-id", "")
    return as_number("Last-Event-ID", text) if text else visit.query.number("after")
