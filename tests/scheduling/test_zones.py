"""Another edition of the time zone data: what lies ahead is computed anew, nothing fires again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from horarium.clock import to_micros
from horarium.scheduling import zones
from horarium.scheduling.zones import follow_zone_data, zone_data_version
from horarium.store.books.agenda import AgendaBook
from horarium.store.books.tasks import TaskBook
from horarium.testing import ManualScheduler
from horarium.testing.clock import START
from horarium.triggers import IntervalTrigger

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def next_of(world: ManualScheduler, name: str) -> datetime | None:
    return world.desk.find(name).next_at


def move(world: ManualScheduler, name: str, to: datetime | None) -> None:
    """Write a next instant as rules of the clock would have given that hold no more."""
    with world.store.transaction() as tx:
        AgendaBook(tx).advance([(None if to is None else to_micros(to), world.desk.find(name).id)])


@pytest.fixture
def newer(small: ManualScheduler, monkeypatch: pytest.MonkeyPatch) -> ManualScheduler:
    """Give a node whose store knows the zone data of before, and that starts with newer ones."""
    assert follow_zone_data(small.store, small.clock) == 0
    monkeypatch.setattr(zones, "zone_data_version", lambda: "2099z")
    return small


def test_this_process_can_tell_its_edition() -> None:
    assert zone_data_version().rpartition("/")[2]


def test_the_first_start_has_nothing_to_follow(small: ManualScheduler) -> None:
    small.add("t", "0 12 * * *")
    move(small, "t", START + 30 * HOUR)
    assert follow_zone_data(small.store, small.clock) == 0
    assert next_of(small, "t") == START + 30 * HOUR


def test_rp18_what_lies_ahead_is_computed_anew_once(newer: ManualScheduler, caplog: pytest.LogCaptureFixture) -> None:
    newer.add("moved", "0 18 * * *", timezone="Europe/Berlin")
    newer.add("kept", "0 18 * * *")
    newer.add("grid", IntervalTrigger(3600, START))
    newer.add("by hand", None)
    move(newer, "moved", datetime(2026, 5, 14, 17, 0, tzinfo=UTC))
    assert follow_zone_data(newer.store, newer.clock) == 1
    assert next_of(newer, "moved") == datetime(2026, 5, 14, 16, 0, tzinfo=UTC)
    assert next_of(newer, "kept") == datetime(2026, 5, 14, 18, 0, tzinfo=UTC)
    assert next_of(newer, "grid") == START + HOUR
    assert "1 tasks have another next time" in caplog.text
    assert follow_zone_data(newer.store, newer.clock) == 0


def test_rp18_nothing_fires_again(newer: ManualScheduler) -> None:
    newer.add("t", "*/30 * * * *")
    newer.advance(31 * MINUTE)
    newer.clock.jump(-20 * MINUTE)
    move(newer, "t", START + 2 * HOUR)
    assert follow_zone_data(newer.store, newer.clock) == 1
    assert next_of(newer, "t") == START + HOUR
    newer.advance(2 * HOUR, step=MINUTE)
    planned = [run.planned_at for run in newer.runs("t")]
    assert len(planned) == len(set(planned)) == 4


def test_what_is_due_already_is_left_to_the_misfire_policy(newer: ManualScheduler) -> None:
    newer.add("t", "0 * * * *")
    newer.sleep_through(2 * HOUR)
    assert follow_zone_data(newer.store, newer.clock) == 0
    assert next_of(newer, "t") == START + HOUR


def test_a_task_with_a_fault_does_not_stop_the_others(newer: ManualScheduler) -> None:
    bad, other = newer.add("bad", "0 18 * * *"), newer.add("foreign", "0 18 * * *")
    newer.add("good", "0 18 * * *")
    move(newer, "good", START + HOUR)
    with newer.store.transaction() as tx:
        TaskBook(tx)._change(bad.id, 1, schedule="tomorrow")
        TaskBook(tx)._change(other.id, 1, kind="telepathy")
    assert follow_zone_data(newer.store, newer.clock) == 1
    assert next_of(newer, "good") == datetime(2026, 5, 14, 18, 0, tzinfo=UTC)


def test_more_tasks_than_one_look_takes_are_all_followed(
    newer: ManualScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zones, "_PAGE", 3)
    for number in range(8):
        newer.add(f"t{number}", "0 18 * * *")
        move(newer, f"t{number}", START + HOUR)
    assert follow_zone_data(newer.store, newer.clock) == 8
