"""The second step in a real browser: passkeys of a device that Chromium makes up, and codes typed on the keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from horarium.clock import SystemClock
from tests.support.browser import axe
from tests.support.factors import code_at, give_app
from tests.support.pages import Site, open_site, served

pytestmark = pytest.mark.browser
CLOCK = SystemClock()
CODE = re.compile(r"[A-Z2-9]{4}(?:-[A-Z2-9]{4}){3}")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, CLOCK) as opened:
        opened.live()
        opened.person("ines")
        yield opened


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    with served(site) as base:
        yield base


def with_device(page: Page) -> Any:
    """Give the browser a device that keeps passkeys and confirms by itself; return the session that talks to it.

    It is gone as soon as any such session of the page ends, that of axe for instance.
    """
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = {**kind, "isUserVerified": True, "automaticPresenceSimulation": True}
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def type_password(page: Page, site: Site, address: str) -> None:
    page.goto(f"{address}/login")
    page.get_by_label("E-mail").fill("ines")
    page.locator("input[name=password]").fill(site.passwords["ines"])
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out")).to_be_visible()


def secret_on(page: Page) -> str:
    return page.locator("#ap-key").inner_text()


def test_a_passkey_is_made_and_signs_in_alone_and_as_a_second_step(page: Page, site: Site, address: str) -> None:
    with_device(page)
    type_password(page, site, address)
    expect(page.get_by_text("No tasks yet")).to_be_visible()
    page.goto(f"{address}/settings/sign-in")
    page.get_by_label("Name of a new passkey").fill("MacBook")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("Keep these recovery codes now")).to_be_visible()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("Passkey, MacBook")).to_be_visible()
    page.get_by_label("Name of a new passkey").fill("the same once more")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("This device has a passkey of this account already.")).to_be_visible()

    sign_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("No tasks yet")).to_be_visible()
    sign_out(page)
    type_password(page, site, address)
    expect(page.get_by_text("Confirm with the passkey of this account.")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("No tasks yet")).to_be_visible()

    page.goto(f"{address}/settings/sign-in")
    page.get_by_role("button", name="Remove the passkey MacBook").click()
    expect(page.get_by_text("The passkey is removed")).to_be_visible()
    sign_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("That passkey is not known here")).to_be_visible()


def test_a_device_that_says_no_is_told_of_and_another_way_stays_open(page: Page, site: Site, address: str) -> None:
    session = with_device(page)
    page.goto(f"{address}/login")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("The browser gave no passkey.")).to_be_visible()
    assert axe(page) == []
    session.detach()
    type_password(page, site, address)
    expect(page.get_by_text("No tasks yet")).to_be_visible()


def test_an_app_is_set_up_and_signs_in_by_the_keyboard_alone(page: Page, site: Site, address: str) -> None:
    type_password(page, site, address)
    expect(page.get_by_text("No tasks yet")).to_be_visible()
    page.goto(f"{address}/settings/sign-in")
    page.get_by_role("button", name="Set up an app").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    assert axe(page) == []
    secret = secret_on(page)
    page.get_by_label("Code that the app shows now").focus()
    page.keyboard.type(code_at(secret, CLOCK, -1))
    page.keyboard.press("Enter")
    expect(page.locator("#rc-codes")).to_be_visible()
    kept = page.locator("#rc-codes").inner_text()
    assert len(CODE.findall(kept)) == 10
    page.get_by_role("button", name="Download").focus()
    with page.expect_download() as loading:
        page.keyboard.press("Enter")
    assert CODE.findall(loading.value.path().read_text(encoding="utf-8")) == CODE.findall(kept)
    sign_out(page)

    page.goto(f"{address}/login")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("ines")
    page.keyboard.press("Tab")
    page.keyboard.type(site.passwords["ines"])
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    page.keyboard.type("000 000")
    page.keyboard.press("Enter")
    expect(page.get_by_text("That code is not right")).to_be_visible()
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    page.keyboard.type(code_at(secret, CLOCK))
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox", name="Do not ask again")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No tasks yet")).to_be_visible()
    sign_out(page)
    type_password(page, site, address)
    expect(page.get_by_text("No tasks yet")).to_be_visible()


def test_without_script_a_code_signs_in_and_nothing_asks_for_a_passkey(
    browser: Browser, site: Site, address: str
) -> None:
    user = site.users.find("ines")
    assert user
    _, codes = give_app(site.app.state.house.factors, user, CLOCK)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    try:
        page.goto(f"{address}/login")
        expect(page.get_by_role("button", name="Use a passkey")).to_be_hidden()
        type_password(page, site, address)
        page.get_by_role("link", name="Use a recovery code").click()
        page.get_by_label("Recovery code").fill(codes[0])
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text("No tasks yet")).to_be_visible()
        page.goto(f"{address}/settings/sign-in")
        expect(page.get_by_text("9 of 10 left")).to_be_visible()
        expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
    finally:
        context.close()
