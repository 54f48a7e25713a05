"""The recorder: every start and end once, whatever the store does meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from horarium.clock import SystemClock
from horarium.errors import StoreBusy, StoreFull, StoreUnavailable
from horarium.records.policies import Policies, Retry
from horarium.records.runs import Attempt, Failure, Line, Run
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.runs.launch import Assignment, Completion
from horarium.runs.recorder import Recorder
from horarium.states import EventKind, RunState, Stream
from horarium.store.books.events import EventBook
from horarium.store.books.history import HistoryBook
from horarium.store.books.output import OutputBook
from horarium.store.books.runs import HoldingBook, RunBook
from horarium.store.books.tasks import TaskBook
from horarium.store.opening import open_store
from horarium.store.port import Store, Transaction
from horarium.testing import ManualClock

NODE = 7
CLOCK = SystemClock()
DEFINITION = TaskDefinition("a", PythonSpec("m:f"), None, policies=Policies(retry=Retry(attempts=2, jitter=0)))


class Refill:
    """Takes note of what it is told, and wants nothing."""

    def __init__(self) -> None:
        self.over: list[int] = []
        self.parked: list[str] = []
        self.waits = 0
        self.trouble: list[Exception] = []

    def claim(self, tx: Transaction, freed: int, leaving: Sequence[Assignment] = ()) -> list[Any]:
        if self.trouble:
            raise self.trouble.pop()
        return []

    def claimed(self, claims: Any) -> None:
        return None

    def ended(self, ends: Sequence[tuple[Assignment, float]]) -> None:
        self.over += [job.run_id for job, _ in ends]

    def waiting(self) -> None:
        self.waits += 1

    def park(self, tx: Transaction, task_id: int, reason: str) -> None:
        self.parked.append(reason)


class Rig:
    """A recorder on a store with claimed runs."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.refill = Refill()
        self.recorder = Recorder(store, CLOCK, NODE, self.refill)
        with store.transaction() as tx:
            self.task_id = TaskBook(tx).add(DEFINITION, now=0, next_at=None).id

    def claim(self, count: int = 1, *, attempt: int = 1) -> list[Assignment]:
        """Write claimed runs."""
        with self.store.transaction() as tx:
            first = RunBook(tx).reserve_ids(count)
            rows = [
                (first + i, self.task_id, None, "manual", "claimed", attempt, 0, NODE, None, None, 0, 0)
                for i in range(count)
            ]
            RunBook(tx).plan(rows)
        return [Assignment(first + i, attempt, self.task_id, DEFINITION, None) for i in range(count)]

    def begin(self, job: Assignment) -> int:
        at = CLOCK.micros()
        self.recorder.started(job, at, 99)
        return at

    def end(self, job: Assignment, state: RunState = RunState.SUCCEEDED, **rest: Any) -> None:
        now = CLOCK.micros()
        self.recorder.finished(job, Completion(job.run_id, job.attempt, state, now, now, **rest))

    def perform(self, job: Assignment, state: RunState = RunState.SUCCEEDED, **rest: Any) -> None:
        self.begin(job)
        self.end(job, state, **rest)

    def run(self, job: Assignment) -> Run:
        with self.store.reading() as tx:
            found = HistoryBook(tx).get(job.run_id)
        assert found is not None
        return found

    def attempts(self, job: Assignment) -> list[Attempt]:
        with self.store.reading() as tx:
            return HistoryBook(tx).attempts(job.run_id)

    def lines(self, job: Assignment) -> list[str]:
        with self.store.reading() as tx:
            return [line.text for line in OutputBook(tx).lines(job.run_id, job.attempt)]

    def told(self, kind: EventKind) -> list[int | None]:
        with self.store.reading() as tx:
            return [event.run_id for event in EventBook(tx).newest(most=1000, kinds=[kind])][::-1]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    is_file = request.param == "sqlite"
    store = open_store(tmp_path / "h.db" if is_file else str(request.getfixturevalue("postgres_url")))
    yield Rig(store)
    store.close()


@pytest.fixture
def small() -> Iterator[Rig]:
    store = open_store(":memory:")
    yield Rig(store)
    store.close()


def lines(*texts: str, start: int = 1) -> list[Line]:
    return [Line(number, CLOCK.now(), Stream.STDOUT, text) for number, text in enumerate(texts, start)]


def failing(rig: Rig, monkeypatch: pytest.MonkeyPatch, *errors: Exception, after: bool = False) -> Callable[[], int]:
    """Let the next transactions fail, `after` they stand or before; return how many were tried."""
    usual, left, tried = rig.store.transaction, list(errors), [0]

    @contextmanager
    def transaction() -> Iterator[Transaction]:
        tried[0] += 1
        error = left.pop(0) if left else None
        if error is not None and not after:
            raise error
        with usual() as tx:
            yield tx
        if error is not None:
            raise error

    monkeypatch.setattr(rig.store, "transaction", transaction)
    return lambda: tried[0]


