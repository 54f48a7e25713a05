"""Serve all open streams of this process from one loop, which sleeps while there are none."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Final

from horarium.accounts.roles import Permission, may, may_with
from horarium.accounts.sessions import Sessions, SignedIn
from horarium.clock import Clock
from horarium.errors import StoreError
from horarium.records.reach import NOWHERE
from horarium.records.runs import Event
from horarium.store.port import Store
from horarium.web.errors import Refusal
from horarium.web.live.listener import Listener, Log
from horarium.web.live.looking import Sight, is_seen, latest, look, missed
from horarium.web.live.messages import line_of, message, messages
from horarium.web.rendering import render_lines
from horarium.web.threads import Threads

log = logging.getLogger("horarium.web.live")

EVERY_SECONDS: Final = 0.4
BLIND_SECONDS: Final = 30.0
"""Streams end when for so long nobody could be asked whether their people may still read."""
PER_SESSION, PER_USER, PER_PROCESS = 6, 20, 1000


class Hub:
    """The open streams of this process."""

    def __init__(self, store: Store, clock: Clock, sessions: Sessions) -> None:
        """Look into `store` for all streams together."""
        self._store = store
        self._clock = clock
        self._sessions = sessions
        self._listeners: set[Listener] = set()
        self._loop: asyncio.Task[None] | None = None
        self._cursor = 0
        self._seen_at = 0.0
        self._stopped = False
        self._threads = Threads(2, "live")

    @property
    def open_streams(self) -> int:
        """Return how many streams are open."""
        return len(self._listeners)

    async def join(self, who: SignedIn, *, after: int | None, log_of: Log | None = None) -> Listener:
        """Open a stream for somebody. `after` is the last event, or line of the log, that the page has had.

        Raises `Refusal` when too many are open.
        """
        self._refuse_too_many(who)
        listener = Listener(session=who.session.key, user_id=who.user.id, after=after or 0, log=log_of)
        self._listeners.add(listener)
        try:
            await self._catch_up(listener, who, after)
        except BaseException:
            self._listeners.discard(listener)
            raise
        if self._stopped:
            listener.end()
        return listener

    def leave(self, listener: Listener) -> None:
        """Close a stream whose reader has gone."""
        self._listeners.discard(listener)

    def stop(self) -> None:
        """End all streams at once and let no new one stay: the server is going down."""
        self._stopped = True
        for listener in self._listeners:
            listener.end()

    def _refuse_too_many(self, who: SignedIn) -> None:
        per_session = Counter(each.session for each in self._listeners)
        per_user = Counter(each.user_id for each in self._listeners)
        if (
            per_session[who.session.key] >= PER_SESSION
            or per_user[who.user.id] >= PER_USER
            or len(self._listeners) >= PER_PROCESS
        ):
            raise Refusal("too_many_streams")

    async def _catch_up(self, listener: Listener, who: SignedIn, after: int | None) -> None:
        """Tell a returning page what it missed, and see that the loop runs."""
        if self._loop is None or self._loop.done():
            self._cursor = await self._threads.call(latest, self._store)
            self._seen_at = self._clock.monotonic()
            self._loop = asyncio.create_task(self._run())
        if listener.log is None and after is not None and after < self._cursor:
            events, more = await self._threads.call(missed, self._store, after, who.identity.reach)
            told = [message("resync", "{}", number=self._cursor)] if more else messages(events)
            for each in told:
                listener.push(each)

    async def _run(self) -> None:
        while self._listeners and not self._stopped:
            try:
                await self._once()
            except StoreError as error:
                log.warning("open pages get nothing new for the moment: %s", error)
                if self._clock.monotonic() - self._seen_at > BLIND_SECONDS:
                    self._end_all()
            except Exception:
                log.exception("open pages could not be told what happened; they are asked to come back")
                self._end_all()
            await asyncio.sleep(EVERY_SECONDS)

    async def _once(self) -> None:
        listeners = list(self._listeners)
        wanted: dict[tuple[int, int], int] = {}
        for listener in listeners:
            if listener.log is not None:
                key = (listener.log.run_id, listener.log.attempt)
                wanted[key] = min(listener.after, wanted.get(key, listener.after))
        keys = {listener.session for listener in listeners}
        tasks = {listener.log.task_id for listener in listeners if listener.log is not None}
        sight = await self._threads.call(self._look, keys, wanted, tasks)
        self._seen_at = self._clock.monotonic()
        if sight.events:
            self._cursor = sight.events[-1].id
        self._tell(listeners, sight)

    def _look(self, keys: set[str], wanted: dict[tuple[int, int], int], tasks: set[int]) -> Sight:
        return look(self._store, self._sessions, keys=keys, cursor=self._cursor, wanted=wanted, also=tasks)

    def _tell(self, listeners: list[Listener], sight: Sight) -> None:
        for_all = messages(sight.events)
        for listener in listeners:
            who = sight.people.get(listener.session)
            if who is None or not _may_read(who, listener, sight):
                listener.end()
            elif listener.log is None:
                for each in for_all if who.identity.reach.everything else _messages_for(who, sight):
                    listener.push(each)
            else:
                self._tell_log(listener, listener.log, sight)

    def _tell_log(self, listener: Listener, wanted: Log, sight: Sight) -> None:
        lines = [line for line in sight.lines.get((wanted.run_id, wanted.attempt), ()) if line.number > listener.after]
        if lines:
            listener.after = lines[-1].number
            html = render_lines([line_of(line) for line in lines], wanted.zone)
            listener.push(message("line", html, number=listener.after))
        if any(_concerns(event, wanted.run_id) for event in sight.events):
            listener.push(message("state", "{}"))

    def _end_all(self) -> None:
        for listener in self._listeners:
            listener.end()


def _may_read(who: SignedIn, listener: Listener, sight: Sight) -> bool:
    if listener.log is None:
        return may(who.identity, Permission.TASKS_READ)
    place = sight.places.get(listener.log.task_id, NOWHERE)
    if who.identity.reach.everything:
        return may(who.identity, Permission.RUNS_READ)
    return listener.log.task_id in sight.places and may_with(who.identity, Permission.RUNS_READ, place)


def _messages_for(who: SignedIn, sight: Sight) -> list[bytes]:
    reach = who.identity.reach
    return messages([each for each in sight.events if is_seen(each, reach, sight.places, sight.planned)])


def _concerns(event: Event, run_id: int) -> bool:
    return event.run_id == run_id and event.kind.startswith("run.")
