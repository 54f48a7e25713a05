"""A busy installation: as many runs in a day as asked for, and what they come to when they are counted one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from horarium.clock import to_micros
from horarium.states import FAILURE_STATES
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.runs import RunBook
from tests.support.pages import Site

SECOND = 1_000_000
_STATES = {3: "failed", 11: "timed_out", 17: "interrupted", 23: "cancelled"}


@dataclass
class Recount:
    """What a plain look at each run gives."""

    states: Counter[str] = field(default_factory=Counter)
    quarters: Counter[tuple[int, bool]] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    tasks: Counter[int] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        return sum(self.states[state] for state in FAILURE_STATES)

    @property
    def median_took(self) -> float:
        return median(self.took)

    @property
    def median_late(self) -> float:
        return median(self.late)


def fill_day(site: Site, begin: datetime, tasks: list[int], runs: int, *, seconds: float) -> Recount:
    """Write `runs` runs that end, one by one over so many seconds from `begin`, task by task in turn."""
    recount, start, step = Recount(), to_micros(begin), int(seconds * SECOND / runs)
    planned, ended, due = [], [], []
    with site.store.transaction() as tx:
        first = RunBook(tx).reserve_ids(runs)
        for place in range(runs):
            number, task_id, at = first + place, tasks[place % len(tasks)], start + place * step
            attempt = 2 if place % 101 == 50 else 1
            state = _STATES.get(place % 500, "succeeded")
            by = "manual" if place % 97 == 0 else "schedule"
            plan = None if by == "manual" else at
            late, took = 10_000 + place % 7919, 20_000 + place % 104_729
            planned.append((number, task_id, plan, by, "claimed", attempt, 0, site.node, None, None, at, at))
            ended.append((state, at + late, at + late + took, None, None, None, None, None, number, attempt, site.node))
            recount.states[state] += 1
            recount.tasks[task_id] += 1
            recount.took.append(took)
            if plan is not None:
                due.append((task_id, plan, number, None, None, at))
                recount.late.append(late)
            if state != "cancelled":
                recount.quarters[(at + late - start) // (900 * SECOND), state != "succeeded"] += 1
        RunBook(tx).plan(planned)
        assert RunBook(tx).finish(ended) == runs
        LedgerBook(tx).record(due)
    return recount
