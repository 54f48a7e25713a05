"""What a transaction promises, whichever database is behind it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from horarium.errors import DuplicateKey, StoreError
from horarium.states import NodeState
from horarium.store.books.nodes import NodeBook
from horarium.store.books.runs import RunBook
from horarium.store.books.tasks import TaskBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.store.schema import read_meta, write_meta
from tests.store.work import NOW, add_task, definition


def test_what_is_committed_is_there_for_the_next_reader(store: Store) -> None:
    with store.transaction() as tx:
        write_meta(tx, "key", "value")
    with store.reading() as tx:
        assert read_meta(tx, "key") == "value"


def test_an_error_in_the_block_leaves_nothing_and_comes_out_as_it_is(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as tx:
            write_meta(tx, "key", "value")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.reading() as tx:
        assert read_meta(tx, "key") is None


def test_a_taken_key_is_told_and_the_next_transaction_works(store: Store) -> None:
    add_task(store, "one")
    two = [(definition("two"), None), (definition("one"), None)]
    with pytest.raises(DuplicateKey), store.transaction() as tx:
        TaskBook(tx).add_many(two, now=NOW)
    with store.reading() as tx:
        assert TaskBook(tx).by_name("two") is None
    assert add_task(store, "two") > 0


def test_a_refused_statement_is_one_of_our_errors(store: Store) -> None:
    with pytest.raises(StoreError), store.transaction() as tx:
        tx.execute(text("SELECT nothing FROM nowhere"))
    assert add_task(store) > 0


def test_writers_in_many_threads_lose_nothing_and_take_no_number_twice(store: Store) -> None:
    def take(_: int) -> int:
        with store.transaction() as tx:
            return RunBook(tx).reserve_ids(1)

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, range(200)))
    assert sorted(taken) == list(range(1, 201))


def test_a_reader_never_waits_for_a_writer(shared_where: str | Path) -> None:
    store = open_store(shared_where)
    wrote, read = threading.Event(), threading.Event()

    def write() -> None:
        with store.transaction() as tx:
            write_meta(tx, "key", "new")
            wrote.set()
            assert read.wait(20)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert wrote.wait(20)
        with store.reading() as tx:
            assert read_meta(tx, "key") is None
    finally:
        read.set()
        writer.join()
    with store.reading() as tx:
        assert read_meta(tx, "key") == "new"
    store.close()


def test_the_clock_of_leases_goes_forward(store: Store) -> None:
    with store.transaction() as tx:
        first, second = store.lease_now(tx), store.lease_now(tx)
    assert first <= second


def test_another_process_that_writes_is_noticed_and_we_ourselves_are_not(shared_where: str | Path) -> None:
    ours, theirs = open_store(shared_where), open_store(shared_where)
    rung = threading.Event()
    stop = ours.listen(rung.set)
    if ours.change_mark() is None:
        # The first ring says that listening has begun.
        assert rung.wait(10)
        rung.clear()
    mark = ours.change_mark()
    add_task(ours, "ours")
    assert ours.change_mark() == mark
    with theirs.transaction() as tx:
        write_meta(tx, "key", "value")
        theirs.announce_change(tx)
    assert rung.wait(10) if mark is None else ours.change_mark() != mark
    stop()
    ours.close()
    theirs.close()


def test_a_store_finds_no_fault_with_itself(store: Store) -> None:
    add_task(store)
    assert list(store.check()) == []


def test_closing_twice_is_harmless(store: Store) -> None:
    store.close()
    store.close()


def test_the_password_is_not_shown(postgres_url: str) -> None:
    store = open_store(postgres_url)
    password = str(make_url(postgres_url).password)
    assert password not in store.location
    assert store.location.startswith("postgresql://postgres:***@127.0.0.1")
    store.close()


def test_a_node_that_was_declared_dead_cannot_renew(store: Store) -> None:
    with store.transaction() as tx:
        node = NodeBook(tx).register(name="n", host="h", pid=1, workers=1, version="0", now=NOW, lease=10.0)
        assert NodeBook(tx).renew(node, now=NOW, lease=20.0, lag_seconds=0.5)
        assert [living[:2] for living in NodeBook(tx).living()] == [(node, 20.0)]
        assert NodeBook(tx).lag() == 0.5
        assert NodeBook(tx).end(node, NodeState.DEAD, now=NOW)
        assert not NodeBook(tx).renew(node, now=NOW, lease=30.0, lag_seconds=0)
        assert not NodeBook(tx).end(node, NodeState.STOPPED, now=NOW)
        assert NodeBook(tx).living() == []


def test_two_processes_that_note_the_same_for_the_first_time_stand_in_line(store: Store) -> None:
    begun, done = threading.Event(), threading.Event()

    def second() -> None:
        begun.wait(10)
        with store.transaction() as tx:
            write_meta(tx, "zone_data", "of the second")
        done.set()

    other = threading.Thread(target=second)
    other.start()
    with store.transaction() as tx:
        write_meta(tx, "zone_data", "of the first")
        begun.set()
        assert not done.wait(0.2)
    other.join(10)
    with store.reading() as tx:
        assert read_meta(tx, "zone_data") == "of the second"
