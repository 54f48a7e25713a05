"""Who tells a collector of runs: each once, whoever else reads, and what happens when the collector is away."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

import pytest

from horarium.accounts.projects import Projects
from horarium.records.policies import Policies, Retry
from horarium.records.reach import Place
from horarium.states import RunState
from horarium.store.books.events import EventBook
from horarium.store.books.watching import MarkBook
from horarium.store.port import Store
from horarium.store.tables import task_attempts, task_executions
from horarium.testing.clock import ManualClock
from horarium.testing.world import ManualScheduler
from horarium.traces import teller as telling
from horarium.traces.course import Course
from horarium.traces.teller import Refused, Teller, Unsent
from tests.support.people import TESTER

MINUTE = timedelta(minutes=1)


class Outlet:
    """A way to a made-up collector; `refuse` may raise, or do something meanwhile."""

    def __init__(self) -> None:
        self.got: list[Course] = []
        self.tries = self.loses = 0
        self.refuse: Callable[[], None] = lambda: None

    def send(self, courses: Iterable[Course]) -> int:
        self.tries += 1
        given = list(courses)
        self.refuse()
        self.got += given
        return self.loses

    def close(self) -> None:
        """Do nothing."""

    @property
    def names(self) -> list[str]:
        return [each.root.name for each in self.got]


def expire(store: Store) -> None:
    """Let the turn of whoever sends be over: on PostgreSQL it is measured by a clock that no test moves."""
    with store.transaction() as tx:
        held = MarkBook(tx).get(telling.HELD)
        assert held
        assert MarkBook(tx).move(telling.HELD, old=held, new=held - telling.HOLD_MICROS)


def away() -> None:
    raise Unsent("it does not answer")


class World:
    """A scheduler to step, and who tells of its runs."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store, self.clock = store, clock
        self.tasks = ManualScheduler(store, clock=clock, slots=500)
        self.outlet = Outlet()
        self.teller = Teller(store, clock, self.outlet)
        assert self.teller.look() == 0

    def run(self, name: str, many: int = 1) -> None:
        """Let a task run so many times."""
        self.tasks.add(name, None)
        for _ in range(many):
            self.tasks.desk.trigger(name, by=TESTER)
            self.tasks.run_due()

    def tell(self) -> None:
        """Send until there is nothing more to send."""
        while self.teller.look():
            pass


@pytest.fixture
def world(traced_store: Store, standing_clock: ManualClock) -> World:
    return World(traced_store, standing_clock)


def test_each_run_that_ends_is_told_once_with_what_is_known_of_it(world: World) -> None:
    task = world.tasks.add("nightly", "*/10 * * * *")
    project = Projects(world.store, world.clock).add("shop", actor=TESTER)
    world.tasks.desk.give(task.id, Place(None, project.id), by=TESTER)
    world.tasks.advance(timedelta(minutes=10), step=MINUTE)
    world.tell()
    (course,) = world.outlet.got
    attributes = course.root.attributes
    assert (course.root.name, attributes["horarium.run.trigger"]) == ("nightly", "schedule")
    assert (attributes["horarium.project"], attributes["horarium.run.outcome"]) == ("shop", "succeeded")
    assert attributes["horarium.node"]
    world.tell()
    assert world.outlet.tries == 1


def test_a_run_that_is_tried_again_is_told_when_it_is_over_with_all_attempts(world: World) -> None:
    outcomes = [RunState.FAILED, RunState.FAILED, RunState.SUCCEEDED]
    policies = Policies(retry=Retry(attempts=3, delay_seconds=60, factor=1, jitter=0))
    world.tasks.add("again", None, behave=lambda _: outcomes.pop(0), policies=policies)
    world.tasks.desk.trigger("again", by=TESTER)
    world.tasks.run_due()
    world.tell()
    assert world.outlet.got == []
    world.tasks.advance(timedelta(minutes=3), step=MINUTE)
    world.tell()
    (course,) = world.outlet.got
    assert [each.name for each in course.below] == [
        each for number in (1, 2, 3) for each in ("wait", f"attempt {number}")
    ]
    assert [each.is_bad for each in course.below] == [False, True, False, True, False, False]


def test_one_that_was_cut_off_and_one_that_never_began_are_told_too(world: World) -> None:
    world.tasks.add("long", None, policies=Policies(rerun_interrupted=0))
    world.tasks.launcher.holds = True
    world.tasks.desk.trigger("long", by=TESTER)
    world.tasks.run_due()
    waiting = world.tasks.desk.trigger("long", by=TESTER)
    world.tasks.desk.cancel(waiting, by=TESTER)
    world.tasks.shut_down()
    world.tell()
    told = {each.root.attributes["horarium.run.outcome"]: each for each in world.outlet.got}
    assert told.keys() == {"interrupted", "cancelled"}
    assert told["interrupted"].root.is_bad
    assert [each.name for each in told["cancelled"].below] == ["wait"]


def test_nothing_is_told_of_what_ended_before_it_was_switched_on(
    traced_store: Store, standing_clock: ManualClock
) -> None:
    tasks = ManualScheduler(traced_store, clock=standing_clock)
    tasks.add("old", None)
    tasks.desk.trigger("old", by=TESTER)
    tasks.run_due()
    world = World(traced_store, standing_clock)
    world.run("new")
    world.tell()
    assert world.outlet.names == ["new"]


