"""The table of tasks and its hot half, the agenda."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from horarium.clock import from_micros
from horarium.errors import DuplicateKey
from horarium.records.policies import Misfire, Overlap, Policies
from horarium.records.tasks import CommandSpec, Parking, Pause, PerUser, PythonSpec, Task, TaskDefinition
from horarium.states import Isolation, OverlapPolicy
from horarium.store.books.agenda import AgendaBook
from horarium.store.books.tasks import TaskBook, TaskFilter, sort_key
from horarium.store.port import Store
from tests.store.work import NOW, add_runs, add_task, definition

SECOND = 1_000_000

DEFINITIONS = [
    TaskDefinition("usual", PythonSpec("m:f"), None),
    TaskDefinition(
        "full",
        PythonSpec("m:f", (1, "zwei", None), {"a": [1.5, True]}, Isolation.PROCESS),
        "cron:0 6 * * *",
        "Europe/Berlin",
        Policies(overlap=Overlap(OverlapPolicy.QUEUE), misfire=Misfire(cap=7)),
        ("night", "ünïcödé"),
        "What it does.",
        "file",
    ),
    TaskDefinition("local", PythonSpec("label", local=True), "every:60"),
    TaskDefinition("command", CommandSpec(("ls", "-l")), None),
    TaskDefinition(
        "shell",
        CommandSpec(("ls | wc",), shell=True, cwd="/tmp", env={"A": "1"}, user="me", stdin="", success_codes=(0, 3)),  # noqa: S108, S604
        None,
    ),
]


@pytest.mark.parametrize("wanted", DEFINITIONS, ids=lambda each: each.name)
def test_a_definition_comes_back_as_it_was_written(store: Store, wanted: TaskDefinition) -> None:
    with store.transaction() as tx:
        number = TaskBook(tx).add(wanted, now=NOW, next_at=NOW + 5).id
        task = TaskBook(tx).get(number)
    assert task == Task(number, wanted, 1, from_micros(NOW), from_micros(NOW), from_micros(NOW + 5))
    with store.reading() as tx:
        assert TaskBook(tx).by_name(wanted.name) == task
        assert TaskBook(tx).id_of(wanted.name) == number
        assert TaskBook(tx).by_ids([number, 999_999]) == {number: task}
        assert AgendaBook(tx).definitions([number])[number][:2] == (1, wanted)


def test_functions_that_are_imported_are_told_apart_from_all_other_tasks(store: Store) -> None:
    with store.transaction() as tx:
        numbers = [TaskBook(tx).add(each, now=NOW, next_at=None) for each in DEFINITIONS]
        gone = TaskBook(tx).add(TaskDefinition("gone", PythonSpec("m:f"), None), now=NOW, next_at=None).id
        TaskBook(tx).remove(gone, now=NOW)
    with store.reading() as tx:
        assert TaskBook(tx).imported() == [("full", "m:f"), ("usual", "m:f")]
    assert len(numbers) == len(DEFINITIONS)


def test_a_name_is_unique_among_living_tasks_only(store: Store) -> None:
    first = add_task(store, "name")
    with pytest.raises(DuplicateKey):
        add_task(store, "name")
    with store.transaction() as tx:
        TaskBook(tx).remove(first, now=NOW)
    second = add_task(store, "name")
    assert second > first
    with store.reading() as tx:
        removed = TaskBook(tx).get(first)
        assert removed
        assert removed.removed_at == from_micros(NOW)
        assert TaskBook(tx).id_of("name") == second
        assert [task.id for task in TaskBook(tx).page(TaskFilter())] == [second]


def test_many_tasks_are_added_whole_or_not_at_all(store: Store) -> None:
    with store.transaction() as tx:
        assert TaskBook(tx).add_many([(definition(f"t{i}"), None) for i in range(3)], now=NOW) == 3
        assert TaskBook(tx).add_many([], now=NOW) == 0
    with pytest.raises(DuplicateKey), store.transaction() as tx:
        TaskBook(tx).add_many([(definition("new"), None), (definition("t1"), None)], now=NOW)
    with store.reading() as tx:
        assert TaskBook(tx).count(TaskFilter()) == 3


def _is_paused(tx_book: TaskBook, number: int) -> None:
    tx_book.pause(number, Pause(from_micros(NOW + 9), "Ada", "holiday", from_micros(NOW + 99)), now=NOW + 9)


def _is_parked(tx_book: TaskBook, number: int) -> None:
    tx_book.park(number, Parking(from_micros(NOW + 9), "gone"), now=NOW + 9)


@pytest.mark.parametrize(
    ("change", "back", "seen"),
    [
        (_is_paused, lambda book, number: book.resume(number, now=NOW + 10), lambda task: task.pause),
        (_is_parked, lambda book, number: book.park(number, None, now=NOW + 10), lambda task: task.parking),
    ],
    ids=["pause", "parking"],
)
def test_a_condition_is_kept_and_lifted_and_each_change_is_a_revision(
    store: Store,
    change: Callable[[TaskBook, int], None],
    back: Callable[[TaskBook, int], None],
    seen: Callable[[Task], Pause | Parking | None],
) -> None:
    number = add_task(store)
    with store.transaction() as tx:
        change(TaskBook(tx), number)
        task = TaskBook(tx).get(number, lock=True)
    assert task
    assert task.revision == 2
    assert task.updated_at == from_micros(NOW + 9)
    assert seen(task) in {
        Pause(from_micros(NOW + 9), "Ada", "holiday", from_micros(NOW + 99)),
        Parking(from_micros(NOW + 9), "gone"),
    }
    with store.transaction() as tx:
        back(TaskBook(tx), number)
        task = TaskBook(tx).get(number)
    assert task
    assert seen(task) is None
    assert task.revision == 3


def test_a_redefinition_keeps_the_pause_and_lifts_the_parking(store: Store) -> None:
    number = add_task(store)
    with store.transaction() as tx:
        _is_paused(TaskBook(tx), number)
        _is_parked(TaskBook(tx), number)
        TaskBook(tx).redefine(number, definition("other", target="m:g"), now=NOW + 20, next_at=NOW + 30)
        task = TaskBook(tx).get(number)
    assert task
    assert (task.name, task.is_paused, task.is_parked) == ("other", True, False)
    assert task.next_at == from_micros(NOW + 30)


@pytest.mark.parametrize("sort", ["name", "next", "last", "failing"])
@pytest.mark.parametrize("limit", [1, 3])
def test_pages_by_key_show_every_task_once_in_order(store: Store, sort: str, limit: int) -> None:
    names = ["Übung", "über", "Ähre", "zebra", "Zoo", "apple", "Apple", "ç", "100%", "z"]
    with store.transaction() as tx:
        for place, name in enumerate(names):
            next_at = None if place % 3 == 0 else NOW + (place % 4) * SECOND
            TaskBook(tx).add(definition(name), now=NOW, next_at=next_at)
    wanted = TaskFilter(sort=sort)
    seen: list[int] = []
    with store.reading() as tx:
        whole = [task.id for task in TaskBook(tx).page(wanted, limit=100)]
        after = None
        while page := TaskBook(tx).page(wanted, after=after, limit=limit):
            seen += [task.id for task in page]
            assert len(seen) <= len(names)
            after = sort_key(wanted, page[-1])
    assert seen == whole
    assert sorted(seen) == sorted(set(seen))
    assert len(seen) == len(names)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("%", ["100% sure"]),
        ("_", ["under_score"]),
        ("\\", ["back\\slash"]),
        ("SURE", ["100% sure"]),
        ("sure 100%", ["100% sure"]),
        ("' OR 1=1 --", []),
        ("night", ["under_score"]),
        ("", ["100% sure", "back\\slash", "under_score"]),
    ],
)
def test_r86_a_search_takes_every_character_for_itself(store: Store, words: str, found: list[str]) -> None:
    add_task(store, "100% sure")
    add_task(store, "under_score", tags=["night"])
    add_task(store, "back\\slash")
    with store.reading() as tx:
        assert [task.name for task in TaskBook(tx).page(TaskFilter(text=words))] == found
        assert TaskBook(tx).count(TaskFilter(text=words)) == len(found)


def test_r86_a_tag_matches_as_a_whole_and_literally(store: Store) -> None:
    add_task(store, "one", tags=["nightly", "a%b"])
    add_task(store, "two", tags=["night", "a_b"])
    with store.reading() as tx:
        for tag, names in {"night": ["two"], "a%b": ["one"], "a_b": ["two"], "%": [], "": ["one", "two"]}.items():
            assert [task.name for task in TaskBook(tx).page(TaskFilter(tag=tag))] == names
        assert sorted(TaskBook(tx).all_tags()) == ['["night","a_b"]', '["nightly","a%b"]']


def test_views_show_what_they_say(store: Store) -> None:
    numbers = {name: add_task(store, name) for name in ("quiet", "paused", "parked", "running", "command")}
    add_runs(store, numbers["running"], state="running", node=1)
    add_runs(store, numbers["quiet"])
    with store.transaction() as tx:
        book = TaskBook(tx)
        _is_paused(book, numbers["paused"])
        _is_parked(book, numbers["parked"])
        book.redefine(numbers["command"], TaskDefinition("command", CommandSpec(("ls",)), None), now=NOW, next_at=None)
        for view in ("paused", "parked", "running"):
            assert [task.name for task in book.page(TaskFilter(view=view))] == [view]
            assert book.count(TaskFilter(view=view)) == 1
        assert book.count(TaskFilter(view="failing")) == 0
        assert [task.name for task in book.page(TaskFilter(kind="command"))] == ["command"]


def _local(name: str, target: str) -> TaskDefinition:
    return TaskDefinition(name, PythonSpec(target, local=True), None)


def test_what_is_due_comes_earliest_first_and_only_if_this_program_can_run_it(store: Store) -> None:
    with store.transaction() as tx:
        book, agenda = TaskBook(tx), AgendaBook(tx)
        late = book.add(definition("late"), now=NOW, next_at=NOW + 3).id
        mine = book.add(_local("mine", "mine"), now=NOW, next_at=NOW + 2).id
        book.add(_local("theirs", "theirs"), now=NOW, next_at=NOW)
        soon = book.add(definition("soon"), now=NOW, next_at=NOW + 1).id
        book.add(definition("by hand"), now=NOW, next_at=None)
        assert [task.id for task in agenda.due(NOW + 3, known={"mine"}, most=10)] == [soon, mine, late]
        assert [task.id for task in agenda.due(NOW + 2, known=(), most=10)] == [soon]
        assert [task.id for task in agenda.due(NOW + 3, known={"mine"}, most=2)] == [soon, mine]
        assert agenda.first(known=()) == NOW + 1
        assert agenda.first(known={"theirs"}) == NOW
        assert agenda.upcoming(NOW + 2, most=10)[-2:] == [(soon, 1), (mine, 1)]
        assert agenda.scheduled(late, most=1) == [(mine, _local("mine", "mine"), NOW + 2)]
        agenda.advance([(None, soon), (NOW + 50, mine)])
        assert [task.id for task in agenda.due(NOW + 9, known={"mine"}, most=10)] == [late]
        agenda.advance([])
    with store.reading() as tx:
        moved = TaskBook(tx).get(mine)
        assert moved
        assert moved.next_at == from_micros(NOW + 50)
        assert moved.revision == 1


def test_the_first_task_of_this_program_is_found_behind_many_of_others(store: Store) -> None:
    with store.transaction() as tx:
        TaskBook(tx).add_many(((_local(f"o{i}", f"o{i}"), NOW + i) for i in range(30)), now=NOW)
        TaskBook(tx).add(_local("mine", "mine"), now=NOW, next_at=NOW + 100)
        assert AgendaBook(tx).first(known={"mine"}) == NOW + 100
        assert AgendaBook(tx).first(known={"nobody"}) is None


def test_pauses_whose_time_is_over_are_lifted_together(store: Store) -> None:
    numbers = [add_task(store, name) for name in ("one", "two", "three")]
    with store.transaction() as tx:
        for number in numbers:
            _is_paused(TaskBook(tx), number)
        AgendaBook(tx).end_pauses(numbers[:2])
        assert [task.name for task in TaskBook(tx).page(TaskFilter(view="paused"))] == ["three"]


def test_the_next_wake_for_a_waiting_run_is_known(store: Store) -> None:
    number = add_task(store)
    add_runs(store, number, 3)
    with store.reading() as tx:
        assert AgendaBook(tx).first_waiting() == NOW
        assert AgendaBook(tx).first_waiting(NOW) == NOW + 1
        assert AgendaBook(tx).first_waiting(NOW + 2) is None


def test_tasks_for_each_person_are_found_by_an_index_among_very_many(store: Store) -> None:
    with store.transaction() as tx:
        TaskBook(tx).add_many([(definition(f"t{number}"), None) for number in range(3000)], now=NOW)
        shared = TaskBook(tx).add(
            replace(definition("each"), per_user=PerUser(enabled="sync.enabled")), now=NOW, next_at=None
        )
        if tx.capabilities.name == "postgresql":
            tx.execute(text("ANALYZE scheduled_tasks"))
    with store.reading() as tx:
        assert [each.id for each in TaskBook(tx).templates()] == [shared.id]
        explain = "EXPLAIN " if tx.capabilities.name == "postgresql" else "EXPLAIN QUERY PLAN "
        query = "SELECT * FROM scheduled_tasks WHERE per_user IS NOT NULL AND removed_at IS NULL ORDER BY id"
        plan = " ".join(str(tuple(row)) for row in tx.execute(text(explain + query)))
    assert "ix_scheduled_tasks_per_user" in plan
