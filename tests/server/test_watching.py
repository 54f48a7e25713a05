"""The watcher outside the loop: it notices a silence once, tells once, and says when it is over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from horarium.accounts.people import People
from horarium.config import Config
from horarium.records.runs import Event
from horarium.scheduling.silence import Judge, View
from horarium.scheduling.standstill import STILL_SECONDS, Standstill
from horarium.server.watching import LOOK_SECONDS, Watcher
from horarium.states import EventKind, SilenceCause
from horarium.store.books.events import EventBook
from horarium.store.books.silences import SilenceBook
from horarium.store.lookout import Lookout
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.testing import ManualClock, ManualScheduler
from horarium.triggers import CronTrigger
from tests.support.mail import Mailbox, mail_server
from tests.support.people import add_admin, cheap_hasher

KINDS = (EventKind.SCHEDULER_SILENT, EventKind.SCHEDULER_BACK)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    if request.param == "sqlite":
        return tmp_path / "horarium.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(where: str | Path, clock: ManualClock) -> Iterator[Store]:
    opened = open_store(where, clock=clock)
    add_admin(People(opened, clock, hasher=cheap_hasher()), "ines", email="ines@tidewater.example")
    yield opened
    opened.close()


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as opened:
        yield opened


def watcher_of(where: str | Path, clock: ManualClock, box: Mailbox | None = None, **settings: object) -> Watcher:
    mail = {"smtp_host": "127.0.0.1", "smtp_port": box.port, "smtp_security": "none"} if box else {}
    url = {"database_url": where} if isinstance(where, str) else {"data": where.parent}
    return Watcher.of(Config(**{**url, **mail, **settings}), clock)  # type: ignore[arg-type]


def told(store: Store) -> list[Event]:
    with store.reading() as tx:
        return EventBook(tx).newest(kinds=KINDS)[::-1]


def pass_time(watcher: Watcher, clock: ManualClock, seconds: float) -> None:
    """Let time pass with the looks that are taken meanwhile."""
    for _ in range(round(seconds / LOOK_SECONDS)):
        clock.advance(timedelta(seconds=LOOK_SECONDS))
        watcher.look()


def test_a_stopped_scheduler_is_told_of_once_and_its_return_too(
    where: str | Path, store: Store, clock: ManualClock, box: Mailbox
) -> None:
    is_file = isinstance(where, Path)
    node = ManualScheduler(store, clock=clock)
    watcher, other = watcher_of(where, clock, box), watcher_of(where, clock, box)
    assert watcher.look() is None
    assert other.look() is None
    if is_file:
        pass_time(watcher, clock, 25)
        assert told(store) == []
        clock.advance(timedelta(seconds=10))
    else:
        # Leases there are in the database's own time.
        with store.transaction() as tx:
            tx.connection.exec_driver_sql("UPDATE nodes SET lease_until = lease_until - 40")
        clock.advance(timedelta(seconds=40))
    for each in (watcher, other, watcher, other):
        trouble = each.look()
        assert trouble
        assert trouble.cause is SilenceCause.GONE
    assert [event.kind for event in told(store)] == ["scheduler.silent"]
    (letter,) = box.wait_for(1)
    assert letter.recipients == ["ines@tidewater.example"]
    assert "silent since" in letter.subject
    assert "No scheduler has given a sign of life" in letter.text
    node.heartbeat.beat()
    for each in (other, watcher):
        assert each.look() is None
    assert [event.kind for event in told(store)] == ["scheduler.silent", "scheduler.back"]
    assert "works again" in box.wait_for(2)[1].subject
    pass_time(watcher, clock, 10)
    assert len(box.letters) == 2
    with store.reading() as tx:
        (silence,) = SilenceBook(tx).newest()
    assert silence.ended_at is not None


def test_what_is_due_and_does_not_move_is_a_silence_though_the_process_lives(
    where: str | Path, store: Store, clock: ManualClock
) -> None:
    node = ManualScheduler(store, clock=clock)
    node.add("job", CronTrigger("* * * * *", "UTC"))
    watcher = watcher_of(where, clock)
    clock.advance(timedelta(seconds=61))
    node.heartbeat.beat()
    trouble = watcher.look()
    for _ in range(7):
        node.heartbeat.beat()
        trouble = watcher.look()
        clock.advance(timedelta(seconds=5))
    assert trouble
    assert trouble.cause is SilenceCause.OVERDUE
    assert [event.kind for event in told(store)] == ["scheduler.silent"]


def test_a_backlog_that_is_worked_off_is_no_silence() -> None:
    judge = Judge(30.0)
    for second in range(0, 120, 5):
        view = View(now=10_000_000_000, lease_now=second, leases=(second + 30.0,), oldest_due=1_000 + second)
        assert judge.judge(view, second) is None


@pytest.mark.parametrize(
    ("after", "ago", "expected"), [(10, 11, True), (10, 9, False), (60, 50, False), (60, 61, True)]
)
def test_the_measure_of_silence_is_the_one_that_was_set(after: float, ago: float, expected: bool) -> None:
    now = 1_000_000_000
    view = View(now=now, lease_now=1000.0, leases=(1030.0 - ago,), last_seen=now - int(ago * 1_000_000))
    assert (Judge(after).judge(view, 0.0) is not None) is expected


def test_in_maintenance_nothing_is_overdue() -> None:
    judge = Judge(30.0)
    for second in (0.0, 31.0, 62.0):
        view = View(now=1000, lease_now=second, leases=(second + 30,), oldest_due=1, is_held=True)
        assert judge.judge(view, second) is None


def test_a_store_that_is_gone_is_told_of_by_mail(tmp_path: Path, clock: ManualClock, box: Mailbox) -> None:
    path = tmp_path / "horarium.db"
    opened = open_store(path, clock=clock)
    add_admin(People(opened, clock, hasher=cheap_hasher()), "ines", email="ines@tidewater.example")
    ManualScheduler(opened, clock=clock)
    watcher = watcher_of(path, clock, box)
    watcher.look()
    opened.close()
    path.rename(tmp_path / "elsewhere.db")
    pass_time(watcher, clock, 40)
    (letter,) = box.wait_for(1)
    assert "database has not answered" in letter.text
    pass_time(watcher, clock, 60)
    assert len(box.letters) == 1
    assert not path.exists()


def test_who_cannot_write_tells_all_the_same_and_only_once(tmp_path: Path, clock: ManualClock, box: Mailbox) -> None:
    path = tmp_path / "horarium.db"
    opened = open_store(path, clock=clock)
    add_admin(People(opened, clock, hasher=cheap_hasher()), "ines", email="ines@tidewater.example")
    ManualScheduler(opened, clock=clock)
    watcher = watcher_of(path, clock, box)
    clock.advance(timedelta(seconds=31))
    with opened.transaction():
        watcher.look()
    assert len(box.wait_for(1)) == 1
    watcher.look()
    clock.advance(timedelta(seconds=40))
    watcher.look()
    assert [event.kind for event in told(opened)] == ["scheduler.silent"]
    assert len(box.letters) == 1
    opened.close()


def test_a_message_that_did_not_go_out_is_tried_again(
    where: str | Path, store: Store, clock: ManualClock, box: Mailbox
) -> None:
    with store.transaction() as tx:
        SilenceBook(tx).begin(SilenceCause.STUCK, "", began_at=clock.micros(), now=clock.micros())
    box.refuse = lambda _: "451 later"
    watcher = watcher_of(where, clock, box)
    watcher.look()
    assert box.letters == []
    box.refuse = lambda _: None
    pass_time(watcher, clock, 30)
    assert box.letters == []
    pass_time(watcher, clock, 60)
    assert len(box.wait_for(1)) == 1


def test_a_loop_that_stands_still_is_written_down_once_from_inside(store: Store, clock: ManualClock) -> None:
    standstill = Standstill(store, clock)
    turned = clock.monotonic()
    clock.advance(timedelta(seconds=STILL_SECONDS + 1))
    standstill.look(turned)
    standstill.look(turned)
    assert [event.kind for event in told(store)] == ["scheduler.silent"]
    standstill.look(clock.monotonic())
    standstill.look(clock.monotonic())
    assert [event.kind for event in told(store)] == ["scheduler.silent", "scheduler.back"]


class _Monitor(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_an_outside_monitor_is_called_while_all_is_well_and_with_fail_in_trouble(
    tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "horarium.db"
    opened = open_store(path, clock=clock)
    node = ManualScheduler(opened, clock=clock)
    _Monitor.asked = []
    server = HTTPServer(("127.0.0.1", 0), _Monitor)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    port = server.server_address[1]
    url = f"http://127.0.0.1:{port}/abc"
    try:
        barred = watcher_of(path, clock, ping_url=url)
        barred.look()
        assert _Monitor.asked == []
        watcher = watcher_of(path, clock, ping_url=url, outgoing_allow=(f"127.0.0.1:{port}",))
        watcher.look()
        watcher.look()
        assert _Monitor.asked == ["/abc"]
        clock.advance(timedelta(seconds=31))
        watcher.look()
        assert _Monitor.asked == ["/abc", "/abc/fail"]
        clock.advance(timedelta(seconds=60))
        node.heartbeat.beat()
        watcher.look()
        assert _Monitor.asked == ["/abc", "/abc/fail", "/abc"]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        opened.close()


def test_the_lookout_sees_what_the_books_know(where: str | Path, store: Store, clock: ManualClock) -> None:
    node = ManualScheduler(store, clock=clock)
    node.add("job", CronTrigger("* * * * *", "UTC"))
    seen = Lookout(where, clock.monotonic).look()
    assert len(seen.leases) == 1
    assert seen.admins == ("ines@tidewater.example",)
    assert seen.oldest_due is not None
    assert not seen.is_held


def test_one_watcher_has_a_silence_in_hand_and_another_takes_over_when_it_is_gone(
    where: str | Path, store: Store, clock: ManualClock
) -> None:
    now = clock.micros()
    with store.transaction() as tx:
        SilenceBook(tx).begin(SilenceCause.STUCK, "", began_at=now, now=now)
    first, second = Lookout(where, clock.monotonic), Lookout(where, clock.monotonic)
    latest = first.latest()
    assert latest is not None
    assert first.take(latest.id, now=now, until=now + 60_000_000)
    assert not second.take(latest.id, now=now + 1, until=now + 60_000_001)
    assert second.take(latest.id, now=now + 60_000_001, until=now + 120_000_000)
    second.told(latest.id, now=now + 61_000_000, back=False)
    assert not first.take(latest.id, now=now + 200_000_000, until=now + 300_000_000)
