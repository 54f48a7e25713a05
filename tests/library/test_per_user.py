"""Tasks for each person in a program: what their code sees, and that nobody waits for anybody else."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from horarium import InvalidValue, PerUser, RunContext, Setting, SettingType, TaskNotFound, TaskScheduler
from horarium.accounts.people import NewPerson, People
from horarium.clock import SystemClock
from horarium.records.people import User
from horarium.records.runs import Run
from horarium.records.tasks import CommandSpec, TaskDefinition
from horarium.scheduling.personal import follow_people
from horarium.scheduling.tasks import TaskDesk
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.store.opening import open_store
from tests.library import sample_functions
from tests.library.programs import ENDED, wait_until
from tests.support.people import TESTER, cheap_hasher

HERE = "tests.library.sample_functions"
SYNC = (
    Setting(key="sync_interval", type=SettingType.NUMBER, default=3600, least=1, most=86_400, sentence="Seconds."),
    Setting(key="sync_enabled", type=SettingType.SWITCH, default=True, sentence="Whether it syncs."),
)
EACH = PerUser(enabled="sync_enabled", interval="sync_interval")


@contextmanager
def people_of(path: Path) -> Iterator[People]:
    """Give the accounts of a store, as another door of the same program has them."""
    clock = SystemClock()
    with closing(open_store(path)) as store:
        follow_people(store, clock)
        yield People(store, clock, hasher=cheap_hasher())


def add(people: People, name: str) -> User:
    return people.add(NewPerson(name=name, email=f"{name}@tidewater.example", time_zone="Asia/Tokyo"), actor=TESTER)


@pytest.fixture
def ana(tmp_path: Path, scheduler: TaskScheduler) -> User:
    scheduler.settings.register("Sync", SYNC)
    with people_of(tmp_path / "jobs.db") as people:
        return add(people, "ana")


def ended_for(scheduler: TaskScheduler, name: str, user: int, run_id: int) -> dict[str, Any]:
    """Wait for the end of somebody's run; return its entry."""

    def look() -> dict[str, Any] | None:
        found = scheduler.get_task_history(name, 1000, user=user)
        return next((each for each in found if each["id"] == run_id and each["status"] in ENDED), None)

    return wait_until(look)


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_the_code_sees_whom_it_runs_for_and_what_they_have_set(
    scheduler: TaskScheduler, ana: User, isolation: str
) -> None:
    scheduler.add_task("sync", f"{HERE}:whose", per_user=EACH, isolation=isolation)
    scheduler.settings.update_bulk(ana.id, {"sync_interval": 900, "look": "dark"})
    scheduler.start()
    entry = ended_for(scheduler, "sync", ana.id, scheduler.trigger_task_for("sync", ana.id))
    assert entry["result"] == ["ana", "Asia/Tokyo", "ana@tidewater.example", 900, "dark"]


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_a_run_for_nobody_in_particular_sees_nobody(running: TaskScheduler, isolation: str) -> None:
    running.add_task("plain", sample_functions.whose, isolation=isolation)
    run_id = running.trigger_task_now("plain")
    entry = wait_until(lambda: next((e for e in running.get_task_history("plain") if e["status"] in ENDED), None))
    assert (entry["id"], entry["result"]) == (run_id, [None, {}])


def test_a_command_finds_them_in_its_environment(scheduler: TaskScheduler, ana: User, tmp_path: Path) -> None:
    program = ("/bin/sh", "-c", 'echo "$HORARIUM_USER $HORARIUM_USER_ID $HORARIUM_USER_SETTINGS"')
    with closing(open_store(tmp_path / "jobs.db")) as store:
        spec = CommandSpec(program)
        TaskDesk(store, SystemClock()).define(TaskDefinition("say", spec, None, per_user=EACH))
    scheduler.start()
    run_id = scheduler.trigger_task_for("say", ana.id)
    ended_for(scheduler, "say", ana.id, run_id)
    told = scheduler.get_run_output(run_id)
    assert told.startswith(f"ana {ana.id} {{")
    assert '"sync_interval": 3600' in told


def test_a_change_of_settings_is_followed_at_once(scheduler: TaskScheduler, ana: User) -> None:
    ran = threading.Event()
    seen: list[str] = []

    def sync(context: RunContext) -> None:
        assert context.user is not None
        seen.append(context.user.name)
        ran.set()

    scheduler.add_interval_task("sync", sync, hours=1, per_user=EACH)
    scheduler.start()
    assert not ran.wait(0.2)
    scheduler.settings.set(ana.id, "sync_interval", 1)
    assert ran.wait(10)
    assert seen[0] == "ana"


