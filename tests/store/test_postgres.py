"""What only a server can meet with: time limits, restarts, broken connections, other programs at the same rows."""

from __future__ import annotations

import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url

from horarium.errors import StoreBusy, StoreError, StoreUnavailable
from horarium.store import postgres
from horarium.store.books.agenda import AgendaBook
from horarium.store.books.runs import HoldingBook
from horarium.store.opening import connect, open_store
from horarium.store.port import Store
from horarium.store.schema import prepare, read_meta, write_meta
from tests.store.work import NOW, add_task
from tests.support.people import SetClock
from tests.support.postgres import Cluster, binaries
from tests.support.summary import needs


def _within(seconds: float, happens: Callable[[], object]) -> bool:
    """Try again until something works or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if happens() is not False:
                return True
        except StoreError:
            pass
        time.sleep(0.05)
    return False


def _set(store: Store, value: str) -> None:
    with store.transaction() as tx:
        write_meta(tx, "key", value)


def test_rp12_no_statement_may_take_longer_than_its_limit(postgres_store: Store) -> None:
    with postgres_store.reading() as tx:
        assert tx.execute(text("SHOW statement_timeout")).scalar_one() == "15s"
        assert tx.execute(text("SHOW TimeZone")).scalar_one() == "UTC"

    def take_too_long() -> None:
        with postgres_store.transaction() as tx:
            tx.execute(text("SET LOCAL statement_timeout = 100"))
            tx.execute(text("SELECT pg_sleep(20)"))

    with pytest.raises(StoreBusy, match="took too long"):
        take_too_long()
    _set(postgres_store, "works")


def test_rp12_a_row_that_another_program_holds_is_not_waited_for_without_end(postgres_url: str) -> None:
    ours, theirs = open_store(postgres_url), open_store(postgres_url)
    _set(ours, "before")

    def write_with_a_short_limit() -> None:
        with ours.transaction() as tx:
            tx.execute(text("SET LOCAL statement_timeout = 200"))
            write_meta(tx, "key", "ours")

    with theirs.transaction() as tx:
        write_meta(tx, "key", "theirs")
        with pytest.raises(StoreBusy):
            write_with_a_short_limit()
    with ours.reading() as tx:
        assert read_meta(tx, "key") == "theirs"
    ours.close()
    theirs.close()


def test_two_that_wait_for_each_other_are_parted_and_one_goes_through(postgres_url: str) -> None:
    store = open_store(postgres_url)
    with store.transaction() as tx:
        write_meta(tx, "a", "0")
        write_meta(tx, "b", "0")
    both_hold = threading.Barrier(2, timeout=20)

    def cross(first: str, second: str) -> str:
        try:
            with store.transaction() as tx:
                tx.execute(text("SET LOCAL deadlock_timeout = 50"))
                write_meta(tx, first, "1")
                both_hold.wait()
                write_meta(tx, second, "1")
        except StoreBusy:
            return "busy"
        return "through"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(cross, "ab", "ba")) == ["busy", "through"]
    store.close()


def test_a_connection_that_broke_inside_a_transaction_is_told_and_replaced(postgres_url: str) -> None:
    store, other = open_store(postgres_url), open_store(postgres_url)
    _set(store, "before")

    def break_in_the_middle() -> None:
        with store.transaction() as tx:
            write_meta(tx, "key", "half")
            pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with other.transaction() as killing:
                killing.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
            write_meta(tx, "other", "half")

    with pytest.raises(StoreUnavailable):
        break_in_the_middle()
    with store.reading() as tx:
        assert read_meta(tx, "key") == "before"
    _set(store, "after")
    store.close()
    other.close()


def test_a_connection_that_broke_under_a_hot_statement_is_told_and_replaced(postgres_url: str) -> None:
    store, other = open_store(postgres_url), open_store(postgres_url)

    def break_in_the_middle() -> None:
        with store.transaction() as tx:
            pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with other.transaction() as killing:
                killing.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
            AgendaBook(tx).first(known=())

    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            break_in_the_middle()
    _set(store, "after")
    store.close()
    other.close()


class Restartable:
    """A server of one test's own that goes away and comes back at the same address."""

    def __init__(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = cluster.url(cluster.create())
        self._cluster = cluster
        port = make_url(self.url).port
        monkeypatch.setattr("tests.support.postgres.free_loopback_port", lambda: port)

    def stop(self) -> None:
        """End the server and keep its data."""
        self._cluster._end_keeper(keep="keep\n")

    def start(self) -> None:
        """Start it again."""
        assert any(self._cluster._started() for _ in range(3))


@pytest.fixture
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restartable]:
    """Give a server of this test's own."""
    needs(request, "postgres")
    programs = binaries()
    if programs is None:
        pytest.skip("no PostgreSQL server programs")
    with Cluster(programs) as cluster:
        yield Restartable(cluster, monkeypatch)


def _lose_the_server(store: Store, server: Restartable) -> None:
    with store.transaction() as tx:
        server.stop()
        write_meta(tx, "key", "lost in the middle")


@pytest.mark.postgres
def test_rp13_a_restart_of_the_server_is_told_and_then_everything_goes_on(server: Restartable) -> None:
    woken = threading.Event()
    with ExitStack() as stack:
        store, other = open_store(server.url), open_store(server.url)
        stack.callback(store.close)
        stack.callback(other.close)
        stack.callback(store.listen(woken.set))
        _set(store, "acknowledged")
        assert woken.wait(10)
        woken.clear()
        with pytest.raises(StoreUnavailable):
            _lose_the_server(store, server)
        began = time.monotonic()
        for act in (lambda: _set(store, "down"), store.check, lambda: open_store(server.url)):
            with pytest.raises(StoreUnavailable):
                act()
        assert time.monotonic() - began < 15
        server.start()
        assert _within(15, lambda: _set(other, "again"))
        with store.reading() as tx:
            assert read_meta(tx, "key") == "again"
        # It looks once as soon as it listens again; from then on it hears.
        assert woken.wait(20)
        woken.clear()
        with other.transaction() as tx:
            other.announce_change(tx)
        assert woken.wait(5)


