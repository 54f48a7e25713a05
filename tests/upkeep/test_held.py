"""After a restore nothing starts by itself: held instants and runs get their outcome when somebody decides."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from horarium import TaskScheduler
from horarium.clock import SystemClock
from horarium.scheduling.hold_desk import HoldDesk
from horarium.states import Reason
from horarium.store.backup import list_backups
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.store.tables import occurrence_spans, occurrences, task_executions
from horarium.upkeep.backups import back_up
from horarium.upkeep.restoring import Ask, restore_backup
from horarium.upkeep.rules import BackupRules
from tests.faults.place import await_that
from tests.support.people import TESTER

RAN: list[int] = []


def count() -> None:
    """Say that it ran."""
    RAN.append(1)


@pytest.fixture
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(request.getfixturevalue("postgres_url")) if request.param == "postgres" else str(tmp_path / "h.db")


def rows(store: Store, *columns: Any) -> list[tuple[Any, ...]]:
    with store.reading() as tx:
        return [tuple(row) for row in tx.execute(select(*columns))]


@pytest.mark.parametrize("where", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
@pytest.mark.parametrize("make_up", [False, True])
def test_r112_a_restored_store_starts_nothing_until_it_is_released(
    where: str,
    tmp_path: Path,
    make_up: bool,
) -> None:
    rules, clock = BackupRules(tmp_path / "b"), SystemClock()
    # Never started, so that what was asked for waits.
    scheduler = TaskScheduler(where)
    scheduler.add_interval_task("often", count, seconds=1)
    scheduler.add_interval_task("waits", count, seconds=1, misfire="all")
    scheduler.trigger_task_now("waits")
    scheduler.close()
    store = open_store(where)
    back_up(store, rules, clock, origin="hand")
    restore_backup(store, rules, clock, Ask(list_backups(rules.folder)[0], TESTER))
    RAN.clear()
    threading.Event().wait(2.2)
    with TaskScheduler(where) as scheduler:
        scheduler.add_interval_task("often", count, seconds=1)
        scheduler.add_interval_task("waits", count, seconds=1, misfire="all")
        scheduler.start()
        threading.Event().wait(2.2)
        assert RAN == []
        HoldDesk(store, clock).release(actor=TESTER, make_up=make_up)
        await_that(lambda: len(RAN) >= 3)
    held = [row for row in rows(store, occurrences.c.reason) if row[0] == Reason.HELD]
    held += [row for row in rows(store, occurrence_spans.c.reason) if row[0] == Reason.HELD]
    given_up = [row for row in rows(store, task_executions.c.reason) if row[0] == Reason.HELD]
    assert bool(held) is not make_up
    assert len(given_up) == (0 if make_up else 1)
    store.close()
