"""One slot of a launcher: a long-lived thread that performs attempts, and the way to make it let go of one."""

from __future__ import annotations

import logging
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from horarium.execution.attempt import Ending, LiveAttempt, Services
from horarium.execution.capture import CAPTURE
from horarium.execution.interrupts import TaskCancelled, TaskInterrupt, TaskTimeout, strike
from horarium.execution.pipeline import Pipeline, report
from horarium.records.runs import Failure
from horarium.runs.launch import Assignment
from horarium.states import RunState

STRUCK = Ending(RunState.CANCELLED, "it was asked to end")

log = logging.getLogger("horarium.execution")


@dataclass(slots=True)
class Inbox:
    """What waits for a free slot.

    `waiting` says which assignments are still wanted: who takes one out of it owns it. The queue only wakes the
    slots; None in it ends one. `slots` are all slots there are at present.
    """

    queue: queue.SimpleQueue[Assignment | None] = field(default_factory=queue.SimpleQueue)
    waiting: dict[int, Assignment] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)


class Slot:
    """A thread that takes assignments from the inbox one after the other.

    A slot that had to interrupt its thread is used up: it calls `replace` and ends.
    """

    def __init__(self, inbox: Inbox, pipeline: Pipeline, services: Services, replace: Callable[[Slot], None]) -> None:
        self._inbox = inbox
        self._pipeline = pipeline
        self._services = services
        self._replace = replace
        self._lock = threading.Lock()
        self.live: LiveAttempt | None = None
        """The attempt under way."""
        self._thread = threading.Thread(target=self._run, name="horarium-slot", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait for the end of the thread, not longer than this."""
        self._thread.join(seconds)

    def ask_to_end(self, live: LiveAttempt, ending: Ending, patience_seconds: float) -> bool:
        """Ask the attempt to end; let go of it when a thread has not ended after the patience. Tell if it was here."""
        services = self._services
        with self._lock:
            if live.is_over or live.is_abandoned:
                return False
            if live.ending is None:
                live.ending = ending
            if live.is_watched:
                deadline = services.clock.monotonic() + patience_seconds
                live.deadline = deadline if live.deadline is None else min(deadline, live.deadline)
            self._interrupt(live, TaskCancelled)
        services.watchdog.expect(live.deadline)
        return True

    def abandon(self, live: LiveAttempt) -> None:
        """Report the attempt as ended without waiting for its thread any longer, and put a new slot in its place."""
        with self._lock:
            if live.is_over or live.is_abandoned:
                return
            live.is_abandoned = True
            failure = None
            if live.ending is None:
                live.ending = live.limit_ending()
                failure = Failure("TaskTimeout", live.ending.cause, self._stack())
            self._interrupt(live, TaskTimeout)
            outcome = live.ended(live.ending, failure)
        self._replace(self)
        report(self._services.reporter, live.assignment, live.complete(outcome))

    def _interrupt(self, live: LiveAttempt, kind: type[TaskInterrupt]) -> None:
        ender = live.ender
        if ender is not None:
            ender()
        elif live.is_open and not live.is_struck and self._thread.ident is not None:
            live.is_struck = True
            strike(self._thread.ident, kind)

    def _stack(self) -> str:
        """Return where the thread is now: that is where its time went."""
        frames = sys._current_frames()  # noqa: SLF001 -- the documented way to another thread's frames
        frame = frames.get(self._thread.ident or 0)
        return "" if frame is None else "".join(traceback.format_stack(frame)[-20:])

    def _run(self) -> None:
        while True:
            assignment = self._inbox.queue.get()
            if assignment is None:
                return
            live = self._claim(assignment)
            if live is not None and not self._carry_out(live):
                return

    def _claim(self, assignment: Assignment) -> LiveAttempt | None:
        """Take the assignment out of the waiting ones; None if somebody else has done so."""
        # Seen as under way before it stops waiting: a cancel finds it in at least one of the two places.
        live: LiveAttempt | None
        live = self.live = LiveAttempt(assignment, self._services)
        mine = self._inbox.waiting.pop(assignment.run_id, None)
        if mine is not assignment:
            # A cancelled attempt leaves its place in the queue to a later one of the same run.
            live = self.live = None if mine is None else LiveAttempt(mine, self._services)
        return live

    def _carry_out(self, live: LiveAttempt) -> bool:
        """Perform and report; tell whether the slot can go on."""
        CAPTURE.check(self._is_alone)
        try:
            outcome = self._pipeline.perform(live)
            is_mine = self._finish(live)
        except TaskInterrupt:
            # It came between two steps of ours. There is only one for each attempt, so this is the last of it.
            outcome = live.ended(live.ending or STRUCK)
            is_mine = self._finish(live)
        if live.is_struck:
            _absorb()
        if not is_mine:
            log.warning(
                "Run %d, attempt %d ended late (%s); it had been given up already",
                live.assignment.run_id,
                live.assignment.attempt,
                outcome.state,
            )
            return False
        if live.ending is not None and outcome.state is not live.ending.state:
            outcome = live.ended(live.ending, outcome.failure, outcome.exit_code)
        completion = live.complete(outcome)
        report(self._services.reporter, live.assignment, completion)
        self.live = None
        if live.is_struck:
            self._replace(self)
        return not live.is_struck

    def _is_alone(self) -> bool:
        return all(slot is self or slot.live is None for slot in tuple(self._inbox.slots))

    def _finish(self, live: LiveAttempt) -> bool:
        """Take the attempt out of everybody else's reach; False if it has been abandoned."""
        while True:
            try:
                with self._lock:
                    live.is_over = True
                    return not live.is_abandoned
            except TaskInterrupt:
                # It came after the task's own code was through: the answer is the same.
                continue


def _absorb() -> None:
    """Let an exception that was sent to this thread arrive here, where it does no harm.

    It arrives at the next step of Python code; a task that ended just before, or caught it, leaves this open.
    """
    try:
        for _ in range(1000):
            _step()
    except TaskInterrupt:
        return


def _step() -> None:
    return
