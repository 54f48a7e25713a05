"""Writes what happens to runs, many at once: one writer, one commit for all that came in meanwhile.

Starts and ends are reported from any thread and return at once. A run that starts and ends between two commits is
written once. Nothing is given up when the store is busy, full or away: the batch is tried again until it stands.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Container, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, Protocol

from horarium.clock import Alarm, Clock
from horarium.errors import DuplicateKey, StoreError
from horarium.records.runs import Failure, Line
from horarium.runs.ending import Ending, ending_of
from horarium.runs.launch import Assignment, Completion
from horarium.states import EventKind, RunState
from horarium.store.books.codec import dump
from horarium.store.books.events import EventBook
from horarium.store.books.output import OutputBook, chunk_row
from horarium.store.books.runs import HoldingBook, RunBook
from horarium.store.port import Store, Transaction

log = logging.getLogger("horarium.runs")

MOST_IN_BATCH = 1000
START_DELAY_SECONDS = 0.05
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 5.0
UNRECORDED = "what it left could not be recorded"
# Errors that come again however often one tries; all others are the store's present condition.
_REFUSALS = frozenset({StoreError, DuplicateKey})


class _Started(NamedTuple):
    assignment: Assignment
    at: int
    pid: int | None


class _Output(NamedTuple):
    assignment: Assignment
    lines: Sequence[Line]


class _Ended(NamedTuple):
    assignment: Assignment
    completion: Completion
    ending: Ending


Batch = list[_Output | _Ended]


class Refill(Protocol):
    """Who takes new work inside the transaction that ends old work."""

    def claim(self, tx: Transaction, freed: int, leaving: Sequence[Assignment] = ()) -> Any:
        """Claim waiting runs inside `tx`, knowing that `freed` places are free again, those of the `leaving` ones.

        Return what was claimed.
        """
        ...

    def claimed(self, claims: Any) -> None:
        """Learn that the transaction stands and the claims are ours."""
        ...

    def ended(self, ends: Sequence[tuple[Assignment, float]]) -> None:
        """Learn that these attempts are over and recorded, and how many seconds each took."""
        ...

    def waiting(self) -> None:
        """Learn that a run has come to wait for its next attempt."""
        ...

    def park(self, tx: Transaction, task_id: int, reason: str) -> None:
        """Park a task whose target could not be loaded, inside the transaction that ends its run."""
        ...


class Recorder:
    """The one writer of starts, output and ends of a node. Implements `runs.launch.Reporter`."""

    def __init__(self, store: Store, clock: Clock, node_id: int, refill: Refill) -> None:
        """Write to `store` for `node_id`; `refill` claims more work in the same commits."""
        self._store = store
        self._clock = clock
        self._node_id = node_id
        self._refill = refill
        self._inbox: SimpleQueue[_Started | _Output | _Ended | None] = SimpleQueue()
        self._begun: dict[int, _Started] = {}
        self._written: set[int] = set()
        self._stop = Alarm()
        self._stopping = False
        self.on_commit: Callable[[], None] = _nothing
        self.on_ended: Callable[[Sequence[tuple[Assignment, Completion, RunState]]], None] | None = None
        """Learns which attempts ended and are recorded, and where that leaves their runs; it must return at once."""
        self._thread = Thread(target=self._run, name="horarium-recorder", daemon=True)

    def start(self) -> None:
        """Begin writing."""
        self._thread.start()

    def started(self, assignment: Assignment, at: int, pid: int | None) -> None:
        """Note that an attempt has begun."""
        self._inbox.put(_Started(assignment, at, pid))

    def output(self, assignment: Assignment, lines: Sequence[Line]) -> None:
        """Note lines of a live attempt."""
        self._inbox.put(_Output(assignment, lines))

    def finished(self, assignment: Assignment, completion: Completion) -> None:
        """Note how an attempt ended."""
        # Worked out here, in the thread that performed it: the one writer is the narrow place.
        self._inbox.put(self._ended(assignment, completion))

    @property
    def is_alive(self) -> bool:
        """Tell whether its thread goes round."""
        return self._thread.is_alive()

    def stop(self, wait_seconds: float) -> bool:
        """Write what has come in and end; tell whether all of it was written in time."""
        self._stopping = True
        self._inbox.put(None)
        self._stop.ring()
        self._thread.join(wait_seconds)
        return not self._thread.is_alive()

    def flush(self) -> None:
        """Write what has come in, in the calling thread; for a recorder that was not started."""
        batch: Batch = []
        while (item := self._next(more=True)) is not _EMPTY:
            if isinstance(item, _Started):
                self._begun[item.assignment.run_id] = item
            elif item is not None:
                batch.append(item)
        if batch or self._due_starts():
            self._write(batch)

    def _run(self) -> None:
        while True:
            batch, last = self._collect()
            try:
                if batch or self._due_starts():
                    self._write(batch)
            except Exception:
                log.exception("Recording stumbled and goes on")
            if last:
                return

    def _collect(self) -> tuple[Batch, bool]:
        """Wait for something worth a commit; return it and whether the end was among it.

        A start alone is held back for a moment: most ends follow soon, and then one write serves both.
        """
        batch: Batch = []
        while True:
            item = self._next(more=bool(batch))
            if item is _EMPTY:
                if batch or self._due_starts():
                    return batch, False
                continue
            if item is None:
                return batch, True
            if isinstance(item, _Started):
                self._begun[item.assignment.run_id] = item
            else:
                batch.append(item)
                if len(batch) >= MOST_IN_BATCH:
                    return batch, False

    def _next(self, *, more: bool) -> Any:
        inbox = self._inbox
        try:
            if more:
                return inbox.get_nowait()
            return inbox.get(timeout=START_DELAY_SECONDS if self._has_unwritten() else None)
        except Exception:  # noqa: BLE001 - queue.Empty from a C queue; nothing else comes out of `get`
            return _EMPTY

    def _has_unwritten(self) -> bool:
        return len(self._begun) > len(self._written)

    def _due_starts(self) -> list[_Started]:
        if not self._has_unwritten():
            return []
        # At the end all of them: what began must not look as if it never had.
        now = self._clock.micros()
        edge = now - (0 if self._stopping else int(START_DELAY_SECONDS * 1_000_000))
        # A start that lies ahead was noted before the clock was set back: it is no reason to wait for it.
        return [
            begun for run_id, begun in self._begun.items() if run_id not in self._written and not edge < begun.at <= now
        ]

    def _write(self, batch: Batch) -> None:
        """Commit a batch, however long the store does not serve meanwhile.

        When the store refuses what is in it, each item is tried alone, so that none of the others is lost with it.
        """
        pieces = [batch]
        pause, one_by_one, surprised = FIRST_PAUSE_SECONDS, False, False
        while pieces:
            try:
                self._commit(pieces[0], one_by_one=one_by_one)
            except _Superseded:
                one_by_one = True
            except StoreError as error:
                if type(error) in _REFUSALS:
                    pieces = self._apart(pieces, error)
                    continue
                log.warning("Results cannot be written now (%s); trying again in %.1f s", error, pause)
                self._stop.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads retries, guards nothing
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                if self._stopping and pause >= LONGEST_PAUSE_SECONDS:
                    log.error("Results of %d attempts could not be written before the end", len(batch))  # noqa: TRY400
                    return
            except Exception as error:
                log.exception("Recording results failed in a way that nobody foresaw")
                pieces = self._apart(pieces, error) if surprised else pieces
                surprised = True
            else:
                pieces.pop(0)
                pause = FIRST_PAUSE_SECONDS

    def _apart(self, pieces: list[Batch], error: Exception) -> list[Batch]:
        """Take a refused piece apart; what is refused alone is replaced by a plain word about it, or left out."""
        refused, rest = pieces[0], pieces[1:]
        if len(refused) > 1:
            return [[item] for item in refused] + rest
        if not refused:
            log.error("The start of %d attempts could not be recorded: %s", len(self._due_starts()), error)
            self._written.update(self._begun)
            return rest
        (item,) = refused
        if isinstance(item, _Ended) and item.completion.cause != UNRECORDED:
            log.error("What run %d left cannot be recorded (%s)", item.assignment.run_id, error)
            return [[self._ended(item.assignment, _without_words(item.completion, error))], *rest]
        if not isinstance(error, DuplicateKey):
            log.error("Something of run %d cannot be recorded and is left out: %s", item.assignment.run_id, error)
        return rest

    def _commit(self, batch: Batch, *, one_by_one: bool) -> None:
        ended = [item for item in batch if isinstance(item, _Ended) and item.completion.state is not _CUT_OFF]
        over = {item.assignment.run_id for item in ended}
        starts = [begun for begun in self._due_starts() if begun.assignment.run_id not in over]
        endings: list[Ending] = []
        with self._store.transaction() as tx:
            if ended:
                HoldingBook(tx).await_tasks(item.assignment.task_id for item in ended)
            self._write_starts(tx, starts, one_by_one=one_by_one)
            if ended:
                endings = self._write_ends(tx, ended, one_by_one=one_by_one)
                _write_standing(tx, endings)
                for each in endings:
                    if each.park_reason:
                        self._refill.park(tx, each.task_id, each.park_reason)
            lost = over - {each.run_id for each in endings}
            OutputBook(tx).append(_chunks(batch, lost))
            claims = self._refill.claim(tx, len(ended), [item.assignment for item in ended])
        self._written.update(begun.assignment.run_id for begun in starts)
        for run_id in over:
            self._begun.pop(run_id, None)
            self._written.discard(run_id)
        self._tell(ended, claims, has_waiting=any(each.state is RunState.RETRYING for each in endings))

    def _tell(self, ended: Sequence[_Ended], claims: Any, *, has_waiting: bool) -> None:
        """Let the others know of a commit; whatever they make of it, it stands."""
        try:
            self._refill.ended([(item.assignment, _seconds(item.completion)) for item in ended])
            if self.on_ended is not None:
                self.on_ended([(item.assignment, item.completion, item.ending.state) for item in ended])
            self._refill.claimed(claims)
            if has_waiting:
                self._refill.waiting()
            self.on_commit()
        except Exception:
            log.exception("What follows from results that were recorded failed")

    def _write_starts(self, tx: Transaction, starts: Sequence[_Started], *, one_by_one: bool) -> None:
        if not starts:
            return
        node, runs = self._node_id, RunBook(tx)
        rows = [("running", begun.at, begun.assignment.run_id, begun.assignment.attempt, node) for begun in starts]
        if one_by_one:
            starts = [begun for begun, row in zip(starts, rows, strict=True) if runs.start([row])]
        elif runs.start(rows) != len(rows):
            # Taken away meanwhile, or written already by a commit whose answer did not reach us.
            raise _Superseded
        runs.write_attempts(
            [
                (
                    *(begun.assignment.run_id, begun.assignment.attempt, "running", node, begun.pid, begun.at),
                    *(None, None, None, None, None, None, 0, 0),
                )
                for begun in starts
            ]
        )
        EventBook(tx).append_rows(
            [
                (
                    *(begun.at, EventKind.RUN_STARTED.value, begun.assignment.task_id, begun.assignment.run_id, None),
                    dump({"attempt": begun.assignment.attempt}),
                )
                for begun in starts
            ]
        )

    def _write_ends(self, tx: Transaction, ended: Sequence[_Ended], *, one_by_one: bool) -> list[Ending]:
        endings = [item.ending for item in ended]
        runs = RunBook(tx)
        if one_by_one:
            endings = [each for each in endings if self._still_ours(runs, each)]
        elif runs.finish([each.run_row for each in endings]) != len(endings):
            # Somebody declared one of these over while we were frozen or cut off: find out which, one by one.
            raise _Superseded
        written = self._written
        runs.write_attempts([each.attempt_row for each in endings if each.run_id not in written])
        runs.end_attempts([each.attempt_end_row for each in endings if each.run_id in written])
        EventBook(tx).append_rows([each.event_row for each in endings])
        return endings

    def _ended(self, assignment: Assignment, completion: Completion) -> _Ended:
        return _Ended(assignment, completion, ending_of(assignment, completion, self._node_id, random.random))

    def _still_ours(self, runs: RunBook, ending: Ending) -> bool:
        if runs.finish_one(ending.run_row):
            return True
        log.warning(
            "Run %d, attempt %d, ended late as %s: it had been taken away meanwhile, the result is dropped",
            *(ending.run_id, ending.attempt, ending.state.value),
        )
        return False


class _Superseded(Exception):
    """At least one attempt of a batch is not ours any more."""


_EMPTY: Any = object()
# What a shutdown cut off stays held until the node, on its way out, decides whether it is run again.
_CUT_OFF = RunState.INTERRUPTED


def _without_words(completion: Completion, error: Exception) -> Completion:
    """Return a completion with the same outcome and nothing that a program made up."""
    failure = Failure(type(error).__name__, UNRECORDED)
    return completion._replace(failure=failure, result=None, lines=(), cause=UNRECORDED, park_reason="")


def _chunks(batch: Batch, lost: Container[int]) -> list[tuple[Any, ...]]:
    found = []
    for item in batch:
        lines = item.lines if isinstance(item, _Output) else item.completion.lines
        if isinstance(item, _Ended) and item.assignment.run_id in lost:
            continue
        if lines:
            found.append(chunk_row(item.assignment.run_id, item.assignment.attempt, lines))
    return found


def _seconds(completion: Completion) -> float:
    return (completion.finished_at - completion.started_at) / 1_000_000


def _nothing() -> None:
    return None


def _write_standing(tx: Transaction, endings: Sequence[Ending]) -> None:
    """Note the newest outcome of each task: one write a task, however many of its runs ended."""
    latest: dict[int, tuple[str, int, int, int, int]] = {}
    for each in endings:
        if each.state is RunState.RETRYING:
            continue
        _, _, _, keep, more = latest.get(each.task_id, ("", 0, 0, 1, 0))
        if each.state is RunState.SUCCEEDED:
            keep, more = 0, 0
        elif each.is_failure:
            more += 1
        latest[each.task_id] = (each.state.value, each.run_id, each.finished_at, keep, more)
    RunBook(tx).stand([(*values, task_id) for task_id, values in sorted(latest.items())])