def test_a_short_run_is_written_once_with_its_attempt_and_output(rig: Rig) -> None:
    (job,) = rig.claim()
    at = rig.begin(job)
    rig.end(job, result="42", lines=lines("hello", "you"), output_bytes=8)
    rig.recorder.flush()
    run, (attempt,) = rig.run(job), rig.attempts(job)
    assert (run.state, run.attempt, run.result) == (RunState.SUCCEEDED, 1, "42")
    assert (attempt.state, attempt.number, attempt.output_bytes) == (RunState.SUCCEEDED, 1, 8)
    assert rig.lines(job) == ["hello", "you"]
    assert rig.told(EventKind.RUN_STARTED) == []
    assert rig.told(EventKind.RUN_FINISHED) == [job.run_id]
    assert rig.refill.over == [job.run_id]
    assert run.started_at is not None
    assert abs((run.started_at.timestamp() * 1_000_000) - at) < 1_000_000


def test_a_long_run_is_shown_as_running_before_it_ends(rig: Rig) -> None:
    (job,) = rig.claim()
    written = threading.Event()
    rig.recorder.on_commit = written.set
    rig.recorder.start()
    rig.begin(job)
    assert written.wait(20)
    (attempt,) = rig.attempts(job)
    assert (rig.run(job).state, attempt.state, attempt.pid) == (RunState.RUNNING, RunState.RUNNING, 99)
    rig.recorder.output(job, lines("one"))
    rig.end(
        job, RunState.FAILED, can_retry=False, failure=Failure("ValueError", "no", "trace"), lines=lines("2", start=2)
    )
    assert rig.recorder.stop(20)
    (attempt,) = rig.attempts(job)
    assert (rig.run(job).state, attempt.state) == (RunState.FAILED, RunState.FAILED)
    assert attempt.failure == Failure("ValueError", "no", "trace")
    assert rig.lines(job) == ["one", "2"]
    assert rig.told(EventKind.RUN_STARTED) == rig.told(EventKind.RUN_FINISHED) == [job.run_id]


