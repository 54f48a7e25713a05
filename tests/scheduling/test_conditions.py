"""Pausing, parking, removing, redefining: what a task's condition does to its occurrences."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Executable, text

from horarium.clock import Alarm, Clock
from horarium.errors import Conflict, InvalidSchedule, InvalidValue, RunNotFound, TaskNotFound
from horarium.records.actors import Actor
from horarium.records.policies import Policies, Retry
from horarium.records.tasks import CommandSpec, PythonSpec, TaskDefinition
from horarium.scheduling.tasks import TaskDesk
from horarium.states import RunState, TriggeredBy
from horarium.testing import ManualScheduler
from horarium.triggers import CronTrigger, DateTrigger, IntervalTrigger, to_text

MINUTE = timedelta(minutes=1)


def definition(name: str, schedule: str | None, **rest: object) -> TaskDefinition:
    return TaskDefinition(name=name, spec=PythonSpec(f"world:{name}"), schedule=schedule, **rest)  # type: ignore[arg-type]


class SleptClock:
    """Another clock, on which sleeps are noted and take no time."""

    def __init__(self, clock: Clock) -> None:
        self.now, self.micros, self.monotonic = clock.now, clock.micros, clock.monotonic
        self.waits: list[float] = []

    def wait(self, _alarm: Alarm, seconds: float) -> bool:
        self.waits.append(seconds)
        return False


def fail(_job: object) -> None:
    raise ValueError("no")


def test_rp28_a_paused_task_starts_nothing_and_records_each_occurrence(world: ManualScheduler) -> None:
    start = world.clock.now()
    world.add("t", "* * * * *")
    world.advance(2 * MINUTE + timedelta(seconds=1))
    world.desk.pause("t", by=Actor.of_code("ada"), reason="holiday")
    world.advance(3 * MINUTE)
    world.desk.resume("t", by=Actor.of_code("ada"))
    world.advance(2 * MINUTE)
    assert world.totals("t", start, world.clock.now()) == {"runs": 4, "paused": 3}


def test_rp28_a_pause_takes_back_what_was_claimed_and_not_begun(small: ManualScheduler) -> None:
    start = small.clock.now()
    small.add("t", "* * * * *")
    small.clock.advance(MINUTE - timedelta(milliseconds=100))
    small.loop.turn()
    assert [run.state for run in small.runs("t")] == [RunState.CLAIMED]
    paused = small.desk.pause("t", by=Actor.of_code("ada"))
    assert paused.under_way == ()
    small.advance(timedelta(seconds=5))
    assert [run.state for run in small.runs("t")] == [RunState.SKIPPED]
    assert small.totals("t", start, small.clock.now()) == {"runs": 1}


def test_a_change_reaches_what_was_claimed_and_not_begun(small: ManualScheduler) -> None:
    start = small.clock.now()
    begun = []
    small.add("t", "* * * * *", behave=lambda job: begun.append((small.clock.now(), job.definition.description)))
    small.clock.advance(MINUTE - timedelta(milliseconds=100))
    small.loop.turn()
    assert [run.state for run in small.runs("t")] == [RunState.CLAIMED]
    found = small.desk.find("t").definition
    small.desk.define(replace(found, description="changed"))
    small.advance(timedelta(milliseconds=99))
    assert begun == []
    small.advance(timedelta(milliseconds=1))
    assert begun == [(start + MINUTE, "changed")]
    assert small.totals("t", start, small.clock.now() + timedelta(seconds=1)) == {"runs": 1}


@pytest.mark.parametrize("change", ["pause", "remove", "define"])
def test_rp28_an_answer_waits_for_what_another_node_is_about_to_begin(small: ManualScheduler, change: str) -> None:
    small.add("t", "* * * * *")
    small.clock.advance(MINUTE - timedelta(milliseconds=100))
    small.loop.turn()
    slept = SleptClock(small.clock)
    elsewhere = TaskDesk(small.store, slept)
    if change == "define":
        elsewhere.define(replace(small.desk.find("t").definition, description="changed"))
    else:
        getattr(elsewhere, change)("t", by=Actor.of_code("ada"))
    assert len(slept.waits) == 1
    assert 0.1 < slept.waits[0] <= 0.3


def test_an_answer_waits_for_nothing_where_nothing_is_about_to_begin(small: ManualScheduler) -> None:
    small.add("t", "* * * * *")
    small.launcher.holds = True
    small.advance(MINUTE)
    slept = SleptClock(small.clock)
    elsewhere = TaskDesk(small.store, slept)
    elsewhere.pause("t", by=Actor.of_code("ada"))
    elsewhere.remove("t", by=Actor.of_code("ada"))
    assert slept.waits == []


def test_rp28_a_pause_says_what_is_under_way(small: ManualScheduler) -> None:
    small.add("t", "* * * * *")
    small.launcher.holds = True
    small.advance(MINUTE)
    assert small.desk.pause("t", by=Actor.of_code("ada")).under_way == (1,)


def test_a_pause_ends_an_attempt_that_waits_for_its_retry(small: ManualScheduler) -> None:
    small.add("t", "0 * * * *", behave=fail, policies=Policies(retry=Retry(attempts=3, delay_seconds=600)))
    small.sleep_through(timedelta(hours=1))
    small.run_due()
    assert [run.state for run in small.runs("t")] == [RunState.RETRYING]
    small.desk.pause("t", by=Actor.of_code("ada"))
    small.advance(timedelta(minutes=30), step=MINUTE)
    assert [run.state for run in small.runs("t")] == [RunState.CANCELLED]


def test_a_pause_with_an_end_ends_by_itself(world: ManualScheduler) -> None:
    start = world.clock.now()
    world.add("t", "* * * * *")
    world.desk.pause("t", by=Actor.of_code("ada"), until=start + timedelta(minutes=3, seconds=30))
    world.advance(timedelta(minutes=6, seconds=1))
    assert world.totals("t", start, world.clock.now()) == {"paused": 3, "runs": 3}
    assert not world.desk.find("t").is_paused


def test_a_pause_that_would_be_over_already_is_refused(small: ManualScheduler) -> None:
    small.add("t", "* * * * *")
    with pytest.raises(InvalidValue, match="until"):
        small.desk.pause("t", by=Actor.of_code("ada"), until=small.clock.now() - MINUTE)


def test_a_paused_task_can_be_run_by_hand(small: ManualScheduler) -> None:
    small.add("t", "* * * * *")
    small.desk.pause("t", by=Actor.of_code("ada"))
    number = small.desk.trigger("t", by=Actor.of_code("ada"))
    assert small.run_due() == 1
    (run,) = small.runs("t")
    assert (run.id, run.triggered_by, run.actor, run.planned_at) == (number, TriggeredBy.MANUAL, "ada", None)


def test_a_removed_task_frees_its_name_and_keeps_its_history(world: ManualScheduler) -> None:
    world.add("t", "* * * * *")
    world.advance(MINUTE)
    old = world.desk.remove("t", by=Actor.of_code("ada"))
    with pytest.raises(TaskNotFound, match="'t'"):
        world.desk.find("t")
    world.advance(2 * MINUTE)
    new = world.add("t", "* * * * *")
    assert new.id != old.id
    assert [run.task_id for run in world.runs()] == [old.id]


def test_removing_ends_what_is_under_way_and_gives_up_what_waits(small: ManualScheduler) -> None:
    small.add("t", "* * * * *")
    small.launcher.holds = True
    small.advance(MINUTE)
    small.desk.trigger("t", by=Actor.of_code("ada"))
    small.desk.remove("t", by=Actor.of_code("ada"))
    small.run_due()
    assert [run.state for run in small.runs()] == [RunState.CANCELLED, RunState.SKIPPED]


def test_a_task_whose_schedule_cannot_be_read_is_parked_and_kept(small: ManualScheduler) -> None:
    task = small.add("t", "* * * * *")
    with small.store.transaction() as tx:
        tx.execute(tx_update(task.id))
    small.advance(MINUTE)
    parked = small.desk.find("t")
    assert parked.is_parked
    assert parked.next_at is None
    small.add("t", "* * * * *")
    small.advance(MINUTE)
    assert not small.desk.find("t").is_parked
    assert len(small.runs("t")) == 1


def tx_update(task_id: int) -> Executable:
    """Return a change that only a foreign hand makes."""
    return text(f'UPDATE scheduled_tasks SET schedule = \'{{"kind":"odd"}}\', revision = 9 WHERE id = {task_id}')  # noqa: S608


def test_a_run_whose_target_is_gone_parks_the_task(small: ManualScheduler) -> None:
    start = small.clock.now()
    small.add("t", "* * * * *")
    small.launcher.holds = True
    small.advance(MINUTE)
    job = next(iter(small.launcher.under_way.values()))
    small.launcher.end(job, RunState.FAILED, can_retry=False, park_reason="there is no module 'gone'")
    small.run_due()
    task = small.desk.find("t")
    assert task.parking is not None
    assert task.parking.reason == "there is no module 'gone'"
    small.advance(2 * MINUTE)
    assert small.totals("t", start, small.clock.now() + MINUTE) == {"runs": 1, "parked": 2}
    small.desk.unpark("t", by=Actor.of_code("ada"))
    small.launcher.holds = False
    assert small.advance(MINUTE) == 1


def test_time_18_a_new_schedule_counts_from_now_and_fires_nothing_again(small: ManualScheduler) -> None:
    start = small.clock.now()
    small.add("t", "*/10 * * * *")
    small.advance(timedelta(minutes=21), step=timedelta(seconds=20))
    small.add("t", "*/5 * * * *")
    small.advance(timedelta(minutes=10), step=timedelta(seconds=20))
    planned = [run.planned_at for run in small.runs("t")]
    assert planned == [start + timedelta(minutes=i) for i in (10, 20, 25, 30)]


def test_time_18_a_change_right_after_a_claim_fires_nothing_again(small: ManualScheduler) -> None:
    small.add("t", "* * * * *")
    small.clock.advance(MINUTE - timedelta(milliseconds=100))
    small.loop.turn()
    small.add("t", "*/1 * * * *", policies=Policies(timeout_seconds=5))
    small.advance(timedelta(seconds=30))
    assert len(small.runs("t")) == 1


def test_the_same_definition_again_changes_nothing(small: ManualScheduler) -> None:
    schedule = to_text(CronTrigger("*/5 * * * *"))
    first = small.desk.define(definition("t", schedule))
    again = small.desk.define(definition("t", schedule))
    assert (first.is_new, again.is_new, again.is_changed) == (True, False, False)
    assert again.task.revision == first.task.revision


def test_a_new_description_keeps_the_next_time_pause_and_history(small: ManualScheduler) -> None:
    schedule = to_text(IntervalTrigger(timedelta(hours=1), small.clock.now() + timedelta(minutes=7)))
    small.desk.define(definition("t", schedule))
    small.desk.pause("t", by=Actor.of_code("ada"))
    before = small.desk.find("t")
    after = small.desk.define(definition("t", schedule, description="what it is for")).task
    assert (after.id, after.next_at, after.pause) == (before.id, before.next_at, before.pause)


def test_time_14_a_date_in_the_past_is_refused_unless_it_may_run_late(small: ManualScheduler) -> None:
    passed = DateTrigger(small.clock.now() - MINUTE)
    with pytest.raises(InvalidSchedule, match="lies ahead"):
        small.add("t", passed)
    with pytest.raises(TaskNotFound):
        small.desk.find("t")
    small.add("t", passed, late_ok=True)
    assert small.run_due() == 1


@pytest.mark.parametrize("name", ["", "  ", " t", "x" * 201, "two\nlines", "bell\x07"])
def test_r92_a_name_that_cannot_be_kept_is_refused(small: ManualScheduler, name: str) -> None:
    with pytest.raises(InvalidValue, match="name"):
        small.desk.define(definition(name, None))


def test_several_definitions_stand_together_or_not_at_all(small: ManualScheduler) -> None:
    with pytest.raises(InvalidValue):
        small.desk.define_all([definition("good", None), definition("", None)])
    with pytest.raises(TaskNotFound):
        small.desk.find("good")


def test_cancelling_ends_a_waiting_run_at_once_and_one_under_way_soon(world: ManualScheduler) -> None:
    world.add("t", None)
    world.launcher.holds = True
    first, second = world.desk.trigger("t", by=Actor.of_code("ada")), world.desk.trigger("t", by=Actor.of_code("ada"))
    world.run_due()
    assert world.desk.cancel(second, by=Actor.of_code("bob")).state is RunState.CANCELLED
    assert world.desk.cancel(first, by=Actor.of_code("bob")).state in {RunState.RUNNING, RunState.CLAIMED}
    world.run_due()
    world.run_due()
    assert {run.state for run in world.runs("t")} == {RunState.CANCELLED}
    with pytest.raises(Conflict, match="ended already"):
        world.desk.cancel(first, by=Actor.of_code("bob"))
    with pytest.raises(RunNotFound):
        world.desk.cancel(999, by=Actor.of_code("bob"))


def test_parameters_of_one_run_reach_it_and_no_other(small: ManualScheduler) -> None:
    seen: list[object] = []
    small.add("t", None, behave=lambda job: seen.append(dict(job.params)))
    small.desk.trigger("t", by=Actor.of_code("ada"), params={"n": 1})
    small.desk.trigger("t", by=Actor.of_code("ada"))
    small.run_due()
    assert seen == [{"n": 1}, {}]
    with pytest.raises(InvalidValue, match="params"):
        small.desk.trigger("t", by=Actor.of_code("ada"), params={"n": float("nan")})


def test_r51_a_program_takes_parameters_for_its_own_variables_only(small: ManualScheduler) -> None:
    spec = CommandSpec(("report",), env={"DAY": "today", "REGION": "all"})
    small.desk.define(TaskDefinition("report", spec, None))
    by = Actor.of_code("ada")
    assert small.desk.trigger("report", by=by, params={"DAY": "$(id)"})
    for name in ("LD_PRELOAD", "PATH", "day", "DAY "):
        with pytest.raises(InvalidValue, match="DAY, REGION") as refused:
            small.desk.trigger("report", by=by, params={"DAY": "x", name: "x"})
        assert name in str(refused.value)
    small.desk.define(TaskDefinition("plain", CommandSpec(("report",)), None))
    with pytest.raises(InvalidValue, match="this one sets none"):
        small.desk.trigger("plain", by=by, params={"DAY": "x"})
    with pytest.raises(InvalidValue, match="65536"):
        small.desk.trigger("report", by=by, params={"DAY": "x" * 131_072})
