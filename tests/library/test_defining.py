"""What becomes of a definition: names are identities, code owns what a task is, people own whether it runs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from horarium import InvalidValue, TaskNotFound, TaskScheduler
from horarium.store.books.events import EventBook
from horarium.testing import ManualClock
from horarium.testing.clock import START
from tests.library.programs import ended, once, wait_until


def work(*args: object, **kwargs: object) -> list[object]:
    return [*args, kwargs]


class Machine:
    def turn(self) -> str:
        return "turned"


def pass_second(clock: ManualClock) -> bool:
    """Let a second pass; time that leaps makes a scheduler doubt its lease."""
    clock.advance(timedelta(seconds=1))
    return True


def is_finished_a_second_later(scheduler: TaskScheduler, clock: ManualClock) -> bool:
    return pass_second(clock) and bool(scheduler.get_task_status("job")["status"] == "finished")


def changes(scheduler: TaskScheduler) -> int:
    """Return how many events the store holds."""
    with scheduler._store.reading() as tx:
        return len(EventBook(tx).after(0, most=1000))


def test_a_task_has_the_shape_that_people_know(scheduler: TaskScheduler) -> None:
    scheduler.add_cron_task("job", work, "0 6 * * 1-5", timezone="Europe/Berlin", tags=["a", "b"], description="Words")
    status = scheduler.get_task_status("job")
    assert scheduler.get_all_tasks() == [status]
    assert status["name"] == "job"
    assert status["status"] == "active"
    assert status["kind"] == "python"
    assert status["timezone"] == "Europe/Berlin"
    assert status["tags"] == ["a", "b"]
    assert status["description"] == "Words"
    assert status["last_run"] is None
    assert status["parked"] is None
    assert not status["paused"]
    assert status["next_run"].utcoffset() == timedelta()
    assert status["next_run"] > datetime.now(UTC)


def test_credentials_are_part_of_the_definition(scheduler: TaskScheduler) -> None:
    scheduler.add_task("job", "os:getpid", credentials=["smtp", "shop api"])
    assert scheduler.get_task_status("job")["credentials"] == ["smtp", "shop api"]
    scheduler.add_task("job", "os:getpid")
    assert scheduler.get_task_status("job")["credentials"] == []


@pytest.mark.parametrize("given", ["smtp", [5], ["no/slash"], [f"name {number}" for number in range(51)]])
def test_names_that_no_credential_has_are_refused(scheduler: TaskScheduler, given: Any) -> None:
    with pytest.raises(InvalidValue) as refused:
        scheduler.add_task("job", "os:getpid", credentials=given)
    assert refused.value.field == "credentials"


def test_the_zone_of_the_scheduler_is_that_of_schedules_that_name_none(make: Callable[..., TaskScheduler]) -> None:
    scheduler = make(timezone="Asia/Tokyo")
    scheduler.add_cron_task("one", work, "0 9 * * *")
    scheduler.add_task("two", work, "0 9 * * *", timezone="Europe/Berlin")
    scheduler.cron("0 9 * * *", name="three", timezone="UTC")(work)
    zones = {each["name"]: (each["timezone"], each["next_run"].hour) for each in scheduler.get_all_tasks()}
    assert zones["one"] == ("Asia/Tokyo", 0)
    assert zones["two"][0] == "Europe/Berlin"
    assert zones["three"] == ("UTC", 9)


def test_a_name_that_is_there_is_updated(scheduler: TaskScheduler) -> None:
    first = scheduler.add_cron_task("job", work, "0 6 * * *", tags=["old"])
    scheduler.pause_task("job", reason="holidays")
    second = scheduler.add_cron_task("job", "os:getpid", "0 7 * * *", description="new", retries=3)
    assert second.id == first.id
    status = scheduler.get_task_status("job")
    assert (status["target"], status["tags"], status["description"]) == ("os:getpid", [], "new")
    assert status["next_run"].hour == 7
    assert status["status"] == "paused"
    assert second.definition.policies.retry.attempts == 4


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (work, {"args": [(1, 2), {"a": (3,)}], "kwargs": {"x": (1,)}, "tags": ("a",)}),
        (Machine().turn, {}),
        (partial(work, 5), {"retries": 2, "retry_on": (ValueError,), "timeout": timedelta(minutes=1)}),
        ("os:getpid", {"jitter": 5}),
    ],
)
def test_the_same_definition_again_changes_nothing(
    scheduler: TaskScheduler, function: Any, options: dict[str, Any]
) -> None:
    scheduler.add_cron_task("job", function, "0 6 * * *", **options)
    before = changes(scheduler)
    scheduler.add_cron_task("job", function, "0 6 * * *", **options)
    assert changes(scheduler) == before


def test_decorators_add_a_task_and_give_the_function_back(scheduler: TaskScheduler) -> None:
    @scheduler.cron("0 * * * *", tags=["clock"])
    def hourly() -> int:
        return 1

    @scheduler.every(minutes=5, name="often")
    def poll() -> int:
        return 2

    assert (hourly(), poll()) == (1, 2)
    tasks = {each["name"]: each for each in scheduler.get_all_tasks()}
    assert sorted(tasks) == ["hourly", "often"]
    assert tasks["hourly"]["tags"] == ["clock"]


def test_many_tasks_are_added_at_once(scheduler: TaskScheduler) -> None:
    definitions = [scheduler.definition(f"job {number}", "os:getpid", "0 * * * *") for number in range(20)]
    assert scheduler.add_tasks(definitions) == 20
    assert len(scheduler.get_all_tasks()) == 20


def test_removing_a_task_keeps_its_history(running: TaskScheduler) -> None:
    entry = once(running, lambda: 5)
    running.remove_task("job")
    assert running.get_all_tasks() == []
    with pytest.raises(TaskNotFound):
        running.get_task_status("job")
    assert running.get_task_history("job") == [entry]
    running.add_task("job", work)
    assert running.get_task_history("job") == []


def test_a_pause_ends_by_itself_at_the_time_that_was_said(still: TaskScheduler, clock: ManualClock) -> None:
    until = clock.now() + timedelta(seconds=12)
    still.add_interval_task("job", work, 5)
    still.pause_task("job", until=until)
    still.start()
    wait_until(lambda: pass_second(clock) and still.get_task_history("job"))
    assert still.get_task_history("job")[-1]["planned_at"] == START + timedelta(seconds=15)
    assert still.get_task_status("job")["status"] in {"active", "running"}


def test_an_interval_keeps_its_grid_over_a_restart(still: TaskScheduler, clock: ManualClock) -> None:
    first = still.add_interval_task("job", work, minutes=10)
    clock.advance(timedelta(minutes=3))
    assert still.add_interval_task("job", work, minutes=10).next_at == first.next_at
    assert still.every(minutes=10, name="job")(work) is work
    assert still.get_task_status("job")["next_run"] == first.next_at
    assert still.add_interval_task("job", work, minutes=20).next_at == clock.now() + timedelta(minutes=20)
    start = clock.now() + timedelta(minutes=1)
    assert still.add_interval_task("job", work, minutes=20, start=start).next_at == start


def test_a_date_that_has_fired_does_not_fire_again(make: Callable[..., TaskScheduler], clock: ManualClock) -> None:
    when = clock.now() + timedelta(seconds=3)
    for start in range(3):
        scheduler = make(clock=clock)
        scheduler.add_date_task("job", work, when)
        scheduler.start()
        wait_until(partial(is_finished_a_second_later, scheduler, clock))
        (run,) = scheduler.get_task_history("job")
        assert (run["planned_at"], run["status"]) == (when, "succeeded"), start
        scheduler.close()


@pytest.mark.parametrize("run_if_late", [False, True])
def test_a_date_that_passed_while_its_task_was_parked_is_over(
    still: TaskScheduler, clock: ManualClock, *, run_if_late: bool
) -> None:
    """The program says the same at each start, also after the date; that is no mistake of anybody."""
    when = clock.now() + timedelta(seconds=3)
    still.add_date_task("job", "no_such_module_here:work", when)
    still.start()
    wait_until(lambda: pass_second(clock) and still.get_task_status("job")["parked"])
    task = still.add_date_task("job", "no_such_module_here:work", when, run_if_late=run_if_late)
    assert (task.parking, task.next_at) == (None, None)
    assert len(still.get_task_history("job")) == 1


def test_what_was_missed_while_the_program_was_down_runs_once_and_late(
    make: Callable[..., TaskScheduler], clock: ManualClock
) -> None:
    first = make(clock=clock)
    first.add_interval_task("job", work, minutes=10)
    first.close()
    clock.advance(timedelta(minutes=35))
    second = make(clock=clock)
    second.add_interval_task("job", work, minutes=10)
    second.start()
    (run,) = wait_until(lambda: [each for each in second.get_task_history("job") if each["finished_at"]])
    assert run["planned_at"] == clock.now() - timedelta(minutes=5)


def test_programs_that_start_together_agree_on_a_grid(
    make: Callable[..., TaskScheduler],
) -> None:
    schedulers = [make() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        tasks = list(pool.map(lambda each: each.add_interval_task("job", "os:getpid", 60), schedulers))
    assert len({(task.id, task.definition.schedule) for task in tasks}) == 1
    assert changes(schedulers[0]) == 1


@pytest.mark.postgres
def test_programs_that_add_the_same_task_at_once_agree_on_postgres(
    make: Callable[..., TaskScheduler], postgres_url: str
) -> None:
    schedulers = [make(postgres_url) for _ in range(4)]
    for number in range(10):
        with ThreadPoolExecutor(4) as pool:
            tasks = list(
                pool.map(lambda each, n=number: each.add_interval_task(f"job {n}", "os:getpid", 60), schedulers)
            )
        assert len({(task.id, task.definition.schedule) for task in tasks}) == 1


def test_a_trigger_by_hand_replaces_arguments_for_one_run(running: TaskScheduler) -> None:
    running.add_task("job", work, args=[1], kwargs={"a": 2, "b": 3})
    assert ended(running, running.trigger_task_now("job", b=4))["result"] == [1, {"a": 2, "b": 4}]
    entry = ended(running, running.trigger_task_now("job"))
    assert entry["result"] == [1, {"a": 2, "b": 3}]
    assert (entry["task"], entry["triggered_by"], entry["planned_at"]) == ("job", "manual", None)
    assert entry["duration_seconds"] >= 0
    assert [each["id"] for each in running.get_task_history("job", limit=1)] == [entry["id"]]
    assert running.get_task_status("job")["last_run"] == entry
