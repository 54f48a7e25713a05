"""The standard tasks: ordinary tasks that find the store of the process they run in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextvars import copy_context
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from horarium import TaskScheduler, setup_default_tasks
from horarium.errors import Conflict, InvalidValue
from horarium.execution.context import CURRENT, RunContext
from horarium.scheduling.tasks import TaskDesk
from horarium.states import Stream
from horarium.store.backup import list_backups
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.store.opening import open_store
from horarium.triggers import from_text
from horarium.upkeep import backup_database, default_definitions
from tests.support.people import SetClock

SCHEDULES = {
    "aggregate_daily_stats": "0 1 * * *",
    "archive_audit_logs": "0 2 * * *",
    "backup_database": "0 3 * * *",
    "cleanup_error_logs": "0 4 * * 0",
    "cleanup_expired_sessions": "0 * * * *",
    "cleanup_inactive_credentials": "0 5 1 * *",
}
KEEPING = {"check_storage": "30 * * * *", "cleanup": "30 2 * * *"}


@pytest.fixture
def scheduler(data_folder: Path) -> Iterator[TaskScheduler]:
    made = TaskScheduler(data_folder / "horarium.db", max_workers=2)
    yield made
    made.close()


def result_of(scheduler: TaskScheduler, name: str, **params: Any) -> dict[str, Any]:
    """Trigger a task, let the scheduler run it, and return its newest history entry once the attempt is over."""
    scheduler.trigger_task_now(name, **params)
    scheduler.start()
    pause = threading.Event()
    for _ in range(1000):
        entry = scheduler.get_task_history(name)[0]
        if entry["status"] not in {"queued", "claimed", "running"}:
            return entry
        # Runs end in threads of the scheduler, which signal nobody outside.
        pause.wait(0.02)
    pytest.fail(f"{name} did not end")


@pytest.mark.parametrize("keeping", [False, True])
def test_they_have_the_schedules_and_targets_that_people_know(scheduler: TaskScheduler, *, keeping: bool) -> None:
    names = setup_default_tasks(scheduler, keeping=keeping)
    tasks = {task["name"]: task for task in scheduler.get_all_tasks()}
    wanted = SCHEDULES | (KEEPING if keeping else {})
    assert sorted(names) == sorted(tasks) == sorted(wanted)
    for name, expression in wanted.items():
        assert expression in tasks[name]["schedule"]
        assert tasks[name]["target"] == f"horarium.upkeep:{name}"
        assert tasks[name]["tags"] == ["maintenance"]
        assert tasks[name]["description"]


def test_a_second_call_changes_nothing_and_a_pause_stays(scheduler: TaskScheduler) -> None:
    setup_default_tasks(scheduler)
    scheduler.pause_task("backup_database")
    before = scheduler.get_all_tasks()
    setup_default_tasks(scheduler)
    assert scheduler.get_all_tasks() == before
    assert scheduler.get_task_status("backup_database")["paused"]


def test_each_runs_on_the_store_of_its_scheduler_wherever_the_program_stands(
    scheduler: TaskScheduler, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/another.db")
    setup_default_tasks(scheduler)
    for name in SCHEDULES:
        assert result_of(scheduler, name)["status"] == "succeeded"
    (backup,) = list_backups(data_folder / "backups")
    assert backup.rows["scheduled_tasks"] == len(SCHEDULES)
    assert not (tmp_path / "another.db").exists()


def test_the_folder_of_the_program_is_used_and_a_dry_run_can_be_asked_for(
    scheduler: TaskScheduler, data_folder: Path, tmp_path: Path
) -> None:
    setup_default_tasks(scheduler, backup_folder=tmp_path / "elsewhere", keep_backups=3)
    assert result_of(scheduler, "backup_database", dry_run=True)["status"] == "succeeded"
    assert list_backups(tmp_path / "elsewhere") == []
    result_of(scheduler, "backup_database")
    assert len(list_backups(tmp_path / "elsewhere")) == 1
    assert not (data_folder / "backups").exists()


@pytest.mark.parametrize("task", ["backup_database", "archive_audit_logs"])
@pytest.mark.parametrize("name", ["folder", "store"])
def test_r115_a_single_run_cannot_say_where(scheduler: TaskScheduler, tmp_path: Path, task: str, name: str) -> None:
    setup_default_tasks(scheduler)
    entry = result_of(scheduler, task, **{name: str(tmp_path / "evil")})
    assert "not for a single run" in entry["error"]
    assert not (tmp_path / "evil").exists()


class WithoutStore:
    """An attempt in a process that does not have the store open."""

    store = None
    run_context = RunContext(1, 1, "isolated", None, params={}, cancel_cause=lambda: None)

    def take(self, stream: Stream, text: str) -> None:
        """Keep nothing."""


def test_a_run_in_another_process_is_told_where_it_belongs(monkeypatch: pytest.MonkeyPatch, data_folder: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", str(data_folder / "wrong.db"))

    def run() -> None:
        CURRENT.set(WithoutStore())
        with pytest.raises(Conflict, match="isolation to thread"):
            backup_database()

    copy_context().run(run)


def test_no_password_is_kept_with_the_tasks(postgres_url: str, tmp_path: Path) -> None:
    scheduler = TaskScheduler(postgres_url)
    try:
        setup_default_tasks(scheduler, backup_folder=tmp_path)
        store = open_store(postgres_url)
        with store.reading() as tx:
            specs = [task.definition.spec for task in TaskBook(tx).page(TaskFilter())]
        store.close()
        assert "postgresql" not in repr(specs)
        assert result_of(scheduler, "backup_database")["status"] == "succeeded"
        assert len(list_backups(tmp_path)) == 1
    finally:
        scheduler.close()


def test_the_definitions_are_the_same_tasks(scheduler: TaskScheduler, data_folder: Path, tmp_path: Path) -> None:
    setup_default_tasks(scheduler, backup_folder=tmp_path, keep_backups=5, keeping=True)
    store = open_store(data_folder / "horarium.db")
    desk = TaskDesk(store, SetClock())
    for definition in default_definitions(backup_folder=tmp_path, keep_backups=5):
        assert desk.find(definition.name).definition == definition
    store.close()


def test_a_number_of_backups_that_leaves_none_is_refused(scheduler: TaskScheduler, data_folder: Path) -> None:
    with pytest.raises(InvalidValue, match="keep"):
        setup_default_tasks(scheduler, keep_backups=0)
    with pytest.raises(InvalidValue, match="keep"):
        backup_database(store=data_folder / "horarium.db", keep=0)
    assert scheduler.get_all_tasks() == []


def test_failure_output_is_trimmed_on_sunday_at_four_in_the_zone_of_the_installation() -> None:
    (task,) = [each for each in default_definitions("America/New_York") if each.name == "cleanup_error_logs"]
    assert task.schedule
    trigger = from_text(task.schedule)
    first = trigger.next_after(datetime(2026, 10, 28, tzinfo=UTC))
    assert first
    there = first.astimezone(ZoneInfo("America/New_York"))
    assert (there.strftime("%A"), there.hour, there.date().isoformat()) == ("Sunday", 4, "2026-11-01")
    # The night in which the clock goes back: four o'clock is nine of the world, the week before it was eight.
    assert first == datetime(2026, 11, 1, 9, tzinfo=UTC)


def test_old_entries_go_to_the_folder_of_the_program(
    scheduler: TaskScheduler, data_folder: Path, tmp_path: Path
) -> None:
    setup_default_tasks(scheduler, archive_folder=tmp_path / "old")
    assert result_of(scheduler, "archive_audit_logs")["status"] == "succeeded"
    assert (tmp_path / "old").is_dir()
    assert not (data_folder / "audit-archives").exists()
