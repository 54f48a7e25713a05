"""A person's own settings: the password, the places where they are signed in, and what they are asked to prove."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from horarium.store.books.mail import OutboxBook
from horarium.web import access
from horarium.web.access import Door, Row
from horarium.web.app import create_app
from horarium.web.gate import Gate, Page
from horarium.web.visit import Visit
from tests.support.pages import Site, open_site, post, token_of
from tests.support.people import SetClock, made_up

SIGN_IN, SESSIONS = "/settings/sign-in", "/settings/sessions"


@pytest.fixture
def site(tmp_path: Path, clock: SetClock) -> Iterator[Site]:
    with open_site(tmp_path, clock) as opened:
        opened.person("ines")
        opened.person("marek")
        yield opened


def keys_of(site: Site, name: str) -> list[str]:
    user = site.users.find(name)
    assert user
    return [session.key for session in site.app.state.house.sessions.of_user(user.id)]


def test_settings_lead_to_their_first_part(site: Site) -> None:
    client = site.signed_in("ines")
    assert client.get("/settings").headers["location"] == "/settings/profile"
    page = client.get(SIGN_IN).text
    assert 'href="/settings/sessions"' in page
    assert 'href="/settings" data-go=","' in client.get("/tasks").text


def test_r18_a_new_password_needs_the_current_one(site: Site) -> None:
    client = site.signed_in("ines")
    for current in ("", made_up()):
        answer = post(client, "/settings/password", page=SIGN_IN, current=current, new=made_up())
        assert answer.status_code == 422
        assert 'id="s-current-err"' in answer.text
    site.signed_in("ines")


def test_r18_a_new_password_ends_the_other_sessions_and_the_owner_is_told(site: Site) -> None:
    client, other = site.signed_in("ines"), site.signed_in("ines")
    kept, new = client.cookies["horarium"], made_up()
    answer = post(client, "/settings/password", page=SIGN_IN, current=site.passwords["ines"], new=new)
    assert (answer.status_code, answer.headers["location"]) == (303, SIGN_IN)
    assert "1 other session ended." in client.get(SIGN_IN).text
    assert other.get("/tasks").status_code == 302
    thief = site.client()
    thief.cookies.set("horarium", kept)
    assert thief.get("/tasks").status_code == 302
    with site.store.reading() as tx:
        letters = OutboxBook(tx).newest()
    assert [(letter.kind, letter.address) for letter in letters] == [("password_changed", "ines@tidewater.example")]
    site.passwords["ines"] = new
    site.signed_in("ines")


def test_r12_a_password_that_is_easy_to_guess_is_refused_with_the_reason(site: Site) -> None:
    client = site.signed_in("ines")
    answer = post(client, "/settings/password", page=SIGN_IN, current=site.passwords["ines"], new="horarium2026")
    assert answer.status_code == 422
    assert 'id="s-new-err"' in answer.text


def test_r14_the_current_password_cannot_be_guessed_at(site: Site) -> None:
    client = site.signed_in("ines")
    token = token_of(client, SIGN_IN)
    form = {"csrf_token": token, "current": "guess", "new": "guess"}
    statuses = [client.post("/settings/password", data=form).status_code for _ in range(12)]
    assert statuses == [422] * 10 + [429] * 2
    assert site.signed_in("ines").get("/tasks").status_code == 200


def test_r30_a_person_sees_and_ends_their_sessions(site: Site) -> None:
    client, other = site.signed_in("ines"), site.signed_in("ines")
    page = client.get(SESSIONS).text
    assert page.count("<li>") >= 2
    assert page.count("this one") == 1
    mine = client.app.state.house.sessions.find(client.cookies["horarium"])  # type: ignore[attr-defined]
    key = next(key for key in keys_of(site, "ines") if key != mine.session.key)
    assert post(client, "/settings/sessions/end", page=SESSIONS, session=key).status_code == 303
    assert "The session ended" in client.get(SESSIONS).text
    assert other.get("/tasks").status_code == 302
    assert client.get("/tasks").status_code == 200


def test_r30_all_other_sessions_end_at_once(site: Site) -> None:
    client, others = site.signed_in("ines"), [site.signed_in("ines") for _ in range(3)]
    assert post(client, "/settings/sessions/end-others", page=SESSIONS).status_code == 303
    assert "3 sessions ended" in client.get(SESSIONS).text
    assert [other.get("/tasks").status_code for other in others] == [302] * 3
    assert "You are signed in nowhere else." in client.get(SESSIONS).text


def test_r46_somebody_elses_session_is_answered_like_one_that_has_ended(site: Site) -> None:
    ines, marek = site.signed_in("ines"), site.signed_in("marek")
    (foreign,) = keys_of(site, "marek")
    told = []
    for key in (foreign, "0" * 64):
        assert post(ines, "/settings/sessions/end", page=SESSIONS, session=key).status_code == 303
        told.append("It had ended already" in ines.get(SESSIONS).text)
    assert told == [True, True]
    assert marek.get("/tasks").status_code == 200


def test_whoever_stays_signed_in_has_a_cookie_that_outlives_the_browser(site: Site) -> None:
    client = site.client()
    answer = post(client, "/login", page="/login", email="ines", password=site.passwords["ines"], stay="yes")
    (cookie,) = [line for line in answer.headers.get_list("set-cookie") if line.startswith("horarium=")]
    assert "Max-Age=86400" in cookie
    assert "stays signed in" in client.get(SESSIONS).text


@pytest.fixture
def dangerous(site: Site, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """Return Inês's browser on an application that has one more route, which needs a fresh proof."""

    def act(visit: Visit) -> object:
        return visit.go(f"/tasks?did={visit.form.whole('what')}")

    row = Row("act", "POST", Door.SIGNED_IN, {}, frozenset({"what"}), fresh=True)
    monkeypatch.setitem(access.BY_ROUTE, ("act", "POST"), row)
    app = create_app(site.services)
    gate = Gate(app.state.house)
    app.router.routes.append(Route("/act", Page(gate, "act", {"POST": act}), methods=["POST"]))  # type: ignore[dict-item]
    site.app = app
    return site.signed_in("ines")


