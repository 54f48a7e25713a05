"""Runs on their way: planned, claimed, started, ended, taken away. A move counts only from where it may begin."""

from __future__ import annotations

import json

import pytest

from horarium.clock import from_micros
from horarium.errors import DuplicateKey
from horarium.records.runs import Attempt, Failure
from horarium.states import RunState
from horarium.store.books.history import HistoryBook
from horarium.store.books.runs import HoldingBook, RunBook
from horarium.store.books.tasks import TaskBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.store.work import NOW, add_runs, add_task


@pytest.fixture
def task(store: Store) -> int:
    """Give the number of a task."""
    return add_task(store)


def _state(store: Store, run_id: int) -> tuple[str, int, int | None]:
    with store.reading() as tx:
        run = HistoryBook(tx).get(run_id)
    assert run
    return run.state.value, run.attempt, run.node_id


def test_run_numbers_are_set_aside_without_gaps(store: Store) -> None:
    with store.transaction() as tx:
        assert [RunBook(tx).reserve_ids(count) for count in (1, 10, 1)] == [1, 2, 12]


def test_a_run_number_is_taken_once(store: Store, task: int) -> None:
    first = add_runs(store, task)
    with pytest.raises(DuplicateKey), store.transaction() as tx:
        RunBook(tx).plan([(first, task, NOW, "schedule", "queued", 0, 0, None, None, None, NOW, NOW)])


def test_waiting_runs_come_in_the_order_of_their_instants(store: Store, task: int) -> None:
    first = add_runs(store, task, 3)
    add_runs(store, task, state="running", node=1)
    with store.reading() as tx:
        book = RunBook(tx)
        assert [run.id for run in book.waiting(NOW + 9, most=9)] == [first, first + 1, first + 2]
        assert [run.id for run in book.waiting(NOW + 1, most=9)] == [first, first + 1]
        assert [run.id for run in book.waiting(NOW + 9, most=1, start=1)] == [first + 1]
        assert book.open_counts([task]) == {task: {"queued": 3, "running": 1}}


def test_a_claim_counts_only_what_still_waits(store: Store, task: int) -> None:
    first = add_runs(store, task, 3)
    with store.transaction() as tx:
        assert RunBook(tx).claim([("claimed", 1, 7, first)]) == 1
    with store.transaction() as tx:
        assert RunBook(tx).claim([("claimed", 1, 8, first), ("claimed", 1, 8, first + 1)]) == 1
        assert RunBook(tx).claim([]) == 0
    assert _state(store, first) == ("claimed", 1, 7)
    assert _state(store, first + 1) == ("claimed", 1, 8)


@pytest.mark.parametrize(("attempt", "node"), [(2, 7), (1, 8)])
def test_rp1_a_start_by_a_foreign_node_or_of_an_old_attempt_touches_nothing(
    store: Store, task: int, attempt: int, node: int
) -> None:
    run = add_runs(store, task, state="claimed", node=7)
    with store.transaction() as tx:
        assert RunBook(tx).start([("running", NOW, run, attempt, node)]) == 0
    assert _state(store, run) == ("claimed", 1, 7)
    with store.transaction() as tx:
        assert RunBook(tx).start([("running", NOW, run, 1, 7)]) == 1
        assert RunBook(tx).start([("running", NOW, run, 1, 7)]) == 0


def _ending(run: int, *, attempt: int = 1, node: int = 7) -> tuple[object, ...]:
    return ("failed", NOW + 1, NOW + 2, "ValueError", "no", None, "why", None, run, attempt, node)


def test_rp1_an_end_is_written_once_and_only_by_the_attempt_that_holds_the_run(store: Store, task: int) -> None:
    run = add_runs(store, task, state="running", node=7)
    with store.transaction() as tx:
        book = RunBook(tx)
        assert book.finish([_ending(run, attempt=2), _ending(run, node=8)]) == 0
        assert not book.finish_one(_ending(run, node=8))
        assert book.finish_one(_ending(run))
        assert not book.finish_one(_ending(run))
        assert book.finish([_ending(run)]) == 0
    with store.reading() as tx:
        found = HistoryBook(tx).get(run)
    assert found
    assert (found.state, found.failure, found.reason) == (RunState.FAILED, Failure("ValueError", "no"), "why")
    assert (found.started_at, found.finished_at) == (from_micros(NOW + 1), from_micros(NOW + 2))


def test_a_run_began_when_its_first_attempt_began(store: Store, task: int) -> None:
    run = add_runs(store, task, state="claimed", node=7)
    with store.transaction() as tx:
        RunBook(tx).start([("running", NOW - 50, run, 1, 7)])
        RunBook(tx).finish_one(_ending(run))
        found = HistoryBook(tx).get(run)
    assert found
    assert found.started_at == from_micros(NOW - 50)


def test_the_standing_of_a_task_counts_failures_in_a_row(store: Store, task: int) -> None:
    with store.transaction() as tx:
        book = RunBook(tx)
        book.stand([("failed", 1, NOW, 1, 1, task), ("failed", 2, NOW + 1, 1, 1, task)])
        failing = TaskBook(tx).get(task)
        book.stand([("cancelled", 3, NOW + 2, 1, 0, task)])
        cancelled = TaskBook(tx).get(task)
        book.stand([("succeeded", 4, NOW + 3, 0, 0, task)])
        well = TaskBook(tx).get(task)
    assert failing
    assert cancelled
    assert well
    assert [each.failures_in_row for each in (failing, cancelled, well)] == [2, 2, 0]
    assert (well.last_state, well.last_run_id, well.last_finished_at) == (RunState.SUCCEEDED, 4, from_micros(NOW + 3))
    assert well.revision == failing.revision


