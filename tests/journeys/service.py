"""A whole service with its pages in this process, on a clock that the test moves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from playwright.sync_api import Page

from horarium.accounts.people import People
from horarium.clock import to_micros
from horarium.config import load_config
from horarium.dashboard.serving import services_of
from horarium.server.service import Service, assemble
from horarium.store.books.agenda import AgendaBook
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.store.books.nodes import NodeBook
from horarium.testing import ManualClock
from horarium.web.app import create_app
from horarium.web.serving import Server, listen
from tests.journeys.house import await_that
from tests.support.people import add_admin, made_up

# A lease is distrusted after 25 seconds, so that much may never pass at once.
STRIDE = timedelta(seconds=20)


@dataclass
class Moved:
    """A service whose time is in the hands of the test."""

    service: Service
    clock: ManualClock
    address: str
    person: str
    password: str

    def sign_in(self, page: Page) -> None:
        """Sign in as an administrator."""
        page.goto(f"{self.address}/login")
        page.fill("input[name=email]", self.person)
        page.fill("input[name=password]", self.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.address}/")

    def move_to(self, instant: datetime, *, busy: int = 0) -> None:
        """Let time pass until `instant`; all that falls due runs, and ends, but for `busy` runs."""
        while self.clock.now() < instant:
            self.clock.advance(min(STRIDE, instant - self.clock.now()))
            self._await_sign_of_life()
            await_that(self._open, lambda seen: seen[0] and seen[1] <= busy)

    def _await_sign_of_life(self) -> None:
        """Wait until the scheduler has renewed its lease since the clock was moved."""

        def is_alive() -> bool:
            with self.service.store.reading() as tx:
                return all(each[1] > self.clock.monotonic() + 24 for each in NodeBook(tx).living())

        pause = threading.Event()
        while not is_alive():
            # One that was about to wait when the clock moved waits for a later instant: time has to go on for it.
            pause.wait(0.05)
            self.clock.advance(timedelta(seconds=0.5))

    def _open(self) -> tuple[bool, int]:
        """Tell whether nothing is due that has no outcome yet, and how many runs are open."""
        with self.service.store.reading() as tx:
            first = AgendaBook(tx).first(known={})
            going = HistoryBook(tx).page(RunFilter(view="open"), limit=500)
        return first is None or first > to_micros(self.clock.now()), len(going)


@contextmanager
def moved_service(clock: ManualClock) -> Iterator[Moved]:
    """Give a service with its pages, by the settings of the present folder and environment."""
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    config = replace(load_config(), port=port, upkeep=False)
    service = assemble(config, clock)
    password = made_up()
    add_admin(People(service.store, clock), "ines", password, email="ines@tidewater.example", time_zone=config.timezone)
    started = threading.Event()
    server = Server(create_app(services_of(service)), on_started=started.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    service.start()
    try:
        assert started.wait(30)
        yield Moved(service, clock, f"http://localhost:{port}", "ines", password)
    finally:
        server.stop()
        service.begin_stop()
        clock.advance(STRIDE)
        service.finish_stop()
        thread.join(30)
        assert not thread.is_alive()
