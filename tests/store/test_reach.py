"""What somebody does not see is in no list and no count, whichever way it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from horarium.records.people import Role
from horarium.records.reach import EVERYTHING, NOWHERE, Place, Reach
from horarium.states import Reason, RunState, TriggeredBy
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.runs import RunBook
from horarium.store.books.tally import TallyBook
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.store.port import Store
from tests.store.work import NOW, definition

OTTO = Reach(user_id=2, projects=(5,))
CASES = [
    (EVERYTHING, {"shared", "ines", "otto", "night", "day", "each"}),
    (Reach(user_id=1, shared=True), {"shared", "ines", "each"}),
    (OTTO, {"otto", "night"}),
    (Reach(user_id=3), set()),
    (Reach(), set()),
    (Reach(shared=True), set()),
]
PLACES = {
    "shared": NOWHERE,
    "ines": Place(owner_id=1),
    "otto": Place(owner_id=2),
    "night": Place(project_id=5, owner_id=9),
    "day": Place(project_id=6),
    "each": Place(for_user_id=1),
}


@dataclass
class Filled:
    store: Store
    ids: dict[str, int]


@pytest.fixture
def filled(store: Store) -> Filled:
    """Give a store with a task at each place; each has one run and one time that was skipped."""
    ids = {}
    with store.transaction() as tx:
        for number, (name, place) in enumerate(PLACES.items()):
            ids[name] = TaskBook(tx).add(definition(name, tags=(name,)), now=NOW, next_at=NOW + number, place=place).id
        first = RunBook(tx).reserve_ids(len(ids))
        RunBook(tx).plan(
            [
                (
                    first + place,
                    task,
                    NOW,
                    TriggeredBy.SCHEDULE.value,
                    RunState.QUEUED.value,
                    0,
                    0,
                    *[None] * 3,
                    NOW,
                    NOW,
                )
                for place, task in enumerate(ids.values())
            ]
        )
        LedgerBook(tx).record([(task, NOW + 1, None, Reason.PAUSED.value, None, NOW) for task in ids.values()])
    return Filled(store, ids)


@pytest.mark.parametrize(("reach", "seen"), CASES)
def test_r47_lists_and_counts_hold_what_is_seen_and_nothing_else(filled: Filled, reach: Reach, seen: set[str]) -> None:
    names = {number: name for name, number in filled.ids.items()}
    with filled.store.reading() as tx:
        tasks, runs, tally = TaskBook(tx), HistoryBook(tx), TallyBook(tx, reach)
        assert {task.name for task in tasks.page(TaskFilter(reach=reach))} == seen
        assert tasks.count(TaskFilter(reach=reach)) == len(seen)
        assert {task.name for task in tasks.page(TaskFilter(reach=reach, text="s"))} == {
            name for name in seen if "s" in name
        }
        assert {text.strip('["]') for text in tasks.all_tags(reach)} == seen
        assert {run.task_name for run in runs.page(RunFilter(reach=reach))} == seen
        assert {run.task_name for run in runs.page(RunFilter(reach=reach, view="queued"))} == seen
        assert runs.count(RunFilter(reach=reach)) == len(seen)
        assert {names[group.task_id] for group in tally.runs(NOW - 1, NOW + 10)} == seen
        assert {names[group.task_id] for group in tally.skips(NOW - 1, NOW + 10)} == seen
        assert tally.ended(NOW - 1, NOW + 10).runs == 0


def test_places_are_told_for_many_tasks_at_once(filled: Filled) -> None:
    with filled.store.reading() as tx:
        found = TaskBook(tx).places(list(filled.ids.values()))
        runs = HistoryBook(tx).page(RunFilter())
        assert HistoryBook(tx).tasks_between(runs[-1].id, runs[0].id + 1) == set(filled.ids.values())
    assert found == {filled.ids[name]: place for name, place in PLACES.items()}


@pytest.mark.parametrize(("reach", "seen"), CASES)
def test_a_reach_says_in_words_what_it_says_in_sql(reach: Reach, seen: set[str]) -> None:
    assert {name for name, place in PLACES.items() if reach.covers(place)} == seen or reach == Reach(shared=True)


def test_one_name_may_be_there_once_for_each_person(store: Store) -> None:
    with store.transaction() as tx:
        book = TaskBook(tx)
        first = book.add(definition("sync"), now=NOW, next_at=None).id
        own = [book.add(definition("sync"), now=NOW, next_at=None, place=Place(for_user_id=who)).id for who in (1, 2)]
        assert len({first, *own}) == 3
        assert book.id_of("sync") == first
        assert book.id_of("sync", for_user_id=2) == own[1]
        assert [task.id for task in book.page(TaskFilter(for_user_id=0))] == [first]
    assert Role.USER
