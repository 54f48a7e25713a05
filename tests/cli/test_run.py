"""`horarium run`: list, show, follow, cancel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from horarium.cli.exits import ExitCode
from horarium.clock import from_micros
from horarium.records.runs import Line
from horarium.states import Stream
from horarium.store.books.output import OutputBook, chunk_row
from horarium.store.books.runs import HoldingBook, RunBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.cli.conftest import Program, StillClock


@pytest.fixture
def store(horarium: Program, home: Path) -> Iterator[Store]:
    """Give the store of the folder, for playing the server's part."""
    horarium("task", "add", "x", "--", "true")
    opened = open_store(home / "data" / "horarium.db")
    yield opened
    opened.close()


class Node:
    """Play the part of the server for run 1."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._attempt = 0
        self._line = 0

    def claim(self) -> Node:
        self._attempt, self._line = self._attempt + 1, 0
        with self._store.transaction() as tx:
            assert RunBook(tx).claim([("running", self._attempt, 7, 1)]) == 1
        return self

    def write(self, *texts: str) -> Node:
        for text in texts:
            self._line += 1
            line = Line(self._line, from_micros(0), Stream.STDOUT, text)
            with self._store.transaction() as tx:
                OutputBook(tx).append([chunk_row(1, self._attempt, [line])])
        return self

    def move(self, state: str) -> Node:
        with self._store.transaction() as tx:
            assert HoldingBook(tx).move(1, self._attempt, ["running"], state=state, finished_at=1)
        return self


def one_after_the_other(steps: Sequence[Callable[[], object]]) -> Callable[[], None]:
    """Return a function that does the next step at each call."""
    left = iter(steps)

    def step() -> None:
        next(left)()

    return step


def move(store: Store, run_id: int, sources: list[str], state: str, attempt: int, **columns: object) -> None:
    """Move a run as a node does."""
    with store.transaction() as tx:
        assert HoldingBook(tx).move(run_id, attempt, sources, state=state, **columns)


def test_a_triggered_run_is_queued_listed_and_shown(horarium: Program, store: Store) -> None:
    assert horarium("task", "trigger", "x", "--json").json["run_id"] == 1
    horarium("task", "add", "other", "--", "true")
    horarium("task", "trigger", "other")
    assert [row["task"] for row in horarium("run", "list", "--json").json] == ["other", "x"]
    assert [row["id"] for row in horarium("run", "list", "--task", "x", "--json").json] == [1]
    assert [row["id"] for row in horarium("run", "list", "-n", "1", "--json").json] == [2]
    assert horarium("run", "list", "--state", "failed").out == "No runs.\n"
    found = horarium("run", "show", "1", "--json").json
    assert (found["state"], found["triggered_by"], found["attempts"], found["output"]) == ("queued", "manual", [], [])
    assert "(command line)" in horarium("run", "show", "1").out


def test_a_waiting_run_is_cancelled_at_once_and_only_once(horarium: Program, store: Store) -> None:
    horarium("task", "trigger", "x")
    assert horarium("run", "cancel", "1").out == "Run 1 is cancelled.\n"
    again = horarium("run", "cancel", "1")
    assert again.code == ExitCode.REFUSED
    assert again.err == "horarium: run 1 has ended already: cancelled\n"


@pytest.mark.parametrize("words", [["show", "9"], ["cancel", "9"], ["follow", "9"]])
def test_a_run_that_is_not_there(horarium: Program, words: list[str]) -> None:
    gone = horarium("run", *words)
    assert (gone.code, gone.err) == (ExitCode.NOT_FOUND, "horarium: there is no run 9\n")


@pytest.mark.parametrize(("state", "code"), [("succeeded", ExitCode.OK), ("failed", ExitCode.FAILED)])
def test_following_prints_each_line_once_as_it_comes_until_the_end(
    horarium: Program, store: Store, clock: StillClock, state: str, code: ExitCode
) -> None:
    horarium("task", "trigger", "x")
    node = Node(store)
    steps: Sequence[Callable[[], object]] = (
        node.claim,
        lambda: node.write("one"),
        lambda: node.write("two \x1b[31mred\x1b[0m\x1b[2J", "three"),
        lambda: node.write("four").move(state),
    )
    clock.on_wait = one_after_the_other(steps)
    followed = horarium("run", "follow", "1")
    assert followed.out.splitlines() == ["one", "two red\\x1b[2J", "three", "four"]
    assert followed.err.startswith(f"run 1 {state}")
    assert followed.code == code


def test_following_goes_on_with_the_next_attempt(horarium: Program, store: Store, clock: StillClock) -> None:
    horarium("task", "trigger", "x")
    node = Node(store)
    steps: Sequence[Callable[[], object]] = (
        lambda: node.claim().write("first"),
        lambda: node.move("retrying"),
        lambda: node.claim().write("second").move("succeeded"),
    )
    clock.on_wait = one_after_the_other(steps)
    followed = horarium("run", "follow", "1")
    assert followed.out.splitlines() == ["first", "second"]
    assert followed.err.splitlines()[0] == "attempt 2"
    assert [line["text"] for line in horarium("run", "show", "1", "--json").json["output"]] == ["second"]
