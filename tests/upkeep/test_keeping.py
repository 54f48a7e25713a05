"""Old runs, output and events go by rule, in short steps, and the room goes back to the disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import func, select, text

from horarium.clock import SystemClock, to_micros
from horarium.errors import InvalidValue
from horarium.records.keeping import USUAL_RULE, Keep, KeepRule
from horarium.records.policies import Policies
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.runs import keeping
from horarium.runs.history import History
from horarium.runs.keeping import Cleaner, Pace, Steps, rule_of, write_rule
from horarium.scheduling.tasks import TaskDesk
from horarium.states import EventKind
from horarium.store.books.events import EventBook
from horarium.store.books.ledger import LedgerBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.store.room import pages_of
from horarium.store.sqlite import SqliteStore
from horarium.store.tables import events, scheduled_tasks, task_attempts, task_executions
from horarium.store.tables.figures import daily_figures
from horarium.upkeep import cleanup
from tests.support.bulk import fill_runs, size_of_a_packed_copy
from tests.support.leftovers import run_count, runs_with_output, write_run
from tests.support.people import START, SetClock

OPEN = ("queued", "claimed", "running", "retrying")
QUICK = Steps(batch=3, rest=timedelta())
RULE = KeepRule(run_days=10, failure_days=40, runs=100, failures=100, output_days=5)


def task(store: Store, clock: SetClock, name: str = "backup", keep: Keep | None = None) -> int:
    policies = Policies() if keep is None else Policies(keep=keep)
    definition = TaskDefinition(name, PythonSpec("os:getpid"), None, policies=policies)
    return TaskDesk(store, clock).define(definition).task.id


def ids(store: Store) -> set[int]:
    with store.reading() as tx:
        return {int(row[0]) for row in tx.execute(select(task_executions.c.id))}


def daily(store: Store, task_id: int, count: int, *, state: str = "succeeded", first: int = 1) -> None:
    """Write runs of a task, one a day, the newest today."""
    for number in range(count):
        ended = START - timedelta(days=count - 1 - number)
        write_run(store, first + number, task_id=task_id, state=state, ended=ended)
        with store.transaction() as tx:
            at = to_micros(ended)
            tx.execute(task_executions.update().where(task_executions.c.id == first + number).values(created_at=at))


def clean(store: Store, clock: SetClock, rule: KeepRule = RULE, steps: Steps = QUICK) -> keeping.Cleaned:
    return Cleaner(store, clock, rule, steps).run()


def test_r114_runs_go_by_age_and_failed_ones_stay_longer(store: Store, clock: SetClock) -> None:
    one, other = task(store, clock), task(store, clock, "report")
    daily(store, one, 50)
    daily(store, other, 50, state="failed", first=101)
    found = clean(store, clock)
    assert ids(store) == {*range(40, 51), *range(110, 151)}
    assert found.runs == 39 + 9
    with store.reading() as tx:
        left = {int(row[0]) for row in tx.execute(select(task_attempts.c.run_id))}
    assert left == ids(store)


def test_r114_runs_go_by_count_for_each_task_failed_ones_by_their_own(store: Store, clock: SetClock) -> None:
    one, other = task(store, clock), task(store, clock, "report")
    daily(store, one, 9)
    daily(store, other, 4, first=101)
    for number in (2, 3, 5):
        with store.transaction() as tx:
            tx.execute(task_executions.update().where(task_executions.c.id == number).values(state="timed_out"))
    clean(store, clock, replace(RULE, runs=4, failures=2))
    assert ids(store) == {3, 5, 6, 7, 8, 9, 101, 102, 103, 104}


@pytest.mark.parametrize("state", OPEN)
def test_r114_a_run_that_is_not_over_is_never_removed(store: Store, clock: SetClock, state: str) -> None:
    number = task(store, clock)
    write_run(store, 1, task_id=number, state=state, ended=None)
    write_run(store, 2, task_id=number, state="succeeded", ended=START - timedelta(days=900))
    found = clean(store, clock, replace(RULE, runs=1))
    assert (ids(store), runs_with_output(store), found.runs) == ({1}, {1}, 1)


def test_r114_the_last_run_of_a_task_stays_however_old(store: Store, clock: SetClock) -> None:
    number = task(store, clock)
    write_run(store, 1, task_id=number, state="succeeded", ended=START - timedelta(days=900))
    write_run(store, 2, task_id=number, state="succeeded", ended=START - timedelta(days=800))
    with store.transaction() as tx:
        tx.execute(scheduled_tasks.update().values(last_run_id=2))
    clean(store, clock)
    assert ids(store) == {2}


def test_r114_rp26_runs_that_are_not_counted_yet_stay_and_cleanup_counts_them_before(store: Store) -> None:
    fill_runs(store, 200, kept=100)
    Cleaner(store, SystemClock(), replace(USUAL_RULE, run_days=90), counted_only=True).run()
    assert run_count(store) == 200
    assert cleanup(store=store, days=90)["runs"] == 100
    with store.reading() as tx:
        figures = tx.execute(select(func.sum(daily_figures.c.many)).where(daily_figures.c.task_id != 0)).scalar_one()
    assert (run_count(store), int(figures)) == (100, 200)


def test_what_a_task_says_for_itself_goes_before_the_installation(store: Store, clock: SetClock) -> None:
    short = task(store, clock, "short", Keep(days=2, output_days=1))
    long = task(store, clock, "long", Keep(days=25, output_days=8))
    few = task(store, clock, "few", Keep(runs=3))
    for place, number in enumerate((short, long, few)):
        daily(store, number, 30, first=1 + 100 * place)
    clean(store, clock)
    assert ids(store) == {*range(28, 31), *range(105, 131), *range(228, 231)}
    assert runs_with_output(store) == {29, 30, *range(122, 131), *range(228, 231)}


def test_output_goes_before_its_run_and_that_of_failed_ones_is_left_to_its_own_rule(
    store: Store, clock: SetClock
) -> None:
    number = task(store, clock)
    daily(store, number, 9)
    daily(store, number, 9, state="failed", first=101)
    found = clean(store, clock)
    assert run_count(store) == 18
    assert runs_with_output(store) == {*range(4, 10), *range(101, 110)}
    assert (found.trimmed, found.pieces) == (3, 6)
    with store.reading() as tx:
        row = tx.execute(select(task_attempts).where(task_attempts.c.run_id == 1)).one()
    assert row.dropped_bytes == row.output_bytes > 0


def test_events_go_by_age(store: Store, clock: SetClock) -> None:
    for days in (100, 50, 31, 29, 0):
        with store.transaction() as tx:
            at = to_micros(START - timedelta(days=days))
            EventBook(tx).append(EventKind.CLOCK_JUMPED, at=at, body={"days": days})
    assert clean(store, clock).events == 3
    with store.reading() as tx:
        assert tx.execute(select(func.count()).select_from(events)).scalar_one() == 2


def test_rp26_the_ledger_tells_of_each_instant_after_its_run_is_gone(store: Store, clock: SetClock) -> None:
    number = task(store, clock)
    planned = START - timedelta(days=100)
    write_run(store, 1, task_id=number, state="succeeded", ended=planned)
    with store.transaction() as tx:
        LedgerBook(tx).record([(number, to_micros(planned), 1, None, None, to_micros(planned))])
    clean(store, clock)
    assert ids(store) == set()
    history = History(store, clock)
    assert "cleaned up since" in history.why("backup", planned)
    counted = history.accounting("backup", planned, START)
    assert (counted.occurrences, counted.runs) == (1, 1)


def test_r114_a_dry_run_counts_the_same_and_changes_nothing(store: Store, clock: SetClock) -> None:
    number = task(store, clock)
    daily(store, number, 50)
    daily(store, number, 50, state="failed", first=101)
    options = {"days": 10, "failure_days": 40, "output_days": 5, "store": store, "clock": clock}
    dry = cleanup(**options, dry_run=True)  # type: ignore[arg-type]
    assert run_count(store) == 100
    wet = cleanup(**options)  # type: ignore[arg-type]
    assert {**dry, "freed": 0} == {**wet, "freed": 0, "dry_run": True}
    again = cleanup(**options)  # type: ignore[arg-type]
    assert {name: again[name] for name in ("runs", "trimmed", "pieces", "events")} == dict.fromkeys(
        ("runs", "trimmed", "pieces", "events"), 0
    )


def test_r114_the_work_is_cut_into_bounded_transactions(store: Store, clock: SetClock) -> None:
    daily(store, task(store, clock), 60)
    left: list[int] = []
    Cleaner(store, clock, RULE, QUICK).run(go_on=lambda: left.append(run_count(store)))
    gone = [before - after for before, after in pairwise(left)]
    assert max(gone) == 3
    assert sum(gone) == 49


@pytest.mark.parametrize("gathered", [1, 5, 1_000_000])
def test_r114_runs_of_all_tasks_go_in_the_order_of_their_numbers_around_those_that_stay(
    store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch, gathered: int
) -> None:
    monkeypatch.setattr(keeping, "GATHERED", gathered)
    monkeypatch.setattr(keeping, "PAGE", 4)
    tasks = [task(store, clock, name) for name in ("one", "two", "three")]
    for place, number in enumerate(range(1, 61)):
        state = "failed" if number % 10 == 0 else "running" if number == 25 else "succeeded"
        ended = START - timedelta(days=30) + timedelta(hours=number)
        write_run(store, number, task_id=tasks[place % 3], state=state, ended=None if state == "running" else ended)
    left: list[set[int]] = []
    Cleaner(store, clock, replace(RULE, output_days=40), QUICK).run(go_on=lambda: left.append(ids(store)))
    assert ids(store) == runs_with_output(store) == {10, 20, 25, 30, 40, 50, 60}
    if gathered > 60:
        gone = [sorted(before - after) for before, after in pairwise(left)]
        assert [number for step in gone for number in step] == [n for n in range(1, 61) if n % 10 and n != 25]


def test_r114_a_step_that_took_long_makes_the_next_one_smaller_and_a_quick_one_makes_it_larger() -> None:
    pace = Pace(64, 10, 500, 0.05)
    sizes = []
    for took in (0.01, 0.03, 0.07, 0.2, 0.2, 0.2, 0.2, *(0.0,) * 7):
        pace.fit(took)
        sizes.append(pace.many)
    assert sizes == [128, 161, 161, 80, 40, 20, 10, 20, 40, 80, 160, 320, 500, 500]


def test_rp26_two_at_once_remove_each_run_once(store: Store, clock: SetClock) -> None:
    daily(store, task(store, clock), 60)
    found: list[keeping.Cleaned] = []
    threads = [threading.Thread(target=lambda: found.append(clean(store, clock))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.runs for each in found) == 49
    assert ids(store) == set(range(50, 61))


KILLED = """
import os, signal, sys
from datetime import timedelta
from horarium.runs.keeping import Cleaner, Steps
from horarium.records.keeping import KeepRule
from horarium.store.books.keeping import KeepingBook
from horarium.store.opening import open_store
from tests.support.people import SetClock
real, left = getattr(KeepingBook, sys.argv[2]), [int(sys.argv[3])]
def dying(self, *given, **options):
    found = real(self, *given, **options)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
