"""Attempts: retries, nodes that die, ghosts that come back, and ends in order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from horarium.records.policies import Policies, Retry
from horarium.records.runs import Attempt
from horarium.scheduling.silence import LEASE_SECONDS
from horarium.states import EventKind, RunState
from horarium.store.books.events import EventBook
from horarium.store.books.history import HistoryBook
from horarium.testing import ManualScheduler
from tests.scheduling.conftest import MakeWorld

MINUTE = timedelta(minutes=1)


def fail(_job: object) -> None:
    raise ValueError("no")


def attempts(world: ManualScheduler, run_id: int) -> list[Attempt]:
    with world.store.reading() as tx:
        return HistoryBook(tx).attempts(run_id)


def test_a_failed_attempt_is_followed_by_the_next_after_growing_pauses(world: ManualScheduler) -> None:
    start = world.clock.now() + MINUTE
    retry = Retry(attempts=3, delay_seconds=60, factor=2, jitter=0)
    world.add("t", "1 * * * *", behave=fail, policies=Policies(retry=retry))
    world.advance(timedelta(minutes=5), step=timedelta(seconds=5))
    (run,) = world.runs("t")
    assert (run.state, run.attempt) == (RunState.FAILED, 3)
    begun = [each.started_at - start for each in attempts(world, run.id)]
    assert begun == [timedelta(0), timedelta(seconds=60), timedelta(seconds=180)]
    assert world.desk.find("t").failures_in_row == 1


def test_a_retry_that_succeeds_ends_the_row_of_failures(small: ManualScheduler) -> None:
    outcomes = iter([RunState.FAILED, RunState.FAILED, RunState.SUCCEEDED])
    small.add("t", "* * * * *", behave=lambda _job: next(outcomes), policies=Policies(retry=Retry(attempts=2)))
    small.advance(timedelta(minutes=2, seconds=30), step=timedelta(seconds=5))
    assert small.desk.find("t").failures_in_row == 1
    small.advance(timedelta(minutes=1), step=timedelta(seconds=5))
    assert small.desk.find("t").failures_in_row == 0
    assert small.desk.find("t").last_state is RunState.SUCCEEDED


def test_an_attempt_that_cannot_be_helped_is_not_tried_again(small: ManualScheduler) -> None:
    small.add("t", "* * * * *", policies=Policies(retry=Retry(attempts=5, delay_seconds=1)))
    small.launcher.holds = True
    small.advance(MINUTE)
    small.launcher.end(next(iter(small.launcher.under_way.values())), RunState.FAILED, can_retry=False)
    small.advance(timedelta(seconds=30))
    assert [run.state for run in small.runs("t")] == [RunState.FAILED]


def test_rp3_what_a_dead_node_held_is_interrupted_and_run_again_once(make_world: MakeWorld) -> None:
    first = make_world()
    first.add("t", "* * * * *")
    first.launcher.holds = True
    first.advance(MINUTE + timedelta(seconds=1))
    first.die()
    first.clock.advance(timedelta(seconds=LEASE_SECONDS + 1))
    second = make_world()
    second.run_due()
    second.advance(timedelta(seconds=1))
    (run,) = second.runs("t")
    assert (run.state, run.attempt) == (RunState.SUCCEEDED, 2)
    assert [each.state for each in attempts(second, run.id)] == [RunState.INTERRUPTED, RunState.SUCCEEDED]


def test_rp3_a_task_that_must_not_run_again_stays_interrupted(make_world: MakeWorld) -> None:
    first = make_world()
    first.add("t", "* * * * *", policies=Policies(rerun_interrupted=0))
    first.launcher.holds = True
    first.advance(MINUTE + timedelta(seconds=1))
    first.die()
    first.clock.advance(timedelta(seconds=LEASE_SECONDS + 1))
    second = make_world()
    second.run_due()
    (run,) = second.runs("t")
    assert run.state is RunState.INTERRUPTED
    assert second.desk.find("t").failures_in_row == 1
    with second.store.reading() as tx:
        kinds = [event.kind for event in EventBook(tx).after(0)]
    assert EventKind.RUN_INTERRUPTED in kinds
    assert EventKind.NODE_DEAD in kinds


def test_rp7_a_returned_ghost_changes_nothing(make_world: MakeWorld, caplog: pytest.LogCaptureFixture) -> None:
    ghost = make_world()
    ghost.add("t", "* * * * *")
    ghost.launcher.holds = True
    ghost.advance(MINUTE + timedelta(seconds=1))
    job = next(iter(ghost.launcher.under_way.values()))
    ghost.die()
    ghost.clock.advance(timedelta(seconds=LEASE_SECONDS + 1))
    other = make_world()
    other.launcher.holds = True
    other.run_due()
    ghost.launcher.end(job, RunState.FAILED, cause="late news")
    ghost.recorder.flush()
    (run,) = other.runs("t")
    assert run.attempt == 2
    assert run.is_open
    assert "taken away" in caplog.text


def test_rp6_live_work_is_left_alone_while_its_node_renews(make_world: MakeWorld) -> None:
    first, second = make_world(), make_world()
    first.add("t", "* * * * *")
    first.launcher.holds = True
    first.advance(MINUTE + timedelta(seconds=1))
    for _ in range(20):
        first.clock.advance(timedelta(seconds=10))
        first.heartbeat.beat()
        second.heartbeat.beat()
        second.heartbeat.sweep()
        second.run_due()
    assert all(run.attempt == 1 for run in second.runs("t"))


def test_rp1_two_nodes_never_make_two_runs_of_one_occurrence(make_world: MakeWorld) -> None:
    nodes = [make_world(), make_world()]
    for i in range(10):
        nodes[0].add(f"t{i}", "* * * * *")
    for _ in range(60 * 5):
        nodes[0].clock.advance(timedelta(seconds=1))
        for node in nodes:
            node.loop.wake()
            node.run_due()
    runs = nodes[0].runs()
    assert len(runs) == 50
    assert len({(run.task_id, run.planned_at) for run in runs}) == 50


def test_rp10_an_end_in_order_gives_back_what_has_not_begun(make_world: MakeWorld) -> None:
    first = make_world()
    first.add("t", "* * * * *")
    first.launcher.holds = True
    first.advance(MINUTE + timedelta(seconds=1))
    first.shut_down()
    (run,) = first.runs("t")
    assert run.state is RunState.QUEUED
    second = make_world()
    second.run_due()
    assert [(each.state, each.attempt) for each in second.runs("t")] == [(RunState.SUCCEEDED, 2)]
