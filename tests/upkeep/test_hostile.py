"""Whoever can write into the folder of backups cannot write into the store by way of a restore."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from horarium.errors import StoreError
from horarium.store.backup import Backup, Keep, list_backups, make_backup, making, postgres_dump
from horarium.store.backup.shelf import read_backup
from horarium.store.port import Store
from horarium.store.postgres import PostgresStore
from horarium.upkeep.proving import drill
from horarium.upkeep.restoring import Ask, restore_backup
from horarium.upkeep.rules import BackupRules
from tests.support.people import TESTER, SetClock
from tests.support.vault import new_secret
from tests.upkeep.hostile import HOSTILE
from tests.upkeep.test_restore import names_in, with_tasks


@pytest.mark.parametrize("plan", HOSTILE.values(), ids=HOSTILE)
def test_r89_a_hostile_file_is_refused_before_any_change(
    sqlite: Store, clock: SetClock, tmp_path: Path, plan: Callable[[Backup], None]
) -> None:
    rules = BackupRules(tmp_path / "b", Keep(14), secrets=(new_secret(),))
    with_tasks(sqlite, clock, "one")
    good = make_backup(sqlite, rules.folder, clock=clock)
    with_tasks(sqlite, clock, "two")
    plan(good)
    listed = list_backups(rules.folder)
    backup = listed[0] if listed else _read(good)
    if backup is not None:
        with pytest.raises(StoreError):
            restore_backup(sqlite, rules, clock, Ask(backup, TESTER))
        # What a drill says is written down with it, as far as it is there at all.
        assert not listed or not drill(sqlite, rules, clock, backup).look.passed
    assert names_in(sqlite) == ["one", "two"]
    assert list(sqlite.check()) == []
    assert [each for each in rules.folder.iterdir() if each.name.startswith((".scratch", ".partial"))] == []


def _read(good: Backup) -> Backup | None:
    try:
        return read_backup(good.path)
    except StoreError:
        return None


@pytest.mark.postgres
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE VIEW v AS SELECT * FROM users",
        "CREATE TABLE more (id int)",
        "ALTER TABLE users ADD COLUMN more text",
        "DROP TABLE recovery_codes",
        "CREATE RULE r AS ON INSERT TO users DO NOTHING",
    ],
)
def test_r89_an_archive_with_anything_of_its_own_is_refused(
    postgres: Store, clock: SetClock, tmp_path: Path, statement: str
) -> None:
    rules = BackupRules(tmp_path / "b", Keep(14))
    with_tasks(postgres, clock, "one")
    with postgres.transaction() as tx:
        tx.execute(text(statement))
    backup = _dumped(postgres, rules, clock)
    with pytest.raises(StoreError):
        restore_backup(postgres, rules, clock, Ask(backup, TESTER))
    assert names_in(postgres) == ["one"]


def _dumped(store: Store, rules: BackupRules, clock: SetClock) -> Backup:
    try:
        return make_backup(store, rules.folder, clock=clock)
    except StoreError:
        # A table is missing: the counting notices. Dump it past that.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(making, "_copy", _carelessly)
            return make_backup(store, rules.folder, clock=clock)


def _carelessly(store: Store, plain: Path, go_on: Callable[[], None]) -> tuple[dict[str, int], dict[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres_dump, "_expected", lambda _tx: ({}, []))
        assert isinstance(store, PostgresStore)
        postgres_dump.dump(store, plain, go_on)
    return {}, {}


def test_r89_a_damaged_store_is_copied_as_it_is_before_a_restore(
    sqlite: Store, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = BackupRules(tmp_path / "b", Keep(14))
    with_tasks(sqlite, clock, "one")
    good = make_backup(sqlite, rules.folder, clock=clock)
    found = iter([["row 3 of users is damaged"]])
    monkeypatch.setattr(type(sqlite), "check", lambda _self: next(found, []))
    done = restore_backup(sqlite, replace(rules), clock, Ask(good, TESTER))
    assert done.safety is None
    assert len(list(rules.folder.glob("damaged-*.db"))) == 1
