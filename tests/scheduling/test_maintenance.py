"""Maintenance mode: nothing new starts on any node, what is planned is written down, and all of it has its outcome."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from horarium.errors import InvalidValue
from horarium.records.runs import Run
from horarium.scheduling.hold import FREE, held
from horarium.scheduling.hold_desk import HoldDesk
from horarium.scheduling.loop import Loop
from horarium.states import EventKind, NodeState, RunState
from horarium.store.books.events import EventBook
from horarium.store.books.nodes import NodeBook
from tests.scheduling.test_service import House, soon
from tests.support.people import TESTER


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "h.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url"))


@pytest.fixture
def house(where: str) -> Iterator[House]:
    opened = House(where, slots=20)
    yield opened
    opened.close()


def switch(house: House, *, woken: bool = True) -> HoldDesk:
    return HoldDesk(house.store, house.clock, house.service.wake if woken else lambda: None)


def ended(house: House) -> list[Run]:
    return [run for run in house.runs() if run.state is RunState.SUCCEEDED]


def test_nothing_starts_until_it_ends_and_no_planned_time_is_lost(house: House) -> None:
    house.add("tick", lambda: None, every=0.2)
    house.service.start()
    assert soon(lambda: len(ended(house)) >= 2)
    mode = switch(house)
    assert mode.begin_maintenance(actor=TESTER, reason="New disk")
    # What was claimed a moment before still begins.
    time.sleep(0.6)
    before = len(ended(house))
    waiting = len(house.runs())
    time.sleep(1.0)
    assert len(ended(house)) == before
    assert len(house.runs()) >= waiting + 3
    assert mode.end_maintenance(actor=TESTER)
    assert soon(lambda: not [run for run in house.runs() if run.is_open and run.not_before is not None])
    planned = [run.planned_at for run in house.runs() if run.planned_at is not None]
    assert all(later - earlier == timedelta(seconds=0.2) for earlier, later in pairwise(sorted(planned)))


def test_a_run_by_hand_waits_too_and_what_runs_goes_on(house: House) -> None:
    release, began = threading.Event(), threading.Event()

    def long() -> None:
        began.set()
        release.wait(20)

    house.add("long", long)
    house.add("short", lambda: None)
    house.service.start()
    house.desk.trigger("long", by=TESTER)
    assert began.wait(20)
    mode = switch(house)
    mode.begin_maintenance(actor=TESTER)
    house.desk.trigger("short", by=TESTER)
    release.set()
    assert soon(lambda: [run.task_name for run in ended(house)] == ["long"])
    time.sleep(0.5)
    assert [run.task_name for run in ended(house)] == ["long"]
    mode.end_maintenance(actor=TESTER)
    assert soon(lambda: {run.task_name for run in ended(house)} == {"long", "short"})


def test_what_ends_before_the_scheduler_has_heard_of_it_brings_nothing_new(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, began, heard = threading.Event(), threading.Event(), threading.Event()

    def long() -> None:
        began.set()
        release.wait(20)

    house.add("long", long)
    house.add("short", lambda: None)
    house.add("tick", lambda: None, every=0.2)
    house.service.start()
    house.desk.trigger("long", by=TESTER)
    assert began.wait(20)
    look = Loop._look

    def late(loop: Loop, now: int) -> None:
        heard.wait(20)
        look(loop, now)

    monkeypatch.setattr(Loop, "_look", late)
    switch(house, woken=False).begin_maintenance(actor=TESTER)
    house.desk.trigger("short", by=TESTER)
    release.set()
    assert soon(lambda: "long" in {run.task_name for run in ended(house)})
    heard.set()
    time.sleep(0.5)
    assert "short" not in {run.task_name for run in ended(house)}


def test_another_process_that_switches_is_heard(house: House, where: str) -> None:
    house.add("short", lambda: None)
    house.service.start()
    elsewhere = House(where)
    try:
        switch(elsewhere, woken=False).begin_maintenance(actor=TESTER)
        time.sleep(2.5)
        house.desk.trigger("short", by=TESTER)
        time.sleep(0.5)
        assert ended(house) == []
        switch(elsewhere, woken=False).end_maintenance(actor=TESTER)
        assert soon(lambda: len(ended(house)) == 1)
    finally:
        elsewhere.close()


def test_it_is_told_once_and_repeating_is_harmless(house: House) -> None:
    mode = switch(house)
    assert not mode.end_maintenance(actor=TESTER)
    assert mode.begin_maintenance(actor=TESTER, reason=" New \n disk ")
    assert not mode.begin_maintenance(actor=TESTER)
    with house.store.reading() as tx:
        state = held(tx).maintenance
    assert state is not None
    assert (state.reason, state.by) == ("New disk", TESTER.words)
    assert mode.end_maintenance(actor=TESTER)
    with house.store.reading() as tx:
        kinds = [
            event.kind for event in EventBook(tx).newest(kinds=[EventKind.MAINTENANCE_ON, EventKind.MAINTENANCE_OFF])
        ]
        assert held(tx) == FREE
    assert kinds == ["maintenance.off", "maintenance.on"]
    with pytest.raises(InvalidValue, match="reason"):
        mode.begin_maintenance(actor=TESTER, reason="x" * 201)


def test_a_node_that_stops_is_seen_to_drain(house: House) -> None:
    release, began = threading.Event(), threading.Event()

    def long() -> None:
        began.set()
        release.wait(20)

    house.add("long", long)
    house.service.start()
    house.desk.trigger("long", by=TESTER)
    assert began.wait(20)
    stopping = threading.Thread(target=house.service.stop, args=(20.0,))
    stopping.start()

    def drains() -> bool:
        with house.store.reading() as tx:
            return [node.draining_at is not None for node in NodeBook(tx).all()] == [True]

    assert soon(drains)
    release.set()
    stopping.join(20)
    assert house.nodes(NodeState.STOPPED)
