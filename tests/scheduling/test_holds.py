"""One hold with two reasons: each ends by itself, both are read at once, and what was held before stays so."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from horarium.audit.trail import Trail
from horarium.clock import SystemClock
from horarium.errors import Conflict
from horarium.records.actors import Actor
from horarium.scheduling.hold import FREE, Hold, Maintenance, Restored, held, put_restored
from horarium.scheduling.hold_desk import HoldDesk
from horarium.store.books.holds import HoldBook
from horarium.store.port import Store, Transaction
from horarium.store.schema import write_meta
from horarium.testing import ManualClock, ManualScheduler
from tests.scheduling.test_maintenance import ended, house, where
from tests.scheduling.test_service import House, soon
from tests.support.people import TESTER

__all__ = ["house", "where"]

BACKUP = Restored(datetime(2027, 2, 1, tzinfo=UTC), "horarium-20270131.db.gz", datetime(2027, 1, 31, tzinfo=UTC))


def desk(store: Store, told: list[str] | None = None) -> HoldDesk:
    return HoldDesk(store, SystemClock(), None if told is None else lambda: told.append("changed"))


def hold_of(store: Store) -> Hold:
    with store.reading() as tx:
        return held(tx)


def restored(store: Store) -> None:
    with store.transaction() as tx:
        put_restored(tx, BACKUP)


def test_nothing_is_held_in_a_new_store(house: House) -> None:
    assert hold_of(house.store) == FREE
    assert not FREE.starts_nothing
    assert not FREE.plans_nothing


def test_the_end_of_maintenance_releases_nothing_that_a_restore_holds(house: House) -> None:
    holds = desk(house.store)
    holds.begin_maintenance(actor=TESTER, reason="New disk")
    restored(house.store)
    found = hold_of(house.store)
    assert isinstance(found.maintenance, Maintenance)
    assert found.maintenance.reason == "New disk"
    assert found.restored == BACKUP
    assert holds.end_maintenance(actor=TESTER)
    assert hold_of(house.store) == Hold(restored=BACKUP)
    assert hold_of(house.store).starts_nothing
    assert hold_of(house.store).plans_nothing


def test_a_release_ends_no_maintenance(house: House) -> None:
    told: list[str] = []
    holds = desk(house.store, told)
    holds.begin_maintenance(actor=TESTER)
    restored(house.store)
    holds.release(actor=TESTER, make_up=True)
    left = hold_of(house.store)
    assert left.maintenance is not None
    assert left.restored is None
    assert left.starts_nothing
    assert not left.plans_nothing
    with pytest.raises(Conflict, match="no schedules are held"):
        holds.release(actor=TESTER, make_up=False)
    assert told == ["changed", "changed"]


def test_each_change_stands_once_in_the_audit_log_with_who_made_it(house: House) -> None:
    holds, other = desk(house.store), Actor(name="other", user_id=7)
    holds.begin_maintenance(actor=TESTER, reason="New disk")
    holds.begin_maintenance(actor=other)
    restored(house.store)
    holds.end_maintenance(actor=other)
    holds.end_maintenance(actor=TESTER)
    holds.release(actor=other, make_up=True)
    entries = [(each.action, each.actor) for each in reversed(Trail(house.store, SystemClock()).page())]
    assert entries == [
        ("maintenance.begun", TESTER.words),
        ("maintenance.ended", other.words),
        ("backup.schedules_released", other.words),
    ]


def test_a_store_that_an_earlier_release_held_stays_held(house: House) -> None:
    with house.store.transaction() as tx:
        write_meta(tx, "maintenance", '{"since": "2027-02-01T10:00:00+00:00", "by": "ada", "reason": "New disk"}')
        write_meta(tx, "hold", '{"since": 1801440000000000, "backup": "a.db.gz", "made_at": 1801353600000000}')
    assert hold_of(house.store) == Hold(
        Maintenance(datetime(2027, 2, 1, 10, tzinfo=UTC), "ada", "New disk"),
        Restored(datetime(2027, 2, 1, tzinfo=UTC), "a.db.gz", datetime(2027, 1, 31, tzinfo=UTC)),
    )


def test_a_tick_that_claims_asks_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Transaction] = []
    ask = HoldBook.all

    def listen(book: HoldBook) -> dict[str, str]:
        asked.append(book._tx)
        return ask(book)

    monkeypatch.setattr(HoldBook, "all", listen)
    house.add("tick", lambda: None, every=0.2)
    house.add("by hand", lambda: None)
    house.desk.trigger("by hand", by=TESTER)
    time.sleep(0.3)
    house.service.start()
    assert soon(lambda: {run.task_name for run in ended(house)} == {"tick", "by hand"})
    times: list[Any] = [sum(each is other for other in asked) for each in asked]
    assert set(times) == {1}


def test_a_restored_store_plans_nothing_and_goes_on_at_a_word(house: House) -> None:
    house.add("tick", lambda: None, every=0.2)
    restored(house.store)
    house.service.start()
    time.sleep(1.0)
    assert house.runs() == []
    HoldDesk(house.store, house.clock, house.service.wake).release(actor=TESTER, make_up=True)
    assert soon(lambda: len(ended(house)) >= 2)


def test_a_release_that_comes_while_the_loop_looks_is_not_missed(
    clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = ManualScheduler(tmp_path / "h.db", clock=clock)
    released: list[Transaction] = []

    def held_and_released(tx: Transaction) -> Hold:
        found = held(tx)
        if not released:
            released.append(tx)
            HoldDesk(world.store, clock, world.wake).release(actor=TESTER, make_up=True)
        return found

    restored(world.store)
    world.add("a", None)
    world.desk.trigger("a", by=TESTER)
    # Twice: at first it does not know yet which changes it has seen.
    assert [world.run_due(), world.run_due()] == [0, 0]
    monkeypatch.setattr("horarium.scheduling.loop.held", held_and_released)
    world.wake()
    assert world.run_due() == 0
    assert world.run_due() == 1
    world.store.close()
