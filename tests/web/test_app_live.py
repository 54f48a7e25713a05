"""Live streams over a real server: what is told, to whom, how it goes on after a break, and when it ends."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from httpx2 import Client

from horarium.clock import SystemClock
from horarium.records.actors import Actor
from horarium.records.people import Role
from horarium.records.reach import Place
from horarium.records.runs import Event
from horarium.scheduling.departures import Will
from horarium.states import EventKind, RunState
from horarium.store.books.events import EventBook
from horarium.web.live import hub, streams
from horarium.web.live.listener import MOST_QUEUED_OCTETS, Listener
from horarium.web.live.messages import MOST_AT_ONCE, messages
from tests.support.pages import TOKEN, Site, open_site, served
from tests.support.people import START, SetClock


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SetClock(SystemClock().now())) as opened:
        opened.live()
        opened.person("ines")
        opened.person("otto", Role.VIEWER)
        yield opened


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    with served(site) as found:
        yield found


@contextmanager
def browser(site: Site, address: str, name: str) -> Iterator[Client]:
    with Client(base_url=address, timeout=30) as client:
        token = TOKEN.findall(client.get("/login").text)[0]
        form = {"csrf_token": token, "email": name, "password": site.passwords[name]}
        assert client.post("/login", data=form).status_code == 303
        yield client


class Told:
    """A stream as it is read, event by event: (name, data, id)."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def next(self) -> tuple[str, str, str]:
        name, data, number = "", [], ""
        for line in self._lines:
            key, _, value = line.partition(": ")
            if key == "event":
                name = value
            elif key == "data":
                data.append(value)
            elif key == "id":
                number = value
            elif not line and name:
                return name, "\n".join(data), number
        return "end", "", ""

    def until(self, wanted: str) -> tuple[str, str, str]:
        """Return the next event of a kind, or the end."""
        while True:
            found = self.next()
            if found[0] in {wanted, "end"}:
                return found


@contextmanager
def stream(client: Client, path: str, **headers: str) -> Iterator[Told]:
    with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert "content-security-policy" in answer.headers
        told = Told(answer.iter_lines())
        assert told.next()[0] == "tick"
        yield told


def test_what_happens_is_told_by_number(site: Site, address: str) -> None:
    with browser(site, address, "ines") as client, stream(client, "/events") as told:
        task_id = site.task("a-name-that-stays-inside")
        name, data, number = told.until("task")
        assert (name, data) == ("task", f'{{"id": {task_id}}}')
        assert int(number) > 0


def test_r105_a_returning_page_hears_what_it_missed(site: Site, address: str) -> None:
    first = site.task("first")
    with site.store.reading() as tx:
        seen = EventBook(tx).latest_id()
    second = site.task("second")
    with browser(site, address, "ines") as client:
        with stream(client, "/events", **{"last-event-id": str(seen)}) as told:
            assert told.until("task")[1] == f'{{"id": {second}}}'
        with stream(client, f"/events?after={seen - 1}") as told:
            assert told.until("task")[1] == f'{{"id": {first}}}'


def test_r104_somebody_hears_of_their_own_tasks_and_nothing_of_others(site: Site, address: str) -> None:
    nora, other = site.person("nora", Role.USER), site.person("other", Role.USER)
    with browser(site, address, "nora") as client, stream(client, "/events") as told:
        site.run(site.task("of-the-installation"))
        site.run(site.task("of-somebody-else", place=Place(owner_id=other.id)))
        with site.store.reading() as tx:
            before = EventBook(tx).latest_id()
        own = site.task("her-own", place=Place(owner_id=nora.id))
        _, data, number = told.until("task")
        assert data == f'{{"id": {own}}}'
        assert int(number) > before


def test_a_page_begins_its_stream_before_what_is_not_committed_yet(postgres_url: str) -> None:
    with open_site(postgres_url, SetClock()) as site:
        site.person("ines")
        client = site.signed_in("ines")
        with site.store.transaction() as slow:
            EventBook(slow).append(EventKind.TASK_CHANGED, at=site.clock.micros(), task_id=1)
            site.task()
            begin = re.search(r"/events\?after=(\d+)", client.get("/tasks").text)
        assert begin
        with site.store.reading() as tx:
            assert "task.changed" in [event.kind for event in EventBook(tx).after(int(begin[1]))]


