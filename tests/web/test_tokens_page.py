"""The page about a person's API tokens: one is shown once, another is made, one is taken away."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from starlette.testclient import TestClient

from horarium.accounts.tokens import Tokens
from horarium.store.books.tokens import TokenBook
from tests.support.api import ROOT, make_token, program
from tests.support.pages import Site, open_site, post, served, token_of
from tests.support.people import SetClock

PAGE = "/settings/tokens"
MADE = re.compile(r'<code id="made">([^<]+)</code>')


@pytest.fixture
def site(tmp_path: Path, clock: SetClock) -> Iterator[Site]:
    with open_site(tmp_path, clock) as opened:
        opened.live()
        opened.person("ines")
        opened.person("marek")
        yield opened


def words(text: str) -> str:
    """Return a page without its marks."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def made_in(text: str) -> str:
    found = MADE.search(text)
    assert found, "no token is shown"
    return found[1]


def test_r58_a_token_is_shown_once_and_opens_the_api(site: Site, ines: TestClient) -> None:
    assert "No tokens yet" in ines.get(PAGE).text
    answer = post(ines, PAGE, page=PAGE, name="deploy pipeline", scope=["read", "trigger"], days="30")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    token = made_in(answer.text)
    found = program(site, token).get(f"{ROOT}/me").json()
    assert (found["user"]["name"], found["token"]["scopes"]) == ("ines", ["read", "trigger"])
    assert found["token"]["expires_at"] == "2026-06-13T12:00:00Z"
    again = ines.get(PAGE).text
    assert token not in again
    assert token.rpartition("_")[2] not in again
    assert f"…{token[-4:]}" in again
    assert "read run tasks" in words(again)


def test_r22_a_token_needs_a_fresh_proof_and_what_was_typed_is_kept(
    site: Site, ines: TestClient, clock: SetClock
) -> None:
    clock.move(timedelta(minutes=11))
    asked = post(ines, PAGE, page=PAGE, name="deploy", scope=["read"], days="30")
    assert (asked.status_code, asked.headers["x-error"]) == (403, "prove_again")
    assert "No tokens yet" in ines.get(PAGE).text
    held = asked.text.partition('name="held" value="')[2].partition('"')[0]
    form = {"csrf_token": token_of(ines, PAGE), "held": held, "proof": site.passwords["ines"]}
    answer = ines.post(PAGE, data=form)
    assert answer.status_code == 200
    assert program(site, made_in(answer.text)).get(f"{ROOT}/me").json()["token"]["name"] == "deploy"
    # The page that the token is shown on belongs to the session as it is now.
    assert post(ines, "/settings/tokens/revoke", page=PAGE, token="1").status_code == 303


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "", "scope": ["read"], "days": "30"}, "name"),
        ({"name": "taken", "scope": ["read"], "days": "30"}, "name"),
        ({"name": "x" * 101, "scope": ["read"], "days": "30"}, "name"),
        ({"name": "new", "days": "30"}, "scopes"),
        ({"name": "new", "scope": ["root"], "days": "30"}, "scopes"),
        ({"name": "new", "scope": ["read"], "days": ""}, "days"),
        ({"name": "new", "scope": ["read"], "days": "never"}, "days"),
        ({"name": "new", "scope": ["read"], "days": "1000"}, "days"),
    ],
)
def test_what_is_wrong_stands_beside_the_field_and_nothing_is_lost(
    site: Site, ines: TestClient, fields: dict[str, str | list[str]], field: str
) -> None:
    post(ines, PAGE, page=PAGE, name="taken", scope=["read"], days="30")
    answer = post(ines, PAGE, page=PAGE, **fields)
    assert answer.status_code == 422
    assert f'id="t-{field}-err"' in answer.text
    assert f'href="#t-{field}"' in answer.text
    assert not MADE.search(answer.text)
    if fields["name"] == "new":
        assert 'value="new"' in answer.text
    assert len(kept(site)) == 1


def kept(site: Site) -> list[str]:
    user = site.users.find("ines")
    assert user
    with site.store.reading() as tx:
        return [token.name for token in TokenBook(tx).of_user(user.id)]


def test_sending_the_form_again_makes_no_second_token(site: Site, ines: TestClient) -> None:
    form = {"csrf_token": token_of(ines, PAGE), "name": "deploy", "scope": ["read"], "days": "30"}
    assert [ines.post(PAGE, data=form).status_code for _ in range(2)] == [200, 422]
    assert kept(site) == ["deploy"]


def test_never_is_offered_where_the_host_allows_it(site: Site) -> None:
    assert 'value="never"' not in site.signed_in("ines").get(PAGE).text
    client = site.signed_in("ines", endless_tokens=True)
    assert 'value="never"' in client.get(PAGE).text
    made = post(client, PAGE, page=PAGE, name="tv", scope=["read"], days="never")
    assert program(site, made_in(made.text)).get(f"{ROOT}/me").json()["token"]["expires_at"] is None


def test_r29_a_token_is_revoked_and_revoked_again_without_harm(site: Site, ines: TestClient) -> None:
    made = make_token(site, "ines")
    client = program(site, made.text)
    assert client.get(f"{ROOT}/me").status_code == 200
    for told in ("The token is revoked", "It was revoked already"):
        number = str(made.token.id)
        assert post(ines, "/settings/tokens/revoke", page=PAGE, token=number).headers["location"] == PAGE
        assert told in ines.get(PAGE).text
    assert client.get(f"{ROOT}/me").status_code == 401


def test_r46_anothers_token_is_answered_like_one_that_was_revoked(site: Site, ines: TestClient) -> None:
    foreign = make_token(site, "marek")
    for number in (foreign.token.id, 987654321):
        assert post(ines, "/settings/tokens/revoke", page=PAGE, token=str(number)).status_code == 303
        assert "It was revoked already" in ines.get(PAGE).text
    assert program(site, foreign.text).get(f"{ROOT}/me").status_code == 200
    assert foreign.token.name not in ines.get(PAGE).text


def test_the_list_says_when_each_was_used_and_when_it_ends(site: Site, ines: TestClient, clock: SetClock) -> None:
    made = make_token(site, "ines", "read")
    Tokens(site.store, clock).find(made.text, address="192.0.2.7")
    assert "192.0.2.7" in words(ines.get(PAGE).text)
    clock.move(timedelta(days=91))
    text = words(site.signed_in("ines").get(PAGE).text)
    assert "ended" in text
    assert made.token.name in text


@pytest.mark.browser
@pytest.mark.usefixtures("_needs_browser")
def test_a_person_makes_copies_and_revokes_a_token(site: Site, page: Page) -> None:
    with served(site) as address:
        page.goto(f"{address}/login")
        page.get_by_label("E-mail").fill("ines")
        page.locator("input[name=password]").fill(site.passwords["ines"])
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"{address}{PAGE}")
        page.get_by_label("Name").fill("deploy pipeline")
        page.get_by_label("Run tasks").check()
        page.get_by_role("button", name="Make the token").click()
        token = page.locator("#made").text_content()
        assert token
        assert program(site, token).get(f"{ROOT}/me").status_code == 200
        page.get_by_role("button", name="Revoke… deploy pipeline").click()
        dialog = page.get_by_role("dialog", name="Revoke “deploy pipeline”?")
        expect(dialog).to_be_visible()
        dialog.get_by_role("button", name="Revoke").click()
        expect(page.locator("#toasts")).to_contain_text("The token is revoked")
        expect(page.locator("#tokens")).to_contain_text("No tokens yet")
        assert program(site, token).get(f"{ROOT}/me").status_code == 401
