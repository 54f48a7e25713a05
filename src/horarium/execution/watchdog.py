"""One thread that wakes at the next time limit, and never while there is none near."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable

from horarium.clock import Alarm, Clock

_FAR_SECONDS = 3600.0
log = logging.getLogger("horarium.execution")


class Watchdog:
    """Call `sweep` at each deadline; it deals with what is overdue and returns the next deadline, if any.

    Deadlines are never taken back: a sweep that finds nothing overdue costs less than keeping a list would cost each
    run.
    """

    def __init__(self, clock: Clock, sweep: Callable[[float], float | None]) -> None:
        self._clock = clock
        self._sweep = sweep
        self._alarm = Alarm()
        self._wakes_at = math.inf
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_stopped = False

    def expect(self, deadline: float | None) -> None:
        """Be awake at `deadline` (monotonic seconds)."""
        if deadline is not None and deadline < self._wakes_at:
            self._alarm.ring()

    def start(self) -> None:
        """Start the thread, if it is not there yet.

        This is not left to the first deadline: that is set by a thread that may be interrupted at any moment, which
        must not be the moment in which it starts another one.
        """
        with self._starting:
            if self._thread is None and not self._is_stopped:
                self._thread = threading.Thread(target=self._run, name="horarium-watchdog", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._is_stopped = True
        self._alarm.ring()
        with self._starting:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while not self._is_stopped:
            # First infinite, then swept: whoever sets a deadline meanwhile rings the bell.
            self._wakes_at = math.inf
            now = self._clock.monotonic()
            soonest = self._swept(now)
            if soonest is not None:
                self._wakes_at = soonest
            self._clock.wait(self._alarm, _FAR_SECONDS if soonest is None else max(soonest - now, 0.0))

    def _swept(self, now: float) -> float | None:
        try:
            return self._sweep(now)
        except Exception:
            # Without this thread no time limit would hold any more.
            log.exception("Looking for attempts beyond their time limit failed")
            return now + 1
