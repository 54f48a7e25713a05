"""Read which runs have ended and tell the collector of each, once; what waits for it stays in the store."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from horarium.clock import Alarm, Clock
from horarium.errors import StoreError
from horarium.records.traces import TracedRun
from horarium.store.books.events import EventBook
from horarium.store.books.traces import TraceBook
from horarium.store.books.watching import MarkBook
from horarium.store.port import Store, Transaction
from horarium.traces.course import Course, course_of

log = logging.getLogger("horarium.traces")

LOOK_EVERY_SECONDS: Final = 2.0
MOST_RUNS: Final = 100
"""How many runs one delivery tells of, and how many are ever in memory."""
KEEP_SECONDS: Final = 86_400
"""How long after its end a run is still told of, when the collector was away."""
FIRST_PAUSE_SECONDS: Final = 2.0
LONGEST_PAUSE_SECONDS: Final = 60.0
SAY_EVERY_SECONDS: Final = 600.0
"""How often at most the log says that traces wait, or how many runs were left out."""
HOLD_MICROS: Final = 30_000_000
"""How long a node is the one that sends."""
SPARE_MICROS: Final = 15_000_000
"""How much of that has to be left when a delivery begins: more than it can take."""
TRACES: Final = "traces"
HELD: Final = "traces.held"
_KEEP_MARK_EVERY: Final = 20_000


class Unsent(Exception):
    """Say in a few words why a delivery did not get there; it is tried again."""


class Refused(Unsent):
    """Say that the collector does not want what it was given; it is left out."""


class Outgoing(Protocol):
    """The way to a collector."""

    def send(self, courses: Iterable[Course]) -> int:
        """Hand courses over; return how many spans the collector did not keep. Raises `Refused`, `Unsent`."""
        ...

    def close(self) -> None:
        """Send nothing more; a delivery that waits ends."""
        ...


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be sent, read on a snapshot: from which mark, who sends, how far, of whom."""

    mark: int
    held: int
    ahead: int
    edge: int
    runs: list[TracedRun]
    instance: str
    left_out: int = 0


