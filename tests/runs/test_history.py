"""The ledger answers: why did it not run, and what does a period add up to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from horarium.errors import InvalidValue, TaskNotFound
from horarium.library import TaskScheduler
from horarium.records.actors import Actor
from horarium.records.policies import Misfire, Policies
from horarium.runs.history import SKIPPED, Accounting, History
from horarium.states import MisfirePolicy, Reason
from horarium.store.books.ledger import LedgerBook
from horarium.testing import ManualClock, ManualScheduler
from horarium.testing.clock import START
from horarium.triggers import IntervalTrigger

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
NEXT = START + HOUR


@pytest.fixture
def world() -> Iterator[ManualScheduler]:
    world = ManualScheduler()
    yield world
    world.shut_down()


@pytest.fixture
def history(world: ManualScheduler) -> History:
    return History(world.store, world.clock)


def test_every_reason_has_its_words() -> None:
    assert set(SKIPPED) == set(Reason)


def test_a_run_on_time_a_late_one_and_one_that_waits_are_told_apart(world: ManualScheduler, history: History) -> None:
    world.add("t", "0 * * * *")
    world.advance(HOUR, step=MINUTE)
    assert history.why("t", NEXT) == "It ran on time as run 1, which is succeeded."
    world.sleep_through(HOUR + 30 * SECOND)
    world.run_due()
    assert history.why("t", NEXT + HOUR) == "It ran 30 s late as run 2, which is succeeded."
    world.claimer.is_open = False
    world.advance(HOUR, step=MINUTE)
    assert history.why("t", NEXT + 2 * HOUR) == "It became run 3, which is queued and has not started."


def test_what_was_skipped_says_why(world: ManualScheduler, history: History) -> None:
    world.add("t", "0 * * * *")
    world.sleep_through(3 * HOUR)
    world.run_due()
    assert history.why("t", NEXT) == (
        "It did not run: nobody was there at its time, and the misfire policy leaves it out."
    )
    world.desk.pause("t", by=Actor.of_code("ann"))
    world.sleep_through(HOUR)
    world.run_due()
    assert history.why("t", NEXT + 3 * HOUR) == "It did not run: the task was paused."


def test_a_run_that_was_given_up_says_why(world: ManualScheduler, history: History) -> None:
    world.add("t", "0 * * * *")
    world.claimer.is_open = False
    world.sleep_through(HOUR)
    world.run_due()
    world.desk.pause("t", by=Actor.of_code("ann"))
    assert history.why("t", NEXT) == ("It became run 1, which was given up before it started: the task was paused.")


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        (NEXT + MINUTE, "does not give this instant"),
        (START + 24 * HOUR, "It lies ahead."),
        (START - HOUR, "The task was added later, at 2026-05-14 12:00:00"),
        (NEXT, "Nobody has looked at it yet"),
    ],
)
def test_an_instant_without_an_outcome_says_why(
    world: ManualScheduler, history: History, instant: datetime, words: str
) -> None:
    world.add("t", "0 * * * *")
    world.clock.advance(90 * MINUTE)
    assert words in history.why("t", instant)


def test_a_task_without_a_schedule_and_none_at_all(world: ManualScheduler, history: History) -> None:
    world.add("by hand", None)
    assert history.why("by hand", NEXT) == "It has no schedule: it only runs by hand."
    with pytest.raises(TaskNotFound):
        history.why("nobody", NEXT)


def test_an_instant_needs_a_zone(history: History) -> None:
    with pytest.raises(InvalidValue, match="time zone"):
        history.why("t", NEXT.replace(tzinfo=None))
    with pytest.raises(InvalidValue, match="end"):
        history.accounting("t", NEXT, NEXT.replace(tzinfo=None))


def test_a_program_asks_its_scheduler(tmp_path: Path) -> None:
    scheduler = TaskScheduler(tmp_path / "h.db", clock=ManualClock())
    scheduler.add_cron_task("t", print, "0 * * * *")
    assert scheduler.why("t", NEXT) == "It lies ahead."
    assert scheduler.accounting("t", START, NEXT) == Accounting(0, 0, {})
    scheduler.close()


def test_an_instant_inside_a_stretch_is_answered_and_one_between_its_instants_is_not(
    world: ManualScheduler, history: History
) -> None:
    world.add("t", IntervalTrigger(10, START))
    world.sleep_through(2 * HOUR)
    world.run_due()
    assert history.why("t", START + MINUTE).startswith("It did not run: nobody was there")
    assert "does not give this instant" in history.why("t", START + MINUTE + SECOND)


def test_for_any_period_occurrences_are_runs_and_skipped_ones(world: ManualScheduler, history: History) -> None:
    task = world.add("t", IntervalTrigger(10, START), policies=Policies(misfire=Misfire(MisfirePolicy.SKIP)))
    world.advance(MINUTE)
    world.sleep_through(3 * HOUR)
    world.run_due()
    world.desk.remove("t", by=Actor.of_code("ann"))
    with world.store.reading() as tx:
        assert LedgerBook(tx).of(task.id, 1778765000000000)
    begin, end = START + 90 * SECOND, START + HOUR + 5 * SECOND
    expected = (end - begin) // timedelta(seconds=10) + 1
    assert history.accounting("t", begin, end) == Accounting(expected, 0, {"missed": expected})
    whole = history.accounting("t", START, world.clock.now() + SECOND)
    assert whole.occurrences == (3 * HOUR + MINUTE) // timedelta(seconds=10)
    assert whole.runs + sum(whole.skipped.values()) == whole.occurrences


def test_a_stretch_of_an_older_schedule_is_shared_out_evenly(world: ManualScheduler, history: History) -> None:
    world.add("t", IntervalTrigger(10, START))
    world.sleep_through(2 * HOUR)
    world.add("t", "0 0 1 1 *")
    found = history.accounting("t", START + HOUR, START + HOUR + MINUTE)
    assert found == Accounting(6, 0, {"missed": 6})