def test_of_several_nodes_one_sends_and_another_takes_over_when_it_is_gone(world: World) -> None:
    other = Outlet()
    second = Teller(world.store, world.clock, other)
    world.run("a")
    assert world.teller.look() == 1
    world.run("a")
    assert second.look() == 0
    world.tell()
    world.run("a")
    # The first one says nothing more.
    expire(world.store)
    assert second.look() == 1
    world.run("a")
    assert world.teller.look() == 0
    assert second.look() == 1
    runs = [each.root.attributes["horarium.run.id"] for each in (*world.outlet.got, *other.got)]
    assert sorted(runs, key=int) == [run.id for run in world.tasks.runs("a")]


def test_two_that_begin_at_once_do_not_send_the_same(world: World) -> None:
    other = Outlet()
    second = Teller(world.store, world.clock, other)
    world.run("a")
    seen: list[int] = []
    world.outlet.refuse = lambda: seen.append(second.look())
    assert world.teller.look() == 1
    assert seen == [0]
    assert other.tries == 0


def test_one_that_was_overtaken_while_the_collector_took_its_time_moves_nothing(world: World) -> None:
    other = Outlet()
    second = Teller(world.store, world.clock, other)
    world.run("a")

    def take_long() -> None:
        expire(world.store)
        assert second.look() == 1

    world.outlet.refuse = take_long
    assert world.teller.look() == 0
    assert [each.trace_id for each in other.got] == [each.trace_id for each in world.outlet.got]
    assert world.teller.look() == 0


def test_a_turn_that_was_taken_before_the_machine_was_started_anew_holds_nobody_up(world: World) -> None:
    with world.store.transaction() as tx:
        assert MarkBook(tx).move(telling.HELD, old=0, new=1 << 60)
    world.run("a")
    world.tell()
    assert world.outlet.names == ["a"]


def test_a_collector_that_is_away_costs_one_line_and_is_told_everything_when_it_is_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="horarium.traces")
    world.outlet.refuse = away
    for _ in range(20):
        world.run("a")
        assert world.teller.look() == 0
        world.clock.advance(timedelta(seconds=5))
    assert [each.levelname for each in caplog.records] == ["WARNING"]
    assert "it does not answer" in caplog.text
    world.outlet.refuse = lambda: None
    world.tell()
    assert len(world.outlet.got) == 20
    assert [each.getMessage() for each in caplog.records][1:] == ["Traces are sent again"]


def test_it_is_left_alone_for_longer_each_time(world: World) -> None:
    world.outlet.refuse = away
    world.run("a")
    asked = []
    for second in range(200):
        before = world.outlet.tries
        world.teller._look_if_due()
        if world.outlet.tries > before:
            asked.append(second)
        world.clock.advance(timedelta(seconds=1))
    assert asked == [0, 2, 6, 14, 30, 62, 122, 182]


def test_what_waited_longer_than_a_day_is_left_out_and_counted(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.outlet.refuse = away
    world.run("a", 3)
    assert world.teller.look() == 0
    world.clock.advance(timedelta(hours=25))
    world.tasks.heartbeat.beat()
    world.run("b", 2)
    world.outlet.refuse = lambda: None
    world.tell()
    assert world.outlet.names == ["b", "b"]
    assert "Traces of 3 runs were left out" in caplog.text


def test_what_the_collector_does_not_want_is_left_out_and_holds_nothing_up(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise Refused("it answers 400")

    world.run("a", 2)
    world.outlet.refuse = refuse
    assert world.teller.look() == 2
    world.outlet.refuse = lambda: None
    world.run("b")
    world.tell()
    assert world.outlet.names == ["b"]
    assert "it answers 400" in caplog.text
    assert "Traces of 2 runs were left out" in caplog.text


def test_what_the_collector_took_and_did_not_keep_is_counted(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.outlet.loses = 2
    for _ in range(3):
        world.run("a")
        world.tell()
    assert [each.getMessage() for each in caplog.records] == ["The collector did not keep 2 spans"]
    world.clock.advance(timedelta(minutes=11))
    world.run("a")
    world.tell()
    assert [each.getMessage() for each in caplog.records][1:] == ["The collector did not keep 6 spans"]


def test_runs_that_were_removed_meanwhile_are_counted(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.run("a", 2)
    with world.store.transaction() as tx:
        (first, _) = world.tasks.runs("a")
        tx.execute(task_attempts.delete().where(task_attempts.c.run_id == first.id))
        tx.execute(task_executions.delete().where(task_executions.c.id == first.id))
    world.tell()
    assert len(world.outlet.got) == 1
    assert "Traces of 1 runs were left out" in caplog.text


def test_many_runs_go_in_deliveries_of_bounded_size(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "MOST_RUNS", 4)
    world.run("a", 10)
    world.tell()
    assert len(world.outlet.got) == 10
    assert world.outlet.tries == 3


def test_events_that_are_no_ends_cost_no_writing_until_there_are_many(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.store.reading() as tx:
        before, edge = MarkBook(tx).get(telling.TRACES), EventBook(tx).latest_id()
    world.tasks.add("a", None)
    assert world.teller.look() == 0
    with world.store.reading() as tx:
        assert MarkBook(tx).get(telling.TRACES) == before
        assert EventBook(tx).latest_id() > edge
    monkeypatch.setattr(telling, "_KEEP_MARK_EVERY", 1)
    world.tasks.add("b", None)
    assert world.teller.look() == 1
    with world.store.reading() as tx:
        assert MarkBook(tx).get(telling.TRACES) == EventBook(tx).latest_id()


def test_a_reader_that_left_writes_nothing_more(world: World) -> None:
    world.run("a")
    world.outlet.refuse = world.teller.leave
    assert world.teller.look() == 0
    second = Teller(world.store, world.clock, world.outlet)
    world.outlet.refuse = lambda: None
    assert second.look() == 1
    # It was not noted, so it goes out again: with the same ids, so that it is one trace.
    first, again = world.outlet.got
    assert first == again
