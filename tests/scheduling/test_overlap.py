"""When the run before is still going: the policy decides, and the ledger says so."""

from __future__ import annotations

from datetime import timedelta

from horarium.records.actors import Actor
from horarium.records.policies import Overlap, Policies, Retry
from horarium.states import OverlapPolicy, RunState
from horarium.testing import ManualScheduler

MINUTE = timedelta(minutes=1)


def held_world(world: ManualScheduler, policy: OverlapPolicy, limit: int = 1) -> ManualScheduler:
    """Define a task of every minute whose runs stay under way until the test ends them."""
    world.add("t", "* * * * *", policies=Policies(overlap=Overlap(policy, limit)))
    world.launcher.holds = True
    return world


def states(world: ManualScheduler) -> list[RunState]:
    return [run.state for run in world.runs("t")]


def end_first(world: ManualScheduler) -> None:
    world.launcher.end(next(iter(world.launcher.under_way.values())))
    world.run_due()


def test_rp8_skip_leaves_the_new_one_out_and_says_so(world: ManualScheduler) -> None:
    start = world.clock.now()
    held_world(world, OverlapPolicy.SKIP)
    world.advance(5 * MINUTE + timedelta(seconds=1))
    assert len(world.runs("t")) == 1
    assert world.totals("t", start, world.clock.now()) == {"runs": 1, "overlap": 4}
    end_first(world)
    world.advance(MINUTE)
    assert states(world) == [RunState.SUCCEEDED, RunState.RUNNING]


def test_rp8_queue_keeps_one_waiting_and_starts_it_after(world: ManualScheduler) -> None:
    start = world.clock.now()
    held_world(world, OverlapPolicy.QUEUE)
    world.advance(4 * MINUTE + timedelta(seconds=1))
    assert states(world) == [RunState.RUNNING, RunState.QUEUED]
    assert world.totals("t", start, world.clock.now()) == {"runs": 2, "overlap": 2}
    end_first(world)
    world.advance(timedelta(seconds=1))
    assert states(world) == [RunState.SUCCEEDED, RunState.RUNNING]


def test_rp8_replace_ends_the_old_one_and_starts_the_new_one(world: ManualScheduler) -> None:
    held_world(world, OverlapPolicy.REPLACE)
    world.advance(2 * MINUTE + timedelta(seconds=2))
    assert states(world) == [RunState.CANCELLED, RunState.RUNNING]


def test_rp8_allow_lets_up_to_n_go_side_by_side(world: ManualScheduler) -> None:
    start = world.clock.now()
    held_world(world, OverlapPolicy.ALLOW, 3)
    world.advance(5 * MINUTE + timedelta(seconds=1))
    assert states(world) == [RunState.RUNNING] * 3
    assert world.totals("t", start, world.clock.now()) == {"runs": 3, "overlap": 2}


def test_a_manual_run_waits_for_the_one_under_way(small: ManualScheduler) -> None:
    held_world(small, OverlapPolicy.SKIP)
    small.advance(MINUTE)
    small.desk.trigger("t", by=Actor.of_code("ada"))
    small.advance(timedelta(seconds=1))
    assert states(small) == [RunState.RUNNING, RunState.QUEUED]
    end_first(small)
    small.advance(timedelta(seconds=1))
    assert states(small) == [RunState.SUCCEEDED, RunState.RUNNING]


def test_a_full_node_lets_runs_of_other_tasks_wait_and_loses_none(small: ManualScheduler) -> None:
    names = [f"t{i}" for i in range(25)]
    for name in names:
        small.add(name, "* * * * *")
    small.launcher.holds = True
    small.advance(MINUTE)
    assert len(small.launcher.under_way) == 10
    small.launcher.holds = False
    while small.launcher.under_way:
        small.launcher.end(next(iter(small.launcher.under_way.values())))
        small.run_due()
    assert [len(small.runs(name)) for name in names] == [1] * 25
    assert {run.state for run in small.runs()} == {RunState.SUCCEEDED}


def test_a_run_between_attempts_counts_as_the_run_before(small: ManualScheduler) -> None:
    def fail(_job: object) -> None:
        raise ValueError("no")

    small.add("t", "* * * * *", behave=fail, policies=Policies(retry=Retry(attempts=2, delay_seconds=90, jitter=0)))
    small.advance(2 * MINUTE + timedelta(seconds=1))
    assert states(small) == [RunState.RETRYING]