setattr(KeepingBook, sys.argv[2], dying)
rule = KeepRule(run_days=10, failure_days=40, output_days=5)
Cleaner(open_store(sys.argv[1]), SetClock(), rule, Steps(batch=3, rest=timedelta())).run()
"""


@pytest.mark.parametrize(("method", "times"), [("remove", 1), ("remove", 4), ("trim_output", 1), ("remove_events", 1)])
def test_rp26_a_kill_at_any_step_leaves_whole_runs_and_the_next_one_finishes(
    store: Store, clock: SetClock, request: pytest.FixtureRequest, method: str, times: int
) -> None:
    is_file = store.capabilities.name == "sqlite"
    address = store.location if is_file else str(request.getfixturevalue("postgres_url"))
    daily(store, task(store, clock), 40)
    with store.transaction() as tx:
        EventBook(tx).append(EventKind.CLOCK_JUMPED, at=0)
    command = [sys.executable, "-c", KILLED, address, method, str(times)]
    died = subprocess.run(command, check=False, timeout=60, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert died.returncode == -signal.SIGKILL
    with store.reading() as tx:
        attempts = {int(row[0]) for row in tx.execute(select(task_attempts.c.run_id))}
    assert attempts == ids(store)
    assert runs_with_output(store) <= ids(store)
    clean(store, clock)
    assert (ids(store), runs_with_output(store)) == (set(range(30, 41)), set(range(35, 41)))


def test_the_rule_of_the_installation_is_kept_in_the_store_and_options_go_before_it(
    store: Store, clock: SetClock
) -> None:
    daily(store, task(store, clock), 60)
    with store.transaction() as tx:
        write_rule(tx, KeepRule(run_days=50, output_days=45))
    assert rule_of(store) == KeepRule(run_days=50, output_days=45)
    assert cleanup(store=store, clock=clock)["runs"] == 9
    assert cleanup(store=store, clock=clock, days=20)["runs"] == 30
    assert cleanup(store=store, clock=clock, keep=5)["runs"] == 16


@pytest.mark.parametrize(
    ("field", "value"),
    [("days", 0), ("days", True), ("failure_days", -1), ("keep", 0), ("keep", 1.5), ("output_days", "all"),
     ("event_days", 6)],
)  # fmt: skip
def test_r114_a_rule_that_leaves_too_little_is_refused(sqlite: Store, field: str, value: object) -> None:
    with pytest.raises(InvalidValue):
        cleanup(store=sqlite, **{field: value})  # type: ignore[arg-type]


def test_failures_are_never_kept_shorter_than_other_runs() -> None:
    with pytest.raises(InvalidValue, match="failure_days"):
        KeepRule(run_days=90, failure_days=30)
    with pytest.raises(InvalidValue, match="failure_days"):
        Keep(days=90, failure_days=30)
    short = KeepRule().for_task(Keep(failure_days=7))
    assert (short.run_days, short.failure_days) == (7, 7)
    long = KeepRule().for_task(Keep(days=1000))
    assert (long.run_days, long.failure_days) == (1000, 1000)


def test_policies_keep_what_is_said_and_nothing_else() -> None:
    policies = Policies(keep=Keep(days=7, runs=20))
    assert policies.to_json() == {"keep": {"days": 7, "runs": 20}}
    assert Policies.from_json(policies.to_json()) == policies
    assert Policies.from_json({}) == Policies()


class Writer:
    """Somebody who writes all the time, and how long the longest of these writes waited."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.worst = 0.0
        self.writes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _write(self) -> None:
        while not self._over.wait(0.01):
            began = time.perf_counter()
            with self._store.transaction() as tx:
                EventBook(tx).append(EventKind.CLOCK_JUMPED, at=to_micros(datetime.now().astimezone()))
            self.worst = max(self.worst, time.perf_counter() - began)
            self.writes += 1


