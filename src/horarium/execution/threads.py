"""The launcher: a fixed number of slots, threads of this program, that perform what they are given."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from horarium.clock import Clock, SystemClock
from horarium.errors import Conflict
from horarium.execution.attempt import Ending, LiveAttempt, Outcome, Services
from horarium.execution.capture import CAPTURE
from horarium.execution.keyrings import KeyringSource
from horarium.execution.kinds.python import PythonKind
from horarium.execution.pipeline import Performers, Pipeline, report
from horarium.execution.slots import Inbox, Slot
from horarium.execution.watchdog import Watchdog
from horarium.runs.launch import Assignment, Reporter
from horarium.runs.output import CAP_BYTES, Flusher
from horarium.runs.registry import Registry
from horarium.states import RunState
from horarium.store.port import Store

if TYPE_CHECKING:
    from horarium.records.people import Persona
    from horarium.records.secrets import Keyring

PATIENCE_SECONDS = 5.0
"""How long a thread may take to end after it was asked to, before its slot is given to somebody else."""
STOPPING = Ending(RunState.INTERRUPTED, "the program was stopped")
_STOP_PATIENCE_SECONDS = 1.0
_STOP_EXTRA_SECONDS = 8.0
_POLL_SECONDS = 0.01


def _read_persona(store: Store, user_id: int) -> Persona:
    from horarium.execution.persons import read_persona  # noqa: PLC0415

    return read_persona(store, user_id)


class ThreadLauncher:
    """Perform assignments in up to `slots` threads; commands and isolated functions are waited for in one each.

    `performers` are what does not run inside this process; without them such tasks fail. Threads are started when
    they are needed and do not keep the program alive. `store` is what tasks that look after it work on; with it,
    `keyring` opens the credentials that tasks ask for.
    """

    def __init__(
        self,
        slots: int,
        reporter: Reporter,
        clock: Clock | None = None,
        registry: Registry | None = None,
        *,
        performers: Performers | None = None,
        cap_bytes: int = CAP_BYTES,
        store: Store | None = None,
        keyring: Keyring | None = None,
    ) -> None:
        self._slots_wanted = slots
        self._clock = SystemClock() if clock is None else clock
        self._watchdog = Watchdog(self._clock, self._sweep)
        self._flusher = Flusher()
        source_for = None if keyring is None or store is None else partial(KeyringSource, keyring, store)
        persona = None if store is None else partial(_read_persona, store)
        self._services = Services(
            *(self._clock, reporter, self._watchdog, self._flusher, cap_bytes, store),
            source_for=source_for,
            persona=persona,
        )
        self._performers = Performers() if performers is None else performers
        self._pipeline = Pipeline(PythonKind(Registry() if registry is None else registry), self._performers)
        self._inbox = Inbox()
        self._slots = self._inbox.slots
        self._lock = threading.Lock()
        self._is_stopping = False
        self._stopper = 0
        self._stop_at = float("inf")
        self._stopped = threading.Event()
        self.given_back: tuple[Assignment, ...] = ()
        """After `stop`: what had been accepted and never begun; nothing is reported about it."""
        CAPTURE.install()

    @property
    def slots(self) -> int:
        """Return how many assignments it performs side by side."""
        return self._slots_wanted

    def submit(self, assignment: Assignment) -> None:
        """Take an assignment; it waits inside when all slots are busy. Raises `Conflict` once it is stopping."""
        self._refuse_when_stopping()
        self._inbox.waiting[assignment.run_id] = assignment
        self._inbox.queue.put(assignment)
        if len(self._slots) < self._slots_wanted:
            self._grow()

    def submit_many(self, assignments: Iterable[Assignment]) -> None:
        """Take several assignments, in order."""
        for assignment in assignments:
            self.submit(assignment)

    def cancel(self, run_id: int, cause: str) -> bool:
        """Ask the attempt of this run to end, waiting inside or under way; tell whether it was here."""
        ending = Ending(RunState.CANCELLED, cause)
        assignment = self._inbox.waiting.pop(run_id, None)
        if assignment is not None:
            live = LiveAttempt(assignment, self._services)
            outcome = Outcome(ending.state, cause=cause, can_retry=False)
            report(self._services.reporter, assignment, live.complete(outcome))
            return True
        for slot in tuple(self._slots):
            there = slot.live
            if there is None or there.assignment.run_id != run_id:
                continue
            # One that is just being reported may still be there beside the next attempt of its run.
            if slot.ask_to_end(there, ending, PATIENCE_SECONDS):
                return True
        return False

    def stop(self, grace_seconds: float) -> None:
        """Take nothing new, give back what has not begun, wait up to the grace, then end what is left.

        A second call, also from a signal handler during the first, can only shorten the grace. Returns when all is
        over.
        """
        self._stop_at = min(self._stop_at, self._clock.monotonic() + grace_seconds)
        if self._is_stopping:
            # A signal handler interrupts the very thread that waits: the wait goes on with the new deadline.
            if self._stopper != threading.get_ident():
                self._stopped.wait()
            return
        self._stopper = threading.get_ident()
        self._is_stopping = True
        self._give_back()
        self._wait_for_end()
        self._close()
        self._stopped.set()

    def _refuse_when_stopping(self) -> None:
        if self._is_stopping:
            raise Conflict("the launcher is stopping and takes nothing new")

    def _grow(self) -> None:
        """Start another slot if more waits than there are idle ones."""
        with self._lock:
            idle = sum(slot.live is None for slot in self._slots)
            if len(self._slots) < self._slots_wanted and idle < len(self._inbox.waiting):
                self._add_slot()

    def _add_slot(self) -> None:
        self._watchdog.start()
        self._flusher.start()
        slot = Slot(self._inbox, self._pipeline, self._services, self._replace)
        self._slots.append(slot)
        slot.start()

    def _replace(self, slot: Slot) -> None:
        """Put a new slot in the place of one that is used up."""
        with self._lock:
            if slot in self._slots:
                self._slots.remove(slot)
                if not self._is_stopping:
                    self._add_slot()

    def _sweep(self, now: float) -> float | None:
        """Let go of attempts beyond their time limit; return the next limit."""
        soonest: float | None = None
        for slot in tuple(self._slots):
            live = slot.live
            if live is None or live.deadline is None or not live.is_watched:
                continue
            if live.deadline <= now:
                slot.abandon(live)
            elif soonest is None or live.deadline < soonest:
                soonest = live.deadline
        return soonest

    def _give_back(self) -> None:
        given_back: list[Assignment] = []
        while self._inbox.waiting:
            try:
                given_back.append(self._inbox.waiting.popitem()[1])
            except KeyError:
                # A slot took the last one in this moment.
                break
        self.given_back = tuple(reversed(given_back))

    def _wait_for_end(self) -> None:
        while self._is_busy() and self._clock.monotonic() < self._stop_at:
            self._stopped.wait(_POLL_SECONDS)
        for slot in tuple(self._slots):
            live = slot.live
            if live is not None:
                slot.ask_to_end(live, STOPPING, _STOP_PATIENCE_SECONDS)
        give_up_at = self._clock.monotonic() + _STOP_EXTRA_SECONDS
        while self._is_busy() and self._clock.monotonic() < give_up_at:
            self._stopped.wait(_POLL_SECONDS)

    def _is_busy(self) -> bool:
        return any(slot.live is not None for slot in tuple(self._slots))

    def _close(self) -> None:
        with self._lock:
            slots = tuple(self._slots)
        for _ in slots:
            self._inbox.queue.put(None)
        for slot in slots:
            slot.join(1.0)
        self._watchdog.stop()
        self._flusher.stop()
        CAPTURE.remove()
        self._performers.on_stop()