def test_what_one_person_has_is_looked_at_and_paused_by_itself(scheduler: TaskScheduler, ana: User) -> None:
    scheduler.add_cron_task("sync", f"{HERE}:whose", "0 6 * * *", per_user=EACH)
    scheduler.pause_task("sync", user=ana.id, reason="on holiday")
    assert scheduler.get_task_status("sync", user=ana.id)["paused"] is True
    assert scheduler.get_task_status("sync")["paused"] is False
    scheduler.resume_task("sync", user=ana.id)
    status = scheduler.get_task_status("sync", user=ana.id)
    assert (status["paused"], status["user"], status["timezone"]) == (False, ana.id, "Asia/Tokyo")
    assert [task["user"] for task in scheduler.get_all_tasks()] == [None, ana.id]
    with pytest.raises(TaskNotFound):
        scheduler.get_task_status("sync", user=ana.id + 1)
    with pytest.raises(InvalidValue, match="use PerUser"):
        scheduler.add_task("wrong", f"{HERE}:whose", per_user="sync_enabled")  # type: ignore[arg-type]


def test_many_tasks_are_added_at_once_with_everybodys(scheduler: TaskScheduler, ana: User) -> None:
    tasks = [scheduler.definition(f"sync {number}", f"{HERE}:whose", "0 6 * * *", per_user=EACH) for number in range(5)]
    scheduler.add_tasks(tasks)
    assert all(scheduler.get_task_status(task.name, user=ana.id)["next_run"] for task in tasks)


def test_r101_one_persons_hanging_task_delays_nobody_elses(make: Callable[..., TaskScheduler], tmp_path: Path) -> None:
    scheduler = make(max_workers=4, max_workers_each=2)
    scheduler.settings.register("Sync", SYNC)
    with people_of(tmp_path / "jobs.db") as people:
        stuck, *others = [add(people, name) for name in ("stuck", "ben", "cid", "dan")]
    release, hanging = threading.Event(), threading.Semaphore(0)

    def sync(context: RunContext) -> None:
        if context.user is not None and context.user.name == "stuck":
            hanging.release()
            release.wait(60)

    for number in range(6):
        scheduler.add_interval_task(f"sync {number}", sync, seconds=1, per_user=PerUser(interval="sync_interval"))
    scheduler.settings.set_for_all("sync_interval", 1)
    scheduler.start()
    try:
        assert hanging.acquire(timeout=20)
        assert hanging.acquire(timeout=20)
        wait_until(lambda: all(_ended(scheduler, user) >= 12 for user in others))
        assert not hanging.acquire(timeout=0.1)
        assert _ended(scheduler, stuck) == 0
    finally:
        release.set()


def _ended(scheduler: TaskScheduler, user: User) -> int:
    histories = (scheduler.get_task_history(f"sync {number}", user=user.id) for number in range(6))
    return sum(each["status"] == "succeeded" for entries in histories for each in entries)


@pytest.mark.long
def test_1000_people_with_a_task_a_minute_are_on_time_for_10_minutes_while_one_hangs(
    make: Callable[..., TaskScheduler], tmp_path: Path
) -> None:
    scheduler = make(max_workers=10)
    scheduler.settings.register("Sync", SYNC)
    scheduler.settings.set_for_all("sync_interval", 60)
    with people_of(tmp_path / "jobs.db") as people:
        everybody = [add(people, f"p{number}") for number in range(1000)]
    release = threading.Event()

    def sync(context: RunContext) -> None:
        if context.user is not None and context.user.id == everybody[0].id:
            release.wait(1200)

    scheduler.add_task("sync", sync, per_user=EACH, timeout=None)
    scheduler.start()
    assert not release.wait(630)
    scheduler.stop(grace=0.1)
    release.set()
    with closing(open_store(tmp_path / "jobs.db")) as store, store.reading() as tx:
        runs = HistoryBook(tx).page(RunFilter(), limit=100_000)
    late = sorted(_late(run) for run in runs if run.started_at and run.planned_at)
    assert len(late) >= 999 * 10
    assert statistics.quantiles(late, n=100)[98] <= 1.0


def _late(run: Run) -> float:
    assert run.started_at is not None
    assert run.planned_at is not None
    return (run.started_at - run.planned_at).total_seconds()