A_MILLION = 1_000_000


def check_cleanup(store: Store, count: int, kept: int, beside: Callable[[], Store]) -> None:
    """Remove all but `kept` of `count` runs while two others write: with this store, and with one of their own."""
    fill_runs(store, count, kept=kept)
    own = beside()
    with Writer(store) as calm, Writer(own) as calm_too:
        threading.Event().wait(2)
    with Writer(store) as near, Writer(own) as far:
        found = cleanup(store=store, days=90, keep=10 * count)
    own.close()
    assert found["runs"] == count - kept
    assert run_count(store) == kept
    assert (near.writes > 5, far.writes > 5) == (True, True)
    # On a machine that is itself too busy to let them write, they wait for that, and not for the cleaning; a long test
    # has the machine for itself.
    usual = 0.0 if count >= A_MILLION else max(calm.worst, calm_too.worst)
    assert max(near.worst, far.worst) < max(0.5, 4 * usual)
    if isinstance(store, SqliteStore) and store.path is not None:
        assert found["freed"] > 0
        packed = size_of_a_packed_copy(store)
        assert store.path.stat().st_size <= 1.2 * packed
        assert list(store.check()) == []


@pytest.fixture
def beside(store: Store, request: pytest.FixtureRequest) -> Callable[[], Store]:
    is_file = store.capabilities.name == "sqlite"
    address = store.location if is_file else str(request.getfixturevalue("postgres_url"))
    return lambda: open_store(address)


@pytest.mark.parametrize(
    "store", ["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.long])], indirect=True
)
def test_r114_most_of_many_runs_go_while_nobody_waits_and_the_file_shrinks(
    store: Store, beside: Callable[[], Store]
) -> None:
    check_cleanup(store, 20_000, 2_000, beside)


@pytest.mark.long
def test_r114_900_000_of_1_000_000_runs_go_while_nobody_waits_and_the_file_shrinks(
    store: Store, beside: Callable[[], Store]
) -> None:
    check_cleanup(store, A_MILLION, 100_000, beside)


def test_a_new_file_gives_back_what_becomes_free(sqlite: Store) -> None:
    pages = pages_of(sqlite)
    assert pages
    assert pages.gives_back
    with sqlite.reading() as tx:
        assert tx.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
