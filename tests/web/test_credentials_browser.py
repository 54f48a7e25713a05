"""Credentials in a real browser: saved, tested, shared and taken back by the keyboard alone; and without script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from horarium.clock import SystemClock
from horarium.outgoing.addresses import Policy
from horarium.records.people import Role
from tests.support.browser import axe
from tests.support.loopback import web_server
from tests.support.pages import Site, open_site, served
from tests.support.people import made_up

pytestmark = pytest.mark.browser
FOCUSED = r"""
(e => [e.id, e.name, e.innerText, e.getAttribute("aria-label")]
    .map(text => (text || "").replace(/\s+/g, " ").trim()))(document.activeElement)
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SystemClock(), outgoing=Policy.of(["localhost"])) as opened:
        opened.live()
        opened.person("ines")
        opened.person("amara", Role.EDITOR)
        yield opened


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    with served(site) as base:
        yield base


def press(page: Page, *keys: str) -> None:
    # What is on show before its scripts have run knows no shortcuts yet.
    page.wait_for_load_state("load")
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Go on by the Tab key until the control with this name or id has the focus."""
    for _ in range(80):
        page.keyboard.press(key)
        if name in page.evaluate(FOCUSED):
            return
    raise AssertionError(f"nothing called {name!r} can be reached by {key}")


def sign_in(page: Page, site: Site, where: str) -> None:
    """Sign in by the keyboard alone."""
    page.goto(where)
    # A letter that is pressed before the page has given the focus away is lost, to people too.
    expect(page.locator("[autofocus]")).to_be_focused()
    page.keyboard.type("ines")
    tab_to(page, "password")
    page.keyboard.type(site.passwords["ines"])
    press(page, "Enter")


def test_saving_testing_and_sharing_by_keyboard_alone(page: Page, site: Site, address: str) -> None:
    secret = made_up()
    sign_in(page, site, f"{address}/login")
    expect(page.get_by_text("No tasks yet")).to_be_visible()
    press(page, "g", "c")
    expect(page.get_by_text("No credentials yet")).to_be_visible()
    tab_to(page, "New credential")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="New credential")).to_be_visible()
    # Typed before the kind is chosen: it stays.
    tab_to(page, "c-name")
    page.keyboard.type("shop")
    tab_to(page, "kind-token", "Shift+Tab")
    press(page, "Enter")
    expect(page.get_by_label("Token", exact=False).and_(page.locator("input[type=password]"))).to_be_visible()
    expect(page.locator("#c-name")).to_have_value("shop")
    expect(page.locator("#kind-token")).to_be_focused()
    tab_to(page, "c-token.token")
    press(page, "Enter")
    expect(page.get_by_text("1 field needs another look.")).to_be_visible()
    assert axe(page) == []
    with web_server() as server:
        tab_to(page, "c-token.token")
        page.keyboard.type(secret)
        tab_to(page, "c-token.url")
        page.keyboard.type(f"{server.address}/me")
        tab_to(page, "Save credential")
        press(page, "Enter")
        expect(page.get_by_text("shop is saved")).to_be_visible()
        tab_to(page, "Test")
        press(page, "Enter")
        expect(page.get_by_text("Last test: It answered 200: the secret is taken.")).to_be_visible()
        assert server.asked[0].headers["authorization"] == f"Bearer {secret}"
    tab_to(page, "c-who")
    page.keyboard.type("amara")
    tab_to(page, "replace")
    press(page, "Space")
    tab_to(page, "Share")
    press(page, "Enter")
    expect(page.get_by_text("may use and replace it")).to_be_visible()
    assert axe(page) == []
    tab_to(page, "Stop sharing with amara")
    press(page, "Enter")
    expect(page.get_by_text("Only with its owner.")).to_be_visible()
    tab_to(page, "Undo")
    press(page, "Enter")
    expect(page.get_by_text("may use and replace it")).to_be_visible()
    assert secret not in page.content()


def test_going_back_and_removing_by_keyboard_alone(page: Page, site: Site, address: str) -> None:
    sign_in(page, site, f"{address}/login?next=/credentials/new")
    expect(page.get_by_role("heading", name="New credential")).to_be_visible()
    tab_to(page, "kind-custom")
    press(page, "Enter")
    expect(page.get_by_text("More values")).to_be_visible()
    tab_to(page, "c-name")
    page.keyboard.type("certificate")
    tab_to(page, "c-custom.0")
    page.keyboard.type("key.pem")
    tab_to(page, "c-custom.0-v")
    page.keyboard.type("two")
    press(page, "Enter")
    page.keyboard.type("lines of a secret")
    tab_to(page, "Save credential")
    press(page, "Enter")
    expect(page.get_by_text("certificate is saved")).to_be_visible()
    tab_to(page, "Replace…")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Replace the values of certificate")).to_be_visible()
    tab_to(page, "c-custom.0-v")
    page.keyboard.type(made_up())
    tab_to(page, "Replace values")
    press(page, "Enter")
    expect(page.get_by_text("The values of certificate are replaced")).to_be_visible()
    tab_to(page, "Go back… to version 1")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Go back to version 1?")).to_be_visible()
    press(page, "Enter")
    expect(page.get_by_text("Version 3 has the values of version 1")).to_be_visible()
    tab_to(page, "Erase… version 2")
    press(page, "Enter")
    # The safe button has the focus first.
    tab_to(page, "Erase")
    press(page, "Enter")
    expect(page.get_by_text("The values of version 2 are erased")).to_be_visible()
    tab_to(page, "More actions for certificate")
    press(page, "Enter")
    tab_to(page, "Remove…")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Remove certificate?")).to_be_visible()
    tab_to(page, "x-confirm")
    page.keyboard.type("certificate")
    press(page, "Enter")
    expect(page.get_by_text("certificate is removed")).to_be_visible()
    tab_to(page, "Undo")
    press(page, "Enter")
    expect(page.get_by_text("certificate is back")).to_be_visible()


def test_without_script_a_kind_is_chosen_and_a_credential_saved_and_stopped(
    browser: Browser, site: Site, address: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    try:
        page.goto(f"{address}/login?next=/credentials/new")
        page.get_by_label("E-mail").fill("ines")
        page.locator("input[name=password]").fill(site.passwords["ines"])
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_role("link", name="Webhook").click()
        page.get_by_label("Name", exact=True).fill("chat")
        page.locator("[name='webhook.url']").fill(f"https://hooks.example/{made_up()}")
        page.get_by_role("button", name="Save credential").click()
        expect(page.get_by_text("chat is saved")).to_be_visible()
        page.get_by_label("More actions for chat").click()
        page.get_by_role("button", name="Stop its use now").click()
        expect(page.get_by_text("Its use is stopped.")).to_be_visible()
    finally:
        context.close()
