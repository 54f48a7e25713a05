"""Signing in at a provider of OpenID Connect and by a proxy, over the pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import oidc_provider_mock
import pytest
from starlette.testclient import TestClient

from horarium.accounts.arrivals import ArrivalRules
from horarium.accounts.openid import Provider, ProviderSettings
from horarium.clock import SystemClock
from horarium.records.people import Role
from horarium.web.app import create_app
from tests.support.pages import HOST, Site, open_site, post
from tests.support.people import SetClock, made_up

PROXY = {"trusted_proxies": ("10.9.9.9",), "proxy_user_header": "remote-user", "proxy_groups_header": "remote-groups"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SetClock()) as opened:
        opened.person("root")
        opened.person("marek", Role.VIEWER)
        yield opened


def browser(site: Site, issuer: str, **settings: Any) -> TestClient:
    """Return a browser on pages that know a provider."""
    wanted = ProviderSettings(
        issuer=issuer,
        client_id="horarium",
        client_secret=made_up(),
        redirect=f"http://{HOST}/login/elsewhere/back",
        name="Tidewater",
    )
    services = replace(site.with_settings(**settings), provider=Provider(wanted, SystemClock()))
    return TestClient(create_app(services), base_url=f"http://{HOST}", follow_redirects=False)


def sign_in_there(client: TestClient, issuer: str, subject: str, next_: str = "", **claims: Any) -> str:
    """Go to the provider and sign in there; return the path that it leads back to."""
    said = {"email": f"{subject}@tidewater.example", "email_verified": True, "preferred_username": subject, **claims}
    httpx2.put(f"{issuer}/users/{subject}", json=said).raise_for_status()
    there = client.get(f"/login/elsewhere{'?next=' + next_ if next_ else ''}")
    assert there.status_code == 302
    back = httpx2.post(there.headers["location"], data={"sub": subject}, follow_redirects=False).headers["location"]
    return back.removeprefix(f"http://{HOST}")


def test_the_form_to_sign_in_offers_the_provider(site: Site, issuer: str) -> None:
    page = browser(site, issuer).get("/login").text
    assert "Sign in with Tidewater" in page
    assert 'href="/login/elsewhere"' in page
    assert "elsewhere" not in site.client().get("/login").text


def test_whoever_comes_back_is_signed_in_and_where_they_wanted_to_be(site: Site, issuer: str) -> None:
    client = browser(site, issuer)
    answer = client.get(sign_in_there(client, issuer, "marek", "/runs"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    assert client.get("/runs").status_code == 200


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_r39_the_way_back_stays_on_this_site(site: Site, issuer: str, wanted: str) -> None:
    client = browser(site, issuer)
    assert client.get(sign_in_there(client, issuer, "marek", wanted)).headers["location"] == "/"


def test_r33_a_sign_in_that_this_browser_did_not_begin_is_refused(site: Site, issuer: str) -> None:
    attacker, victim = browser(site, issuer), browser(site, issuer)
    back = sign_in_there(attacker, issuer, "marek")
    answer = victim.get(back)
    assert answer.status_code == 400
    assert victim.get("/runs").status_code == 302
    sign_in_there(victim, issuer, "root")
    assert victim.get(back).status_code == 400


def test_a_sign_in_runs_out_after_ten_minutes(site: Site, issuer: str) -> None:
    client = browser(site, issuer)
    back = sign_in_there(client, issuer, "marek")
    assert isinstance(site.clock, SetClock)
    site.clock.move(timedelta(minutes=11))
    answer = client.get(back)
    assert answer.status_code == 400
    assert "That took too long" in answer.text


def test_r4_whoever_has_no_account_is_told_whom_to_ask(site: Site, issuer: str) -> None:
    client = browser(site, issuer)
    answer = client.get(sign_in_there(client, issuer, "lena"))
    assert answer.status_code == 403
    assert "ask an administrator" in answer.text
    assert len(site.users.list()) == 2


def test_whoever_declines_there_is_shown_the_form_again(site: Site, issuer: str) -> None:
    client = browser(site, issuer)
    query = parse_qs(urlsplit(sign_in_there(client, issuer, "marek")).query)
    client.get("/login/elsewhere")
    answer = client.get(f"/login/elsewhere/back?error=access_denied&state={query['state'][0]}")
    assert answer.status_code == 400
    assert 'name="password"' in answer.text


def test_a_provider_that_does_not_answer_leaves_the_password(site: Site) -> None:
    answer = browser(site, "http://localhost:9").get("/login/elsewhere")
    assert answer.status_code == 502
    assert 'name="password"' in answer.text


def proxied(site: Site, peer: str = "10.9.9.9", **settings: Any) -> TestClient:
    app = create_app(site.with_settings(**PROXY, **settings))
    return TestClient(app, base_url=f"http://{HOST}", follow_redirects=False, client=(peer, 4711))


def test_r15_a_proxy_that_is_trusted_says_who_it_is(site: Site) -> None:
    client = proxied(site)
    named = {"remote-user": "marek"}
    assert client.get("/tasks", headers=named).headers["location"] == "/login?next=%2Ftasks"
    answer = client.get("/login?next=%2Ftasks", headers=named)
    assert (answer.status_code, answer.headers["location"]) == (303, "/tasks")
    assert client.get("/tasks", headers=named).status_code == 200


def test_r15_nobody_else_may_say_so(site: Site) -> None:
    client = proxied(site, peer="10.1.1.1")
    assert client.get("/login", headers={"remote-user": "root"}).status_code == 200
    assert client.get("/tasks", headers={"remote-user": "root"}).status_code == 302
    twice = [("remote-user", "marek"), ("remote-user", "root")]
    assert proxied(site).get("/login", headers=twice).status_code == 200


def test_r29_a_session_by_the_proxy_ends_when_it_names_somebody_else_or_nobody(site: Site) -> None:
    client = proxied(site)
    client.get("/login", headers={"remote-user": "marek"})
    assert client.get("/tasks", headers={"remote-user": "marek"}).status_code == 200
    assert client.get("/tasks", headers={"remote-user": "root"}).status_code == 302
    assert client.get("/tasks").status_code == 302


def test_a_proxy_may_bring_new_people_with_their_groups(site: Site) -> None:
    rules = ArrivalRules(makes_accounts=True, roles={"ops": Role.OPERATOR})
    client = proxied(site, arrivals=rules)
    assert client.get("/login", headers={"remote-user": "lena", "remote-groups": "ops, staff"}).status_code == 303
    found = site.users.find("lena")
    assert found
    assert found.role is Role.OPERATOR


def test_whoever_signs_out_behind_a_proxy_is_not_signed_in_again_at_once(site: Site) -> None:
    client = proxied(site)
    client.headers["remote-user"] = "marek"
    client.get("/login")
    answer = post(client, "/logout")
    assert client.get(answer.headers["location"]).status_code == 200
