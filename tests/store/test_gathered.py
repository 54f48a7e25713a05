"""Many rows at once: on SQLite fifty in one statement, and the rest one by one."""

from __future__ import annotations

import pytest
from sqlalchemy import ClauseElement, bindparam, select, update

from horarium.states import EventKind
from horarium.store.books.events import EventBook
from horarium.store.hot import GATHERED, Hot
from horarium.store.port import Store
from horarium.store.tables import events


@pytest.mark.parametrize("count", [0, 1, GATHERED - 1, GATHERED, GATHERED + 1, 3 * GATHERED])
def test_every_row_arrives_once_and_in_order(store: Store, count: int) -> None:
    with store.transaction() as tx:
        EventBook(tx).append_rows([(row, EventKind.RUNS_PLANNED.value, row, None, None, None) for row in range(count)])
    with store.reading() as tx:
        found = [event.task_id for event in EventBook(tx).after(0, most=1000)]
    assert found == list(range(count))


def test_how_many_rows_were_touched_is_told(store: Store) -> None:
    add = Hot.insert_into(events, leave_out=frozenset({"id"}))
    change = Hot(update(events).where(events.c.task_id == bindparam("task")).values(at=5), ["at", "task"])
    with store.transaction() as tx:
        assert tx.many(add, [(1, "k", row, None, None, None) for row in range(GATHERED + 7)]) == GATHERED + 7
        assert tx.many(change, [(5, row) for row in range(GATHERED)]) == GATHERED


def test_updates_at_once_touch_what_they_would_touch_one_by_one(store: Store) -> None:
    count = 2 * GATHERED + 3
    add = Hot.insert_into(events, leave_out=frozenset({"id"}))
    where = (events.c.task_id == bindparam("task_"), events.c.at == bindparam("old_"))
    change = Hot(
        update(events).where(*where).ordered_values((events.c.at, bindparam("new_")), (events.c.kind, bindparam("k_"))),
        ["new_", "k_", "task_", "old_"],
    )
    with store.transaction() as tx:
        tx.many(add, [(row % 2, "before", row, None, None, None) for row in range(count)])
        assert tx.many(change, [(100 + row, f"k{row}", row, 1) for row in range(count)]) == count // 2
    with store.reading() as tx:
        found = tx.execute(select(events.c.at, events.c.kind).order_by(events.c.task_id)).all()
    assert [tuple(row) for row in found] == [
        (100 + row, f"k{row}") if row % 2 else (0, "before") for row in range(count)
    ]


def test_a_statement_may_be_built_when_it_is_first_run(store: Store) -> None:
    built: list[int] = []

    def build() -> ClauseElement:
        built.append(1)
        return select(events.c.id).where(events.c.id == bindparam("i"))

    hot = Hot(build, ["i"])
    assert built == []
    with store.reading() as tx:
        assert tx.rows(hot, (1,)) == []
        assert tx.rows(hot, (1,)) == []
    assert built == [1]
