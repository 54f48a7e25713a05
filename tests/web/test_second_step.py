"""The second step over the pages: after the password, among one's settings, and as a rule of the installation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from horarium.accounts.second_step import Rule
from horarium.audit.trail import Trail
from horarium.records.audit import AuditFilter
from horarium.records.people import Role, User
from horarium.store.books.people import PeopleBook
from horarium.web.app import create_app
from tests.support.factors import Device, code_at, give_app, second_factor
from tests.support.pages import Site, open_site, post, sign_in, token_of
from tests.support.people import SetClock, made_up

SECOND, SIGN_IN = "/login/second-step", "/settings/sign-in"
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["sqlite", "postgres"])
def site(request: pytest.FixtureRequest, tmp_path: Path, clock: SetClock) -> Iterator[Site]:
    where = tmp_path if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with open_site(where, clock) as opened:
        opened.person("ines")
        opened.person("marek")
        yield opened


def user_of(site: Site, name: str = "ines") -> User:
    found = site.users.find(name)
    assert found
    return found


def with_app(site: Site, clock: SetClock, name: str = "ines") -> tuple[str, tuple[str, ...]]:
    """Give somebody an app; return its secret and their recovery codes. Its next code is unused."""
    found = give_app(site.app.state.house.factors, user_of(site, name), clock)
    clock.move(MINUTE)
    return found


def half_way(site: Site, name: str = "ines", **fields: str) -> TestClient:
    """Return a browser in which the password was right and the second step is owed."""
    client = site.client()
    answer = sign_in(client, name, site.passwords[name], **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, SECOND)
    return client


def send(client: TestClient, **fields: str) -> Any:
    return post(client, SECOND, page=SECOND, **fields)


def question(text: str, asked: str = "asked") -> tuple[str, str]:
    """Return the question for a passkey that a page asks, and the same sealed."""
    options = re.search(r'data-passkey="([^"]+)"', text)
    sealed = re.search(rf'name="{asked}" value="([^"]+)"', text)
    assert options
    assert sealed
    return unescape(options[1]), sealed[1]


def add_passkey(client: TestClient, device: Device, name: str = "MacBook") -> Any:
    options, sealed = question(client.get(SIGN_IN).text, "asked_new")
    fields = {"name": name, "credential": device.create(options), "asked_new": sealed}
    return post(client, "/settings/passkeys", page=SIGN_IN, **fields)


def test_after_the_password_comes_the_code(site: Site, clock: SetClock) -> None:
    secret, _ = with_app(site, clock)
    client = half_way(site, next="/tasks?view=failed", stay="yes")
    assert "horarium" not in client.cookies
    assert client.get("/tasks").status_code == 302
    assert "Type the 6 digits" in client.get(SECOND).text
    answer = send(client, code=code_at(secret, clock))
    assert (answer.status_code, answer.headers["location"]) == (303, "/tasks?view=failed")
    assert "horarium-half" not in client.cookies
    (cookie,) = [line for line in answer.headers.get_list("set-cookie") if line.startswith("horarium=")]
    assert "Max-Age=86400" in cookie
    me = site.app.state.house.sessions.find(client.cookies["horarium"])
    assert (me.session.method, me.session.stays) == ("password+totp", True)


def test_r23_the_same_code_opens_one_session(site: Site, clock: SetClock) -> None:
    secret, _ = with_app(site, clock)
    one, two = half_way(site), half_way(site)
    code = code_at(secret, clock)
    assert send(one, code=code).status_code == 303
    answer = send(two, code=f" {code[:3]} {code[3:]} ")
    assert (answer.status_code, "was used before" in answer.text) == (401, True)
    assert two.get("/tasks").status_code == 302


def test_r23_wrong_codes_are_limited(site: Site, clock: SetClock) -> None:
    secret, codes = with_app(site, clock)
    client = half_way(site)
    token = token_of(client, SECOND)
    statuses = [client.post(SECOND, data={"csrf_token": token, "code": "wrong"}).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    answer = send(client, code=codes[0])
    assert (answer.status_code, int(answer.headers["retry-after"]) > 3000) == (429, True)
    assert send(half_way(site), code=code_at(secret, clock)).status_code == 429
    assert site.signed_in("marek").get("/tasks").status_code == 200


def test_a_recovery_code_signs_in_once(site: Site, clock: SetClock) -> None:
    _, codes = with_app(site, clock)
    client = half_way(site)
    assert "recovery codes" in client.get(f"{SECOND}?by=recovery").text
    assert send(client, by="recovery", code=codes[0].lower()).status_code == 303
    assert "9 of 10 left" in client.get(SIGN_IN).text
    again = send(half_way(site), by="recovery", code=codes[0])
    assert again.status_code == 401
    assert "Type one of your recovery codes" in again.text


def test_r16_nothing_tells_of_a_second_step_before_the_password_was_right(site: Site, clock: SetClock) -> None:
    with_app(site, clock)
    answers = [sign_in(site.client(), name, made_up()) for name in ("ines", "marek", "nobody")]
    plain = {re.sub(r'(value|data-passkey)="[^"]*"', "", answer.text) for answer in answers}
    assert len(plain) == 1
    assert {answer.status_code for answer in answers} == {401}


def test_r26_the_half_way_mark_is_no_session_and_works_in_its_own_browser_only(site: Site, clock: SetClock) -> None:
    secret, _ = with_app(site, clock)
    client = half_way(site)
    thief = site.client()
    thief.get("/login")
    thief.cookies.set("horarium-half", client.cookies["horarium-half"])
    thief.cookies.set("horarium", client.cookies["horarium-half"])
    assert thief.get(SECOND).headers["location"] == "/login?told=late"
    assert thief.get("/tasks").status_code == 302
    token = token_of(thief, "/login")
    answer = thief.post(SECOND, data={"csrf_token": token, "code": code_at(secret, clock)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?told=late")
    assert send(client, code=code_at(secret, clock)).status_code == 303


def test_r26_a_session_from_before_ends_with_the_second_step(site: Site, clock: SetClock) -> None:
    client = site.signed_in("ines")
    before = client.cookies["horarium"]
    secret, _ = with_app(site, clock)
    form = {"csrf_token": token_of(client, "/tasks"), "email": "ines", "password": site.passwords["ines"]}
    assert client.post("/login", data=form).headers["location"] == SECOND
    assert send(client, code=code_at(secret, clock)).status_code == 303
    assert client.cookies["horarium"] != before
    assert site.app.state.house.sessions.find(before) is None


def test_who_takes_too_long_signs_in_again(site: Site, clock: SetClock) -> None:
    secret, _ = with_app(site, clock)
    client = half_way(site)
    token = token_of(client, SECOND)
    clock.move(timedelta(minutes=11))
    answer = client.post(SECOND, data={"csrf_token": token, "code": code_at(secret, clock)})
    assert answer.headers["location"] == "/login?told=late"
    assert "Sign in again" in client.get("/login?told=late").text


def test_cancelling_leads_back_and_forgets(site: Site, clock: SetClock) -> None:
    with_app(site, clock)
    client = half_way(site)
    assert send(client, cancel="yes").headers["location"] == "/login"
    assert "horarium-half" not in client.cookies


def test_a_trusted_device_is_not_asked_until_proofs_change(site: Site, clock: SetClock) -> None:
    secret, _ = with_app(site, clock)
    client = half_way(site)
    send(client, code=code_at(secret, clock), trust="yes")
    post(client, "/logout")
    assert sign_in(client, "ines", site.passwords["ines"]).headers["location"] == "/"
    me = site.app.state.house.sessions.find(client.cookies["horarium"])
    assert me.session.method == "password+device"
    new = made_up()
    assert post(client, "/settings/password", page=SIGN_IN, current=site.passwords["ines"], new=new).status_code == 303
    post(client, "/logout")
    assert sign_in(client, "ines", new).headers["location"] == SECOND
    assert sign_in(site.client(), "ines", new).headers["location"] == SECOND


def test_an_app_is_set_up_and_its_recovery_codes_are_shown_once(site: Site, clock: SetClock) -> None:
    client = site.signed_in("ines")
    assert "A password alone opens this account." in client.get(SIGN_IN).text
    offered = post(client, "/settings/app/new", page=SIGN_IN)
    secret = re.search(r'<code id="ap-key"[^>]*>([^<]+)<', offered.text)
    key = re.search(r'name="key" value="([^"]+)"', offered.text)
    assert secret
    assert key
    assert "<svg" in offered.text
    form = {"csrf_token": token_of(client, SIGN_IN), "key": key[1]}
    wrong = client.post("/settings/app", data={**form, "code": "000000"})
    assert (wrong.status_code, f'value="{key[1]}"' in wrong.text) == (422, True)
    done = client.post("/settings/app", data={**form, "code": code_at(secret[1], clock)})
    assert (done.status_code, len(re.findall(r"[A-Z2-9]{4}(?:-[A-Z2-9]{4}){3}", done.text))) == (200, 10)
    page = client.get(SIGN_IN).text
    assert "10 of 10 left" in page
    assert "an authenticator app" in page
    clock.move(MINUTE)
    assert send(half_way(site), code=code_at(secret[1], clock)).status_code == 303


def test_an_app_and_codes_are_removed_and_made_anew(site: Site, clock: SetClock) -> None:
    client = site.signed_in("ines")
    assert post(client, "/settings/recovery-codes", page=SIGN_IN).status_code == 409
    _, codes = with_app(site, clock)
    made = post(client, "/settings/recovery-codes", page=SIGN_IN)
    assert (made.status_code, codes[0] in made.text) == (200, False)
    assert post(client, "/settings/app/remove", page=SIGN_IN).status_code == 303
    assert "The authenticator app is removed" in client.get(SIGN_IN).text
    assert sign_in(site.client(), "ines", site.passwords["ines"]).headers["location"] == "/"


@pytest.mark.parametrize(
    "path", ["/settings/app/new", "/settings/app", "/settings/app/remove", "/settings/recovery-codes"]
)
def test_r22_changing_the_second_step_needs_a_fresh_proof(site: Site, clock: SetClock, path: str) -> None:
    client = site.signed_in("ines")
    with_app(site, clock)
    clock.move(timedelta(minutes=11))
    asked = post(client, path, page=SIGN_IN)
    assert (asked.status_code, asked.headers["x-error"]) == (403, "prove_again")
    assert second_factor(site.store, clock).of(user_of(site).id).codes_left == 10


def test_a_passkey_is_added_signs_in_alone_and_is_removed(site: Site, clock: SetClock) -> None:
    client, device = site.signed_in("ines"), Device()
    added = add_passkey(client, device)
    assert (added.status_code, "Keep these recovery codes now" in added.text) == (200, True)
    assert "Passkey, MacBook" in client.get(SIGN_IN).text
    clock.move(MINUTE)
    other = site.client()
    options, sealed = question(other.get("/login?next=/runs").text)
    fields = {"credential": device.get(options), "asked": sealed, "next": "/runs"}
    answer = post(other, "/login/passkey", page="/login", **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    me = site.app.state.house.sessions.find(other.cookies["horarium"])
    assert (me.user.name, me.session.method) == ("ines", "passkey")
    replay = site.client()
    replay.get("/login")
    assert post(replay, "/login/passkey", page="/login", **fields).status_code == 401
    (kept,) = second_factor(site.store, clock).of(me.user.id).passkeys
    marek = site.signed_in("marek")
    told = []
    for number in (str(kept.id), "4711", ""):
        assert post(marek, "/settings/passkeys/remove", page=SIGN_IN, passkey=number).status_code == 303
        told.append("It had been removed already" in marek.get(SIGN_IN).text)
    assert told == [True] * 3
    assert post(client, "/settings/passkeys/remove", page=SIGN_IN, passkey=str(kept.id)).status_code == 303
    assert "The passkey is removed" in client.get(SIGN_IN).text


def test_a_passkey_is_renamed_by_its_owner_and_by_nobody_else(site: Site, clock: SetClock) -> None:
    client = site.signed_in("ines")
    add_passkey(client, Device())
    me = site.users.find("ines")
    assert me
    factors = second_factor(site.store, clock)
    (kept,) = factors.of(me.id).passkeys
    rename = {"page": SIGN_IN, "passkey": str(kept.id)}
    page = client.get(SIGN_IN).text
    assert f'id="rename-{kept.id}"' in page
    assert "Rename “MacBook”" in page
    for wrong in ("", "  ", "x" * 101, "a\u202eb"):
        assert post(client, "/settings/passkeys/rename", **rename, name=wrong).status_code == 303
        assert "Use 1 to 100 printable characters." in client.get(SIGN_IN).text
    marek = site.signed_in("marek")
    assert post(marek, "/settings/passkeys/rename", **rename, name="Mine").status_code == 303
    assert "It had been removed already" in marek.get(SIGN_IN).text
    assert factors.of(me.id).passkeys == (kept,)
    assert post(client, "/settings/passkeys/rename", **rename, name=" Work  laptop ").status_code == 303
    assert "The passkey has its new name" in client.get(SIGN_IN).text
    assert [each.name for each in factors.of(me.id).passkeys] == ["Work laptop"]
    post(client, "/settings/passkeys/rename", **rename, name="Work laptop")
    rows = Trail(site.store, clock).page(AuditFilter(actions=("factor.renamed",)))
    assert [(row.actor_id, dict(row.before), dict(row.after)) for row in rows] == [
        (me.id, {"name": "MacBook"}, {"name": "Work laptop"})
    ]


def test_a_passkey_is_the_second_step_as_well(site: Site, clock: SetClock) -> None:
    device = Device(verifies=False)
    add_passkey(site.signed_in("ines"), device)
    clock.move(MINUTE)
    client = half_way(site)
    options, sealed = question(client.get(SECOND).text)
    answer = send(client, credential=device.get(options), asked=sealed)
    assert answer.status_code == 303
    me = site.app.state.house.sessions.find(client.cookies["horarium"])
    assert me.session.method == "password+passkey"
    other = half_way(site)
    options, sealed = question(other.get(SECOND).text)
    assert send(other, credential=Device().get(options), asked=sealed).status_code == 401


def test_a_passkey_without_a_name_is_asked_for_again(site: Site) -> None:
    client = site.signed_in("ines")
    answer = add_passkey(client, Device(), name="  ")
    assert (answer.status_code, 'id="pk-name-err"' in answer.text) == (422, True)
    assert add_passkey(client, Device(origin="http://evil.test")).status_code == 422


def test_where_the_host_has_no_name_passkeys_are_not_offered(site: Site) -> None:
    client = site.signed_in("ines")
    client.base_url = "http://127.0.0.1"
    assert "data-passkey" not in client.get("/login").text
    assert "data-passkey" in site.client().get("/login").text


def without_password(site: Site, name: str = "ines") -> None:
    with site.store.transaction() as tx:
        PeopleBook(tx).change(user_of(site, name).id, password_hash="")


def held_in(text: str) -> str:
    return text.partition('name="held" value="')[2].partition('"')[0]


def test_r22_without_a_password_the_proof_is_a_code(site: Site, clock: SetClock) -> None:
    client = site.signed_in("ines")
    secret, _ = with_app(site, clock)
    without_password(site)
    clock.move(timedelta(minutes=11))
    asked = post(client, "/settings/recovery-codes", page=SIGN_IN)
    assert "authenticator app shows now" in asked.text
    form = {"csrf_token": token_of(client, "/tasks"), "held": held_in(asked.text)}
    wrong = client.post("/settings/recovery-codes", data={**form, "proof": "000000"})
    assert wrong.status_code == 401
    right = {**form, "held": held_in(wrong.text), "proof": code_at(secret, clock)}
    assert client.post("/settings/recovery-codes", data=right).status_code == 200


def test_r22_without_a_password_the_proof_is_a_passkey(site: Site, clock: SetClock) -> None:
    client, device = site.signed_in("ines"), Device()
    add_passkey(client, device)
    without_password(site)
    clock.move(timedelta(minutes=11))
    asked = post(client, "/settings/recovery-codes", page=SIGN_IN)
    options, sealed = question(asked.text)
    form = {"csrf_token": token_of(client, "/tasks"), "held": held_in(asked.text), "asked": sealed}
    assert client.post("/settings/recovery-codes", data={**form, "proof": Device().get(options)}).status_code == 401
    assert client.post("/settings/recovery-codes", data={**form, "proof": device.get(options)}).status_code == 200


def test_r22_a_proof_counts_although_what_follows_is_not_possible(site: Site, clock: SetClock) -> None:
    client = site.signed_in("ines")
    clock.move(timedelta(minutes=11))
    asked = post(client, "/settings/recovery-codes", page=SIGN_IN)
    form = {"csrf_token": token_of(client, "/tasks"), "held": held_in(asked.text), "proof": site.passwords["ines"]}
    assert client.post("/settings/recovery-codes", data=form).status_code == 409
    assert client.get("/tasks").status_code == 200


def test_r22_without_anything_to_prove_it_by_one_signs_in_anew(site: Site, clock: SetClock) -> None:
    client = site.signed_in("ines")
    without_password(site)
    clock.move(timedelta(minutes=11))
    asked = post(client, "/settings/app/new", page=SIGN_IN)
    assert "Sign out, and sign in again" in asked.text
    form = {"csrf_token": token_of(client, "/tasks"), "proof": ""}
    assert client.post("/settings/app/new", data={**form, "proof": "anything"}).status_code == 401


def ruled(site: Site, **grace: int) -> Site:
    """Let the rule hold for everybody; return the pages that know of it."""
    services = site.with_settings(second_step=Rule("everybody", timedelta(**grace)))
    return Site(site.store, site.clock, create_app(services), services, site.users, site.passwords)


def test_the_rule_asks_with_days_of_grace_and_then_lets_nothing_else_through(site: Site, clock: SetClock) -> None:
    site = ruled(site, days=7)
    client = site.client()
    answer = sign_in(client, "ines", site.passwords["ines"], next="/runs")
    assert answer.headers["location"] == "/second-step?next=%2Fruns"
    page = client.get("/second-step?next=/runs").text
    assert 'href="/runs">Later' in page
    assert client.get("/runs").status_code == 200
    clock.move(timedelta(days=7))
    late = site.client()
    assert sign_in(late, "ines", site.passwords["ines"]).headers["location"] == "/second-step"
    assert "Later" not in late.get("/second-step").text
    assert late.get("/tasks").headers["location"] == "/second-step"
    assert late.get("/events").status_code == 403
    refused = late.get("/tasks", headers={"accept": "application/json"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "second_step_first")
    token = token_of(late, SIGN_IN)
    assert late.post("/tasks/act", data={"csrf_token": token, "action": "pause"}).status_code == 403
    assert "data-stream" not in late.get(SIGN_IN).text
    offered = late.post("/settings/app/new", data={"csrf_token": token})
    secret = re.search(r'<code id="ap-key"[^>]*>([^<]+)<', offered.text)
    key = re.search(r'name="key" value="([^"]+)"', offered.text)
    assert secret
    assert key
    form = {"csrf_token": token, "key": key[1], "code": code_at(secret[1], clock)}
    assert late.post("/settings/app", data=form).status_code == 200
    assert late.get("/tasks").status_code == 200
    assert late.get("/second-step").headers["location"] == "/"


def test_without_a_rule_nobody_is_asked(site: Site) -> None:
    assert site.signed_in("ines").get("/second-step?next=//evil.test").headers["location"] == "/"


def test_r21_an_administrator_takes_a_second_step_away_and_the_person_goes_on_by_password(
    site: Site, clock: SetClock
) -> None:
    with_app(site, clock)
    ines, path = user_of(site), f"/users/{user_of(site).id}/reset-second-step"
    site.person("otto", Role.EDITOR)
    assert post(site.signed_in("otto"), path).status_code == 403
    admin = site.signed_in("marek")
    assert post(admin, path, back="/tasks").headers["location"] == "/tasks"
    assert "can sign in by password alone" in admin.get("/tasks").text
    assert sign_in(site.client(), "ines", site.passwords["ines"]).headers["location"] == "/"
    assert post(admin, path.replace(str(ines.id), "4711")).status_code == 404


def test_r29_a_reset_ends_the_sessions_of_the_person(site: Site, clock: SetClock) -> None:
    client = site.signed_in("ines")
    with_app(site, clock)
    assert post(site.signed_in("marek"), f"/users/{user_of(site).id}/reset-second-step").status_code == 303
    assert client.get("/tasks").status_code == 302


def test_r48_a_second_step_takes_no_other_fields(site: Site, clock: SetClock) -> None:
    with_app(site, clock)
    client = half_way(site)
    for extra in ({"user": "1"}, {"user_id": "2"}, {"method": "x"}):
        assert send(client, code="1", **extra).status_code == 422