def test_an_announcement_wakes_another_program_within_a_second_and_only_after_the_commit(postgres_url: str) -> None:
    ours, theirs = open_store(postgres_url), open_store(postgres_url)
    woken = threading.Event()
    stop = ours.listen(woken.set)
    assert woken.wait(10)
    for _ in range(3):
        woken.clear()
        with theirs.transaction() as tx:
            theirs.announce_change(tx)
            assert not woken.wait(0.05)
        assert woken.wait(1)
    stop()
    woken.clear()
    with theirs.transaction() as tx:
        theirs.announce_change(tx)
    assert not woken.wait(0.2)
    ours.close()
    theirs.close()


def test_what_is_announced_and_taken_back_wakes_nobody(postgres_store: Store) -> None:
    woken = threading.Event()
    stop = postgres_store.listen(woken.set)
    assert woken.wait(10)
    woken.clear()

    def fail() -> None:
        with postgres_store.transaction() as tx:
            postgres_store.announce_change(tx)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert not woken.wait(0.2)
    stop()


def test_leases_are_measured_by_the_clock_of_the_server(postgres_url: str) -> None:
    store = open_store(postgres_url, clock=SetClock())
    with store.transaction() as tx:
        began, now, ended = (
            float(tx.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
            if each
            else store.lease_now(tx)
            for each in (1, 0, 1)
        )
    assert began <= now <= ended
    store.close()


def test_presence_is_never_guessed(postgres_store: Store) -> None:
    postgres_store.announce_presence(1)
    assert not postgres_store.is_gone(1)
    assert not postgres_store.is_gone(2)
    postgres_store.forget_presence(1)
    assert postgres_store.change_mark() is None


def _everything_said(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.set(password="not-this-one-9f3"), "refused the connection: password authentication failed"),
        (lambda url: url.set(database="missing"), 'refused the connection: database "missing" does not exist'),
        (lambda url: url.set(port=9), "does not answer"),
        (lambda url: url.set(host="nowhere.invalid"), "does not answer"),
    ],
    ids=["password", "database", "port", "host"],
)
def test_an_address_that_leads_nowhere_is_told_in_one_sentence_without_the_password(
    postgres_url: str, change: Callable[[URL], URL], words: str
) -> None:
    url = change(make_url(postgres_url))
    with pytest.raises(StoreUnavailable, match=words) as caught:
        open_store(url.render_as_string(hide_password=False))
    password = str(url.password)
    assert "\n" not in str(caught.value)
    assert password not in _everything_said(caught.value)


def test_the_password_is_in_no_description_of_an_open_store(postgres_store: Store, postgres_url: str) -> None:
    password = str(make_url(postgres_url).password)
    assert password not in postgres_store.location
    assert password not in repr(postgres_store)
    with pytest.raises(StoreError) as caught, postgres_store.transaction() as tx:
        tx.execute(text("SELECT nothing FROM nowhere"))
    assert password not in _everything_said(caught.value)


def test_rp12_a_server_that_takes_the_call_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert postgres.CONNECT_SECONDS == 5
    monkeypatch.setattr(postgres, "CONNECT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            connect(f"postgresql://somebody@127.0.0.1:{silent.getsockname()[1]}/nothing")
        assert time.monotonic() - began < 8


def test_several_first_starts_at_once_make_one_schema(empty_postgres_url: str) -> None:
    stores = [connect(empty_postgres_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda store: prepare(store, upgrade=False), stores))
    with stores[0].reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM horarium_meta")).scalar_one() == 1
    for store in stores:
        store.close()


def test_two_programs_step_around_each_other_at_what_is_due(postgres_url: str) -> None:
    ours, theirs = open_store(postgres_url), open_store(postgres_url)
    numbers = {add_task(ours, f"t{place}", next_at=NOW) for place in range(4)}
    with ours.transaction() as one, theirs.transaction() as two:
        mine = {task.id for task in AgendaBook(one).due(NOW, known=(), most=2)}
        rest = {task.id for task in AgendaBook(two).due(NOW, known=(), most=9)}
        assert len(mine) == 2
        assert mine | rest == numbers
        assert not mine & rest
        assert set(HoldingBook(two).lock_tasks(sorted(numbers))) == rest
    ours.close()
    theirs.close()


def test_no_thread_of_a_child_uses_the_connections_of_its_parent(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(postgres_url)
    assert isinstance(store, postgres.PostgresStore)
    inherited, dispose = store._engine, store._engine.dispose
    dispose()
    is_leaving, is_used = threading.Event(), threading.Event()

    def dispose_slowly(*, close: bool = True) -> None:
        is_leaving.set()
        is_used.wait(0.3)
        dispose(close=close)

    monkeypatch.setattr(inherited, "dispose", dispose_slowly)
    # As in a child of the process that opened it.
    store._pid = -1
    first = threading.Thread(target=store._follow_fork)
    first.start()
    assert is_leaving.wait(10)
    with store.reading() as tx:
        assert tx.connection.engine is not inherited
    is_used.set()
    first.join(10)
    store.close()
