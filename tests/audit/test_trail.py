"""Entries are written with the change they tell of, in one order, and found again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from horarium.audit.actions import Action, Result
from horarium.audit.chain import verify
from horarium.audit.trail import About, Trail
from horarium.clock import to_micros
from horarium.errors import StoreError
from horarium.records.actors import Actor, Source
from horarium.records.audit import AuditFilter
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.scheduling.tasks import TaskDesk
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Store
from tests.support.people import TESTER, SetClock

INES = Actor(name="Ines", user_id=7, source=Source.WEB, address="10.0.0.7", request="r1")


def note(trail: Trail, name: str, actor: Actor = INES, action: Action = Action.TASK_CHANGED) -> None:
    trail.note_alone(actor, action, About("task", 1, name), before={"a": 1, "same": 2}, after={"a": 3, "same": 2})


def test_an_entry_says_who_what_when_from_where_and_what_changed(trail: Trail, clock: SetClock) -> None:
    note(trail, "backup")
    (row,) = trail.page()
    assert (row.actor, row.actor_id, row.source, row.address, row.request) == ("Ines", 7, "web", "10.0.0.7", "r1")
    assert (row.action, row.result, row.kind, row.object_id) == ("task.changed", "done", "task", 1)
    assert (row.object_name, row.at) == ("backup", clock.now())
    assert (row.before, row.after) == ({"a": 1}, {"a": 3})


def test_r109_a_change_whose_entry_cannot_be_written_does_not_happen(store: Store, clock: SetClock) -> None:
    desk = TaskDesk(store, clock)
    with store.transaction() as tx:
        tx.execute(text("ALTER TABLE audit_log RENAME TO gone"))
    with pytest.raises(StoreError):
        desk.define(TaskDefinition("backup", PythonSpec("shop.jobs:backup"), None), actor=TESTER)
    with store.reading() as tx:
        assert TaskBook(tx).by_name("backup") is None


def test_what_did_not_happen_leaves_no_entry(store: Store, trail: Trail) -> None:
    class _StoppedError(Exception):
        pass

    def stop_in_the_middle() -> None:
        with store.transaction() as tx:
            trail.note(tx, INES, Action.TASK_ADDED)
            raise _StoppedError

    with pytest.raises(_StoppedError):
        stop_in_the_middle()
    assert trail.page() == []
    assert verify(store).is_sound


def test_nothing_can_be_noted_where_nothing_is_written(store: Store, trail: Trail) -> None:
    with store.reading() as tx, pytest.raises(StoreError, match="only reads"):
        trail.note(tx, INES, Action.TASK_ADDED)


def test_many_who_write_at_once_make_one_chain_without_gaps(store: Store, trail: Trail) -> None:
    def write(number: int) -> None:
        with store.transaction() as tx:
            for part in range(3):
                trail.note(tx, INES, Action.NOTED, About("task", number, f"{number}.{part}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    rows = list(trail.each())
    assert [row.id for row in rows] == list(range(1, 121))
    assert verify(store).entries == 120
    # What one change wrote stands together.
    assert all(len({row.object_id for row in rows[at : at + 3]}) == 1 for at in range(0, 120, 3))


def test_entries_are_searched_page_by_page(trail: Trail, clock: SetClock) -> None:
    for number in range(5):
        note(trail, f"task {number}")
        clock.move(timedelta(hours=1))
    note(trail, "50% off", Actor(name="Otto", user_id=8, source=Source.CLI), Action.TASK_REMOVED)
    trail.note_alone(TESTER, Action.ACCESS_REFUSED, result=Result.REFUSED)

    def names(**wanted: object) -> list[str | None]:
        return [row.object_name for row in trail.page(AuditFilter(**wanted))]  # type: ignore[arg-type]

    assert names(actor_ids=(8,)) == ["50% off"]
    assert names(text="%") == ["50% off"]
    assert names(text="ines TASK 3") == ["task 3"]
    assert names(actions=("task.removed",)) == ["50% off"]
    assert len(names(actions=("task.",))) == 6
    assert names(results=("refused",)) == [None]
    since = to_micros(clock.now() - timedelta(hours=2))
    assert names(since=since, until=since + 1) == ["task 3"]
    first = trail.page(limit=3)
    second = trail.page(before=first[-1].id, limit=3)
    assert [row.id for row in first + second] == [7, 6, 5, 4, 3, 2]
    assert trail.page(after=second[0].id, limit=2) == first[-2:]


def test_long_and_odd_values_are_cut_and_kept_as_words(trail: Trail, clock: SetClock) -> None:
    trail.note_alone(INES, Action.NOTED, About("task", 1, "x" * 999), after={"long": "y" * 999, "when": clock.now()})
    (row,) = trail.page()
    assert len(row.object_name or "") == 254
    assert len(row.after["long"]) == 500
    assert row.after["when"] == str(clock.now())


def test_r107_what_happens_to_a_task_is_told_with_old_and_new_values(store: Store, clock: SetClock) -> None:
    desk, trail = TaskDesk(store, clock), Trail(store, clock)
    made = desk.define(TaskDefinition("backup", PythonSpec("shop.jobs:backup"), None), actor=INES).task
    desk.define(TaskDefinition("backup", PythonSpec("shop.jobs:other"), None, tags=("night",)), actor=INES)
    desk.pause(made.id, by=INES, reason="holiday")
    desk.resume(made.id, by=INES)
    run = desk.trigger(made.id, by=INES, params={"secret": "not shown"})
    desk.cancel(run, by=INES)
    desk.remove(made.id, by=INES)
    rows = list(trail.each())
    assert [row.action for row in rows] == [
        *("task.added", "task.changed", "task.paused", "task.resumed", "task.triggered", "run.cancelled"),
        "task.removed",
    ]
    assert rows[1].before == {"target": "shop.jobs:backup"}
    assert rows[1].after == {"target": "shop.jobs:other", "tags": ["night"]}
    assert "not shown" not in str(rows)
    assert {row.actor_id for row in rows} == {7}
