"""Restoring: proved first, all or nothing, and afterwards nothing starts unasked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from horarium.accounts.sessions import Device, Sessions
from horarium.audit.actions import Action
from horarium.audit.chain import verify
from horarium.audit.trail import Trail
from horarium.errors import Conflict, StoreForeign, StoreNewer, StoreUnavailable
from horarium.records.people import Role, User
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.scheduling.heartbeat import Heartbeat
from horarium.scheduling.hold import held
from horarium.scheduling.hold_desk import HoldDesk
from horarium.scheduling.tasks import TaskDesk
from horarium.store.alone import alone
from horarium.store.backup import Keep, list_backups, make_backup, verify_backup
from horarium.store.port import Store
from horarium.store.schema import revision_of
from horarium.store.tables import scheduled_tasks
from horarium.upkeep.restoring import Ask, restore_backup
from horarium.upkeep.rules import BackupRules
from tests.support.people import TESTER, SetClock


def with_tasks(store: Store, clock: SetClock, *names: str) -> None:
    """Add tasks that only run by hand."""
    TaskDesk(store, clock).define_many(TaskDefinition(name, PythonSpec("os:getpid"), None) for name in names)


def names_in(store: Store) -> list[str]:
    """Return the names of all tasks."""
    with store.reading() as tx:
        return sorted(tx.execute(select(scheduled_tasks.c.name)).scalars())


@pytest.fixture
def rules(tmp_path: Path) -> BackupRules:
    """Give rules with a folder of the test."""
    return BackupRules(tmp_path / "b", Keep(14))


def test_r112_a_restored_store_is_the_one_of_the_backup(store: Store, clock: SetClock, rules: BackupRules) -> None:
    with_tasks(store, clock, "one", "two")
    backup = make_backup(store, rules.folder, clock=clock, wrapping=rules.wrapping("hand"))
    with_tasks(store, clock, "three")
    clock.move(timedelta(hours=1))
    done = restore_backup(store, rules, clock, Ask(backup, TESTER))
    assert names_in(store) == ["one", "two"]
    assert list(store.check()) == []
    assert done.safety is not None
    assert done.safety.rows["scheduled_tasks"] == 3
    assert {each.path for each in list_backups(rules.folder)} == {backup.path, done.safety.path}
    # The store goes on from there, and numbers of tasks that were deleted do not come again.
    with_tasks(store, clock, "four")
    assert names_in(store) == ["four", "one", "two"]
    assert [each for each in rules.folder.iterdir() if each.name.startswith((".scratch", ".partial"))] == []


def test_r112_sessions_end_and_the_log_of_the_restored_store_tells_of_it(
    store: Store, clock: SetClock, rules: BackupRules, add_person: Callable[[str, Role], User]
) -> None:
    member = add_person("mira", Role.USER)
    sessions = Sessions(store, clock)
    backup = make_backup(store, rules.folder, clock=clock)
    token = sessions.start(member, Device(address="127.0.0.1", agent="a"), actor=TESTER)
    restore_backup(store, rules, clock, Ask(backup, TESTER))
    assert sessions.find(token) is None
    (entry,) = [each for each in Trail(store, clock).page(limit=5) if each.action == Action.BACKUP_RESTORED]
    assert (entry.actor, entry.object_name) == (TESTER.words, backup.name)
    assert entry.details["sha256"] == backup.sha256
    assert verify(store).is_sound


def test_r112_schedules_are_held_until_somebody_releases_them(
    store: Store, clock: SetClock, rules: BackupRules
) -> None:
    with_tasks(store, clock, "one")
    backup = make_backup(store, rules.folder, clock=clock)
    with pytest.raises(Conflict, match="no schedules are held"):
        HoldDesk(store, clock).release(actor=TESTER, make_up=True)
    restore_backup(store, rules, clock, Ask(backup, TESTER))
    with store.reading() as tx:
        hold = held(tx).restored
    assert hold is not None
    assert (hold.backup, hold.made_at) == (backup.name, backup.made_at)
    HoldDesk(store, clock).release(actor=TESTER, make_up=True)
    with store.reading() as tx:
        assert held(tx).restored is None


@pytest.mark.timeout(400)
@pytest.mark.parametrize("points", [5, pytest.param(20, marks=pytest.mark.long)])
def test_r112_whoever_gives_up_in_between_leaves_the_old_store(
    store: Store, clock: SetClock, rules: BackupRules, points: int
) -> None:
    with_tasks(store, clock, "one")
    backup = make_backup(store, rules.folder, clock=clock, wrapping=rules.wrapping("hand"))
    with_tasks(store, clock, "two")
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    restore_backup(store, replace(rules, folder=rules.folder), clock, Ask(backup, TESTER), go_on=count)
    with_tasks(store, clock, "new")
    assert steps > 20
    for wanted in range(1, steps, steps // points):
        left = wanted

        def give_up() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            restore_backup(store, rules, clock, Ask(backup, TESTER), go_on=give_up)
        assert names_in(store) == ["new", "one"]
        clock.move(timedelta(seconds=1))


def test_r112_one_of_a_newer_release_is_refused_before_anything(
    store: Store, clock: SetClock, rules: BackupRules
) -> None:
    with_tasks(store, clock, "one")
    backup = make_backup(store, rules.folder, clock=clock)
    with pytest.raises(StoreNewer, match="newer release"):
        restore_backup(store, rules, clock, Ask(replace(backup, schema="9999"), TESTER))
    other = "sqlite" if backup.engine == "postgresql" else "postgresql"
    with pytest.raises(StoreForeign, match="is a backup of"):
        restore_backup(store, rules, clock, Ask(replace(backup, engine=other), TESTER))
    assert len(list_backups(rules.folder)) == 1


def test_r112_nobody_joins_meanwhile_and_nobody_restores_twice_at_once(
    store: Store, clock: SetClock, rules: BackupRules
) -> None:
    with_tasks(store, clock, "one")
    backup = make_backup(store, rules.folder, clock=clock)
    node = Heartbeat(store, clock, workers=1, on_lost=lambda: None, on_rescued=lambda: None)
    with alone(store):
        with pytest.raises(StoreUnavailable, match="being restored"):
            node.join()
        with pytest.raises(Conflict, match="being restored"):
            restore_backup(store, rules, clock, Ask(backup, TESTER))
    node.join()
    with pytest.raises(Conflict, match=r"in use by process \d+"):
        restore_backup(store, rules, clock, Ask(backup, TESTER))
    node.leave()
    restore_backup(store, rules, clock, Ask(backup, TESTER))
    assert revision_of(store)
    assert verify_backup(backup.path) == backup
    with store.reading() as tx:
        assert tx.execute(select(func.count()).select_from(scheduled_tasks)).scalar_one() == 1
