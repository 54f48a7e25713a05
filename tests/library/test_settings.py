"""`UserSettings` in a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from horarium import InvalidValue, PerUser, Setting, SettingType, TaskNotFound, UserSettings
from horarium.accounts.people import People
from horarium.clock import SystemClock
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.scheduling.tasks import TaskDesk
from horarium.store.opening import open_store
from tests.support.people import add_person, cheap_hasher


def test_programs_use_settings_without_the_web(data_folder: Path) -> None:
    path = data_folder / "jobs.db"
    with UserSettings(path) as settings:
        assert settings.catalogue()["clock"].default == "24h"
    store = open_store(path)
    ana = add_person(People(store, SystemClock(), hasher=cheap_hasher()), "ana")
    store.close()
    with UserSettings(path) as settings:
        settings.set(ana.id, "look", "dark")
    with UserSettings(str(path)) as settings:
        assert settings.get(ana.id, "look") == "dark"


def test_tasks_for_each_person_follow_a_program_that_only_changes_settings(data_folder: Path) -> None:
    path = data_folder / "jobs.db"
    store = open_store(path)
    ana = add_person(People(store, SystemClock(), hasher=cheap_hasher()), "ana")
    with UserSettings(path) as settings:
        switch = Setting(key="sync_enabled", type=SettingType.SWITCH, default=False, sentence="Whether it syncs.")
        settings.register("Sync", [switch])
        desk = TaskDesk(store, SystemClock())
        desk.define(TaskDefinition("sync", PythonSpec("m:f"), None, per_user=PerUser(enabled="sync_enabled")))
        with pytest.raises(TaskNotFound):
            desk.find("sync", for_user_id=ana.id)
        settings.set(ana.id, "sync_enabled", value=True)
        assert desk.find("sync", for_user_id=ana.id).place.for_user_id == ana.id
    store.close()


def test_what_is_no_place_of_a_store_is_refused() -> None:
    with pytest.raises(InvalidValue, match="use a path or the address"):
        UserSettings(5)  # type: ignore[arg-type]
