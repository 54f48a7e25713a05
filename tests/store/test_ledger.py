"""The ledger: one outcome for each planned instant, and the database itself says so."""

from __future__ import annotations

import pytest

from horarium.clock import from_micros
from horarium.errors import DuplicateKey
from horarium.states import Reason
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.store.work import NOW, definition

MINUTE = 60_000_000


@pytest.fixture
def kept(store: Store) -> Store:
    """Give a ledger: ten instants of task 1, each third one skipped; a stretch of 1000 missed ones before; task 2."""
    with store.transaction() as tx:
        book = LedgerBook(tx)
        book.record(
            [
                (1, NOW + i * MINUTE, None if i % 3 == 0 else 100 + i, "overlap" if i % 3 == 0 else None, None, NOW)
                for i in range(10)
            ]
        )
        book.record([(2, NOW, 500, None, "by a catch-up", NOW + 7)])
        book.record_spans([(1, NOW - 2000 * MINUTE, NOW - 1001 * MINUTE, 1000, "missed", "asleep", NOW)])
    return store


def test_rp1_an_occurrence_that_has_an_outcome_takes_no_second_one(kept: Store) -> None:
    def record_twice() -> None:
        with kept.transaction() as tx:
            TaskBook(tx).add(definition("must not stay"), now=NOW, next_at=None)
            fresh, taken = NOW + 50 * MINUTE, NOW + MINUTE
            LedgerBook(tx).record([(1, fresh, 900, None, None, NOW), (1, taken, 901, None, None, NOW)])

    with pytest.raises(DuplicateKey):
        record_twice()
    with kept.reading() as tx:
        assert TaskBook(tx).count(TaskFilter()) == 0
        assert LedgerBook(tx).of(1, NOW + 50 * MINUTE) is None
        found = LedgerBook(tx).of(1, NOW + MINUTE)
    assert found
    assert found.run_id == 101


def test_rp1_the_key_holds_against_another_program_too(shared: str) -> None:
    ours, theirs = open_store(shared), open_store(shared)
    with ours.transaction() as tx:
        LedgerBook(tx).record([(1, NOW, 1, None, None, NOW)])
    with pytest.raises(DuplicateKey), theirs.transaction() as tx:
        LedgerBook(tx).record([(1, NOW, 2, None, None, NOW)])
    ours.close()
    theirs.close()


def test_an_outcome_is_found_by_its_instant_inside_a_stretch_too(kept: Store) -> None:
    with kept.reading() as tx:
        book = LedgerBook(tx)
        single, stretch = book.of(2, NOW), book.of(1, NOW - 1500 * MINUTE)
        assert book.of(1, NOW - 2001 * MINUTE) is None
        assert book.of(3, NOW) is None
    assert single
    assert (single.run_id, single.reason, single.detail) == (500, None, "by a catch-up")
    assert single.decided_at == from_micros(NOW + 7)
    assert not single.is_skipped
    assert stretch
    assert (stretch.count, stretch.reason, stretch.detail) == (1000, Reason.MISSED, "asleep")
    assert (stretch.planned_at, stretch.last_planned_at) == (
        from_micros(NOW - 2000 * MINUTE),
        from_micros(NOW - 1001 * MINUTE),
    )


@pytest.mark.parametrize("limit", [1, 4, 50])
def test_pages_show_every_outcome_once_newest_first(kept: Store, limit: int) -> None:
    seen = []
    before = None
    with kept.reading() as tx:
        while page := LedgerBook(tx).page(1, before=before, limit=limit):
            seen += page
            assert len(seen) <= 11
            before = NOW - 2000 * MINUTE if page[-1].count > 1 else NOW + (9 - len(seen) + 1) * MINUTE
    assert [each.run_id for each in seen] == [None, 108, 107, None, 105, 104, None, 102, 101, None, None]
    assert seen[-1].count == 1000


def test_skipped_ones_are_shown_alone_when_asked_for(kept: Store) -> None:
    with kept.reading() as tx:
        assert [each.reason for each in LedgerBook(tx).page(1, skipped_only=True)] == [Reason.OVERLAP] * 4 + [
            Reason.MISSED
        ]


def test_totals_count_a_stretch_with_all_its_instants(kept: Store) -> None:
    with kept.reading() as tx:
        book = LedgerBook(tx)
        assert book.totals(1, NOW - 3000 * MINUTE, NOW + 10 * MINUTE) == {"runs": 6, "overlap": 4, "missed": 1000}
        assert book.totals(None, NOW, NOW + 10 * MINUTE) == {"runs": 7, "overlap": 4}
        assert book.totals(1, NOW, NOW + 3 * MINUTE) == {"runs": 2, "overlap": 1}
        assert book.totals(9, NOW, NOW + MINUTE) == {}


def test_which_instants_have_an_outcome_is_known(kept: Store) -> None:
    asked = [NOW - 2001 * MINUTE, NOW - 1800 * MINUTE, NOW, NOW + 9 * MINUTE, NOW + 10 * MINUTE]
    with kept.reading() as tx:
        assert LedgerBook(tx).held_by(1, asked) == set(asked[1:4])
        assert LedgerBook(tx).held_by(1, []) == set()
        assert LedgerBook(tx).held_by(2, asked) == {NOW}


def test_many_instants_are_asked_about_in_parts(kept: Store) -> None:
    asked = range(NOW - 20_000 * MINUTE, NOW + 10 * MINUTE, MINUTE)
    with kept.reading() as tx:
        assert len(LedgerBook(tx).held_by(1, asked)) == 1010


def test_the_latest_planned_instant_is_known(kept: Store) -> None:
    with kept.transaction() as tx:
        book = LedgerBook(tx)
        assert book.latest_planned(1) == NOW + 9 * MINUTE
        assert book.latest_planned(9) is None
        book.record_spans([(1, NOW + 20 * MINUTE, NOW + 30 * MINUTE, 11, "paused", None, NOW)])
        assert book.latest_planned(1) == NOW + 30 * MINUTE
        book.record([])
        book.record_spans([])
