"""Notifications in a real browser: a channel made, tested and seen in the log, rules put in order, by the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from horarium.clock import SystemClock
from horarium.outgoing.addresses import Policy
from tests.support.browser import axe
from tests.support.loopback import web_server
from tests.support.pages import Site, open_site, served
from tests.support.people import made_up
from tests.web.test_credentials_browser import press, sign_in, tab_to

pytestmark = pytest.mark.browser


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SystemClock(), outgoing=Policy.of(["localhost"])) as opened:
        opened.live()
        opened.person("ines")
        yield opened


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    with served(site) as base:
        yield base


def test_r71_a_channel_is_made_tested_and_seen_in_the_log_by_keyboard_alone(
    page: Page, site: Site, address: str
) -> None:
    secret = made_up()
    sign_in(page, site, f"{address}/login")
    expect(page.get_by_text("No tasks yet")).to_be_visible()
    press(page, "g", "n")
    expect(page.get_by_text("No channels yet")).to_be_visible()
    tab_to(page, "New channel")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="New channel")).to_be_visible()
    # Typed before the kind is chosen: it stays.
    tab_to(page, "c-name")
    page.keyboard.type("Ops phones")
    tab_to(page, "kind-ntfy", "Shift+Tab")
    press(page, "Enter")
    expect(page.locator("[id='c-ntfy.topic']")).to_be_visible()
    expect(page.locator("#c-name")).to_have_value("Ops phones")
    tab_to(page, "Save channel")
    press(page, "Enter")
    expect(page.get_by_text("1 field needs another look.")).to_be_visible()
    assert axe(page) == []
    with web_server() as server:
        server.answer = lambda _: (200, {"content-type": "application/json"}, '{"id": "a1", "event": "message"}')
        tab_to(page, "c-ntfy.server")
        page.keyboard.type(server.address)
        tab_to(page, "c-ntfy.topic")
        page.keyboard.type("ops")
        tab_to(page, "c-ntfy.token")
        page.keyboard.type(secret)
        tab_to(page, "Save channel")
        press(page, "Enter")
        expect(page.get_by_text("Ops phones is saved")).to_be_visible()
        # The test is what comes next.
        expect(page.get_by_role("button", name="Send a test")).to_be_focused()
        press(page, "Enter")
        expect(page.get_by_text("The test went to Ops phones")).to_be_visible()
        assert len(server.asked) == 1
    assert axe(page) == []
    press(page, "g", "n")
    expect(page.get_by_role("heading", name="Notifications")).to_be_visible()
    tab_to(page, "Sent messages")
    press(page, "Enter")
    expect(page.get_by_role("region", name="Sent messages")).to_contain_text("Taken")
    tab_to(page, "Test of Ops phones")
    press(page, "Enter")
    expect(page.get_by_role("region", name="Tries")).to_contain_text("Taken")
    assert axe(page) == []
    assert secret not in page.content()


def test_rules_are_put_in_order_switched_and_brought_back_by_keyboard_alone(
    page: Page, site: Site, address: str
) -> None:
    sign_in(page, site, f"{address}/login?next=/notifications/rules/new")
    expect(page.get_by_role("heading", name="New rule")).to_be_visible()
    tab_to(page, "c-people")
    page.keyboard.type("ines")
    tab_to(page, "Save rule")
    press(page, "Enter")
    expect(page.get_by_text("The rule is saved")).to_be_visible()
    first = page.locator("tbody tr").first
    expect(first).to_contain_text("you by e-mail")
    tab_to(page, "rule-6-down")
    press(page, "Enter")
    expect(first).not_to_contain_text("you by e-mail")
    # Pressed again where it stands: nothing has to be looked for.
    expect(page.locator("#rule-6-down")).to_be_focused()
    tab_to(page, "rule-6-sw", "Shift+Tab")
    press(page, "Enter")
    expect(page.locator("#rule-6-sw")).to_have_attribute("aria-checked", "false")
    expect(page.locator("#rule-6-sw")).to_be_focused()
    tab_to(page, "More actions for rule 2")
    press(page, "Enter")
    tab_to(page, "Remove")
    press(page, "Enter")
    expect(page.get_by_text("The rule is removed")).to_be_visible()
    tab_to(page, "Undo")
    press(page, "Enter")
    expect(page.get_by_text("The rule is back")).to_be_visible()
    expect(page.locator("tbody tr").nth(1)).to_contain_text("you by e-mail")
    assert axe(page) == []
