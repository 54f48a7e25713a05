"""Counting the runs and the skipped times of a period, on both databases, without looking through whole tables."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from horarium.records.figures import ERROR, QUARTER
from horarium.states import Reason
from horarium.store.books import tally
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.runs import RunBook
from horarium.store.books.tally import Ended, RunGroup, SkipGroup, TallyBook
from horarium.store.hot import Hot
from horarium.store.port import Store
from horarium.store.sqlite import SqliteStore
from tests.store.work import NOW, add_task

SECOND = 1_000_000


def ended_run(store: Store, task_id: int, at: int, state: str = "succeeded", *, took: int = 0, attempt: int = 1) -> int:
    """Write a run that was planned at `at`, began half a second later and ended; return its number."""
    begun = at + SECOND // 2
    with store.transaction() as tx:
        number = RunBook(tx).reserve_ids(1)
        RunBook(tx).plan([(number, task_id, at, "schedule", "claimed", attempt, 0, 1, None, None, at, at)])
        RunBook(tx).finish([(state, begun, begun + took, None, None, None, None, None, number, attempt, 1)])
    return number


def test_runs_that_stand_alike_are_one_group(store: Store) -> None:
    one, two = add_task(store, "one"), add_task(store, "two")
    first = ended_run(store, one, NOW, took=3 * SECOND)
    second = ended_run(store, one, NOW + SECOND, took=7 * SECOND)
    ended_run(store, one, NOW + 2 * SECOND, "failed")
    retried = ended_run(store, two, NOW + 3 * SECOND, attempt=2)
    late = ended_run(store, one, NOW + QUARTER)
    ended_run(store, one, NOW + 2 * QUARTER)
    with store.reading() as tx:
        found = TallyBook(tx).runs(NOW, NOW + 2 * QUARTER)
    half = SECOND // 2
    assert (late, len(found)) == (first + 4, 4)
    assert (
        RunGroup(one, "succeeded", False, 2, NOW + half, NOW + SECOND + half, NOW + 8 * SECOND + half, second) in found
    )
    assert [each.many for each in found if each.state == "failed"] == [1]
    assert [(each.task_id, each.newest) for each in found if each.is_retried] == [(two, retried)]
    assert [each.first_at for each in found if each.newest == late] == [NOW + QUARTER + half]


@pytest.mark.parametrize(
    ("lengths", "middle"), [((), None), ((4,), 4), ((1, 9), 1), ((9, 1, 2), 2), ((1, 2, 4, 90), 2)]
)
def test_the_middle_is_that_of_all_that_ended(store: Store, lengths: tuple[int, ...], middle: float | None) -> None:
    task = add_task(store)
    for place, length in enumerate(lengths):
        ended_run(store, task, NOW + place, "failed" if place == 1 else "succeeded", took=length * SECOND)
    with store.transaction() as tx:
        # Given up before they began, and never ended: they count nowhere.
        number = RunBook(tx).reserve_ids(2)
        for place, state in enumerate(("skipped", "queued")):
            row = (number + place, task, NOW, "schedule", state, 0, 0, None, None, None, NOW, NOW + 50)
            RunBook(tx).plan([row])
    with store.reading() as tx:
        ended = TallyBook(tx).ended(NOW, NOW + 100)
        assert TallyBook(tx).ended(NOW - 100, NOW) == Ended(0, 0, None, None)
    assert (ended.runs, ended.failed) == (len(lengths), int(len(lengths) > 1))
    assert ended.took == (None if middle is None else pytest.approx(middle * SECOND, rel=ERROR))
    assert ended.late == (pytest.approx(SECOND / 2, rel=ERROR) if lengths else None)


def test_skipped_times_are_counted_by_reason_and_stretches_count_where_they_began(store: Store) -> None:
    with store.transaction() as tx:
        book = LedgerBook(tx)
        book.record([(1, NOW + n * SECOND, None, Reason.OVERLAP.value, None, NOW) for n in range(5)])
        book.record([(1, NOW + 6 * SECOND, 77, None, None, NOW)])
        book.record([(1, NOW + QUARTER, None, Reason.PAUSED.value, None, NOW)])
        book.record_spans(
            [
                (2, NOW - QUARTER, NOW + SECOND, 30, Reason.MISSED.value, None, NOW),
                (3, NOW + SECOND, NOW + 5 * QUARTER, 40, Reason.MISSED.value, None, NOW),
                (4, NOW + QUARTER, NOW + 2 * QUARTER, 50, Reason.MISSED.value, None, NOW),
            ]
        )
    with store.reading() as tx:
        found = TallyBook(tx).skips(NOW, NOW + QUARTER)
    assert sorted(found) == [
        SkipGroup(1, "overlap", 5, NOW, NOW + 4 * SECOND),
        SkipGroup(2, "missed", 0, NOW, NOW + SECOND),
        SkipGroup(3, "missed", 40, NOW + SECOND, NOW + QUARTER - 1),
    ]


@pytest.mark.parametrize("analysed", [False, True], ids=["fresh", "analysed"])
def test_no_count_looks_through_a_whole_table(sqlite: SqliteStore, *, analysed: bool) -> None:
    task = add_task(sqlite)
    for place in range(300):
        ended_run(sqlite, task, NOW + place * SECOND)
    with sqlite.transaction() as tx:
        LedgerBook(tx).record([(task, NOW + n, None, Reason.OVERLAP.value, None, NOW) for n in range(300)])
        LedgerBook(tx).record_spans([(n, NOW, NOW + n, 2, Reason.MISSED.value, None, NOW) for n in range(300)])
        if analysed:
            tx.execute(text("ANALYZE"))
    plans = [plan(sqlite, hot) for hot in (tally._RUNS, tally._RAW)]
    assert all("SEARCH task_executions USING" in each and "id>? AND " in each for each in plans), plans
    skips, stretches = plan(sqlite, tally._SKIPS), plan(sqlite, tally._STRETCHES)
    assert "SEARCH occurrences USING" in skips
    assert "planned_at>? AND planned_at<?" in skips
    assert "SEARCH occurrence_spans USING INDEX ix_occurrence_spans_last_at" in stretches


def plan(store: SqliteStore, hot: Hot) -> str:
    """Return how SQLite goes about a statement."""
    with store.reading() as tx:
        said = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {hot.text(tx.dialect)}", (0,) * len(hot.params))
        return "; ".join(str(row[-1]) for row in said)
