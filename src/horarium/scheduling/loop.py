"""The loop around the tick: knows when something is due, wakes for it, and is not stopped by anything that fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from threading import Thread
from typing import Any

from horarium.clock import Alarm, Clock
from horarium.errors import StoreError
from horarium.runs.launch import Launcher
from horarium.scheduling.claims import LEAD, Claimer, Claims
from horarium.scheduling.compiled import CompiledTasks
from horarium.scheduling.hold import held
from horarium.scheduling.starter import Starter
from horarium.scheduling.tick import Ticker
from horarium.states import EventKind
from horarium.store.books.agenda import AgendaBook
from horarium.store.books.events import EventBook
from horarium.store.books.runs import HoldingBook
from horarium.store.port import Store

log = logging.getLogger("horarium.scheduling")

WAKE_BEFORE = 100_000
READ_AHEAD = 5_000_000
COMPILE_AT_ONCE = 40
POLL_SECONDS = 1.0
LOOK_SECONDS = 5.0
JUMP = 1_000_000


class Loop:
    """Runs ticks for one node until it is stopped. Times in microseconds."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        ticker: Ticker,
        claimer: Claimer,
        starter: Starter,
        launcher: Launcher,
        compiled: CompiledTasks,
        known: Mapping[str, Any],
    ) -> None:
        """Tick `store` by `clock`."""
        self._store = store
        self._clock = clock
        self._ticker = ticker
        self._claimer = claimer
        self._starter = starter
        self._launcher = launcher
        self._compiled = compiled
        self._known = known
        self._alarm = Alarm()
        self._stopping = False
        self._first: int | None = None
        self._waiting: int | None = None
        self._resume_at = 0
        self._mark: int | None = None
        self._looked = 0.0
        self._stale = True
        self._read_ahead_to = 0
        self._unread: list[tuple[int, int]] = []
        self._has_yielded = False
        self._is_held = True
        self._wall, self._steady = clock.micros(), clock.monotonic()
        self._thread = Thread(target=self._run, name="horarium-loop", daemon=True)
        self.node_id = -1
        self.worst_lag = 0
        self.turned = clock.monotonic()
        """When it last came round, in seconds of the steady clock."""
        self.may_work: Callable[[], bool] = _always
        self.on_commit: Callable[[], None] = _nothing

    def start(self) -> None:
        """Begin ticking in a thread of its own."""
        self._thread.start()

    def wake(self) -> None:
        """Look again at once: something has changed."""
        self._stale = True
        self._claimer.backlog = True
        self._alarm.ring()

    def resume(self) -> None:
        """Look at once at what was put off: a run has ended."""
        self._resume_at = 0
        self._alarm.ring()

    def stop(self, *, wait: bool = True) -> None:
        """End ticking; once that has happened, which is waited for unless told otherwise, it claims no run."""
        self._stopping = True
        self._alarm.ring()
        if wait:
            self._thread.join(20.0)

    @property
    def is_alive(self) -> bool:
        """Tell whether the loop goes round."""
        return self._thread.is_alive()

    def _run(self) -> None:
        pause = 0.1
        while not self._stopping:
            try:
                seconds = self.turn()
                self.turned = self._clock.monotonic()
                self._clock.wait(self._alarm, seconds)
                pause = 0.1
            except StoreError as error:
                # It goes round, though it does no work: whoever cannot reach the store is told elsewhere.
                self.turned = self._clock.monotonic()
                log.warning("The store does not serve now (%s); due work waits, trying again in %.1f s", error, pause)
                self._clock.wait(self._alarm, pause)
                pause, self._stale = min(pause * 2, 5.0), True
            except Exception:
                log.exception("A tick failed; the loop goes on")
                self._clock.wait(self._alarm, pause)
                pause, self._stale = min(pause * 2, 5.0), True

    def turn(self) -> float:
        """Do what is to be done now; return for how many seconds there is nothing to do."""
        now = self._clock.micros()
        self._watch_clock(now)
        if not self.may_work():
            return POLL_SECONDS
        if not self._stale:
            self._notice_others()
        if self._is_held and self._looks_held():
            return POLL_SECONDS
        busy = self._starter.busy_for(now)
        if busy and (self._has_time(now) or not self._has_yielded):
            # A tick holds the interpreter for milliseconds; a start that is moments away goes first.
            self._has_yielded = not self._has_time(now)
            return busy / 1_000_000
        self._has_yielded = False
        if self._stale or self._is_unread(now):
            self._look(now)
        waits = self._waiting is not None and self._waiting <= now + LEAD and self._claimer.room > 0
        more = False
        if self._first is not None and self._first <= now + LEAD and self._resume_at <= now:
            more = self._tick(now, waits=waits)
        elif waits:
            self._claim_waiting(now)
        if more or self._stale:
            return 0.0
        if self._unread:
            self._compile_some()
            return min(self._pause(), 0.001)
        return self._pause()

    def _looks_held(self) -> bool:
        """Tell whether a restore holds all schedules; once free, they are so for good."""
        if self._stale:
            # Said before looking: news that comes meanwhile must not be missed.
            self._stale = False
            with self._store.reading() as tx:
                self._is_held = held(tx).plans_nothing
            if not self._is_held:
                # What else is new is looked at when nothing is held any more.
                self._stale = True
        return self._is_held

    def _has_time(self, now: int) -> bool:
        edge = now + WAKE_BEFORE // 2
        return not any(at is not None and at <= edge for at in (self._first, self._waiting))

    def _tick(self, now: int, *, waits: bool) -> bool:
        claimer = self._claimer
        # Said before looking: an end that comes meanwhile must not be missed.
        claimer.is_short, self._resume_at = True, now + LEAD - WAKE_BEFORE
        claims: Claims = []
        crowd = claimer.crowd()
        with self._store.transaction() as tx:
            if waits:
                claimer.backlog = True
                claims = claimer.claim(tx, 0, crowd=crowd)
            # What was just claimed was asked for: nothing is held.
            claimer.is_held = claimer.is_held or (not claims and held(tx).starts_nothing)
            room = claimer.room - len(claims) if claimer.is_open else 0
            harvest = self._ticker.tick(tx, now, now + LEAD, room=room, known=self._known, crowd=crowd)
            if harvest.queued:
                claimer.backlog = True
                claims += claimer.claim(tx, -len(claims) - len(harvest.claimed), crowd=crowd)
            self._first = AgendaBook(tx).first(known=self._known)
            self._waiting = AgendaBook(tx).first_waiting(now + LEAD if waits else -1)
        claimer.take(harvest.claimed + claims)
        for run_id in harvest.replaced:
            self._launcher.cancel(run_id, "replaced by a newer run")
        self.worst_lag = max(self.worst_lag, harvest.planned_late)
        self.on_commit()
        if harvest.put_off is None:
            claimer.is_short, self._resume_at = False, 0
            return harvest.more or (self._first is not None and self._first <= now + LEAD)
        self._resume_at = min(self._resume_at, harvest.put_off)
        return False

    def _claim_waiting(self, now: int) -> None:
        self._claimer.backlog = True
        with self._store.transaction() as tx:
            claims = self._claimer.claim(tx, 0)
            # What stays waiting is blocked: the end of a run, or news from elsewhere, looks at it again.
            self._waiting = AgendaBook(tx).first_waiting(now + LEAD)
        self._claimer.claimed(claims)
        if claims:
            self.on_commit()

    def _look(self, now: int) -> None:
        self._stale = False
        with self._store.reading() as tx:
            self._first = AgendaBook(tx).first(known=self._known)
            self._waiting = AgendaBook(tx).first_waiting()
            asked = HoldingBook(tx).cancel_asked(self.node_id)
            self._claimer.is_held = held(tx).starts_nothing
            self._read_ahead(tx, now)
        for run_id, actor in asked:
            self._cancel(run_id, actor)

    def _read_ahead(self, tx: Any, now: int) -> None:
        """Note what comes soon and is not compiled, so that a burst finds it ready."""
        self._read_ahead_to = now + READ_AHEAD
        soon = AgendaBook(tx).upcoming(self._read_ahead_to, most=5000)
        self._unread = [pair for pair in soon if not self._compiled.has(*pair)]

    def _compile_some(self) -> None:
        """Compile a little of it: more at a stretch would hold the interpreter while something is to start."""
        some, self._unread = self._unread[:COMPILE_AT_ONCE], self._unread[COMPILE_AT_ONCE:]
        with self._store.reading() as tx:
            self._compiled.get(tx, some)

    def _is_unread(self, now: int) -> bool:
        return self._first is not None and self._read_ahead_to < self._first <= now + READ_AHEAD

    def _cancel(self, run_id: int, actor: str) -> None:
        self._launcher.cancel(run_id, f"cancelled by {actor}")

    def _notice_others(self) -> None:
        mark = self._store.change_mark()
        steady = self._clock.monotonic()
        # Where no mark can be compared, announcements wake us; a slow look beside them finds what they missed.
        if mark != self._mark or (mark is None and steady - self._looked >= LOOK_SECONDS):
            self._mark = mark
            self._looked = steady
            self._stale = True
            self._claimer.backlog = True

    def _pause(self) -> float:
        now = self._clock.micros()
        until = now + int(POLL_SECONDS * 1_000_000)
        if self._first is not None:
            until = min(until, max(self._first - WAKE_BEFORE, self._resume_at))
        if self._waiting is not None and self._claimer.room > 0:
            until = min(until, max(self._waiting - WAKE_BEFORE, now + 20_000))
        return max(until - now, 0) / 1_000_000

    def _watch_clock(self, now: int) -> None:
        """Notice when the wall clock was set: what is due is read anew, and the jump is written down."""
        steady = self._clock.monotonic()
        jumped = (now - self._wall) - int((steady - self._steady) * 1_000_000)
        self._wall, self._steady = now, steady
        if abs(jumped) < JUMP:
            return
        self._stale = True
        log.warning("The clock of this machine was set %+.1f s; schedules follow the new time", jumped / 1_000_000)
        with self._store.transaction() as tx:
            EventBook(tx).append(EventKind.CLOCK_JUMPED, at=now, body={"seconds": jumped / 1_000_000})


def _always() -> bool:
    return True


def _nothing() -> None:
    return None