class Teller:
    """Sends the traces of runs that have ended, a delivery at a time. Nothing but that one is kept in memory."""

    def __init__(self, store: Store, clock: Clock, outlet: Outgoing) -> None:
        """Read `store`, send by `outlet`."""
        self._store = store
        self._clock = clock
        self._outlet = outlet
        self._alarm = Alarm()
        self._is_stopping = self._is_left = self._is_sending = self._has_begun = False
        self._mark = self._seen = -1
        self._held = 0
        self._pause = self._again_at = 0.0
        self._is_well = True
        self._complained_at: float | None = None
        self._left_out = self._not_kept = 0
        self._counted_at: float | None = None

    def run(self) -> None:
        """Send until the stop, and then what has ended by then, if the collector is well."""
        while True:
            is_last, done = self._is_stopping, 0
            try:
                done = self._look_if_due()
            except StoreError as error:
                log.warning("Traces wait: %s", error, extra={"word": "traces.waiting"})
            except Exception:
                log.exception("Traces wait: something went wrong that should not have", extra={"word": "traces.fault"})
                self._again_at = self._clock.monotonic() + LONGEST_PAUSE_SECONDS
            if self._is_left:
                return
            if is_last and not done:
                break
            if not done and not self._is_stopping:
                self._clock.wait(self._alarm, LOOK_EVERY_SECONDS)
        self._let_go()

    def begin_stop(self) -> None:
        """Ask for the stop without waiting for it."""
        self._is_stopping = True
        self._alarm.ring()

    def leave(self) -> None:
        """Touch the store no more, however the delivery that is under way ends; another node may send at once."""
        self._is_left = True
        if self._is_sending:
            self._let_go()

    def look(self) -> int:
        """Send the next runs; return how many were dealt with, 0 when there is nothing more to do for now."""
        self._begin()
        plan = self._read()
        if plan is None or not self._hold(plan):
            return 0
        left_out = plan.left_out
        try:
            self._send(plan)
        except Unsent as error:
            if self._is_stopping or not isinstance(error, Refused):
                self._wait(error)
                return 0
            left_out += len(plan.runs)
            self._complain(f"the collector refuses what it is sent ({error}), which is left out")
        else:
            self._recover(has_sent=bool(plan.runs))
        return self._move(plan, left_out)

    def _send(self, plan: _Plan) -> None:
        """Hand runs over. Raises `Refused`, `Unsent`."""
        self._is_sending = True
        try:
            self._not_kept += self._outlet.send([course_of(run, plan.instance) for run in plan.runs])
        finally:
            self._is_sending = False

    def _look_if_due(self) -> int:
        if self._is_left or self._clock.monotonic() < self._again_at:
            return 0
        return self.look()

    def _begin(self) -> None:
        """Tell of what ends from now on, where nobody has begun before."""
        if self._has_begun:
            return
        with self._store.reading() as tx:
            is_there = None not in {MarkBook(tx).get(TRACES), MarkBook(tx).get(HELD)}
        if not is_there:
            with self._store.transaction() as tx:
                MarkBook(tx).begin(TRACES, EventBook(tx).settled_id())
                MarkBook(tx).begin(HELD, 0)
        self._has_begun = True

    def _read(self) -> _Plan | None:
        """Return what comes next, None where there is nothing to send or another node is the one that sends."""
        with self._store.reading() as tx:
            marks, book = MarkBook(tx), TraceBook(tx)
            mark, held, upto = marks.get(TRACES) or 0, marks.get(HELD) or 0, EventBook(tx).settled_id()
            cursor = self._seen if mark == self._mark else mark
            ahead = held - self._lease_micros(tx) if upto > cursor else 0
            # Further ahead than anybody holds it: written before the machine was started anew.
            is_taken = held != self._held and 0 < ahead <= HOLD_MICROS
            if upto <= cursor or is_taken:
                return None
            ended = book.ended(cursor, upto, most=MOST_RUNS)
            edge = ended[-1][0] if len(ended) == MOST_RUNS else upto
            if not ended and edge - mark < _KEEP_MARK_EVERY:
                self._mark, self._seen = mark, edge
                return None
            oldest = self._clock.micros() - KEEP_SECONDS * 1_000_000
            if ended and ended[0][2] < oldest:
                many, edge = book.before(cursor, upto, oldest)
                return _Plan(mark, held, ahead, edge, [], "", many)
            numbers = {run_id for _, run_id, _ in ended}
            runs = book.runs(numbers)
            # What was removed meanwhile can be told no more.
            return _Plan(mark, held, ahead, edge, runs, book.instance(), len(numbers) - len(runs))

    def _hold(self, plan: _Plan) -> bool:
        """Be the one that sends for a while; return False if somebody was faster."""
        if plan.held == self._held and SPARE_MICROS <= plan.ahead <= HOLD_MICROS:
            return True
        with self._store.transaction() as tx:
            until = self._until(tx, plan.held)
            if not MarkBook(tx).move(HELD, old=plan.held, new=until):
                return False
            is_same = MarkBook(tx).get(TRACES) == plan.mark
        self._held = until
        return is_same

    def _move(self, plan: _Plan, left_out: int) -> int:
        """Note how far it is told, unless somebody took over while the collector took its time."""
        if self._is_left:
            return 0
        with self._store.transaction() as tx:
            marks, until = MarkBook(tx), self._until(tx, self._held)
            if not marks.move(HELD, old=self._held, new=until) or not marks.move(TRACES, old=plan.mark, new=plan.edge):
                return 0
        self._held = until
        self._mark = self._seen = plan.edge
        self._count(left_out)
        return max(len(plan.runs), 1)

    def _let_go(self) -> None:
        """Let another node send at once."""
        self._say_left_out()
        if not self._held:
            return
        try:
            with self._store.transaction() as tx:
                MarkBook(tx).move(HELD, old=self._held, new=0)
        except StoreError as error:
            log.debug("Another node waits a while before it sends traces: %s", error)

    def _until(self, tx: Transaction, before: int) -> int:
        """Return until when one that takes or keeps its turn now has it; never the very moment of `before`."""
        until = self._lease_micros(tx) + HOLD_MICROS
        return until - 1 if until == before else until

    def _lease_micros(self, tx: Transaction) -> int:
        return int(self._store.lease_now(tx) * 1_000_000)

    def _wait(self, error: Unsent) -> None:
        """Leave the collector alone for a while, for longer each time."""
        if self._is_stopping:
            return
        self._complain(f"the collector cannot be told ({error}); they wait for it, for a day at most")
        self._pause = min(max(self._pause * 2, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        self._again_at = self._clock.monotonic() + self._pause

    def _complain(self, sentence: str) -> None:
        """Say once that something is wrong, not for each delivery."""
        now = self._clock.monotonic()
        if self._is_well and (self._complained_at is None or now - self._complained_at >= SAY_EVERY_SECONDS):
            self._complained_at = now
            log.warning("Traces: %s; runs go on as they do", sentence, extra={"word": "traces.unsent"})
        self._is_well = False

    def _recover(self, *, has_sent: bool) -> None:
        if not has_sent:
            return
        self._pause = self._again_at = 0.0
        if not self._is_well:
            self._is_well = True
            log.info("Traces are sent again", extra={"word": "traces.sent"})

    def _count(self, left_out: int) -> None:
        self._left_out += left_out
        now = self._clock.monotonic()
        if self._counted_at is None or now - self._counted_at >= SAY_EVERY_SECONDS:
            self._say_left_out()

    def _say_left_out(self) -> None:
        """Say what nobody will see, once in a while."""
        if not self._left_out and not self._not_kept:
            return
        self._counted_at = self._clock.monotonic()
        if self._left_out:
            log.warning("Traces of %d runs were left out", self._left_out, extra={"word": "traces.left_out"})
        if self._not_kept:
            log.warning("The collector did not keep %d spans", self._not_kept, extra={"word": "traces.not_kept"})
        self._left_out = self._not_kept = 0
