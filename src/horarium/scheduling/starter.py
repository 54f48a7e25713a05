"""Starts claimed runs at their instants, to a fraction of a millisecond: a heap, a sleep, a hand-over."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Sequence
from itertools import count
from threading import Lock, Thread

from horarium.clock import Alarm, Clock
from horarium.errors import Conflict
from horarium.runs.launch import Assignment, Launcher

log = logging.getLogger("horarium.scheduling")

LONGEST_SLEEP_SECONDS = 1.0
DOUBT_SECONDS = 0.5
QUIET = 3_000
EARLY = 100
"""By how many microseconds a sleep usually overshoots: it is asked to end so much sooner."""
LOOKOUT = 200
_MOST_LOOKS = 4_000


class Starter:
    """Holds assignments until their instant and gives them to the launcher, never early."""

    def __init__(self, clock: Clock, launcher: Launcher) -> None:
        """Hand over to `launcher` by `clock`."""
        self._clock = clock
        self._launcher = launcher
        self._heap: list[tuple[int, int, Assignment]] = []
        self._order = count()
        self._lock = Lock()
        self._alarm = Alarm()
        self._stopping = False
        self._latest = 0
        self._thread = Thread(target=self._run, name="horarium-starter", daemon=True)
        self.worst_lag = 0
        self.may_start: Callable[[], bool] = _always
        """Whether what is held is still ours; while it is not, nothing begins."""

    def start(self) -> None:
        """Begin handing over."""
        self._thread.start()

    def add(self, claims: Sequence[tuple[int, Assignment]]) -> None:
        """Take assignments with the instants (microseconds) to start them at."""
        if not claims:
            return
        now = self._clock.micros() if self.may_start() else -1
        late = [job for at, job in claims if at <= now]
        early = [(at, next(self._order), job) for at, job in claims if at > now]
        for job in late:
            self._submit(job)
        if not early:
            return
        with self._lock:
            first = self._heap[0][0] if self._heap else None
            for entry in early:
                heapq.heappush(self._heap, entry)
            sooner = first is None or self._heap[0][0] < first
        if sooner:
            self._alarm.ring()

    def busy_for(self, now: int) -> int:
        """Return for how many microseconds from `now` a start is so near that other work would hold it up."""
        with self._lock:
            ahead = self._heap[0][0] if self._heap else 0
        near = max(at for at in (self._latest, ahead, 0) if at <= now + QUIET)
        return max(0, near + QUIET - now)

    def drop_task(self, task_id: int) -> list[tuple[int, Assignment]]:
        """Take back all assignments of a task that have not been handed over; return them with their instants."""
        with self._lock:
            gone = [(entry[0], entry[2]) for entry in self._heap if entry[2].task_id == task_id]
            if gone:
                self._heap = [entry for entry in self._heap if entry[2].task_id != task_id]
                heapq.heapify(self._heap)
        return gone

    @property
    def is_alive(self) -> bool:
        """Tell whether its thread goes round."""
        return self._thread.is_alive()

    def stop(self) -> list[Assignment]:
        """End; return what was not handed over."""
        self._stopping = True
        self._alarm.ring()
        self._thread.join(5.0)
        with self._lock:
            left = [entry[2] for entry in self._heap]
            self._heap.clear()
        return left

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._clock.wait(self._alarm, self.hand_over())
            except Exception:
                log.exception("Handing over a run failed; the others go on")

    def hand_over(self) -> float:
        """Give the launcher what is due now; return for how many seconds there is nothing to give."""
        if self._heap and not self.may_start():
            # Frozen for longer than the lease: the heartbeat finds out in a moment what is left of it.
            return DOUBT_SECONDS
        now = self._clock.micros()
        with self._lock:
            heap = self._heap
            due = []
            while heap and heap[0][0] <= now:
                due.append(heapq.heappop(heap))
            until = heap[0][0] if heap else None
        if due:
            self._latest = now
        for at, _, job in due:
            self.worst_lag = max(self.worst_lag, now - at)
            self._submit(job)
        if due:
            return 0.0
        if until is None:
            # An empty heap needs no look at the clock: whoever adds rings.
            return 3600.0
        if until - now <= LOOKOUT and self._look_out_for(until):
            return 0.0
        ahead = until - now if until - now <= EARLY else until - now - EARLY
        return min(ahead / 1_000_000, LONGEST_SLEEP_SECONDS)

    def _look_out_for(self, instant: int) -> bool:
        """Watch the clock for a moment that a sleep would miss; False if it does not come, as when the clock stands."""
        return any(self._clock.micros() >= instant for _ in range(_MOST_LOOKS))

    def _submit(self, job: Assignment) -> None:
        try:
            self._launcher.submit(job)
        except Conflict:
            # It is stopping; what stays claimed is given back at the end of it.
            log.debug("Run %d came too late to begin here", job.run_id)


def _always() -> bool:
    return True
