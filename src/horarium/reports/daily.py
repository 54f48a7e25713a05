"""Keep the figures up to date: count what has ended since the last time, in small steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from horarium.clock import Alarm, Clock, from_micros
from horarium.errors import InvalidValue
from horarium.records.figures import DAY
from horarium.store.books.figures import QUARTERS, RUNS, SKIPS, FiguresBook, Overtaken, PendingBook, sums_of
from horarium.store.port import Store, Transaction

KEEP_QUARTERS: Final = 100
"""Days for which figures by the quarter of an hour are kept; long enough for two months in any zone."""
_LEAST_KEPT: Final = 64
_LONGEST: Final = 36_500
_LEAST_BATCH: Final = 16
_FIRST_BATCH: Final = 64
_LONG_STEP: Final = 0.04
"""A write that took longer, in seconds, is too much for this machine: the next ones are half as large."""
_SHORT_STEP: Final = 0.015
_PATIENCE: Final = 3
"""So many times as long may one take where nobody waits for it: what it costs is each time about the same."""
_MARGIN: Final = timedelta(minutes=10)
"""Decisions that are younger may still be on their way into the store, or come from a clock that is a little behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountingRule:
    """How figures are kept: by the quarter of an hour for `keep_quarters` days, by the day for ever.

    One transaction counts at most `batch` runs, fewer where the machine is slow, and `rest` lies between two. Raises
    `InvalidValue`.
    """

    keep_quarters: int = KEEP_QUARTERS
    batch: int = 5000
    rest: timedelta = timedelta(milliseconds=20)

    def __post_init__(self) -> None:
        """Refuse what would leave summaries without what they are made of."""
        _check("keep_quarters", self.keep_quarters, _LEAST_KEPT, _LONGEST)
        _check("batch", self.batch, 1, 1_000_000)


@dataclass(slots=True)
class Counted:
    """What was counted: runs in the order of their numbers, those that ended later, skipped times; and what is open."""

    runs: int = 0
    late: int = 0
    skipped: int = 0
    uncounted: int = 0


def rolled_up_until(tx: Transaction) -> datetime:
    """Return the instant before which all skipped times that were decided about are counted.

    Which runs are, `horarium.store.books.figures.counted` says: only those may be deleted.
    """
    return from_micros(FiguresBook(tx).mark(SKIPS))


class Bookkeeper:
    """Counts what a store has not counted yet. Harmless when killed, repeated, or run twice at once."""

    def __init__(self, store: Store, clock: Clock, rule: CountingRule | None = None) -> None:
        """Work on `store` by `rule`."""
        self._store = store
        self._clock = clock
        self._rule = rule or CountingRule()
        self._batch = min(self._rule.batch, _FIRST_BATCH)
        self._patience = _PATIENCE if store.capabilities.skips_locked else 1

    def run(self, *, dry_run: bool = False, go_on: Callable[[], None] | None = None) -> Counted:
        """Count everything up to now, or only say how much that is; `go_on` is called between steps and may raise."""
        found = Counted()
        # What one took the last time says little about what has gathered since: large steps are come to by quick ones.
        self._batch = min(self._rule.batch, _FIRST_BATCH)
        check = go_on or _nothing
        now = self._clock.micros()
        with self._store.reading() as tx:
            last = FiguresBook(tx).last_before(now + 1)
        if dry_run:
            return self._look(last, now, check)
        # First, so that whatever is counted of days long ago is not written only to be dropped.
        self._drop(now, check)
        self._late(found, check)
        self._runs(found, last, check)
        self._skips(found, now - _MARGIN // timedelta(microseconds=1), check)
        with self._store.reading() as tx:
            lost = PendingBook(tx).lost()
        with self._store.transaction() as tx:
            FiguresBook(tx).forget(lost)
            found.uncounted = PendingBook(tx).uncounted()
        return found

    def _runs(self, found: Counted, last: int, check: Callable[[], None]) -> None:
        while True:
            check()
            with self._store.reading() as tx:
                after, since = FiguresBook(tx).mark(RUNS), FiguresBook(tx).mark(QUARTERS)
                runs = FiguresBook(tx).next_runs(after, last, most=self._batch)
            if not runs:
                return
            # What had ended then stays as it is, so only the writing itself holds up others.
            sums = sums_of(runs, since)
            found.runs += self._write(partial(FiguresBook.count_runs, runs=runs, sums=sums, after=after))

    def _late(self, found: Counted, check: Callable[[], None]) -> None:
        while True:
            check()
            with self._store.reading() as tx:
                runs, since = FiguresBook(tx).ended_since(most=self._batch), FiguresBook(tx).mark(QUARTERS)
            if not runs:
                return
            found.late += self._write(partial(FiguresBook.count_late, runs=runs, sums=sums_of(runs, since)))

    def _skips(self, found: Counted, before: int, check: Callable[[], None]) -> None:
        while True:
            check()
            with self._store.reading() as tx:
                if FiguresBook(tx).mark(SKIPS) >= before:
                    return
                upto = FiguresBook(tx).skips_step(before, most=self._batch)
            found.skipped += self._write(partial(FiguresBook.count_skips, before=upto))

    def _drop(self, now: int, check: Callable[[], None]) -> None:
        before = (now // DAY - self._rule.keep_quarters) * DAY
        with self._store.reading() as tx:
            if FiguresBook(tx).mark(QUARTERS) >= before:
                return
        more = True
        while more:
            check()
            more = bool(self._write(partial(FiguresBook.drop_quarters, before=before, most=self._batch)))

    def _write(self, step: Callable[[FiguresBook], int]) -> int:
        """Take one step and return what it counted: nothing where somebody else took it meanwhile."""
        began = self._clock.monotonic()
        try:
            with self._store.transaction() as tx:
                began = self._clock.monotonic()
                return step(FiguresBook(tx))
        except Overtaken:
            return 0
        finally:
            took = self._clock.monotonic() - began
            self._pace(took)
            self._rest(took)

    def _pace(self, took: float) -> None:
        if took > _LONG_STEP * self._patience:
            self._batch = max(min(_LEAST_BATCH, self._rule.batch), self._batch // 2)
        elif took < _SHORT_STEP * self._patience:
            self._batch = min(self._rule.batch, self._batch * 2)

    def _rest(self, took: float) -> None:
        # As long as it took: who waits for a file asks again every few hundredths of a second, and is to find it free.
        self._clock.wait(Alarm(), max(self._rule.rest.total_seconds(), min(took, 1.0)))

    def _look(self, last: int, now: int, check: Callable[[], None]) -> Counted:
        """Count what would be counted, and change nothing."""
        found = Counted()
        with self._store.reading() as tx:
            book = FiguresBook(tx)
            after, found.uncounted = book.mark(RUNS), PendingBook(tx).uncounted()
            found.late = PendingBook(tx).ended_many()
            found.skipped = PendingBook(tx).skips_many(now - _MARGIN // timedelta(microseconds=1))
            while runs := book.next_runs(after, last, most=self._rule.batch):
                check()
                found.runs += len(runs)
                after = runs[-1].id
        return found


def _check(field: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidValue(field, value, f"use a whole number from {least} to {most}")


def _nothing() -> None:
    return None
