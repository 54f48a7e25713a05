"""What came of a backup stands in the audit log when it is over: by whom, how it ended, which file, how long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from horarium import TaskScheduler
from horarium.audit.actions import Result
from horarium.audit.chain import verify as verify_chain
from horarium.audit.trail import Trail
from horarium.clock import SystemClock
from horarium.errors import StoreForeign, StoreFull, StoreUnavailable
from horarium.execution.interrupts import TaskCancelled
from horarium.records.actors import Actor, Source
from horarium.records.audit import AuditRow
from horarium.store.backup import Backup, list_backups
from horarium.store.books.audit import AuditBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.upkeep import backup_database, setup_default_tasks
from horarium.upkeep.backups import back_up
from horarium.upkeep.desk import BackupDesk
from horarium.upkeep.proving import drill, verify
from horarium.upkeep.restoring import Ask, restore_backup
from horarium.upkeep.rules import BackupRules
from tests.faults.place import await_that
from tests.support.people import TESTER, SetClock, made_up
from tests.upkeep.test_backup import with_tasks

ADA = Actor(name="ada", source=Source.WEB, user_id=7, request="r-1")


@pytest.fixture
def rules(tmp_path: Path) -> BackupRules:
    return BackupRules(tmp_path / "b")


def told(store: Store) -> list[AuditRow]:
    """Return the entries about backups, oldest first."""
    return [each for each in reversed(Trail(store, SystemClock()).page(limit=100)) if each.kind == "backup"]


def one_of(rules: BackupRules) -> Backup:
    """Return the only backup there is."""
    (found,) = list_backups(rules.folder)
    return found


def untellable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be written into the audit log."""

    def refuse(*_: object) -> None:
        raise StoreUnavailable("the audit log cannot be written")

    monkeypatch.setattr(AuditBook, "append", refuse)


def stop() -> None:
    raise TaskCancelled("cancelled by ada")


def test_r107_each_work_with_a_backup_is_told_with_who_asked_and_what_came_of_it(
    store: Store, clock: SetClock, rules: BackupRules
) -> None:
    back_up(store, rules, clock, origin="hand", actor=ADA)
    backup = one_of(rules)
    verify(store, rules, clock, backup, actor=ADA)
    drill(store, rules, clock, backup, actor=TESTER)
    made, verified, drilled = told(store)
    assert [each.action for each in (made, verified, drilled)] == ["backup.made", "backup.verified", "backup.drilled"]
    assert [(each.actor, each.actor_id, each.source, each.request) for each in (made, drilled)] == [
        ("ada", 7, "web", "r-1"),
        (TESTER.words, None, "code", ""),
    ]
    for each in (made, verified, drilled):
        assert (each.object_name, each.result) == (backup.name, Result.DONE)
        assert each.details["bytes"] == backup.size
        assert each.details["seconds"] >= 0
    assert made.details["origin"] == "hand"
    assert "rows" in drilled.details["found"]
    assert verify_chain(store).is_sound


