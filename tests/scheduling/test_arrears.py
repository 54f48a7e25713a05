"""Every instant keeps its own outcome, also when a change comes before anybody has looked at it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from horarium.errors import InvalidSchedule
from horarium.records.actors import Actor
from horarium.records.policies import Misfire, Overlap, Policies
from horarium.scheduling import tick
from horarium.states import MisfirePolicy, OverlapPolicy, Reason
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.tasks import TaskBook
from horarium.testing import ManualScheduler
from horarium.triggers import CronTrigger, DateTrigger, IntervalTrigger, to_text

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ALL = Misfire(MisfirePolicy.ALL, window_seconds=30 * 86_400, cap=5)


def reasons(world: ManualScheduler, task_id: int) -> dict[str, int]:
    with world.store.reading() as tx:
        return LedgerBook(tx).totals(task_id, 0, 1 << 62)


def test_a_pause_that_ended_while_nobody_was_there_counts_to_its_end_and_no_further(world: ManualScheduler) -> None:
    task = world.add("t", "0 * * * *", policies=Policies(misfire=ALL))
    world.advance(MINUTE)
    world.desk.pause("t", by=Actor.of_code("ann"), until=world.clock.now() + 3 * HOUR)
    world.sleep_through(5 * HOUR)
    world.run_due()
    assert reasons(world, task.id) == {"paused": 3, "runs": 2}
    assert not world.desk.find("t").is_paused


def test_what_was_missed_before_a_pause_was_missed_and_the_rest_was_paused(world: ManualScheduler) -> None:
    task = world.add("t", "0 * * * *")
    world.sleep_through(3 * HOUR + 2 * MINUTE)
    world.desk.pause("t", by=Actor.of_code("ann"))
    world.sleep_through(2 * HOUR)
    world.run_due()
    assert reasons(world, task.id) == {"missed": 3, "paused": 2}


def test_what_fell_due_in_a_pause_is_not_made_up_after_a_resume_that_nobody_saw(world: ManualScheduler) -> None:
    task = world.add("t", "0 * * * *", policies=Policies(misfire=ALL))
    world.desk.pause("t", by=Actor.of_code("ann"))
    world.sleep_through(4 * HOUR)
    world.desk.resume("t", by=Actor.of_code("ann"))
    world.sleep_through(2 * HOUR)
    world.run_due()
    assert reasons(world, task.id) == {"paused": 4, "runs": 2}


def test_pausing_again_does_not_make_the_first_pause_shorter(small: ManualScheduler) -> None:
    task = small.add("t", "0 * * * *")
    small.desk.pause("t", by=Actor.of_code("ann"))
    small.sleep_through(2 * HOUR)
    small.desk.pause("t", by=Actor.of_code("ben"))
    small.sleep_through(2 * HOUR)
    small.run_due()
    assert reasons(small, task.id) == {"paused": 4}


def test_time_18_what_the_old_schedule_had_due_is_recorded_before_the_new_one_counts(world: ManualScheduler) -> None:
    task = world.add("t", "0 * * * *")
    world.sleep_through(3 * HOUR)
    world.add("t", "30 * * * *")
    assert reasons(world, task.id) == {"missed": 3}
    world.advance(HOUR, step=MINUTE)
    assert reasons(world, task.id) == {"missed": 3, "runs": 1}


def test_a_new_description_leaves_what_is_due_to_the_misfire_policy(small: ManualScheduler) -> None:
    task = small.add("t", "0 * * * *")
    small.sleep_through(3 * HOUR)
    small.add("t", "0 * * * *", policies=Policies(jitter_seconds=1))
    small.run_due()
    assert reasons(small, task.id) == {"missed": 2, "runs": 1}


def test_a_removed_task_leaves_no_instant_without_an_outcome(small: ManualScheduler) -> None:
    task = small.add("t", "0 * * * *")
    small.sleep_through(3 * HOUR)
    small.desk.remove("t", by=Actor.of_code("ann"))
    assert reasons(small, task.id) == {"missed": 3}


def test_what_fell_due_while_parked_is_not_made_up_after_it_was_mended(small: ManualScheduler) -> None:
    task = small.add("t", "0 * * * *", policies=Policies(misfire=ALL))
    with small.store.transaction() as tx:
        small.claimer.park(tx, task.id, "its function is gone")
    small.sleep_through(3 * HOUR)
    small.desk.unpark("t", by=Actor.of_code("ann"))
    small.sleep_through(HOUR)
    small.run_due()
    assert reasons(small, task.id) == {"parked": 3, "runs": 1}


def test_a_task_parked_for_its_schedule_goes_on_when_that_can_be_read_again(
    small: ManualScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = small.add("t", "0 * * * *")
    broken = to_text(CronTrigger("0 * * * *", "UTC")).replace("UTC", "Atlantis/Capital")
    with small.store.transaction() as tx:
        TaskBook(tx)._change(task.id, 1, schedule=broken)
    small.sleep_through(HOUR)
    small.run_due()
    assert small.desk.find("t").is_parked
    with pytest.raises(InvalidSchedule, match="Atlantis"):
        small.desk.unpark("t", by=Actor.of_code("ann"))
    assert small.desk.find("t").is_parked
    with small.store.transaction() as tx:
        TaskBook(tx)._change(task.id, 1, schedule=task.definition.schedule)
    small.desk.unpark("t", by=Actor.of_code("ann"))
    small.sleep_through(HOUR)
    small.run_due()
    assert reasons(small, task.id)["runs"] == 1


def test_all_takes_no_more_than_its_cap_of_a_backlog_that_is_looked_at_in_parts(small: ManualScheduler) -> None:
    policies = Policies(misfire=ALL, overlap=Overlap(OverlapPolicy.ALLOW, limit=10))
    task = small.add("t", IntervalTrigger(1, small.clock.now()), policies=policies)
    small.sleep_through(timedelta(seconds=35_000))
    small.run_due()
    found = reasons(small, task.id)
    catch_up = [run for run in small.runs("t") if run.triggered_by == "catch_up"]
    assert len(catch_up) == 5
    assert sum(found.values()) == 35_000
    assert max(run.planned_at for run in catch_up if run.planned_at) < small.clock.now() - MINUTE


def test_rp8_of_several_at_once_only_the_newest_replaces(small: ManualScheduler) -> None:
    policies = Policies(overlap=Overlap(OverlapPolicy.REPLACE))
    task = small.add("t", IntervalTrigger(10, small.clock.now()), policies=policies)
    small.sleep_through(timedelta(seconds=45))
    small.launcher.holds = True
    small.run_due()
    assert reasons(small, task.id) == {"replaced": 3, "runs": 1}
    small.advance(timedelta(seconds=10))
    assert [run.state.value for run in small.runs("t")][:1] == ["cancelled"]
    assert len(small.launcher.under_way) == 1


def test_one_long_backlog_does_not_hold_up_what_is_on_time(
    small: ManualScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tick, "MOST_INSTANTS", 5000)
    for number in range(5):
        small.add(f"old {number}", IntervalTrigger(1, small.clock.now()))
    small.clock.advance(timedelta(seconds=9000))
    small.heartbeat.beat()
    small.add("new", CronTrigger("* * * * *"), late_ok=True)
    small.clock.advance(MINUTE)
    small.heartbeat.beat()
    small.loop.turn()
    assert len(small.ledger("new")) == 1
    assert sum(bool(small.ledger(f"old {number}")) for number in range(5)) == 1
    small.run_due()
    assert all(small.ledger(f"old {number}") for number in range(5))


def test_a_date_that_ran_is_not_due_again_when_it_is_said_again(small: ManualScheduler) -> None:
    when = small.clock.now() + MINUTE
    task = small.add("t", DateTrigger(when))
    small.advance(2 * MINUTE)
    small.add("t", "0 0 1 1 *")
    small.add("t", DateTrigger(when), late_ok=True)
    small.run_due()
    assert reasons(small, task.id) == {"runs": 1}
    assert Reason.MISSED.value not in reasons(small, task.id)
