"""Claiming when others are at it too, and what is off and must stay off."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from horarium.records.actors import Actor
from horarium.records.policies import Overlap, Policies, Retry
from horarium.runs.launch import Assignment
from horarium.states import OverlapPolicy, RunState
from horarium.testing import ManualClock, ManualScheduler
from tests.scheduling.conftest import MakeWorld

ALLOW = Policies(overlap=Overlap(OverlapPolicy.ALLOW, limit=5))
RETRIED = Policies(retry=Retry(attempts=3, delay_seconds=10, jitter=0))


def states(world: ManualScheduler, name: str) -> list[str]:
    return [run.state.value for run in world.runs(name)]


@pytest.fixture
def two(postgres_url: str, clock: ManualClock) -> Iterator[tuple[ManualScheduler, ManualScheduler]]:
    """Two nodes on one PostgreSQL."""
    pair = ManualScheduler(postgres_url, clock=clock), ManualScheduler(postgres_url, clock=clock)
    yield pair
    for each in pair:
        each.store.close()


def when_tasks_are_held(world: ManualScheduler, monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    """Let `act` happen once, after `world` has read what waits and before it holds the tasks of that."""
    lookup = world.claimer._lookup
    acts = [act]

    def between(*words: Any) -> Any:
        if acts:
            acts.pop()()
        return lookup(*words)

    monkeypatch.setattr(world.claimer, "_lookup", between)


def test_rp1_what_another_node_claimed_in_between_is_not_claimed_again(
    two: tuple[ManualScheduler, ManualScheduler], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = two
    here.add("a", None, policies=ALLOW)
    here.desk.trigger("a", by=Actor.of_code())
    here.launcher.holds = there.launcher.holds = True
    when_tasks_are_held(there, monkeypatch, here.run_due)
    there.wake()
    there.run_due()
    assert len(here.launcher.under_way) == 1
    assert not there.launcher.under_way


def test_rp28_what_was_cancelled_in_between_is_not_claimed(
    two: tuple[ManualScheduler, ManualScheduler], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = two
    here.add("a", None, policies=ALLOW)
    run = here.desk.trigger("a", by=Actor.of_code())
    when_tasks_are_held(there, monkeypatch, lambda: here.desk.cancel(run, by=Actor.of_code("ann")))
    there.wake()
    there.run_due()
    assert states(here, "a") == ["cancelled"]
    assert not there.claimer.holds


def test_rp28_what_a_dead_node_left_of_a_removed_task_is_not_run_again(make_world: MakeWorld) -> None:
    dying, heir = make_world(), make_world()
    task = dying.add("a", "* * * * *")
    dying.launcher.holds = True
    dying.advance(timedelta(minutes=1))
    assert len(dying.launcher.under_way) == 1
    heir.desk.remove("a", by=Actor.of_code("ann"))
    dying.die()
    heir.heartbeat.beat()
    heir.sleep_through(timedelta(seconds=40))
    heir.heartbeat.sweep()
    heir.advance(timedelta(minutes=2))
    assert [run.state.value for run in heir.runs() if run.task_id == task.id] == ["interrupted"]


def test_rp28_what_a_dead_node_left_of_a_paused_task_waits_until_it_goes_on(make_world: MakeWorld) -> None:
    dying, heir = make_world(), make_world()
    dying.add("a", "0 * * * *")
    dying.launcher.holds = True
    dying.advance(timedelta(hours=1), step=timedelta(minutes=1))
    heir.desk.pause("a", by=Actor.of_code("ann"))
    dying.die()
    heir.heartbeat.beat()
    heir.sleep_through(timedelta(seconds=40))
    heir.heartbeat.sweep()
    assert heir.advance(timedelta(minutes=2)) == 0
    assert states(heir, "a") == ["queued"]
    heir.desk.resume("a", by=Actor.of_code("ann"))
    heir.run_due()
    assert states(heir, "a") == ["succeeded"]
    assert heir.runs("a")[0].attempt == 2


def test_rp28_a_paused_task_is_not_tried_again_until_it_goes_on(small: ManualScheduler) -> None:
    small.add("a", "0 * * * *", policies=RETRIED)
    small.launcher.holds = True
    small.advance(timedelta(hours=1), step=timedelta(minutes=1))
    (job,) = small.launcher.under_way.values()
    small.desk.pause("a", by=Actor.of_code("ann"))
    small.launcher.holds = False
    small.launcher.end(job, RunState.FAILED)
    assert small.advance(timedelta(minutes=5), step=timedelta(seconds=30)) == 0
    assert states(small, "a") == ["retrying"]
    small.desk.resume("a", by=Actor.of_code("ann"))
    assert small.run_due() == 1
    assert states(small, "a") == ["succeeded"]


def test_rp28_a_run_that_was_to_be_cancelled_is_not_run_again_when_its_node_dies(make_world: MakeWorld) -> None:
    dying, heir = make_world(), make_world()
    dying.add("a", "* * * * *")
    dying.launcher.holds = True
    dying.advance(timedelta(minutes=1))
    heir.desk.pause("a", by=Actor.of_code("ann"))
    heir.desk.cancel(heir.runs("a")[0].id, by=Actor.of_code("ann"))
    dying.die()
    heir.heartbeat.beat()
    heir.sleep_through(timedelta(seconds=40))
    heir.heartbeat.sweep()
    assert states(heir, "a") == ["interrupted"]


def test_places_of_a_person_that_are_taken_and_freed_at_the_same_time_are_counted_both(
    small: ManualScheduler,
) -> None:
    is_read, is_freed = threading.Event(), threading.Event()

    class Slow(Counter[int]):
        """Waits between reading a count and writing it."""

        def __getitem__(self, person: int) -> int:
            found = super().__getitem__(person)
            if threading.current_thread() is loop:
                is_read.set()
                is_freed.wait(0.3)
            return found

    def free() -> None:
        assert is_read.wait(10)
        claimer.ended([(jobs[0], 1.0)])
        is_freed.set()

    claimer, task = small.claimer, small.add("a", None)
    jobs = [Assignment(number, 1, task.id, task.definition, None, for_user_id=7) for number in (1, 2)]
    later = small.clock.micros() + 1_000_000
    loop = threading.Thread(target=claimer.take, args=([(later, jobs[1])],))
    recorder = threading.Thread(target=free)
    claimer._persons = Slow()
    claimer.take([(later, jobs[0])])
    for thread in (loop, recorder):
        thread.start()
    for thread in (loop, recorder):
        thread.join(10)
    assert dict(claimer._persons) == {7: 1}