def test_r107_what_went_wrong_is_told_as_failed(store: Store, clock: SetClock, rules: BackupRules) -> None:
    back_up(store, rules, clock, origin="hand", actor=ADA)
    backup = one_of(rules)
    content = bytearray(backup.path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    backup.path.write_bytes(content)
    assert not verify(store, rules, clock, backup, actor=ADA).look.passed
    assert not drill(store, rules, clock, backup, actor=ADA).look.passed
    blocked = rules.folder.parent / "file"
    blocked.touch()
    with pytest.raises(StoreUnavailable):
        back_up(store, BackupRules(blocked / "x"), clock, origin="hand", actor=ADA)
    verified, drilled, made = told(store)[1:]
    assert {each.result for each in (verified, drilled, made)} == {Result.FAILED}
    assert "damaged" in verified.details["found"]
    assert "damaged" in drilled.details["found"]
    assert (made.action, made.object_name) == ("backup.made", "")
    assert "backup folder" in made.details["error"]


def raising(error: BaseException) -> Callable[..., Any]:
    """Return a function that raises."""

    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_r107_what_could_not_be_tried_or_was_stopped_is_told_as_failed(
    store: Store, clock: SetClock, rules: BackupRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(store, rules, clock, origin="hand", actor=ADA)
    backup, secret = one_of(rules), made_up()
    with pytest.raises(TaskCancelled):
        back_up(store, rules, clock, origin="hand", actor=ADA, go_on=stop)
    with pytest.raises(TaskCancelled):
        drill(store, rules, clock, backup, actor=ADA, go_on=stop)
    monkeypatch.setattr("horarium.upkeep.proving.verify_backup", raising(StoreFull("there is no room")))
    with pytest.raises(StoreFull):
        verify(store, rules, clock, backup, actor=ADA)
    monkeypatch.setattr("horarium.upkeep.backups.make_backup", raising(OSError(5, "Input/output error", secret)))
    with pytest.raises(OSError, match="Input"):
        back_up(store, rules, clock, origin="hand", actor=ADA)
    monkeypatch.setattr("horarium.upkeep.proving.verify_backup", raising(RuntimeError(secret)))
    with pytest.raises(RuntimeError):
        verify(store, rules, clock, backup, actor=ADA)
    found = told(store)[1:]
    assert {each.result for each in found} == {Result.FAILED}
    assert [each.details["error"] for each in found] == [
        "it was stopped before it was over",
        "it was stopped before it was over",
        "there is no room",
        "Input/output error",
        "something went wrong that should not have; the log says more",
    ]
    assert secret not in repr(found)


def test_r109_a_backup_that_cannot_be_told_of_is_kept_and_says_so(
    store: Store, clock: SetClock, rules: BackupRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    untellable(monkeypatch)
    done = back_up(store, rules, clock, origin="hand", actor=ADA)
    backup = one_of(rules)
    assert done["file"] == backup.name
    assert done["untold"] == "The audit log could not be told of it: the audit log cannot be written"
    assert done["pruned"] == 0
    for proof in (verify(store, rules, clock, backup, actor=ADA), drill(store, rules, clock, backup, actor=ADA)):
        assert proof.look.passed
        assert proof.untold == done["untold"]
        assert proof.look in one_of(rules).results.values()
    assert told(store) == []


def test_r109_a_failure_that_cannot_be_told_of_is_still_the_failure_that_is_raised(
    store: Store, clock: SetClock, rules: BackupRules, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    untellable(monkeypatch)
    monkeypatch.setattr("horarium.upkeep.backups.make_backup", raising(StoreFull("there is no room")))
    with pytest.raises(StoreFull, match="no room"):
        back_up(store, rules, clock, origin="hand", actor=ADA)
    assert "The audit log could not be told of it: backup.made" in caplog.text


def test_r109_the_desk_says_what_the_log_could_not_be_told(
    store: Store, clock: SetClock, rules: BackupRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    untellable(monkeypatch)
    desk = BackupDesk(store, clock, lambda: rules)
    desk.make(ADA)
    desk.wait()
    name = one_of(rules).name
    for begin in (desk.verify, desk.drill):
        begin(name, ADA)
        desk.wait()
        assert desk.job is not None
        assert desk.job.passed
        assert desk.job.words.endswith("The audit log could not be told of it: the audit log cannot be written.")


@pytest.mark.parametrize("where", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_r107_the_standard_task_is_told_as_the_run_that_it_is(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    at = str(tmp_path / "h.db") if where == "sqlite" else request.getfixturevalue("postgres_url")
    with TaskScheduler(at) as scheduler:
        setup_default_tasks(scheduler, backup_folder=tmp_path / "b")
        scheduler.start()
        run_id = scheduler.trigger_task_now("backup_database")
        store = open_store(at)
        await_that(lambda: len(told(store)) == 2)
    made, drilled = told(store)
    (backup,) = list_backups(tmp_path / "b")
    assert [made.action, drilled.action] == ["backup.made", "backup.drilled"]
    for each in (made, drilled):
        assert (each.actor, each.source, each.object_name) == ("Horarium", "server", backup.name)
        assert (each.details["task"], each.details["run"]) == ("backup_database", run_id)
    assert made.details["origin"] == "task"
    store.close()


def test_r107_a_program_that_backs_up_is_told_as_a_program(
    store: Store, clock: SetClock, rules: BackupRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup_database(store=store, folder=rules.folder, clock=clock)
    monkeypatch.setattr("horarium.upkeep.proving.restore_aside", raising(StoreFull("there is no room")))
    assert "not tried" in backup_database(store=store, folder=rules.folder, clock=clock)["drill"]
    found = told(store)
    assert {(each.source, each.actor) for each in found} == {("code", "")}
    assert [(each.action, each.result) for each in found] == [
        ("backup.made", "done"),
        ("backup.drilled", "done"),
        ("backup.made", "done"),
        ("backup.drilled", "failed"),
    ]


def test_r107_the_copy_before_a_restore_is_told_with_who_restores(
    store: Store, clock: SetClock, rules: BackupRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_tasks(store, clock, 1)
    back_up(store, rules, clock, origin="hand", actor=TESTER)
    monkeypatch.setattr("horarium.upkeep.restoring.restore", raising(StoreForeign("it does not fit")))
    with pytest.raises(StoreForeign):
        restore_backup(store, rules, clock, Ask(one_of(rules), ADA))
    copy = told(store)[-1]
    assert (copy.action, copy.actor, copy.details["origin"]) == ("backup.made", "ada", "restore")
