"""Remove what has had its time: runs by age and count, their output before them, events; and give the room back.

One transaction is short, whatever it finds, and a rest as long lies between two, so that nobody waits for long. Runs
go in the order of their numbers, whichever task they are of. The ledger stays: what became of each planned instant is
told after its run is gone.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from heapq import merge
from itertools import islice
from typing import Final

from horarium.clock import Alarm, Clock
from horarium.records.keeping import USUAL_RULE, KeepRule
from horarium.states import FAILURE_STATES, FINAL_STATES
from horarium.store.books.keeping import KeepingBook, TaskKept
from horarium.store.port import Store, Transaction
from horarium.store.room import STEP_PAGES, give_back, write_back
from horarium.store.schema import read_meta, write_meta

META: Final = "keep"
PAGE: Final = 1000
LEAST_BATCH: Final = 100
FIRST_BATCH: Final = 500
GATHERED: Final = 1_000_000
"""So many numbers of old runs are kept in mind at once, at eight bytes each."""
MOST_PAGES: Final = 8 * STEP_PAGES
RUN_BYTES: Final = 400
EVENT_BYTES: Final = 150
"""About what one takes with its attempts and its places in indexes."""
_DAY: Final = timedelta(days=1)
_FINAL: Final = frozenset(state.value for state in FINAL_STATES)
_FAILED: Final = frozenset(state.value for state in FAILURE_STATES)


def rule_in(tx: Transaction) -> KeepRule:
    """Return what the installation keeps."""
    found = read_meta(tx, META)
    return USUAL_RULE if found is None else KeepRule.from_json(json.loads(found))


def rule_of(store: Store) -> KeepRule:
    """Return what the installation keeps."""
    with store.reading() as tx:
        return rule_in(tx)


def write_rule(tx: Transaction, rule: KeepRule) -> None:
    """Set what the installation keeps; counts from the next cleaning on."""
    write_meta(tx, META, json.dumps(rule.to_json(), sort_keys=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """How the work is cut: at most so many rows and bytes of output in one transaction, which is to take `seconds`.

    The first ones are small; one that took longer makes the next one smaller, one that was quick makes it larger.
    `rest` is the least pause between two.
    """

    batch: int = 5000
    batch_bytes: int = 4 * 1024 * 1024
    seconds: float = 0.05
    rest: timedelta = timedelta(milliseconds=25)


@dataclass(slots=True)
class Pace:
    """How much is done at once, from `least` to `most`, so that it takes about so many `seconds`."""

    many: int
    least: int
    most: int
    seconds: float

    def fit(self, took: float) -> None:
        """Fit the size of the next step to how long this one took."""
        if took > 2 * self.seconds:
            self.many = max(self.many // 2, self.least)
        elif took < self.seconds / 2:
            self.many = min(self.many * 2, self.most)
        elif took < self.seconds:
            self.many = min(self.many + self.many // 4 + 1, self.most)


@dataclass(slots=True)
class Cleaned:
    """What went: runs, pieces of output and about how many bytes they had, events, bytes given back to the disk.

    `trimmed` counts runs that stay without their output.
    """

    runs: int = 0
    trimmed: int = 0
    pieces: int = 0
    size: int = 0
    events: int = 0
    freed: int = 0


class Cleaner:
    """Cleans one store by a rule. Harmless when killed, repeated, or run twice at once."""

    def __init__(
        self, store: Store, clock: Clock, rule: KeepRule, steps: Steps | None = None, *, counted_only: bool = False
    ) -> None:
        """Work on `store`; what tasks say for themselves goes before `rule`.

        With `counted_only` runs stay that the daily figures do not know yet.
        """
        self._counted_only = counted_only
        self._store = store
        self._clock = clock
        self._rule = rule
        self._steps = steps or Steps()
        self._now = clock.micros()
        batch = self._steps.batch
        self._rows = Pace(min(FIRST_BATCH, batch), min(LEAST_BATCH, batch), batch, self._steps.seconds)
        self._pages = Pace(STEP_PAGES, STEP_PAGES // 8, MOST_PAGES, self._steps.seconds)
        self._found = Cleaned()
        self._go_on: Callable[[], None] = _nothing
        self._dry_run = False
        # Of a dry run: what would have gone with its run has no output left that could go.
        self._would_go: set[int] = set()

    def run(self, *, dry_run: bool = False, go_on: Callable[[], None] | None = None) -> Cleaned:
        """Remove what the rule lets go, or only count it with `dry_run`; `go_on` is called between steps and may raise.

        What a dry run counts as given back is about what would become free.
        """
        self._now, self._found, self._dry_run, self._would_go = self._clock.micros(), Cleaned(), dry_run, set()
        self._go_on = go_on or _nothing
        self._take(self._old_runs(), self._remove)
        self._take(self._old_output(), self._trim)
        self._clean_events()
        if dry_run:
            self._found.freed = self._found.size + self._found.runs * RUN_BYTES + self._found.events * EVENT_BYTES
        else:
            self._give_back()
        return self._found

    def _take(self, numbers: Iterator[int], act: Callable[[dict[int, int]], None]) -> None:
        while wanted := sorted(islice(numbers, self._rows.many)):
            with self._store.reading() as tx:
                found = KeepingBook(tx).sizes_of(wanted)
            for batch in self._cut(found):
                self._go_on()
                act(batch)
                self._found.size += sum(batch.values())

    def _cut(self, runs: list[tuple[int, int]]) -> Iterator[dict[int, int]]:
        """Cut runs with the sizes of their output into batches that have not too much of it."""
        batch: dict[int, int] = {}
        total = 0
        for number, size in runs:
            if batch and total + size > self._steps.batch_bytes:
                yield batch
                batch, total = {}, 0
            batch[number] = size
            total += size
        if batch:
            yield batch

    def _remove(self, batch: dict[int, int]) -> None:
        numbers = list(batch)
        if self._dry_run:
            gone, pieces = len(numbers), self._count_pieces(numbers)
            self._would_go.update(number for number, size in batch.items() if size)
        else:
            gone, pieces = self._paced(lambda book: book.remove(numbers, counted_only=self._counted_only))
        self._found.runs += gone
        self._found.pieces += pieces

    def _trim(self, batch: dict[int, int]) -> None:
        numbers = list(batch)
        if self._dry_run:
            gone, pieces = len(numbers), self._count_pieces(numbers)
        else:
            gone, pieces = self._paced(lambda book: book.trim_output(numbers))
        self._found.trimmed += gone
        self._found.pieces += pieces

    def _count_pieces(self, numbers: list[int]) -> int:
        with self._store.reading() as tx:
            return KeepingBook(tx).count_pieces(numbers)

    def _clean_events(self) -> None:
        cutoff = self._before(self._rule.event_days)
        if self._dry_run:
            with self._store.reading() as tx:
                self._found.events = KeepingBook(tx).count_events(cutoff)
            return
        while True:
            self._go_on()
            with self._store.reading() as tx:
                numbers = KeepingBook(tx).events_before(cutoff, most=self._rows.many)
            if not numbers:
                return
            self._found.events += self._paced(partial(_remove_events, numbers))[0]

    def _paced(self, change: Callable[[KeepingBook], tuple[int, int]]) -> tuple[int, int]:
        """Change something in a transaction of its own, rest, and fit the size of the next one to how long it took."""
        with self._store.transaction() as tx:
            began = self._clock.monotonic()
            found = change(KeepingBook(tx))
        took = self._clock.monotonic() - began
        # Written back here, by whoever has time: else the commit of somebody who waits would have to do it.
        write_back(self._store)
        self._rows.fit(took)
        self._rest(took)
        return found

    def _rest(self, took: float) -> None:
        self._clock.wait(Alarm(), max(self._steps.rest.total_seconds(), min(took, 1.0)))

    def _give_back(self) -> None:
        while True:
            self._go_on()
            began = self._clock.monotonic()
            gone = give_back(self._store, most=self._pages.many)
            self._found.freed += gone
            if gone <= 0:
                return
            took = self._clock.monotonic() - began
            self._pages.fit(took)
            self._rest(took)

    def _old_runs(self) -> Iterator[int]:
        """Yield the numbers of the runs that the rule lets go, in their order as far as they can be kept in mind.

        They are found task by task. Removed like that, those of each task would change the same pages again, since
        the runs of all tasks lie mixed; in the order of their numbers they leave whole pages empty.
        """
        gathered: list[array[int]] = []
        many = 0
        for task in self._tasks():
            gathered.append(array("q"))
            for numbers in self._old_runs_of(task):
                gathered[-1].extend(numbers)
                many += len(numbers)
                if many >= GATHERED:
                    yield from merge(*gathered)
                    gathered, many = [array("q")], 0
            if not gathered[-1]:
                gathered.pop()
        yield from merge(*gathered)

    def _tasks(self) -> Iterator[TaskKept]:
        last = 0
        while True:
            self._go_on()
            with self._store.reading() as tx:
                tasks = KeepingBook(tx).tasks(after=last, most=PAGE)
            yield from tasks
            if len(tasks) < PAGE:
                return
            last = tasks[-1].id

    def _old_runs_of(self, task: TaskKept) -> Iterator[list[int]]:
        rule = self._rule.for_task(task.policies.keep)
        ages = self._before(rule.run_days), self._before(rule.failure_days)
        with self._store.reading() as tx:
            book = KeepingBook(tx)
            last_counted = book.number_at(task.id, rule.runs)
            many = book.number_at(task.id, rule.failures) is not None
            last_failed = book.number_at(task.id, rule.failures, failed=True) if many else None
        edges = last_counted or 0, last_failed or 0
        after = 0
        while True:
            self._go_on()
            with self._store.reading() as tx:
                page = KeepingBook(tx).runs_of(task.id, after=after, most=PAGE)
            found = []
            for run in page:
                failed = run.state in _FAILED
                is_over = run.state in _FINAL and run.finished_at is not None
                is_old = run.id <= edges[failed] or (run.finished_at or self._now) < ages[failed]
                if is_over and is_old and run.id != task.last_run_id:
                    found.append(run.id)
            yield found
            # Numbers and instants rise together: whatever follows is younger and within the count.
            if len(page) < PAGE or (page[-1].created_at >= ages[0] and page[-1].id > max(edges)):
                return
            after = page[-1].id

    def _old_output(self) -> Iterator[int]:
        """Yield the numbers of the runs that stay and whose output goes; that of failed ones is looked after apart."""
        limits = self._output_limits()
        usual = self._before(self._rule.output_days)
        youngest = max([usual, *limits.values()])
        after = 0
        while True:
            with self._store.reading() as tx:
                page = KeepingBook(tx).runs_with_output(after=after, most=PAGE)
            for run in page:
                ended = run.finished_at or self._now
                is_meant = run.state in _FINAL - _FAILED and run.id not in self._would_go
                if is_meant and ended < limits.get(run.task_id, usual):
                    yield run.id
            if len(page) < PAGE or page[-1].created_at >= youngest:
                return
            after = page[-1].id

    def _output_limits(self) -> dict[int, int]:
        """Return, for the tasks that say so themselves, the instant from which on output stays."""
        days = {task.id: task.policies.keep.output_days for task in self._tasks()}
        return {number: self._before(each) for number, each in days.items() if each is not None}

    def _before(self, days: float) -> int:
        return self._now - (days * _DAY) // timedelta(microseconds=1)


def _remove_events(numbers: list[int], book: KeepingBook) -> tuple[int, int]:
    return book.remove_events(numbers), 0


def _nothing() -> None:
    return None
