"""A whole node with its threads, by the clock on the wall: what nobody sees when steps are taken by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from horarium.clock import SystemClock
from horarium.errors import StoreBusy
from horarium.execution.threads import ThreadLauncher
from horarium.records.actors import Actor
from horarium.records.policies import Overlap, Policies
from horarium.records.runs import Run
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.runs.launch import Launcher, Reporter
from horarium.runs.registry import Registry
from horarium.scheduling import heartbeat as beating
from horarium.scheduling.service import SchedulerService
from horarium.scheduling.tasks import TaskDesk
from horarium.states import NodeState, OverlapPolicy, RunState
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.store.books.nodes import NodeBook
from horarium.store.opening import open_store
from horarium.store.port import Transaction
from horarium.triggers import IntervalTrigger, to_text

PATIENCE = 20.0
SIDE_BY_SIDE = Policies(overlap=Overlap(OverlapPolicy.ALLOW, limit=50))


class House:
    """A store with a node of its own threads."""

    def __init__(self, where: str, *, slots: int = 4) -> None:
        self.clock = SystemClock()
        self.store = open_store(where)
        self.registry = Registry()
        self.launchers: list[ThreadLauncher] = []
        self.service = SchedulerService(
            self.store, self._make, clock=self.clock, known=self.registry.local, slots=slots
        )
        self.desk = TaskDesk(self.store, self.clock, node=self.service)

    def _make(self, reporter: Reporter) -> Launcher:
        self.launchers.append(ThreadLauncher(4, reporter, self.clock, self.registry))
        return self.launchers[-1]

    def add(self, name: str, function: Callable[[], object], *, every: float | None = None) -> None:
        """Define a task of a function; without `every` it only runs by hand."""
        self.registry.register(name, function)
        schedule = None if every is None else to_text(IntervalTrigger(every, datetime(2026, 1, 1, tzinfo=UTC)))
        spec = PythonSpec(name, local=True)
        self.desk.define(TaskDefinition(name, spec, schedule, policies=SIDE_BY_SIDE))

    def runs(self) -> list[Run]:
        with self.store.reading() as tx:
            return HistoryBook(tx).page(RunFilter(), limit=10_000)[::-1]

    def nodes(self, state: NodeState) -> list[int]:
        with self.store.reading() as tx:
            return sorted(node.id for node in NodeBook(tx).all(states=[state]))

    def close(self) -> None:
        self.service.stop(0)
        self.store.close()


def soon(holds: Callable[[], bool]) -> bool:
    """Look until it holds, or patience ends."""
    give_up_at = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "h.db") if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def house(where: str) -> Iterator[House]:
    house = House(where)
    yield house
    house.close()


@pytest.fixture
def file_house(tmp_path: Path) -> Iterator[House]:
    house = House(str(tmp_path / "h.db"))
    yield house
    house.close()


@pytest.fixture
def quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beating, "BEAT_SECONDS", 0.05)


def test_it_starts_on_time_and_never_early(house: House) -> None:
    ran: list[float] = []
    house.add("tick", lambda: ran.append(time.time()), every=0.5)
    house.service.start()
    assert soon(lambda: len(ran) >= 5)
    house.service.stop(5)
    # The next one may have been claimed ahead and given back at the stop: it has not begun.
    begun = [run.lateness for run in house.runs() if run.state is not RunState.QUEUED]
    assert len(begun) == len(ran)
    assert all(late is not None and timedelta(0) <= late < timedelta(seconds=5) for late in begun)


def test_rp1_two_nodes_in_one_process_share_the_work_and_double_nothing(where: str) -> None:
    houses = [House(where), House(where)]
    ran: list[str] = []
    for house in houses:
        house.add("tick", lambda: ran.append("x"), every=0.2)
        house.service.start()
    assert soon(lambda: len(ran) >= 12)
    assert len(houses[0].nodes(NodeState.ALIVE)) == 2
    for house in houses:
        house.service.stop(5)
    runs = houses[0].runs()
    assert len({run.planned_at for run in runs}) == len(runs)
    assert sum(run.started_at is not None for run in runs) == len(ran)
    assert houses[0].nodes(NodeState.DEAD) == []
    for house in houses:
        house.close()


def test_a_trigger_from_another_process_begins_within_a_moment(where: str) -> None:
    here, there = House(where), House(where)
    begun = threading.Event()
    here.add("by hand", begun.set)
    here.service.start()
    asked = time.monotonic()
    there.desk.trigger("by hand", by=Actor.of_code("ann"))
    assert begun.wait(PATIENCE)
    assert time.monotonic() - asked < 4
    here.close()
    there.close()


def test_no_error_of_the_store_ends_the_loop(file_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = file_house
    ran: list[int] = []
    usual, errors = house.store.transaction, [StoreBusy("locked"), RuntimeError("unforeseen")] * 3

    @contextmanager
    def transaction() -> Iterator[Transaction]:
        if threading.current_thread().name == "horarium-loop" and errors:
            raise errors.pop()
        with usual() as tx:
            yield tx

    house.add("tick", lambda: ran.append(1), every=0.2)
    monkeypatch.setattr(house.store, "transaction", transaction)
    house.service.start()
    assert soon(lambda: not errors and len(ran) > 1)
    assert house.service.is_well


@pytest.mark.parametrize("part", ["loop", "starter", "recorder"])
def test_a_part_that_ends_unasked_is_noticed_and_the_node_begins_anew(
    file_house: House, quick_beats: None, part: str
) -> None:
    house = file_house
    ran: list[int] = []
    house.add("tick", lambda: ran.append(1), every=0.2)
    house.service.start()
    assert soon(lambda: bool(ran))
    first = house.service.node_id
    parts = house.service._parts
    assert parts is not None
    if part == "recorder":
        parts.recorder._inbox.put(None)
    else:
        getattr(parts, part)._stopping = True
        getattr(parts, part)._alarm.ring()
    assert soon(lambda: house.service.node_id != first and house.service.is_well)
    count = len(ran)
    assert soon(lambda: len(ran) > count + 1)
    assert house.nodes(NodeState.STOPPED) == [first]


def test_rp7_a_node_that_was_declared_dead_begins_anew(house: House, quick_beats: None) -> None:
    ran: list[int] = []
    house.add("tick", lambda: ran.append(1), every=0.2)
    house.service.start()
    assert soon(lambda: bool(ran))
    first = house.service.node_id
    assert first is not None
    with house.store.transaction() as tx:
        NodeBook(tx).end(first, NodeState.DEAD, now=0)
    assert soon(lambda: house.service.node_id != first and house.service.is_well)
    count = len(ran)
    assert soon(lambda: len(ran) > count)


def test_a_stop_that_comes_while_it_begins_anew_leaves_nothing_running(file_house: House, quick_beats: None) -> None:
    house = file_house
    house.add("tick", lambda: None, every=0.2)
    house.service.start()
    first = house.service.node_id
    assert first is not None
    with house.store.transaction() as tx:
        NodeBook(tx).end(first, NodeState.DEAD, now=0)
    house.service.stop(0)
    assert not house.service.is_running
    assert house.nodes(NodeState.ALIVE) == []
    assert not [each.name for each in threading.enumerate() if each.name in {"horarium-loop", "horarium-starter"}]


@pytest.mark.parametrize(
    "asked",
    [
        lambda service: service.wake(),
        lambda service: service.cancel(1, "by hand"),
        lambda service: service.recall(1),
        lambda service: service.put_back([]),
        lambda service: service.is_running,
    ],
    ids=["wake", "cancel", "recall", "put back", "is running"],
)
def test_what_is_asked_of_it_while_it_stops_finds_it_there_or_gone(
    house: House, monkeypatch: pytest.MonkeyPatch, asked: Callable[[SchedulerService], object]
) -> None:
    house.service.start()
    looks = iter([vars(house.service)["_parts"]])
    with monkeypatch.context() as patch:
        # A stop that ends between one look at the parts and the next.
        patch.setattr(SchedulerService, "_parts", property(lambda _service: next(looks, None)), raising=False)
        asked(house.service)


def test_a_start_that_fails_leaves_no_node_behind(file_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Reporter) -> Launcher:
        raise OSError("no threads left")

    monkeypatch.setattr(file_house.service, "_make_launcher", fail)
    with pytest.raises(OSError, match="no threads left"):
        file_house.service.start()
    assert file_house.nodes(NodeState.ALIVE) == []
    monkeypatch.undo()
    file_house.service.start()
    assert file_house.service.is_well


def test_rp10_nothing_new_begins_after_the_stop_although_the_store_is_slow(
    file_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = file_house
    ran: list[float] = []
    house.add("tick", lambda: ran.append(time.monotonic()), every=0.1)
    house.service.start()
    assert soon(lambda: len(ran) > 3)
    usual, slow = house.store.transaction, threading.Event()

    @contextmanager
    def transaction() -> Iterator[Transaction]:
        if threading.current_thread().name == "horarium-loop":
            slow.set()
            time.sleep(2)
        with usual() as tx:
            yield tx

    monkeypatch.setattr(house.store, "transaction", transaction)
    assert slow.wait(PATIENCE)
    asked = time.monotonic()
    house.service.stop(5)
    assert not [at for at in ran if at > asked + 0.5]
    assert not [run for run in house.runs() if run.state.value in {"claimed", "running"}]


def test_rp10_a_second_call_shortens_the_grace_of_the_first(file_house: House) -> None:
    begun, release = threading.Event(), threading.Event()

    def linger() -> None:
        begun.set()
        release.wait(PATIENCE)

    file_house.add("long", linger)
    file_house.service.start()
    file_house.desk.trigger("long", by=Actor.of_code())
    assert begun.wait(PATIENCE)
    stopper = threading.Thread(target=file_house.service.stop, args=(PATIENCE,))
    asked = time.monotonic()
    stopper.start()
    assert soon(lambda: file_house.service._grace is not None)
    file_house.service.stop(0.2)
    stopper.join()
    assert time.monotonic() - asked < PATIENCE / 2
    release.set()
    (run,) = file_house.runs()
    assert (run.state.value, run.attempt) == ("queued", 1)
