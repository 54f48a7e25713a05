"""Letters between a real server, a real mail server and a real browser: by keyboard, never lost, never leaked."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.house import House, house_in
from tests.journeys.visitor import Visitor
from tests.support.browser import axe
from tests.support.mail import Certificate, certificate, mail_server
from tests.support.people import made_up
from tests.support.places import free_loopback_port

NOOR = "noor@tidewater.example"


class Letters:
    """A house with a mail server beside it that the settings name."""

    def __init__(self, house: House, port: int, known: Certificate) -> None:
        self.house = house
        self.port = port
        self.known = known
        self.password = made_up()
        address = ("--email", "ines@tidewater.example")
        house.do("user", "create-admin", "ines", *address, "--password-stdin", stdin=self.password)


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[Letters]:
    known, port = certificate(tmp_path), free_loopback_port()
    settings = {"SMTP_HOST": "localhost", "SMTP_PORT": str(port), "HORARIUM_SMTP_CA": str(known.file)}
    folder = tmp_path / "house"
    folder.mkdir()
    with house_in(folder, SMTP_FROM="Horarium <horarium@tidewater.example>", **settings) as house:
        yield Letters(house, port, known)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, name: str) -> None:
    """Go on by the Tab key until the control with this name or id has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(e => [e.id, e.name, e.innerText, e.getAttribute('aria-label')].map(x => (x || '').trim()))"
            "(document.activeElement)"
        )
        if name in focused:
            return
    raise AssertionError(f"nothing called {name!r} can be reached by Tab")


@pytest.mark.browser
@pytest.mark.usefixtures("_needs_browser")
def test_inviting_and_joining_by_keyboard_alone(page: Page, letters: Letters) -> None:
    with mail_server(letters.port, tls_context=letters.known.server) as box:
        house = letters.house
        house.start()
        page.goto(f"{house.address}/login")
        page.keyboard.type("ines")
        tab_to(page, "password")
        page.keyboard.type(letters.password)
        press(page, "Enter")
        page.wait_for_url(f"{house.address}/")
        page.goto(f"{house.address}/users/invitations")
        tab_to(page, "i-email")
        page.keyboard.type(NOOR)
        tab_to(page, "role")
        press(page, "ArrowDown", "ArrowDown")
        tab_to(page, "Send invitation")
        press(page, "Enter")
        expect(page.get_by_text(f"To {NOOR}, good for 7 days.")).to_be_visible()
        assert axe(page) == []
        (letter,) = box.wait_for(1)
        assert letter.recipients == [NOOR]
        assert letter.subject.startswith("ines invites you to Horarium")
        assert box.was_encrypted == [True]
        page.context.clear_cookies()
        page.goto(letter.link)
        expect(page.get_by_text("invited you as Editor")).to_be_visible()
        assert axe(page) == []
        tab_to(page, "name")
        page.keyboard.type("Noor van Dijk")
        tab_to(page, "password")
        page.keyboard.type(made_up())
        press(page, "Enter")
        expect(page.get_by_text("Welcome, Noor van Dijk")).to_be_visible()
        expect(page.get_by_text("Editor ·")).to_be_visible()


def test_rp20_r19_a_letter_is_not_lost_with_its_server_and_its_link_is_nowhere(letters: Letters) -> None:
    house, reached, go_on = letters.house, threading.Event(), threading.Event()

    def hold(_: str) -> str | None:
        reached.set()
        go_on.wait(30)
        return None

    visitor = Visitor(house.address)
    with mail_server(letters.port, tls_context=letters.known.server) as slow:
        slow.refuse = hold
        first = house.start()
        visitor._take_token("/forgot")
        status, _, where = visitor.post("/forgot", login="ines")
        assert (status, where) == (303, "/forgot?told=sent")
        assert reached.wait(30)
        first.kill()
        go_on.set()
    second = house.start()
    with mail_server(letters.port, tls_context=letters.known.server) as box:
        house.do("mail", "resend", "1")
        (letter,) = box.wait_for(1)
        path = letter.link.removeprefix(house.address)
        new = made_up()
        visitor._take_token(path)
        assert visitor.post(path, password=new)[0] == 303
        visitor.sign_in("ines", new)
        changed = box.wait_for(2)[1]
        assert changed.subject == "Your password was changed"
    assert second.stop() == 0
    secret = path.rpartition(".")[2]
    assert secret not in first.log + second.log
    for file in (house.folder / "data").rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file


def test_rp10_a_mail_server_that_says_nothing_delays_no_stop(letters: Letters) -> None:
    house, reached, go_on = letters.house, threading.Event(), threading.Event()

    def hold(_: str) -> str | None:
        reached.set()
        go_on.wait(30)
        return None

    with mail_server(letters.port, tls_context=letters.known.server) as slow:
        slow.refuse = hold
        running = house.start()
        house.do("user", "reset-password", "ines")
        assert reached.wait(30)
        assert running.stop(signal.SIGTERM, within=8) == 0
        go_on.set()
    assert [each["state"] for each in house.do("mail", "list", "--json").json] == ["waiting"]
