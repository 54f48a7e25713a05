"""A program that forks: an open SQLite file is not carried over, and nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from horarium.errors import StoreUnavailable
from horarium.store import forks
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.store.schema import prepare, read_meta, write_meta
from horarium.store.sqlite import SqliteStore


class Child:
    """A forked copy of this process that does one thing, when it is told to, and says how that went."""

    def __init__(self, act: Callable[[], object]) -> None:
        answers, answer = os.pipe()
        waits, self._go = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.read(waits, 1)
            try:
                said = repr(act())
            except BaseException as error:  # noqa: BLE001 - whatever it is, the parent reads it
                said = f"{type(error).__name__}: {error}"
            os.write(answer, said.encode())
            os._exit(0)
        os.close(answer)
        os.close(waits)
        self._answers = answers

    def said(self) -> str:
        """Let it act; return what it says."""
        os.write(self._go, b"x")
        os.close(self._go)
        with os.fdopen(self._answers) as answers:
            words = answers.read()
        os.waitpid(self.pid, 0)
        return words


def _write(store: Store, value: str) -> str:
    with store.transaction() as tx:
        write_meta(tx, "key", value)
    return "written"


def _read(store: Store) -> str | None:
    with store.reading() as tx:
        return read_meta(tx, "key")


@pytest.fixture
def opened(shared_where: str | Path) -> Iterator[Store]:
    """Give an open store on either database, used for writing and for reading."""
    store = open_store(shared_where)
    _write(store, "before")
    assert _read(store) == "before"
    yield store
    store.close()


def test_parent_and_child_both_go_on_after_a_fork(opened: Store) -> None:
    child = Child(lambda: (_read(opened), _write(opened, "child"), _read(opened)))
    _write(opened, "parent")
    assert child.said() == "('parent', 'written', 'child')"
    assert _read(opened) == "child"
    _write(opened, "parent again")
    assert _read(opened) == "parent again"


def test_rp4_what_a_child_commits_stays_when_the_parent_has_closed(shared_where: str | Path, opened: Store) -> None:
    child = Child(lambda: (_write(opened, "acknowledged"), _read(opened)))
    opened.close()
    assert child.said() == "('written', 'acknowledged')"
    with closing(open_store(shared_where)) as again:
        assert _read(again) == "acknowledged"
        assert list(again.check()) == []


LEAVE_THE_LOG = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0)
try:
    print(connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0])
except sqlite3.OperationalError as error:
    print(error)
"""


def test_rp4_a_child_holds_locks_of_its_own_on_the_file(path: Path, file_store: Store) -> None:
    def use_it_while_another_program_wants_it() -> str:
        with file_store.reading() as tx:
            read_meta(tx, "key")
            # Only a file that nobody else has open can be taken out of the mode with a log.
            command = [sys.executable, "-c", LEAVE_THE_LOG, str(path)]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    _write(file_store, "before")
    child = Child(use_it_while_another_program_wants_it)
    file_store.close()
    assert child.said() == "'database is locked'"


