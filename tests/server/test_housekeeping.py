"""The maintenance tasks of an installation: there from the start, once each, and everybody's to change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from horarium.config import Config
from horarium.records.actors import Actor
from horarium.scheduling.tasks import TaskDesk
from horarium.server.housekeeping import add_maintenance_tasks
from horarium.store.books.tasks import TaskBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.upkeep.defaults import default_definitions
from tests.support.people import SetClock

NAMES = sorted(each.name for each in default_definitions())


@pytest.fixture
def store(data_folder: Path) -> Iterator[Store]:
    opened = open_store(data_folder / "horarium.db")
    yield opened
    opened.close()


@pytest.fixture
def desk(store: Store) -> TaskDesk:
    return TaskDesk(store, SetClock())


def there(store: Store) -> list[str]:
    """Return the names of the maintenance tasks that are there."""
    with store.reading() as tx:
        return [name for name in NAMES if TaskBook(tx).by_name(name) is not None]


def test_a_new_installation_gets_all_of_them_in_its_zone(store: Store, desk: TaskDesk) -> None:
    assert sorted(add_maintenance_tasks(store, desk, "America/New_York")) == NAMES == there(store)
    assert {desk.find(name).definition.timezone for name in NAMES} == {"America/New_York"}


def test_a_second_start_adds_nothing_and_what_was_removed_stays_so(store: Store, desk: TaskDesk) -> None:
    add_maintenance_tasks(store, desk, "UTC")
    desk.remove(desk.find("cleanup").id, by=Actor.of_code())
    desk.pause(desk.find("backup_database").id, by=Actor.of_code())
    assert add_maintenance_tasks(store, desk, "Europe/Vienna") == []
    assert there(store) == [name for name in NAMES if name != "cleanup"]
    assert desk.find("backup_database").pause is not None
    assert desk.find("backup_database").definition.timezone == "UTC"


def test_a_task_of_somebody_under_such_a_name_stays_as_it_is(store: Store, desk: TaskDesk) -> None:
    (mine,) = [each for each in default_definitions("Asia/Tokyo") if each.name == "cleanup"]
    desk.define(mine)
    assert "cleanup" not in add_maintenance_tasks(store, desk, "UTC")
    assert desk.find("cleanup").definition.timezone == "Asia/Tokyo"


def test_they_come_unless_the_settings_say_no() -> None:
    assert Config().upkeep