def test_lines_of_a_run_arrive_in_order_and_its_end_after_the_last(site: Site, address: str) -> None:
    run_id = site.run(site.task())
    site.start(run_id, ("one", "two"))
    with browser(site, address, "ines") as client:
        with stream(client, f"/runs/{run_id}/log/stream?attempt=1&after=1") as told:
            _, html, number = told.until("line")
            assert ('id="L2"' in html, 'id="L1"' in html, number) == (True, False, "2")
            site.say(run_id, "<script>alert(1)</script>")
            _, html, number = told.until("line")
            assert "&lt;script&gt;" in html
            assert "<script>" not in html
            assert number == "3"
            with site.store.transaction() as tx:
                EventBook(tx).append(EventKind.RUN_FINISHED, at=site.clock.micros(), run_id=run_id)
            assert told.until("state")[0] == "state"
        with stream(client, f"/runs/{run_id}/log/stream?attempt=1", **{"last-event-id": "2"}) as told:
            assert 'id="L3"' in told.until("line")[1]


def test_a_page_of_a_run_that_ended_in_between_is_told_at_once(site: Site, address: str) -> None:
    run_id = site.run(site.task())
    site.start(run_id)
    site.finish(run_id, RunState.SUCCEEDED)
    with browser(site, address, "ines") as client, stream(client, f"/runs/{run_id}/log/stream?attempt=1") as told:
        assert told.until("state")[0] == "state"


@pytest.mark.parametrize("path", ["/events", "/runs/1/log/stream"])
def test_r103_nobody_listens_without_signing_in(site: Site, address: str, path: str) -> None:
    site.run(site.task())
    with Client(base_url=address) as client:
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "sign_in_first")


def test_r106_nothing_in_the_address_signs_anybody_in(site: Site, address: str) -> None:
    with browser(site, address, "ines") as client:
        session = client.cookies["horarium"]
    with Client(base_url=address) as client:
        for name in ("token", "session", "horarium", "api_key"):
            assert client.get(f"/events?{name}={session}").status_code == 401


def test_r27_signing_out_ends_the_streams_of_the_session(site: Site, address: str) -> None:
    with browser(site, address, "ines") as client, stream(client, "/events") as told:
        token = TOKEN.findall(client.get("/tasks").text)[0]
        assert client.post("/logout", data={"csrf_token": token}).status_code == 303
        assert told.until("end")[0] == "end"


def test_r103_a_closed_account_and_an_idle_session_end_their_streams(site: Site, address: str) -> None:
    otto = site.users.find("otto")
    assert otto
    with browser(site, address, "otto") as theirs, browser(site, address, "ines") as mine:
        with stream(theirs, "/events") as told:
            site.users.disable(otto.id, actor=Actor.of_code("ines"))
            assert told.until("end")[0] == "end"
        with stream(mine, "/events") as told:
            assert isinstance(site.clock, SetClock)
            site.clock.move(timedelta(hours=1))
            assert told.until("end")[0] == "end"


@pytest.mark.parametrize("change", ["role", "close", "delete"])
def test_r29_whoever_loses_a_right_hears_nothing_more_within_seconds(site: Site, address: str, change: str) -> None:
    otto, departures = site.users.find("otto"), site.app.state.house.departures
    assert otto
    acts: dict[str, Callable[[], object]] = {
        "role": lambda: site.users.change_role(otto.id, Role.USER, actor=Actor.of_code("ines")),
        "close": lambda: departures.close(otto.id, Will(), actor=Actor.of_code("ines")),
        "delete": lambda: departures.delete(otto.id, Will(), actor=Actor.of_code("ines")),
    }
    clock = SystemClock()
    with browser(site, address, "otto") as client, stream(client, "/events") as told:
        began = clock.monotonic()
        acts[change]()
        assert told.until("end")[0] == "end"
        assert clock.monotonic() - began < 5
        assert client.get("/tasks", follow_redirects=False).status_code == 302