def test_a_fork_waits_for_a_write_of_another_thread(file_store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with file_store.transaction() as tx:
            write_meta(tx, "key", "whole")
            begun.set()
            go_on.wait(20)

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(20)
    timer = threading.Timer(0.3, go_on.set)
    timer.start()
    child = Child(lambda: _read(file_store))
    assert go_on.is_set()
    assert child.said() == "'whole'"
    writer.join()
    timer.join()


def test_a_child_that_was_forked_inside_a_transaction_is_refused_and_the_parent_loses_nothing(
    path: Path, file_store: Store
) -> None:
    with file_store.transaction() as tx:
        write_meta(tx, "key", "parent")
        children = [Child(lambda: _read(file_store)), Child(lambda: open_store(path))]
    for child in children:
        assert child.said().startswith(f"StoreUnavailable: {path} was in use while this process was forked")
    assert _read(file_store) == "parent"
    assert list(file_store.check()) == []


def test_a_fork_does_not_wait_for_ever_for_a_thread_that_reads(
    file_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("horarium.store.sqlite.FORK_WAIT_SECONDS", 0.1)
    begun, go_on = threading.Event(), threading.Event()

    def read() -> None:
        with file_store.reading() as tx:
            read_meta(tx, "key")
            begun.set()
            go_on.wait(20)

    reader = threading.Thread(target=read)
    reader.start()
    assert begun.wait(20)
    child = Child(lambda: _write(file_store, "child"))
    assert child.said().startswith("StoreUnavailable")
    go_on.set()
    reader.join()
    _write(file_store, "parent")
    assert _read(file_store) == "parent"


def test_a_store_in_memory_goes_on_in_both_processes_apart(memory_store: Store) -> None:
    _write(memory_store, "before")
    child = Child(lambda: (_write(memory_store, "child"), _read(memory_store)))
    assert child.said() == "('written', 'child')"
    assert _read(memory_store) == "before"


def test_a_file_that_was_not_inherited_is_not_refused(path: Path) -> None:
    forks.refuse_inherited(path)
    path.touch()
    forks.refuse_inherited(path)


def test_the_refusal_names_a_way_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "_left_open", {})
    path.touch()
    forks.leave_open(path, None)
    with pytest.raises(StoreUnavailable, match="spawn"):
        open_store(path)


ANNOUNCE_AND_FORK = """
import os, sys
from pathlib import Path
from horarium.store.opening import open_store

store = open_store(Path(sys.argv[1]))
store.announce_presence(7)
if os.fork() == 0:
    print("forked", flush=True)
    sys.stdin.read()
os._exit(0)
"""


def test_the_mark_of_a_node_ends_with_its_process_although_a_child_goes_on(path: Path, file_store: Store) -> None:
    command = [sys.executable, "-c", ANNOUNCE_AND_FORK, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout
        assert node.stdout.readline() == "forked\n"
        assert node.wait(20) == 0
        assert file_store.is_gone(7)


def test_two_threads_that_fork_at_the_same_time_both_let_the_store_go_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # At a store that some other test has left open they would wait for each other before they come to this one.
    monkeypatch.setattr(forks, "_watched", type(forks._watched)())
    first, second, first_is_back = threading.Event(), threading.Event(), threading.Event()

    class Slow(SqliteStore):
        def before_fork(self) -> None:
            if threading.current_thread() is threads[0]:
                super().before_fork()
                first.set()
                assert second.wait(10)
            else:
                assert first.wait(10)
                second.set()
                assert first_is_back.wait(10)
                super().before_fork()

    def fork() -> None:
        # What Python calls around a fork; that of other modules may keep a second fork waiting.
        forks._before()
        forks._after_in_parent()
        first_is_back.set()
        said.append(_write(store, "parent"))

    said: list[str] = []
    # Daemons: a store that stays shut would hold them for ever.
    threads = [threading.Thread(target=fork, daemon=True) for _ in range(2)]
    store = Slow(path)
    prepare(store, upgrade=True)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert said == ["written"] * 2
    store.close()


class Noting:
    """Something to tell of forks, which notes how often it was told."""

    told = 0

    def before_fork(self) -> None:
        self.told += 1

    def after_fork(self, *, in_child: bool) -> None:
        del in_child


def test_a_store_that_is_opened_while_another_thread_forks_keeps_no_other_from_being_told() -> None:
    early: list[Noting] = [Noting() for _ in range(9)]
    late: list[Noting] = []
    for each in early:
        forks.watch(each)

    def open_another(_frame: object, event: str, _argument: object) -> None:
        # At each step of what goes on before the fork.
        if event == "return" and len(late) < 99:
            late.append(Noting())
            forks.watch(late[-1])

    sys.setprofile(open_another)
    try:
        child = os.fork()
        if child == 0:
            os._exit(0)
    finally:
        sys.setprofile(None)
    os.waitpid(child, 0)
    assert late
    assert [each.told for each in early] == [1] * len(early)


def test_a_file_that_is_being_opened_while_another_thread_forks_is_not_carried_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    look, before_fork = SqliteStore._look_at_file, SqliteStore.before_fork

    def note(store: SqliteStore) -> None:
        told.append(store.location)
        before_fork(store)

    def look_and_fork(store: SqliteStore) -> None:
        look(store)
        assert Child(lambda: None).said() == "None"

    monkeypatch.setattr(SqliteStore, "before_fork", note)
    monkeypatch.setattr(SqliteStore, "_look_at_file", look_and_fork)
    with closing(SqliteStore(path)):
        assert told.count(str(path)) == 1