def test_many_ends_share_one_commit(small: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = small.claim(300)
    tried = failing(small, monkeypatch)
    for job in jobs:
        small.perform(job)
    small.recorder.flush()
    assert tried() == 1
    assert {small.run(job).state for job in jobs} == {RunState.SUCCEEDED}


def test_a_failure_with_an_attempt_left_waits_for_it(small: Rig) -> None:
    (job,) = small.claim()
    small.perform(job, RunState.FAILED, failure=Failure("ValueError", "no"))
    small.recorder.flush()
    run = small.run(job)
    assert run.state is RunState.RETRYING
    assert run.not_before is not None
    assert run.not_before - small.attempts(job)[0].started_at >= timedelta(seconds=60)
    assert run.finished_at is None
    assert small.refill.waits == 1


def test_a_target_that_is_not_there_parks_its_task_in_the_same_commit(small: Rig) -> None:
    (job,) = small.claim()
    small.perform(job, RunState.FAILED, can_retry=False, park_reason="there is no module 'm'")
    small.recorder.flush()
    assert small.refill.parked == ["there is no module 'm'"]


@pytest.mark.parametrize("error", [StoreBusy("locked"), StoreFull("full"), StoreUnavailable("away")])
def test_rp11_what_came_in_while_the_store_did_not_serve_is_written_when_it_does(
    small: Rig, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    jobs = small.claim(3)
    failing(small, monkeypatch, error, error, error)
    for job in jobs:
        small.perform(job, lines=lines("x"))
    small.recorder.flush()
    assert {small.run(job).state for job in jobs} == {RunState.SUCCEEDED}
    assert [small.lines(job) for job in jobs] == [["x"]] * 3


def test_rp4_a_commit_whose_answer_was_lost_is_not_written_twice(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    ending, begun, talking = rig.claim(3)
    rig.begin(begun)
    rig.begin(talking)
    rig.recorder._stopping = True
    rig.recorder.output(talking, lines("said"))
    rig.perform(ending, lines=lines("done"))
    failing(rig, monkeypatch, StoreUnavailable("the connection broke"), after=True)
    rig.recorder.flush()
    assert [rig.run(job).state.value for job in (ending, begun, talking)] == ["succeeded", "running", "running"]
    assert [len(rig.attempts(job)) for job in (ending, begun, talking)] == [1, 1, 1]
    assert (rig.lines(talking), rig.lines(ending)) == (["said"], ["done"])
    assert rig.told(EventKind.RUN_FINISHED) == [ending.run_id]
    rig.end(begun)
    rig.end(talking)
    rig.recorder.flush()
    assert {rig.run(job).state for job in (begun, talking)} == {RunState.SUCCEEDED}


def test_rp7_a_ghost_changes_nothing_and_holds_nobody_up(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    ghost, late_start, sound = rig.claim(3)
    with rig.store.transaction() as tx:
        rig.store.announce_change(tx)
        RunBook(tx).finish([("queued", 1, None, None, None, None, None, 5, ghost.run_id, 1, NODE)])
        RunBook(tx).finish([("queued", 1, None, None, None, None, None, 5, late_start.run_id, 1, NODE)])
    rig.recorder._stopping = True
    rig.begin(late_start)
    rig.perform(ghost, lines=lines("boo"))
    rig.perform(sound)
    rig.recorder.flush()
    assert [rig.run(job).state.value for job in (ghost, late_start, sound)] == ["queued", "queued", "succeeded"]
    assert rig.attempts(ghost) == rig.attempts(late_start) == []
    assert rig.lines(ghost) == []
    assert f"Run {ghost.run_id}, attempt 1, ended late" in caplog.text
    assert sorted(rig.refill.over) == [ghost.run_id, sound.run_id]


def test_what_the_store_refuses_takes_no_other_result_with_it(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    before, poison, talking, after = rig.claim(4)
    rig.perform(before)
    rig.recorder.output(talking, lines("\ud800"))
    # Half a character cannot be written in UTF-8, whatever lets it through to here.
    rig.perform(poison, result='"\ud800"', lines=lines("lost"))
    rig.perform(talking, RunState.FAILED, can_retry=False)
    rig.perform(after)
    rig.recorder.flush()
    assert [rig.run(job).state.value for job in (before, poison, talking, after)] == [
        *("succeeded", "succeeded", "failed", "succeeded")
    ]
    assert rig.run(poison).reason == "what it left could not be recorded"
    assert "cannot be recorded" in caplog.text
    assert sorted(rig.refill.over) == [job.run_id for job in (before, poison, talking, after)]


def test_whatever_follows_from_a_commit_does_not_undo_it(small: Rig, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("a listener with a fault")

    jobs = small.claim(2)
    small.recorder.on_commit = fail
    small.recorder.start()
    small.perform(jobs[0])
    small.perform(jobs[1])
    assert small.recorder.stop(20)
    assert {small.run(job).state for job in jobs} == {RunState.SUCCEEDED}
    assert "a listener with a fault" in caplog.text


@pytest.mark.parametrize("times", [1, 5])
def test_an_unforeseen_error_does_not_end_the_recorder(small: Rig, times: int) -> None:
    first, second = small.claim(2)
    small.refill.trouble += [RuntimeError("unforeseen")] * times
    small.perform(first, result="1")
    small.recorder.flush()
    small.refill.trouble.clear()
    small.perform(second)
    small.recorder.flush()
    assert small.run(first).result == ("1" if times == 1 else None)
    assert small.run(second).state is RunState.SUCCEEDED


def test_rp10_what_has_just_begun_does_not_look_untouched_at_the_end(small: Rig) -> None:
    (job,) = small.claim()
    small.recorder.start()
    small.begin(job)
    assert small.recorder.stop(20)
    assert small.run(job).state is RunState.RUNNING


def test_rp10_what_was_cut_off_stays_held_for_the_node_to_settle_and_keeps_its_output(small: Rig) -> None:
    (job,) = small.claim()
    small.recorder.start()
    small.perform(job, RunState.INTERRUPTED, lines=lines("half way"))
    assert small.recorder.stop(20)
    assert small.run(job).state is RunState.RUNNING
    assert small.lines(job) == ["half way"]


def test_rp17_a_start_is_recorded_although_the_clock_was_set_back(small: Rig) -> None:
    clock = ManualClock()
    small.recorder._clock = clock
    (job,) = small.claim()
    small.recorder.started(job, clock.micros(), 1)
    small.recorder.flush()
    assert small.run(job).state is RunState.CLAIMED
    clock.jump(timedelta(hours=-1))
    small.recorder.flush()
    assert small.run(job).state is RunState.RUNNING


def test_the_end_of_a_run_and_a_change_of_its_task_do_not_wait_for_each_other(postgres_url: str) -> None:
    rig = Rig(open_store(postgres_url))
    (job,) = rig.claim()
    rig.perform(job)
    recording = threading.Thread(target=rig.recorder.flush)
    with rig.store.transaction() as tx:
        TaskBook(tx).get(rig.task_id, lock=True)
        recording.start()
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while not tx.execute(waiting).scalar_one():
            recording.join(0.01)
        # Held by the recorder already, this would end in a deadlock for one of the two.
        (held,) = HoldingBook(tx).of_task(rig.task_id)
    recording.join(20)
    assert held.state == "claimed"
    assert rig.run(job).state is RunState.SUCCEEDED
    rig.store.close()