def test_events_carry_no_names_and_every_kind_is_thought_of() -> None:
    events = [Event(number, START, kind, 7, 12, "CANARY", {"name": "CANARY"}) for number, kind in enumerate(EventKind)]
    told = b"".join(messages(events))
    assert b"CANARY" not in told
    assert [kind for kind in EventKind if not messages([Event(1, START, kind, 7, 12, "", {})])] == []


def test_a_flood_of_events_becomes_one_resync() -> None:
    events = [Event(n, START, EventKind.RUN_FINISHED, 7, n, "", {}) for n in range(1, MOST_AT_ONCE + 2)]
    assert messages(events) == [f"id: {MOST_AT_ONCE + 1}\nevent: resync\ndata: {{}}\n\n".encode()]
    assert len(messages(events[:-1])) == MOST_AT_ONCE


def test_r105_six_streams_a_session_and_no_more(site: Site, address: str) -> None:
    with browser(site, address, "ines") as client, ExitStack() as stack:
        for _ in range(hub.PER_SESSION):
            stack.enter_context(stream(client, "/events"))
        answer = client.get("/events")
        assert (answer.status_code, answer.headers["x-error"]) == (429, "too_many_streams")
        assert int(answer.headers["retry-after"]) > 0


def test_r105_streams_per_person_and_in_all_are_limited(
    site: Site, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "PER_USER", 2)
    monkeypatch.setattr(hub, "PER_PROCESS", 3)
    with ExitStack() as stack:
        one, two, other = (stack.enter_context(browser(site, address, name)) for name in ("ines", "ines", "otto"))
        stack.enter_context(stream(one, "/events"))
        stack.enter_context(stream(two, "/events"))
        assert two.get("/events").status_code == 429
        stack.enter_context(stream(other, "/events"))
        assert other.get("/events").status_code == 429


def test_a_stream_that_is_left_makes_room_again(site: Site, address: str) -> None:
    with browser(site, address, "ines") as client:
        for _ in range(hub.PER_SESSION * 2):
            with stream(client, "/events"):
                pass
            wait_until_empty(site)


def wait_until_empty(site: Site) -> None:
    alarm = threading.Event()
    for _ in range(500):
        if site.app.state.hub.open_streams == 0:
            return
        alarm.wait(0.01)
    pytest.fail("a stream stayed open")


def test_r105_a_slow_reader_is_dropped(site: Site) -> None:
    listener = Listener(session="key", user_id=1, after=0)
    for _ in range(MOST_QUEUED_OCTETS // 1024):
        listener.push(b"x" * 1024)
    assert not listener.ended
    listener.push(b"x")
    assert listener.ended


def test_r105_a_sign_of_life_comes_where_nothing_happens(
    site: Site, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert streams.HEARTBEAT_SECONDS == 15
    monkeypatch.setattr(streams.EventStream.__init__, "__kwdefaults__", {"heartbeat_seconds": 0.05})
    with browser(site, address, "ines") as client, stream(client, "/events") as told:
        assert [told.next()[0] for _ in range(3)] == ["tick"] * 3


def test_streams_end_at_once_when_the_server_stops(site: Site) -> None:
    with ExitStack() as stack:
        with served(site) as address:
            client = stack.enter_context(browser(site, address, "ines"))
            told = [stack.enter_context(stream(client, "/events")) for _ in range(5)]
        assert [each.until("end")[0] for each in told] == ["end"] * 5


def test_an_odd_last_event_id_is_refused_without_an_error_of_ours(site: Site, address: str) -> None:
    with browser(site, address, "ines") as client:
        for text in ("x", "-1", "9" * 40, "1.5"):
            assert client.get("/events", headers={"last-event-id": text}).status_code == 422


def test_a_page_that_shows_an_older_state_is_told_at_once(site: Site, address: str) -> None:
    run_id = site.run(site.task())
    site.start(run_id)
    path = f"/runs/{run_id}/log/stream?attempt=1&state=queued"
    with browser(site, address, "ines") as client, stream(client, path) as told:
        assert told.until("state")[0] == "state"