def held_in(text: str) -> str:
    return text.partition('name="held" value="')[2].partition('"')[0]


def test_r22_what_is_dangerous_needs_a_fresh_proof_and_nothing_typed_is_lost(
    dangerous: TestClient, site: Site, clock: SetClock
) -> None:
    assert post(dangerous, "/act", what="one").headers["location"] == "/tasks?did=one"
    clock.move(timedelta(minutes=11))
    asked = post(dangerous, "/act", what="a secret")
    assert (asked.status_code, asked.headers["x-error"]) == (403, "prove_again")
    assert "a secret" not in asked.text
    form = {"csrf_token": token_of(dangerous, "/tasks"), "held": held_in(asked.text)}
    wrong = dangerous.post("/act", data={**form, "proof": made_up()})
    assert wrong.status_code == 401
    assert "That is not your password." in wrong.text
    before = dangerous.cookies["horarium"]
    done = dangerous.post("/act", data={**form, "held": held_in(wrong.text), "proof": site.passwords["ines"]})
    assert done.headers["location"] == "/tasks?did=a secret".replace(" ", "%20")
    assert dangerous.cookies["horarium"] != before
    assert post(dangerous, "/act", what="two").headers["location"] == "/tasks?did=two"


def test_r22_a_machine_is_told_by_a_code(dangerous: TestClient, clock: SetClock) -> None:
    token = token_of(dangerous, "/tasks")
    clock.move(timedelta(minutes=11))
    answer = dangerous.post("/act", data={"csrf_token": token, "what": "x"}, headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "prove_again")


def test_r22_a_held_form_goes_on_for_its_person_only_and_not_for_ever(
    dangerous: TestClient, site: Site, clock: SetClock
) -> None:
    clock.move(timedelta(minutes=11))
    held = held_in(post(dangerous, "/act", what="x").text)
    other = site.signed_in("marek")
    stolen = {"csrf_token": token_of(other, "/tasks"), "held": held, "proof": site.passwords["marek"]}
    assert other.post("/act", data=stolen).status_code == 400
    clock.move(timedelta(minutes=31))
    late = {"csrf_token": token_of(dangerous, "/tasks"), "held": held, "proof": site.passwords["ines"]}
    assert dangerous.post("/act", data=late).status_code == 400
