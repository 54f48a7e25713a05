"""What people read afterwards: history, what failures left behind, output, events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import event

from horarium.clock import from_micros
from horarium.records.runs import Line
from horarium.states import EventKind, RunState, Stream
from horarium.store.books.events import EventBook
from horarium.store.books.failures import FailureBook, Leftovers
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.store.books.output import OutputBook, chunk_row
from horarium.store.books.runs import RunBook
from horarium.store.opening import open_store
from horarium.store.port import Store, Transaction
from horarium.store.sqlite import SqliteStore
from tests.store.work import NOW, add_runs, add_task


@pytest.fixture
def task(store: Store) -> int:
    """Give the number of a task called `nightly`."""
    return add_task(store, "nightly")


@pytest.mark.parametrize("limit", [1, 4, 50])
def test_pages_of_runs_show_each_once_newest_first(store: Store, task: int, limit: int) -> None:
    first = add_runs(store, task, 9)
    seen: list[int] = []
    before = None
    with store.reading() as tx:
        while page := HistoryBook(tx).page(RunFilter(), before=before, limit=limit):
            seen += [run.id for run in page]
            before = seen[-1]
        back = HistoryBook(tx).page(RunFilter(), after=first + 2, limit=3)
    assert seen == list(range(first + 8, first - 1, -1))
    assert [run.id for run in back] == [first + 5, first + 4, first + 3]


def test_views_and_filters_of_runs_show_what_they_say(store: Store, task: int) -> None:
    other = add_task(store, "other")
    by_state = {
        state: add_runs(store, task, state=state, node=1)
        for state in ("queued", "retrying", "claimed", "running", "succeeded", "failed", "timed_out", "interrupted")
    }
    foreign = add_runs(store, other, state="failed")
    wanted = {
        RunFilter("running"): {"claimed", "running"},
        RunFilter("queued"): {"queued", "retrying"},
        RunFilter("open"): {"queued", "retrying", "claimed", "running"},
        RunFilter("failed", task_id=task): {"failed", "timed_out", "interrupted"},
        RunFilter(state=RunState.SUCCEEDED): {"succeeded"},
        RunFilter("manual"): set(),
    }
    with store.reading() as tx:
        book = HistoryBook(tx)
        for each, states in wanted.items():
            assert {run.id for run in book.page(each)} == {by_state[state] for state in states}
            assert book.count(each) == len(states)
        assert [run.id for run in book.page(RunFilter(task_id=other))] == [foreign]
        assert book.count(RunFilter(), most=5) == 5


@pytest.mark.parametrize(
    ("words", "count"),
    [("%", 1), ("_", 0), ("100%", 1), ("nightly", 2), ("TIMEOUT", 1), ("NIGHTLY oserror", 1), ("' --", 0), ("\\", 0)],
)
def test_r86_a_search_in_runs_takes_every_character_for_itself(store: Store, task: int, words: str, count: int) -> None:
    first = add_runs(store, task, 2, state="running", node=1)
    with store.transaction() as tx:
        for run, kind, message in ((first, "OSError", "disk 100% full"), (first + 1, "Timeout", "too slow")):
            RunBook(tx).finish_one(("failed", NOW, NOW, kind, message, None, None, None, run, 1, 1))
        assert HistoryBook(tx).count(RunFilter(text=words)) == count
        assert [run.id for run in HistoryBook(tx).page(RunFilter(text=f"#{first}"))] == [first]
        assert HistoryBook(tx).page(RunFilter(text="9" * 40)) == []


def test_runs_between_two_instants_are_found_by_halving(store: Store, task: int) -> None:
    first = add_runs(store, task, 40)
    with store.transaction() as tx:
        # Numbers that were set aside and never used leave holes.
        RunBook(tx).reserve_ids(30)
        late = RunBook(tx).reserve_ids(1)
        RunBook(tx).plan([(late, task, None, "manual", "failed", 1, 0, 1, None, None, None, NOW + 500)])
    assert late == first + 70
    with store.reading() as tx:
        book = HistoryBook(tx)
        assert book.numbers_between(NOW + 30, NOW + 35) == (first + 30, first + 35)
        after_hole, end = book.numbers_between(NOW + 40, NOW + 1000)
        assert first + 39 < after_hole <= late < end
        assert book.numbers_between(NOW + 501, NOW + 2000) == (0, 0)


@pytest.mark.parametrize("start", [0, 1, 5, 99, 100, 101])
def test_runs_since_an_instant_are_those_of_a_plain_look(store: Store, task: int, start: int) -> None:
    with store.transaction() as tx:
        first = RunBook(tx).reserve_ids(200)
        RunBook(tx).plan(
            [
                (first + 2 * i, task, None, "manual", "queued", 0, 0, None, None, None, NOW, NOW + i)
                for i in range(101)
                if i % 7
            ]
        )
        expected = len([i for i in range(101) if i % 7 and i >= start])
        low, high = HistoryBook(tx).numbers_between(NOW + start, NOW + 1000)
        assert len([i for i in range(101) if i % 7 and low <= first + 2 * i < high]) == expected


def plans_of(tx: Transaction, work: Callable[[], object]) -> list[list[str]]:
    """Return how SQLite answers each question that `work` asks, step by step."""
    asked: list[tuple[str, Any]] = []
    event.listen(tx.connection, "before_cursor_execute", lambda _c, _u, said, got, *_: asked.append((said, got)))
    work()
    return [
        [str(row[-1]) for row in tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", values)]
        for said, values in [each for each in asked if each[0].startswith("SELECT")]
    ]


def test_the_edges_of_a_period_are_found_without_walking_through_all_runs(sqlite: SqliteStore) -> None:
    add_runs(sqlite, add_task(sqlite, "nightly"), 40)
    with sqlite.reading() as tx:
        plans = plans_of(tx, lambda: HistoryBook(tx).numbers_between(NOW + 30, NOW + 35))
    assert len(plans) > 2
    assert [step for plan in plans for step in plan if step.startswith("SCAN task_executions")] == []


@pytest.mark.parametrize("view", ["running", "queued", "open", "failed", "manual"])
def test_a_view_of_few_runs_does_not_walk_through_all(sqlite: SqliteStore, view: str) -> None:
    with sqlite.reading() as tx:
        book = HistoryBook(tx)

        def look() -> None:
            book.page(RunFilter(view=view))
            book.page(RunFilter(view=view), before=10)
            book.count(RunFilter(view=view))

        for plan in plans_of(tx, look):
            assert not [
                step for step in plan if step.startswith(("SCAN t", "SCAN task_executions")) and "INDEX" not in step
            ]
            assert any("ix_task_executions_" in step for step in plan)


def test_an_empty_history_is_no_error(store: Store) -> None:
    with store.reading() as tx:
        book = HistoryBook(tx)
        assert book.get(1) is None
        assert book.page(RunFilter()) == []
        assert book.numbers_between(0, NOW) == (0, 0)
        assert book.latest_of([]) == {}
        assert book.latest_of([3]) == {3: []}
        assert book.attempts(1) == []


def test_the_latest_few_runs_of_many_tasks_come_at_once(store: Store) -> None:
    tasks = [add_task(store, f"t{number}") for number in range(60)]
    newest = {task: add_runs(store, task, 3) + 2 for task in (tasks[0], tasks[55])}
    with store.reading() as tx:
        found = HistoryBook(tx).latest_of(tasks, each=2)
    assert set(found) == set(tasks)
    assert {task: [run.id for run in runs] for task, runs in found.items() if runs} == {
        task: [number, number - 1] for task, number in newest.items()
    }


def test_a_run_knows_its_neighbours_of_the_same_task(store: Store, task: int) -> None:
    first = add_runs(store, task)
    add_runs(store, add_task(store, "other"))
    last = add_runs(store, task)
    with store.reading() as tx:
        book = HistoryBook(tx)
        early, late = book.get(first), book.get(last)
        assert early
        assert late
        assert book.neighbours(early) == (None, last)
        assert book.neighbours(late) == (first, None)


def _lines(first: int, count: int) -> Sequence[Line]:
    streams = list(Stream)
    return [
        Line(number, from_micros(NOW + number), streams[number % 4], f"línea {number}\t\\ %")
        for number in range(first, first + count)
    ]


def test_output_is_read_in_order_from_any_line(store: Store) -> None:
    with store.transaction() as tx:
        book = OutputBook(tx)
        book.append([chunk_row(1, 1, _lines(1, 3)), chunk_row(1, 1, _lines(4, 5))])
        # A hole: what was too much was left out here.
        book.append([chunk_row(1, 1, _lines(100, 2)), chunk_row(1, 2, _lines(1, 1)), chunk_row(2, 1, _lines(1, 1))])
        book.append([])
    whole = [*_lines(1, 8), *_lines(100, 2)]
    with store.reading() as tx:
        book = OutputBook(tx)
        for after in (0, 2, 3, 8, 50, 101):
            assert book.lines(1, 1, after=after) == [line for line in whole if line.number > after]
        assert book.lines(1, 1, after=2, most=3) == whole[2:5]
        assert (book.count(1, 1), book.last_number(1, 1)) == (10, 101)
        assert (book.count(9, 1), book.last_number(9, 1), book.lines(9, 1)) == (0, 0, [])


@pytest.fixture
def failed(store: Store, task: int) -> int:
    """Give the first of three failed runs with output and tracebacks; one that succeeded follows."""
    first = add_runs(store, task, 3, state="failed")
    well = add_runs(store, task, state="succeeded")
    with store.transaction() as tx:
        for run in (first, first + 1, first + 2, well):
            row = (run, 1, "failed", 7, 99, NOW, NOW, "E", "m", "Traceback", None, None, 100, 10)
            RunBook(tx).write_attempts([row])
            OutputBook(tx).append([chunk_row(run, 1, _lines(1, 2))])
    return first


def test_what_failures_left_behind_is_counted_and_trimmed_and_the_rest_stays(store: Store, failed: int) -> None:
    everything = [failed, failed + 1, failed + 2, failed + 3]
    with store.transaction() as tx:
        book = FailureBook(tx)
        assert [(run.id, run.kept_bytes) for run in book.page(before=None, most=2)] == [
            (failed + 2, 90),
            (failed + 1, 90),
        ]
        assert [run.id for run in book.page(before=failed + 1, most=5)] == [failed]
        trimmed = book.trim([failed, failed + 1, failed + 3])
        assert (trimmed.pieces, trimmed.tracebacks) == (2, 2)
        assert book.with_leftovers(everything) == {failed + 2, failed + 3}
        assert book.trim([failed]) == Leftovers()
        assert book.trim([]) == Leftovers()
        (attempt,) = HistoryBook(tx).attempts(failed)
    assert attempt.failure
    assert (attempt.failure.message, attempt.failure.traceback) == ("m", "")
    assert attempt.dropped_bytes == attempt.output_bytes == 100


def test_events_are_read_by_a_cursor_and_the_newest_by_kind(store: Store) -> None:
    with store.transaction() as tx:
        book = EventBook(tx)
        assert book.latest_id() == book.settled_id() == 0
        book.append(EventKind.TASK_ADDED, at=NOW, task_id=1, actor="Ada", body={"name": "ü"})
        book.append_rows([(NOW + i, "run.started", 1, i, None, None) for i in range(1, 6)])
        book.append_rows([])
    with store.reading() as tx:
        book = EventBook(tx)
        first, *others = book.after(0)
        assert (first.kind, first.actor, first.body, first.run_id) == ("task.added", "Ada", {"name": "ü"}, None)
        assert [event.run_id for event in others] == [1, 2, 3, 4, 5]
        assert [event.id for event in book.after(others[1].id, most=2)] == [others[2].id, others[3].id]
        assert book.after(book.latest_id()) == []
        assert book.settled_id() == book.latest_id()
        assert [event.run_id for event in book.newest(most=2)] == [5, 4]
        assert [event.kind for event in book.newest(kinds=[EventKind.TASK_ADDED])] == ["task.added"]


def test_a_reader_that_begins_now_misses_no_event_that_is_committed_late(postgres_store: Store) -> None:
    with postgres_store.transaction() as slow:
        EventBook(slow).append(EventKind.TASK_ADDED, at=NOW)
        with postgres_store.transaction() as quick:
            EventBook(quick).append(EventKind.TASK_CHANGED, at=NOW)
        with postgres_store.reading() as tx:
            cursor = EventBook(tx).settled_id()
            assert cursor < EventBook(tx).latest_id()
            assert EventBook(tx).after(cursor) == []
    with postgres_store.reading() as tx:
        assert [event.kind for event in EventBook(tx).after(cursor)] == ["task.added", "task.changed"]
        assert EventBook(tx).settled_id() == EventBook(tx).latest_id()


def test_events_of_a_transaction_that_was_taken_back_are_never_seen(store: Store) -> None:
    with store.transaction() as tx:
        EventBook(tx).append(EventKind.TASK_ADDED, at=NOW)

    def fail() -> None:
        with store.transaction() as tx:
            EventBook(tx).append(EventKind.TASK_REMOVED, at=NOW)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    with store.reading() as tx:
        assert [event.kind for event in EventBook(tx).after(0)] == ["task.added"]


def test_an_event_with_a_low_id_that_commits_late_is_not_stepped_over(postgres_url: str) -> None:
    slow, fast = open_store(postgres_url), open_store(postgres_url)
    cursor = 0
    seen: list[int | None] = []

    def look() -> None:
        nonlocal cursor
        with fast.reading() as tx:
            for event in EventBook(tx).after(cursor):
                cursor = event.id
                seen.append(event.run_id)

    with slow.transaction() as late:
        EventBook(late).append(EventKind.RUN_STARTED, at=NOW, run_id=1)
        with fast.transaction() as tx:
            EventBook(tx).append(EventKind.RUN_STARTED, at=NOW, run_id=2)
        look()
        assert seen == []
    look()
    assert seen == [1, 2]
    slow.close()
    fast.close()
