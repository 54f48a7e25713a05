"""Functions in threads: how they are called, what they leave behind, how they are made to end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from horarium.errors import Conflict
from horarium.execution.context import RunContext, current_run
from horarium.execution.interrupts import TaskCancelled, TaskInterrupt
from horarium.records.policies import Retry
from horarium.records.tasks import CommandSpec, PythonSpec
from horarium.states import RunState
from tests.execution.witness import World, assign, world

LATE = 30.0


@pytest.fixture
def house() -> Iterator[World]:
    with world() as made:
        yield made


def test_a_function_is_called_with_its_arguments_and_the_parameters_of_the_run(house: World) -> None:
    def add(left: int, right: int, *, times: int = 1) -> int:
        return (left + right) * times

    done = house.ended(add, 2, kwargs={"right": 3, "times": 10}, params={"times": 100})
    assert (done.state, done.result) == (RunState.SUCCEEDED, "500")
    assert done.finished_at >= done.started_at
    assert done.attempt == 1


def test_an_exception_is_a_failure_with_the_tasks_own_traceback(house: World) -> None:
    def broken() -> None:
        raise KeyError("nothing there")

    done = house.ended(broken)
    assert done.state is RunState.FAILED
    assert done.failure is not None
    assert (done.failure.type, done.failure.message) == ("KeyError", "'nothing there'")
    assert "in broken" in done.failure.traceback
    assert "horarium/execution" not in done.failure.traceback


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_what_would_end_a_program_ends_only_the_attempt(error: BaseException, house: World) -> None:
    def leave() -> None:
        raise error

    done = house.ended(leave)
    assert done.state is RunState.FAILED
    assert done.failure is not None
    assert done.failure.type == type(error).__name__
    assert house.ended(lambda: 1).state is RunState.SUCCEEDED


def test_only_the_named_exceptions_are_worth_another_attempt(house: World) -> None:
    def vanish() -> None:
        raise FileNotFoundError("gone")

    assert house.ended(vanish).can_retry
    assert house.ended(vanish, retry=Retry(3, on=("OSError",))).can_retry
    assert house.ended(vanish, retry=Retry(3, on=("builtins.FileNotFoundError",))).can_retry
    assert not house.ended(vanish, retry=Retry(3, on=("ValueError",))).can_retry


def test_a_target_that_is_not_there_parks_the_task(house: World) -> None:
    assignment = assign(PythonSpec("nowhere_at_all:f"))
    house.launcher.submit(assignment)
    done = house.witness.await_end(assignment)
    assert done.state is RunState.FAILED
    assert done.park_reason == "there is no module 'nowhere_at_all'"
    assert not done.can_retry
    assert assignment.run_id not in house.witness.begun


def test_a_coroutine_function_runs_in_a_loop_of_its_own(house: World) -> None:
    async def wait() -> str:
        await asyncio.sleep(0)
        return "done"

    assert house.ended(wait).result == '"done"'


def test_a_task_can_ask_which_run_it_is(house: World) -> None:
    seen: list[RunContext] = []

    def by_name(run_context: RunContext) -> None:
        seen.append(run_context)

    def by_type(context: RunContext) -> None:
        seen.append(context)

    def by_asking(context: str = "my own") -> None:
        assert context == "my own"
        seen.append(current_run())

    for function in (by_name, by_type, by_asking):
        done = house.ended(function)
        assert done.state is RunState.SUCCEEDED, done.failure
        assert (seen[-1].run_id, seen[-1].attempt, seen[-1].task_name) == (done.run_id, 1, "a task")
    assert seen[0].planned_at is not None
    assert seen[0].planned_at.year == 2023
    assert not seen[0].cancelled
    with pytest.raises(Conflict, match="only inside a task"):
        current_run()


def test_nothing_that_one_run_sets_is_seen_by_the_next_in_its_thread() -> None:
    mood = ContextVar("mood", default="calm")

    def change() -> None:
        mood.set("angry")

    with world(1) as house:
        house.ended(change)
        assert house.ended(mood.get).result == '"calm"'


def test_more_than_the_slots_wait_and_all_are_done(house: World) -> None:
    together = threading.Barrier(2)
    for _ in range(2):
        house.call(together.wait, LATE)
    house.launcher.submit_many([house.assignment(lambda: None) for _ in range(200)])
    house.witness.wait(lambda: len(house.witness.completions) == 202)
    assert {each.state for each in house.witness.completions} == {RunState.SUCCEEDED}


def test_a_waiting_run_is_cancelled_without_having_begun() -> None:
    gate = threading.Event()
    with world(1) as house:
        first = house.call(gate.wait, LATE)
        house.witness.await_start(first)
        second = house.call(lambda: None)
        assert house.launcher.cancel(second.run_id, "cancelled by Ada")
        assert not house.launcher.cancel(second.run_id, "cancelled by Ada")
        done = house.witness.await_end(second)
        assert (done.state, done.cause, done.can_retry) == (RunState.CANCELLED, "cancelled by Ada", False)
        gate.set()
        house.witness.await_end(first)
        assert house.ended(lambda: None).state is RunState.SUCCEEDED
        assert second.run_id not in house.witness.begun


def test_the_exception_of_a_cancel_reaches_a_python_loop_and_lets_it_tidy_up(house: World) -> None:
    tidied = threading.Event()

    def spin() -> None:
        try:
            while True:
                pass
        finally:
            tidied.set()

    run = house.call(spin)
    house.witness.await_start(run)
    assert house.launcher.cancel(run.run_id, "enough")
    done = house.witness.await_end(run)
    assert (done.state, done.cause) == (RunState.CANCELLED, "enough")
    assert tidied.is_set()


def test_a_task_that_looks_can_end_by_itself(house: World) -> None:
    begun = threading.Event()

    def look(run_context: RunContext) -> str:
        begun.set()
        try:
            while not run_context.cancelled:
                pass
        except TaskInterrupt:
            pass
        with pytest.raises(TaskCancelled):
            run_context.check_cancelled()
        return "left"

    run = house.call(look)
    assert begun.wait(LATE)
    house.launcher.cancel(run.run_id, "please")
    assert house.witness.await_end(run).state is RunState.CANCELLED


def test_a_coroutine_is_cancelled_while_it_waits(house: World) -> None:
    begun = threading.Event()

    async def wait() -> None:
        begun.set()
        await asyncio.sleep(LATE)

    run = house.call(wait)
    assert begun.wait(LATE)
    assert house.launcher.cancel(run.run_id, "enough")
    assert house.witness.await_end(run).state is RunState.CANCELLED


def test_the_time_limit_frees_the_slot_of_a_thread_that_does_not_listen() -> None:
    deaf = threading.Event()
    with world(1) as house:
        done = house.ended(deaf.wait, LATE, timeout_seconds=0.05)
        assert done.state is RunState.TIMED_OUT
        assert done.cause == "it ran longer than its time limit of 0.05 seconds"
        assert done.failure is not None
        assert "self._cond.wait" in done.failure.traceback
        assert house.ended(lambda: "next").result == '"next"'
        deaf.set()
    assert len(house.witness.completions) == 2


def test_the_exception_of_the_time_limit_reaches_a_python_loop(house: World) -> None:
    caught: list[type[BaseException]] = []
    ended = threading.Event()

    def spin() -> None:
        try:
            while True:
                pass
        except TaskInterrupt as error:
            caught.append(type(error))
            ended.set()
            raise

    assert house.ended(spin, timeout_seconds=0.05).state is RunState.TIMED_OUT
    assert ended.wait(LATE)
    assert caught[0].__name__ == "TaskTimeout"


def test_a_limit_that_is_not_reached_does_nothing(house: World) -> None:
    for _ in range(50):
        assert house.ended(lambda: 1, timeout_seconds=0.5).state is RunState.SUCCEEDED


def test_a_cancel_never_hits_the_next_run_in_the_same_thread() -> None:
    with world(1) as house:
        for _ in range(300):
            victim = house.call(lambda: sum(range(200)))
            follower = house.call(lambda: sum(range(2000)))
            house.launcher.cancel(victim.run_id, "quick")
            assert house.witness.await_end(follower).state is RunState.SUCCEEDED
        assert len(house.witness.completions) == 600


def test_rp10_stop_gives_back_what_has_not_begun_and_waits_for_the_rest() -> None:
    gate = threading.Event()
    with world(1) as house:
        running = house.call(gate.wait, LATE)
        house.witness.await_start(running)
        waiting = house.call(lambda: None)
        threading.Timer(0.05, gate.set).start()
        house.launcher.stop(LATE)
        assert house.launcher.given_back == (waiting,)
        assert [each.run_id for each in house.witness.completions] == [running.run_id]
        assert house.witness.end_of(running).state is RunState.SUCCEEDED
        with pytest.raises(Conflict, match="stopping"):
            house.call(lambda: None)


def test_rp10_what_outlasts_the_grace_is_interrupted() -> None:
    with world(1) as house:
        deaf = threading.Event()
        run = house.call(deaf.wait, LATE)
        house.witness.await_start(run)
        house.launcher.stop(0.01)
        done = house.witness.end_of(run)
        assert (done.state, done.cause) == (RunState.INTERRUPTED, "the program was stopped")
        deaf.set()


def test_rp10_a_second_stop_shortens_the_grace() -> None:
    with world(1) as house:
        deaf = threading.Event()
        run = house.call(deaf.wait, LATE)
        house.witness.await_start(run)
        first = threading.Thread(target=house.launcher.stop, args=(LATE,))
        began = time.monotonic()
        first.start()
        house.launcher.stop(0.01)
        first.join()
        assert time.monotonic() - began < LATE / 2
        assert house.witness.end_of(run).state is RunState.INTERRUPTED
        deaf.set()


def test_a_launcher_without_performers_refuses_what_it_cannot_do(house: World) -> None:
    assignment = assign(CommandSpec(("true",)))
    house.launcher.submit(assignment)
    done = house.witness.await_end(assignment)
    assert done.failure is not None
    assert done.failure.message == "this program does not run commands"


def test_threads_are_started_as_they_are_needed() -> None:
    def slots() -> int:
        return sum(thread.name == "horarium-slot" for thread in threading.enumerate())

    with world(8) as house:
        before = slots()
        house.ended(lambda: None)
        assert slots() == before + 1
        gate = threading.Event()
        for _ in range(3):
            house.call(gate.wait, LATE)
        house.witness.wait(lambda: len(house.witness.begun) == 4)
        assert slots() <= before + 4
        gate.set()