def test_an_attempt_is_written_and_ended(store: Store, task: int) -> None:
    run = add_runs(store, task, state="running", node=7)
    with store.transaction() as tx:
        book = RunBook(tx)
        book.write_attempts([(run, 1, "running", 7, 99, NOW, None, None, None, None, None, None, 0, 0)])
        book.end_attempts([("failed", NOW + 5, "OSError", "gone", "Traceback…", 3, "exit", 1000, 10, run, 1)])
        found = HistoryBook(tx).attempts(run)
    ended = Attempt(run, 1, RunState.FAILED, 7, 99, from_micros(NOW), from_micros(NOW + 5))
    assert [(each.run_id, each.number, each.state, each.node_id, each.pid) for each in found] == [
        (ended.run_id, ended.number, ended.state, ended.node_id, ended.pid)
    ]
    assert found[0].failure == Failure("OSError", "gone", "Traceback…")
    assert (found[0].exit_code, found[0].cause, found[0].output_bytes, found[0].dropped_bytes) == (3, "exit", 1000, 10)
    with pytest.raises(DuplicateKey), store.transaction() as tx:
        RunBook(tx).write_attempts([(run, 1, "running", 7, 99, NOW, None, None, None, None, None, None, 0, 0)])


def test_what_nodes_hold_is_known(store: Store, task: int) -> None:
    mine = add_runs(store, task, 2, state="running", node=7)
    theirs = add_runs(store, task, state="claimed", node=8)
    add_runs(store, task)
    add_runs(store, task, state="succeeded", node=7)
    with store.transaction() as tx:
        book = HoldingBook(tx)
        assert [held.id for held in book.held_by([7])] == [mine, mine + 1]
        assert [held.state for held in book.held_by([7, 8, 9])] == ["running", "running", "claimed"]
        assert book.held_by([]) == []
        assert book.held_nodes() == {7, 8}
        assert book.held_counts([task, 999]) == {task: 3}
        assert [held.id for held in book.of_task(task)] == [mine, mine + 1, theirs, theirs + 1]
        assert {number: standing.revision for number, standing in book.lock_tasks([task, 999]).items()} == {task: 1}


def test_a_move_counts_only_from_the_states_and_the_attempt_it_names(store: Store, task: int) -> None:
    run = add_runs(store, task, state="running", node=7)
    with store.transaction() as tx:
        book = HoldingBook(tx)
        assert not book.move(run, 2, ["running"], state="interrupted")
        assert not book.move(run, 1, ["queued", "claimed"], state="interrupted")
        assert book.move(run, 1, ["claimed", "running"], state="interrupted", finished_at=NOW)
        assert not book.move(run, 1, ["claimed", "running"], state="interrupted")
    assert _state(store, run)[0] == "interrupted"


def test_an_attempt_that_was_never_written_is_closed_all_the_same(store: Store, task: int) -> None:
    run = add_runs(store, task, state="running", node=7)
    with store.transaction() as tx:
        for cause in ("first", "second"):
            HoldingBook(tx).close_attempt(run, 1, state="interrupted", finished_at=NOW + 3, cause=cause)
        (found,) = HistoryBook(tx).attempts(run)
    assert (found.state, found.cause, found.started_at) == (RunState.INTERRUPTED, "second", from_micros(NOW + 3))


def test_a_cancel_is_asked_of_held_runs_only(store: Store, task: int) -> None:
    held = add_runs(store, task, state="running", node=7)
    waiting = add_runs(store, task)
    with store.transaction() as tx:
        book = HoldingBook(tx)
        assert book.ask_cancel(held, "Ada")
        assert not book.ask_cancel(waiting, "Ada")
        assert not book.ask_cancel(999, "Ada")
        assert book.cancel_asked(7) == [(held, "Ada")]
        assert book.cancel_asked(8) == []


def test_parameters_and_who_asked_are_kept(store: Store, task: int) -> None:
    params = {"a": [1, "zwei", None]}
    with store.transaction() as tx:
        run = RunBook(tx).reserve_ids(1)
        row = (run, task, None, "manual", "queued", 0, 0, None, "Ada", json.dumps(params), NOW, NOW)
        RunBook(tx).plan([row])
        found = HistoryBook(tx).get(run)
        (waiting,) = RunBook(tx).waiting(NOW, most=1)
    assert found
    assert (found.actor, found.params, found.planned_at) == ("Ada", params, None)
    assert (waiting.actor, waiting.params, waiting.planned_at) == ("Ada", json.dumps(params), None)


def test_rp1_two_programs_that_claim_the_same_runs_get_each_once(shared: str) -> None:
    ours, theirs = open_store(shared), open_store(shared)
    first = add_runs(ours, add_task(ours), 50)
    taken = 0
    for place in range(50):
        for node, store in ((1, ours), (2, theirs)):
            with store.transaction() as tx:
                taken += RunBook(tx).claim([("claimed", 1, node, first + place)])
    assert taken == 50
    ours.close()
    theirs.close()
