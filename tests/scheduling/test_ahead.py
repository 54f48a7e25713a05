"""What is decided before its instant, and what has to wait for it."""

from __future__ import annotations

from datetime import timedelta

from horarium.clock import to_micros
from horarium.records.actors import Actor
from horarium.records.policies import Overlap, Policies, Retry
from horarium.records.runs import Run
from horarium.states import OverlapPolicy, RunState
from horarium.testing import ManualScheduler

MINUTE = timedelta(minutes=1)
MOMENT = timedelta(milliseconds=200)


def begin(world: ManualScheduler, policy: OverlapPolicy = OverlapPolicy.SKIP) -> Run:
    """Let a task of every minute begin a run that goes on, until a moment before its next instant."""
    world.add("t", "* * * * *", policies=Policies(overlap=Overlap(policy, limit=2)))
    world.launcher.holds = True
    first = world.clock.now().replace(second=0, microsecond=0) + MINUTE
    world.advance(first - world.clock.now())
    world.advance(MINUTE - MOMENT)
    return world.runs("t")[0]


def end(world: ManualScheduler, run: Run) -> None:
    world.launcher.end(world.launcher.under_way[run.id])
    world.run_due()


def test_a_run_that_ends_just_before_the_next_instant_does_not_cost_it(world: ManualScheduler) -> None:
    run = begin(world)
    assert [each.run_id for each in world.ledger("t")] == [run.id]
    end(world, run)
    world.advance(MOMENT)
    assert [each.state for each in world.runs("t")][:-1] == [RunState.SUCCEEDED]
    assert list(world.launcher.under_way) == [world.runs("t")[-1].id]


def test_a_run_that_goes_on_at_the_next_instant_costs_it(world: ManualScheduler) -> None:
    begin(world)
    world.advance(MOMENT)
    assert len(world.runs("t")) == 1
    assert world.ledger("t")[-1].reason == "overlap"


def test_an_end_wakes_the_loop_for_what_was_put_off(world: ManualScheduler) -> None:
    run = begin(world)
    assert world.loop.turn() > 0
    assert world.ledger("t")[-1].run_id == run.id
    end(world, run)
    world.loop.turn()
    assert [each.state for each in world.runs("t")] == [RunState.SUCCEEDED, RunState.CLAIMED]


def test_a_run_beside_others_is_claimed_ahead(world: ManualScheduler) -> None:
    begin(world, OverlapPolicy.ALLOW)
    assert [each.state for each in world.runs("t")] == [RunState.RUNNING, RunState.CLAIMED]


def test_an_attempt_that_waits_is_claimed_ahead_and_begins_at_its_instant(world: ManualScheduler) -> None:
    retry = Retry(attempts=2, delay_seconds=10, jitter=0)
    world.add("t", None, policies=Policies(retry=retry), behave=lambda _job: RunState.FAILED)
    world.desk.trigger("t", by=Actor.of_code())
    world.run_due()
    failed = world.runs("t")[0]
    assert failed.not_before is not None
    world.advance(failed.not_before - world.clock.now() - MOMENT)
    assert world.runs("t")[0].state is RunState.CLAIMED
    world.advance(MOMENT)
    assert world.runs("t")[0].attempt == 2
    assert to_micros(world.runs("t")[0].finished_at or failed.not_before) == to_micros(failed.not_before)
