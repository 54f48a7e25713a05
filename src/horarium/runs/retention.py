"""How long what failed runs left behind is kept: output and tracebacks go by age and by count, the runs stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from horarium.clock import Alarm, Clock
from horarium.errors import InvalidValue
from horarium.store.books.failures import FailedRun, FailureBook, Leftovers
from horarium.store.port import Store

LEAST_KEPT: Final = 1
_LONGEST: Final = timedelta(days=36_500)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRule:
    """What is kept of failures: of each task the newest `keep`, and of these none that ended longer ago than `age`.

    The newest failure of a task keeps everything whatever its age: somebody will ask why the task fails. One
    transaction changes at most `batch` runs and about `batch_bytes` of output, and `rest` lies between two.
    """

    age: timedelta = timedelta(days=30)
    keep: int = 200
    batch: int = 200
    batch_bytes: int = 4 * 1024 * 1024
    rest: timedelta = timedelta(milliseconds=50)

    def __post_init__(self) -> None:
        """Refuse a rule that would leave nothing or never end, raising `InvalidValue`."""
        if not timedelta() <= self.age <= _LONGEST:
            raise InvalidValue("age", str(self.age), "use a span of time from 0 to 36,500 days")
        _check_count("keep", self.keep)
        _check_count("batch", self.batch)
        _check_count("batch_bytes", self.batch_bytes)


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What was trimmed: how many failed runs were looked at and lost something, and what they lost."""

    looked_at: int = 0
    runs: int = 0
    pieces: int = 0
    tracebacks: int = 0
    size: int = 0

    def plus(self, runs: int, found: Leftovers) -> Trimmed:
        """Return the sum with one more batch."""
        return Trimmed(
            self.looked_at,
            self.runs + runs,
            self.pieces + found.pieces,
            self.tracebacks + found.tracebacks,
            self.size + found.size,
        )


class FailureTrimmer:
    """Goes through the failed runs of a store, newest first. Harmless when killed, repeated, or run twice at once."""

    def __init__(self, store: Store, clock: Clock, rule: FailureRule) -> None:
        """Work on `store` by `rule`."""
        self._store = store
        self._clock = clock
        self._rule = rule
        self._seen: Counter[int] = Counter()
        self._looked_at = 0

    def run(self, *, dry_run: bool = False, go_on: Callable[[], None] | None = None) -> Trimmed:
        """Trim what the rule says, or only count it with `dry_run`; `go_on` is called between batches and may raise."""
        total = Trimmed()
        for batch in self._batches():
            if go_on is not None:
                go_on()
            if dry_run:
                with self._store.reading() as tx:
                    found = FailureBook(tx).leftovers(batch)
            else:
                with self._store.transaction() as tx:
                    found = FailureBook(tx).trim(batch)
                self._clock.wait(Alarm(), self._rule.rest.total_seconds())
            total = total.plus(len(batch), found)
        return Trimmed(self._looked_at, total.runs, total.pieces, total.tracebacks, total.size)

    def _batches(self) -> Iterator[list[int]]:
        """Yield the numbers of runs to trim, a transaction's worth at a time."""
        before: int | None = None
        cutoff = self._clock.micros() - self._rule.age // timedelta(microseconds=1)
        while True:
            with self._store.reading() as tx:
                book = FailureBook(tx)
                page = book.page(before=before, most=self._rule.batch)
                old = [run for run in page if self._is_old(run, cutoff)]
                there = book.with_leftovers([run.id for run in old])
            if not page:
                return
            self._looked_at += len(page)
            yield from self._cut([run for run in old if run.id in there])
            before = page[-1].id

    def _is_old(self, run: FailedRun, cutoff: int) -> bool:
        """Tell whether the rule lets go of a run; they have to come newest first."""
        self._seen[run.task_id] += 1
        place = self._seen[run.task_id]
        if place <= LEAST_KEPT or run.finished_at is None:
            return False
        return place > self._rule.keep or run.finished_at < cutoff

    def _cut(self, runs: list[FailedRun]) -> Iterator[list[int]]:
        batch: list[int] = []
        size = 0
        for run in runs:
            if batch and size + run.kept_bytes > self._rule.batch_bytes:
                yield batch
                batch, size = [], 0
            batch.append(run.id)
            size += run.kept_bytes
        if batch:
            yield batch


def _check_count(field: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < LEAST_KEPT:
        raise InvalidValue(field, value, f"use a whole number from {LEAST_KEPT}")
