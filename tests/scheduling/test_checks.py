"""Checks that wait to be called: what each call does, and that each miss counts once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horarium.clock import EPOCH
from horarium.errors import InvalidSchedule, InvalidValue, NotFound
from horarium.records.checks import CallKind, CheckWish, HeartbeatCheck
from horarium.records.reach import EVERYTHING, Place, Reach
from horarium.scheduling.calls import CallDesk
from horarium.scheduling.checks import CheckDesk, check_in, expected_after
from horarium.states import CheckState, EventKind
from horarium.store.books.checks import KEPT_CALLS, CallBook, CheckBook
from horarium.store.books.events import EventBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.triggers import CronTrigger, IntervalTrigger, to_text
from tests.support.people import TESTER, SetClock

HOURLY = to_text(IntervalTrigger(3600, EPOCH))


class Room:
    """A store with one check, its calls and its sweep."""

    def __init__(self, store: Store, clock: SetClock) -> None:
        self.store, self.clock = store, clock
        self.desk = CheckDesk(store, clock)
        self.calls = CallDesk(store, clock)
        self.check = self.desk.add(CheckWish(name="Nightly copy", schedule=HOURLY), actor=TESTER)

    def call(self, kind: CallKind = CallKind.DONE, **more: Any) -> HeartbeatCheck:
        return self.calls.take(self.check.token, kind, **more)

    def now(self) -> HeartbeatCheck:
        with self.store.reading() as tx:
            return check_in(tx, self.check.id)

    def state(self) -> CheckState:
        return self.now().state_at(self.clock.now())

    def told(self) -> list[tuple[str, Any]]:
        with self.store.reading() as tx:
            found = EventBook(tx).newest(kinds=[EventKind.HEARTBEAT_MISSED, EventKind.HEARTBEAT_BACK])
        return [(event.kind, event.body.get("reason")) for event in found[::-1]]

    def pass_time(self, **by: float) -> int:
        self.clock.move(timedelta(**by))
        return self.calls.sweep()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    where = tmp_path / "h.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_store(where)
    yield opened
    opened.close()


@pytest.fixture
def room(store: Store) -> Room:
    return Room(store, SetClock())


@pytest.fixture
def small() -> Iterator[Room]:
    opened = open_store(":memory:")
    yield Room(opened, SetClock())
    opened.close()


def test_a_check_is_new_up_late_down_and_up_again(room: Room) -> None:
    assert room.state() is CheckState.NEW
    assert room.pass_time(days=30) == 0
    room.call()
    assert room.state() is CheckState.UP
    assert room.pass_time(minutes=59) == 0
    assert room.pass_time(minutes=2) == 0
    assert room.state() is CheckState.LATE
    assert room.pass_time(minutes=5) == 1
    assert room.state() is CheckState.DOWN
    assert room.told() == [("heartbeat.missed", "missed")]
    room.call()
    assert room.state() is CheckState.UP
    assert room.told() == [("heartbeat.missed", "missed"), ("heartbeat.back", None)]
    assert room.now().misses == 1


def test_a_miss_counts_once_over_restarts_and_many_nodes(room: Room) -> None:
    others = [CallDesk(room.store, room.clock) for _ in range(3)]
    room.call()
    room.clock.move(timedelta(hours=1, minutes=6))
    assert sum(desk.sweep() for desk in [room.calls, *others]) == 1
    room.clock.move(timedelta(days=3))
    again = CallDesk(room.store, room.clock)
    room.clock.move(timedelta(days=3))
    assert sum(desk.sweep() for desk in [room.calls, *others, again]) == 0
    assert room.told() == [("heartbeat.missed", "missed")]


def test_what_nobody_was_there_to_hear_is_no_miss_until_the_grace_is_over_anew(room: Room) -> None:
    room.call()
    room.clock.move(timedelta(days=1))
    after_a_night = CallDesk(room.store, room.clock)
    assert after_a_night.sweep() == 0
    room.clock.move(timedelta(minutes=4))
    assert after_a_night.sweep() == 0
    room.clock.move(timedelta(minutes=2))
    assert after_a_night.sweep() == 1


def test_a_call_in_the_last_moment_wins_over_the_sweep(room: Room) -> None:
    room.call()
    room.clock.move(timedelta(hours=1, minutes=6))
    with room.store.reading() as tx:
        (seen,) = CheckBook(tx).overdue(room.clock.micros())
    room.call()
    with room.store.transaction() as tx:
        assert seen.alarm_at is not None
        alarm = int((seen.alarm_at - EPOCH).total_seconds() * 1_000_000)
        assert not CheckBook(tx).miss(seen.id, alarm_at=alarm, now=room.clock.micros())
    assert room.told() == []


@pytest.mark.parametrize(("given_code", "reason"), [(None, "failed"), (3, "exit code 3")])
def test_a_failure_is_told_at_once_and_only_once(room: Room, given_code: int | None, reason: str) -> None:
    room.call(CallKind.FAIL if given_code is None else CallKind.DONE, exit_code=given_code)
    room.call(CallKind.FAIL)
    assert room.state() is CheckState.DOWN
    assert room.told() == [("heartbeat.missed", reason)]
    room.call(exit_code=0)
    assert room.state() is CheckState.UP
    assert [kind for kind, _ in room.told()] == ["heartbeat.missed", "heartbeat.back"]


def test_what_began_has_to_end_within_the_grace_and_its_length_is_known(room: Room) -> None:
    room.call(CallKind.START)
    room.clock.move(timedelta(seconds=90))
    room.call()
    with room.store.reading() as tx:
        newest = CallBook(tx).newest(room.check.id)
    assert [(call.kind, call.seconds) for call in newest] == [(CallKind.DONE, 90.0), (CallKind.START, None)]
    room.clock.move(timedelta(minutes=30))
    room.call(CallKind.START)
    assert room.pass_time(minutes=6) == 1


def test_while_paused_nothing_is_told_and_calls_are_kept(room: Room) -> None:
    room.call()
    room.desk.pause(room.check.id, actor=TESTER)
    assert room.pass_time(days=2) == 0
    room.call(CallKind.FAIL)
    assert room.state() is CheckState.PAUSED
    assert room.told() == []
    room.desk.resume(room.check.id, actor=TESTER)
    assert room.state() is CheckState.NEW
    room.call()
    assert room.state() is CheckState.UP


def test_only_the_newest_calls_are_kept(room: Room) -> None:
    for _ in range(KEPT_CALLS + 7):
        room.call(address="198.51.100.7", agent="curl/8")
    with room.store.reading() as tx:
        newest = CallBook(tx).newest(room.check.id, most=1000)
    assert len(newest) == KEPT_CALLS
    assert newest[0].agent == "curl/8"


def test_a_renewed_address_is_the_only_one(room: Room) -> None:
    renewed = room.desk.renew(room.check.id, actor=TESTER)
    with pytest.raises(NotFound):
        room.call()
    assert room.calls.take(renewed.token, CallKind.DONE).id == room.check.id
    assert renewed.token != room.check.token


def test_a_changed_schedule_moves_what_is_expected(room: Room) -> None:
    room.call()
    room.desk.change(
        room.check.id, CheckWish(name="Nightly copy", schedule=to_text(IntervalTrigger(600, EPOCH))), actor=TESTER
    )
    assert room.pass_time(minutes=16) == 1


def test_a_removed_check_is_gone_with_its_calls(room: Room) -> None:
    room.call()
    room.desk.remove(room.check.id, actor=TESTER)
    with pytest.raises(NotFound):
        room.call()
    with room.store.reading() as tx:
        assert CallBook(tx).newest(room.check.id) == []
        assert CheckBook(tx).page(EVERYTHING) == []


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"grace_seconds": 29}, "grace"),
        ({"grace_seconds": 31 * 86_400}, "grace"),
        ({"schedule": to_text(IntervalTrigger(59, EPOCH))}, "every"),
        ({"schedule": "{}"}, "trigger"),
        ({"description": "x" * 2001}, "description"),
    ],
)
def test_what_means_nothing_is_refused_by_name(small: Room, wish: dict[str, Any], field: str) -> None:
    with pytest.raises((InvalidValue, InvalidSchedule)) as refused:
        small.desk.add(CheckWish(**{"name": "x", "schedule": HOURLY, **wish}), actor=TESTER)
    assert refused.value.field == field


def test_people_see_their_own_and_their_projects(small: Room) -> None:
    with small.store.transaction() as tx:
        for token, place in {"a": Place(owner_id=1), "b": Place(owner_id=2), "c": Place(project_id=5)}.items():
            CheckBook(tx).add(CheckWish(name="x", schedule=HOURLY, place=place), token=token, now=0)
    with small.store.reading() as tx:
        book = CheckBook(tx)
        assert book.count(EVERYTHING) == 4
        assert book.count(Reach(user_id=1)) == 1
        assert book.count(Reach(user_id=1, projects=(5,))) == 2
        assert book.count(Reach(user_id=1, projects=(5,), shared=True)) == 3
        assert book.count(Reach()) == 0


def test_a_cron_check_follows_its_zone() -> None:
    schedule = to_text(CronTrigger("0 4 * * *", "Europe/Berlin"))
    found = expected_after(schedule, EPOCH)
    assert found is not None
    assert found.isoformat() == "1970-01-01T03:00:00+00:00"


@settings(max_examples=60)
@given(steps=st.lists(st.tuples(st.sampled_from([*CallKind, None]), st.integers(0, 7200)), max_size=30))
def test_missed_and_back_take_turns_whatever_happens(steps: list[tuple[CallKind | None, int]]) -> None:
    opened = open_store(":memory:")
    try:
        room = Room(opened, SetClock())
        for kind, seconds in steps:
            room.pass_time(seconds=seconds)
            if kind is not None:
                room.call(kind)
        kinds = [kind for kind, _ in room.told()]
        assert kinds == (["heartbeat.missed", "heartbeat.back"] * len(kinds))[: len(kinds)]
        assert (room.state() is CheckState.DOWN) == (len(kinds) % 2 == 1)
    finally:
        opened.close()
