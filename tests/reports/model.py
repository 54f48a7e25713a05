"""A plain list of runs and skipped times beside a store, and what it adds up to when each is looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

from sqlalchemy import delete, text

from horarium.records.figures import SKIPPED_TIME, Spread
from horarium.states import FINAL_STATES
from horarium.store.books.figures import counted
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.runs import RunBook
from horarium.store.books.tally import TallyBook
from horarium.store.port import Store
from horarium.store.tables import task_executions

SECOND = 1_000_000
Sums = dict[tuple[int, str, bool], tuple[int, ...]]


class Made(NamedTuple):
    """A run as it was written."""

    number: int
    task_id: int
    made_at: int
    state: str
    attempt: int
    late: int
    took: int


@dataclass
class Model:
    """Writes to a store and remembers what it wrote, whatever is deleted there."""

    store: Store
    runs: dict[int, Made] = field(default_factory=dict)
    skips: list[tuple[int, int, str, int]] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: count(1))

    def add(
        self, task_id: int, made_at: int, state: str, *, attempt: int = 1, late: int = SECOND, took: int = SECOND
    ) -> int:
        """Write a run of a schedule, made at an instant; return its number."""
        with self.store.transaction() as tx:
            number = RunBook(tx).reserve_ids(1)
        run = Made(number, task_id, made_at, state, attempt, late, took)
        with self.store.transaction() as tx:
            tx.execute(task_executions.insert(), [_row(run)])
        self.runs[number] = run
        return number

    def add_many(self, runs: Iterable[tuple[int, int, str, int, int, int]]) -> None:
        """Write very many runs: task, made at, state, attempt, late, took."""
        rows = list(runs)
        with self.store.transaction() as tx:
            first = RunBook(tx).reserve_ids(len(rows))
            made = [Made(first + place, *row) for place, row in enumerate(rows)]
            tx.execute(task_executions.insert(), [_row(each) for each in made])
        self.runs |= {each.number: each for each in made}

    def end(self, number: int, state: str, *, took: int) -> None:
        """Let an open run end."""
        run = self.runs[number] = self.runs[number]._replace(state=state, took=took)
        values = {name: value for name, value in _row(run).items() if name != "id"}
        with self.store.transaction() as tx:
            tx.execute(task_executions.update().where(task_executions.c.id == number).values(values))

    def skip(self, task_id: int, planned_at: int, reason: str, *, decided_at: int, many: int = 1) -> None:
        """Write a skipped time, or a stretch of many of them a second apart, if the ledger has none there yet."""
        taken = {(each, at + place * SECOND) for each, at, _, size in self.skips for place in range(size)}
        if taken & {(task_id, planned_at + place * SECOND) for place in range(many)}:
            return
        with self.store.transaction() as tx:
            if many == 1:
                LedgerBook(tx).record([(task_id, planned_at, None, reason, None, decided_at)])
            else:
                last = planned_at + (many - 1) * SECOND
                LedgerBook(tx).record_spans([(task_id, planned_at, last, many, reason, None, decided_at)])
        self.skips.append((task_id, planned_at, reason, many))

    def delete_counted(self) -> int:
        """Delete all runs that retention may delete; the model remembers them."""
        with self.store.transaction() as tx:
            return int(tx.execute(delete(task_executions).where(*counted())).rowcount)  # type: ignore[attr-defined]

    def recount(self, start: int, end: int) -> Sums:
        """Add up everything in a period, one by one."""
        spreads: dict[tuple[int, str, bool], tuple[list[int], list[int]]] = {}
        for run in self.runs.values():
            if start <= run.made_at < end:
                took, late = spreads.setdefault((run.task_id, run.state, run.attempt > 1), ([], []))
                took.append(run.took if run.state in FINAL_STATES else -1)
                late.append(run.late)
        found: Sums = {}
        for key, (took, late) in spreads.items():
            ended = [each for each in took if each >= 0]
            found[key] = (len(took), *_shape(Spread.of(ended)), *_shape(Spread.of(late if ended else [])))
        for task_id, planned_at, reason, many in self.skips:
            if start <= planned_at < end:
                key = (task_id, f"{SKIPPED_TIME}{reason}", False)
                found[key] = (found.get(key, (0,))[0] + many, 0, 0, 0, 0, 0, 0)
        return found

    def figures(self, start: int, end: int) -> Sums:
        """Return what the store says that it adds up to."""
        with self.store.reading() as tx:
            groups = TallyBook(tx).sums(start, end)
        return {
            (key.task_id, key.outcome, key.is_retried): (group.many, *_shape(group.took), *_shape(group.late))
            for key, group in groups.items()
        }

    def wipe(self) -> None:
        """Empty the tables, for the next example."""
        with self.store.transaction() as tx:
            for name in (
                *("task_executions", "occurrences", "occurrence_spans"),
                *("quarter_figures", "daily_figures", "uncounted_runs"),
            ):
                tx.execute(text(f"DELETE FROM {name}"))  # noqa: S608 - names that stand right above
            tx.execute(text("DELETE FROM counters WHERE name <> 'run'"))


def _shape(spread: Spread) -> tuple[int, int, int]:
    return spread.many, spread.sum, spread.most


def _row(run: Made) -> dict[str, Any]:
    ended = run.state in FINAL_STATES
    began = run.made_at + run.late
    return {
        "id": run.number,
        "task_id": run.task_id,
        "planned_at": run.made_at,
        "triggered_by": "schedule",
        "state": run.state,
        "attempt": run.attempt,
        "interruptions": 0,
        "created_at": run.made_at,
        "started_at": began if ended else None,
        "finished_at": began + run.took if ended else None,
    }
