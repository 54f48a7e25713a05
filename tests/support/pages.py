"""The pages over a store of their own, and a client that knows how to sign in and how to send a form."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from horarium.accounts.passwords import Hasher
from horarium.accounts.people import People
from horarium.clock import Clock
from horarium.records.actors import Actor
from horarium.records.people import Role, User
from horarium.records.reach import NOWHERE, Place
from horarium.records.runs import Line
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.scheduling.tasks import TaskDesk
from horarium.states import RunState, Stream
from horarium.store.books.nodes import NodeBook
from horarium.store.books.output import OutputBook, chunk_row
from horarium.store.books.runs import HoldingBook, RunBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.triggers import CronTrigger, to_text
from horarium.web import cookies
from horarium.web.app import create_app
from horarium.web.services import Services, WebSettings
from horarium.web.serving import Server, listen
from tests.support.browsing import browser_of
from tests.support.people import TESTER, SetClock, add_person, cheap_hasher, made_up
from tests.support.stores import prepared

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
HOST = "localhost"
_open_pages: dict[tuple[str, ...], str] = {}


@dataclass(slots=True)
class Site:
    """The pages of one store with the people that a test needs."""

    store: Store
    clock: SetClock | Clock
    app: Starlette
    services: Services
    users: People
    passwords: dict[str, str] = field(default_factory=dict)
    node: int = 0

    @property
    def desk(self) -> TaskDesk:
        """Return the desk of the scheduler."""
        return self.services.desk

    def person(self, name: str, role: Role = Role.ADMIN) -> User:
        """Make an account with a made-up password."""
        password = self.passwords[name] = made_up()
        return add_person(self.users, name, role, password, email=f"{name}@tidewater.example")

    def client(self, **settings: Any) -> TestClient:
        """Return a browser that nobody is signed in with."""
        app = self.app if not settings else create_app(self.with_settings(**settings))
        return browser_of(app, HOST)

    def with_settings(self, **settings: Any) -> Services:
        """Return the services with other settings."""
        return replace(self.services, settings=replace(self.services.settings, **settings))

    def signed_in(self, name: str, **settings: Any) -> TestClient:
        """Return a browser in which somebody is signed in."""
        client = self.client(**settings)
        answer = sign_in(client, name, self.passwords[name])
        assert answer.status_code == 303, answer.text
        return client

    def task(self, name: str = "backup", cron: str | None = "*/5 * * * *", place: Place = NOWHERE, **given: Any) -> int:
        """Add a task at its place; return its number."""
        schedule = None if cron is None else to_text(CronTrigger(cron, "UTC"))
        definition = TaskDefinition(name, PythonSpec("shop.jobs:backup"), schedule, **given)
        task_id = self.desk.define(definition, actor=TESTER).task.id
        if place != NOWHERE:
            self.desk.give(task_id, place, by=TESTER)
        return task_id

    def run(self, task_id: int) -> int:
        """Ask for a run, which then waits; return its number."""
        return self.desk.trigger(task_id, by=Actor.of_code("Ines"))

    def start(self, run_id: int, lines: tuple[str, ...] = ()) -> None:
        """Let a run start and print."""
        now = self.clock.micros()
        with self.store.transaction() as tx:
            RunBook(tx).claim([("claimed", 1, self.node, run_id)])
            RunBook(tx).start([("running", now, run_id, 1, self.node)])
            RunBook(tx).write_attempts([(run_id, 1, "running", self.node, 4711, now, *[None] * 6, 0, 0)])
        self.say(run_id, *lines)

    def say(self, run_id: int, *texts: str) -> None:
        """Let a run print lines."""
        with self.store.transaction() as tx:
            book = OutputBook(tx)
            first = book.last_number(run_id, 1) + 1
            lines = [Line(first + place, self.clock.now(), Stream.STDOUT, text) for place, text in enumerate(texts)]
            if lines:
                book.append([chunk_row(run_id, 1, lines)])

    def finish(self, run_id: int, state: RunState = RunState.SUCCEEDED, **columns: Any) -> None:
        """Let a run end."""
        now = self.clock.micros()
        with self.store.transaction() as tx:
            HoldingBook(tx).move(run_id, 1, ["running"], state=state.value, finished_at=now, **columns)
            HoldingBook(tx).close_attempt(run_id, 1, state=state.value, finished_at=now)

    def live(self) -> None:
        """Let a scheduler be there that renews its lease."""
        with self.store.transaction() as tx:
            lease = self.store.lease_now(tx) + 3600
            self.node = NodeBook(tx).register(
                name="test", host="here", pid=1, workers=4, version="0", now=self.clock.micros(), lease=lease
            )


def sign_in(client: TestClient, name: str, password: str, **fields: str) -> Any:
    """Send the form to sign in."""
    return post(client, "/login", page="/login", email=name, password=password, **fields)


def post(client: TestClient, path: str, *, page: str = "/tasks", **fields: Any) -> Any:
    """Send a form with the token of a page."""
    return client.post(path, data={"csrf_token": token_of(client, page), **fields})


def token_of(client: TestClient, page: str) -> str:
    """Return the token that the forms of a page carry; a browser that asked before has the page still open."""
    known = _open_pages.get(_page_of(client, page))
    if known:
        return known
    found = TOKEN.search(client.get(page).text)
    assert found, f"{page} has no form"
    asked = _page_of(client, page)
    if any(asked[1:]):
        _open_pages[asked] = found[1]
    return found[1]


def _page_of(client: TestClient, page: str) -> tuple[str, ...]:
    """Name an open page: which one it is, and whose session or visit it was made for."""
    marks = (client.cookies.get(name) or "" for name in (cookies.SESSION, cookies.VISIT))
    return page, *marks


@contextmanager
def open_site(
    where: Path | str, clock: SetClock | Clock, *, hasher: Hasher | None = None, **settings: Any
) -> Iterator[Site]:
    """Open the pages over a new store in the folder, or at the address, `where`."""
    store = open_store(prepared(where / "store.db") if isinstance(where, Path) else where, clock=clock)
    hasher = hasher or cheap_hasher()
    services = Services(
        store=store,
        clock=clock,
        desk=TaskDesk(store, clock),
        settings=WebSettings(secret_key=made_up().encode() * 2, **settings),
        hasher=hasher,
    )
    yield Site(store, clock, create_app(services), services, People(store, clock, hasher=hasher))
    store.close()


@contextmanager
def served(site: Site) -> Iterator[str]:
    """Serve the pages on a loopback port; give their address."""
    started = threading.Event()
    listening = listen("127.0.0.1", 0)
    server = Server(site.app, on_started=started.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        assert started.wait(30)
        yield f"http://localhost:{listening.getsockname()[1]}"
    finally:
        server.stop()
        thread.join(30)
        assert not thread.is_alive()
