"""Set-up, sign-in and sign-out over the pages: what cookies are set, which forms are believed, where one lands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Client
from starlette.testclient import TestClient

from horarium.accounts.passwords import Hasher
from horarium.accounts.setup import Setup
from horarium.store.books.people import PeopleBook
from horarium.web.links import Links
from horarium.web.visit import safe_path
from tests.support.pages import TOKEN, Site, open_site, post, served, sign_in, token_of
from tests.support.people import TESTER, SetClock, cheap_hasher, made_up


@pytest.fixture
def empty(tmp_path: Path, clock: SetClock) -> Iterator[Site]:
    with open_site(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def site(empty: Site) -> Site:
    empty.person("ines")
    return empty


def setup_code(site: Site) -> str:
    return Setup(site.store, site.clock, site.users).offer() or ""


def wanted(code: str, **changed: str) -> dict[str, str]:
    usual = {"code": code, "team": "Tidewater", "name": "Inês Carvalho", "email": "ines@tidewater.example"}
    return {**usual, "password": made_up(), **changed}


def cookies_of(answer: Any) -> dict[str, str]:
    return {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}


USUAL = [
    (name, password)
    for name in ("admin", "administrator", "root", "horarium", "user", "demo", "test", "ines", "guest", "operator")
    for password in ("admin", "password", "horarium", "changeme", "")
]


def test_r2_fifty_usual_pairs_open_nothing(empty: Site, clock: SetClock) -> None:
    assert len(USUAL) == 50
    for has_people in (False, True):
        if has_people:
            empty.person("ines")
        for name, password in USUAL:
            clock.move(timedelta(minutes=16))
            client = empty.client()
            answer = sign_in(client, name, password) if has_people else client.post("/login", data={"email": name})
            assert answer.status_code in {302, 401, 403, 422}
            assert client.get("/tasks").headers["location"].partition("?")[0] in {"/login", "/setup"}


def test_r3_set_up_makes_the_administrator_and_goes_on_signed_in(empty: Site) -> None:
    client = empty.client()
    assert client.get("/").headers["location"] == "/login"
    assert client.get("/login").headers["location"] == "/setup"
    answer = post(client, "/setup", page="/setup", **wanted(setup_code(empty)))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page = client.get("/")
    assert page.status_code == 200
    assert "Inês Carvalho" in page.text
    assert "Tidewater" in page.text
    assert "Welcome, Inês Carvalho" in page.text
    assert "Welcome" not in client.get("/").text


def test_r3_set_up_is_gone_afterwards(empty: Site) -> None:
    client, code = empty.client(), setup_code(empty)
    token = token_of(client, "/setup")
    assert client.post("/setup", data={"csrf_token": token, **wanted(code)}).status_code == 303
    other = empty.client()
    assert other.get("/setup").status_code == 404
    assert post(other, "/setup", page="/login", **wanted(code)).status_code == 404
    with empty.store.transaction() as tx:
        PeopleBook(tx).disable(empty.users.list()[0].id, empty.clock.now())
    assert other.get("/setup").status_code == 404


def test_r3_50_simultaneous_posts_make_one_administrator(empty: Site) -> None:
    code = setup_code(empty)
    with served(empty) as address, ExitStack() as stack:
        clients = [stack.enter_context(Client(base_url=address, timeout=30)) for _ in range(50)]
        tokens = [TOKEN.findall(client.get("/setup").text)[0] for client in clients]

        def send(number: int) -> int:
            form = {"csrf_token": tokens[number], **wanted(code, email=f"ines{number}@tidewater.example")}
            return clients[number].post("/setup", data=form).status_code

        with ThreadPoolExecutor(50) as pool:
            statuses = list(pool.map(send, range(50)))
    assert statuses.count(303) == 1
    assert set(statuses) <= {303, 404, 429, 503}
    assert len(empty.users.list()) == 1


def test_set_up_says_all_that_is_wrong_and_loses_nothing_typed(empty: Site) -> None:
    setup_code(empty)
    answer = post(empty.client(), "/setup", page="/setup", **wanted("wrong", email="ines@tide", password="short"))
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 3
    for kept in ("Inês Carvalho", "ines@tide", "Tidewater"):
        assert f'value="{kept}"' in answer.text
    assert 'value="short"' not in answer.text
    assert empty.users.list() == []


def test_r14_guessing_the_set_up_code_is_limited(empty: Site) -> None:
    setup_code(empty)
    client = empty.client()
    token = token_of(client, "/setup")
    statuses = [client.post("/setup", data={"csrf_token": token, **wanted("guess")}).status_code for _ in range(52)]
    assert statuses == [422] * 50 + [429] * 2


def test_the_link_of_the_console_fills_in_the_code(empty: Site) -> None:
    code = setup_code(empty)
    assert f'value="{code}"' in empty.client().get(f"/setup?code={code}").text


def test_r26_signing_in_gives_a_new_session_and_ends_the_old_one(site: Site) -> None:
    client = site.client()
    client.cookies.set("horarium", "made-up-by-the-browser", domain="localhost.local", path="/")
    first = sign_in(client, "ines", site.passwords["ines"])
    one = client.cookies["horarium"]
    assert "made-up" not in one
    assert first.status_code == 303
    token = token_of(client, "/tasks")
    form = {"csrf_token": token, "email": "ines", "password": site.passwords["ines"]}
    assert client.post("/login", data=form).status_code == 303
    two = client.cookies["horarium"]
    assert one != two
    old = site.client()
    old.cookies.set("horarium", one)
    assert old.get("/tasks").status_code == 302


def test_r27_signing_out_ends_the_session_and_clears_the_browser(site: Site) -> None:
    client = site.signed_in("ines")
    kept = client.cookies["horarium"]
    answer = post(client, "/logout")
    assert answer.headers["location"] == "/login?told=out"
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert 'horarium=""' in cookies_of(answer)["horarium"]
    thief = site.client()
    thief.cookies.set("horarium", kept)
    assert thief.get("/tasks").status_code == 302
    assert "You are signed out" in client.get("/login?told=out").text


def test_r28_an_unused_session_ends_and_stays_ended(site: Site, clock: SetClock) -> None:
    client = site.signed_in("ines")
    clock.move(timedelta(hours=1))
    assert client.get("/tasks").status_code == 302
    clock.move(timedelta(hours=-1))
    assert client.get("/tasks").status_code == 302


def test_r29_a_closed_account_is_out_with_the_next_request(site: Site) -> None:
    client = site.signed_in("ines")
    token = token_of(client, "/tasks")
    site.person("otto")
    found = site.users.find("ines")
    assert found
    site.users.disable(found.id, actor=TESTER)
    assert client.get("/tasks").status_code == 302
    assert client.post("/tasks/act", data={"csrf_token": token, "action": "pause"}).status_code == 401


@pytest.mark.parametrize(
    ("base_url", "name", "attributes"),
    [
        ("", "horarium", {"HttpOnly", "SameSite=lax", "Path=/"}),
        ("https://t.example", "__Host-horarium", {"HttpOnly", "SameSite=lax", "Path=/", "Secure"}),
        ("https://t.example/h", "__Secure-horarium", {"HttpOnly", "SameSite=lax", "Path=/h", "Secure"}),
        ("http://t.example/h", "horarium", {"HttpOnly", "SameSite=lax", "Path=/h"}),
    ],
)
def test_r31_cookies_are_out_of_reach_for_scripts_and_other_sites(
    site: Site, base_url: str, name: str, attributes: set[str]
) -> None:
    client = site.client(base_url=base_url)
    root = "/h" if base_url.endswith("/h") else ""
    client.base_url = base_url.removesuffix(root) or "http://localhost"
    token = token_of(client, f"{root}/login")
    form = {"csrf_token": token, "email": "ines", "password": site.passwords["ines"]}
    found = cookies_of(client.post(f"{root}/login", data=form))
    assert name in found
    assert set(found[name].split("; ")[1:]) == attributes
    for line in found.values():
        assert {"HttpOnly", "SameSite=lax"} <= set(line.split("; "))


FORGERIES: dict[str, dict[str, Any]] = {
    "no token": {"drop": True},
    "a wrong token": {"token": "x" * 43},
    "origin null": {"headers": {"origin": "null"}},
    "another origin": {"headers": {"origin": "https://evil.test"}},
    "another port": {"headers": {"origin": "http://localhost:81"}},
    "cross-site": {"headers": {"sec-fetch-site": "cross-site"}},
    "a sibling": {"headers": {"sec-fetch-site": "same-site"}},
    "typed by hand": {"headers": {"sec-fetch-site": "none"}},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
@pytest.mark.parametrize("path", ["/tasks/act", "/tasks/1/pause", "/tasks/1/run", "/runs/1/stop", "/logout", "/login"])
def test_r32_r33_a_form_from_elsewhere_changes_nothing(site: Site, path: str, forgery: dict[str, Any]) -> None:
    task_id = site.task()
    site.run(task_id)
    client = site.signed_in("ines") if path != "/login" else site.client()
    token = forgery.get("token") or token_of(client, "/login" if path == "/login" else "/tasks")
    data = {"csrf_token": ""} if forgery.get("drop") else {"csrf_token": token}
    answer = client.post(path, data=data, headers=forgery.get("headers", {}))
    assert (answer.status_code, answer.headers["x-error"]) == (403, "forged")
    assert not site.desk.find(task_id).is_paused


def test_r32_the_token_of_another_session_is_not_believed(site: Site) -> None:
    site.person("otto")
    token = token_of(site.signed_in("otto"), "/tasks")
    mine = site.signed_in("ines")
    assert mine.post("/tasks/act", data={"csrf_token": token, "action": "pause"}).status_code == 403
    before = token_of(site.client(), "/login")
    assert mine.post("/tasks/act", data={"csrf_token": before, "action": "pause"}).status_code == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "multipart/form-data; boundary=x", ""])
def test_r32_only_forms_are_read(site: Site, kind: str) -> None:
    client = site.signed_in("ines")
    answer = client.post("/tasks/act", content=b'{"action": "pause"}', headers={"content-type": kind})
    assert (answer.status_code, answer.headers["x-error"]) == (415, "wrong_type")


def test_r32_a_method_cannot_be_overridden(site: Site) -> None:
    client = site.signed_in("ines")
    task_id = site.task()
    for headers in ({"x-http-method-override": "POST"}, {"x-method-override": "DELETE"}):
        assert client.get(f"/tasks/{task_id}/pause", headers=headers).status_code == 405
    assert not site.desk.find(task_id).is_paused


@pytest.mark.parametrize("extra", [{"role": "admin"}, {"owner": "1"}, {"_method": "PUT"}, {"next_at": "0"}])
def test_r48_fields_that_are_not_listed_are_refused(site: Site, extra: dict[str, str]) -> None:
    client = site.signed_in("ines")
    task_id = site.task()
    answer = post(client, f"/tasks/{task_id}/pause", **extra)
    assert (answer.status_code, answer.headers["x-error"]) == (422, "unknown_field")
    assert not site.desk.find(task_id).is_paused


def test_r49_a_field_that_comes_twice_is_refused(site: Site) -> None:
    client = site.signed_in("ines")
    answer = post(client, f"/tasks/{site.task()}/pause", reason=["one", "two"])
    assert answer.status_code == 400


def test_r13_the_password_is_taken_as_it_was_sent(site: Site) -> None:
    password = site.passwords["ines"]
    for wrong in (f" {password}", f"{password} ", password.swapcase(), f"{password}\0", password * 8):
        assert sign_in(site.client(), "ines", wrong).status_code == 401
    assert sign_in(site.client(), " INES ", password).status_code == 303


def test_r14_r17_the_eleventh_wrong_password_waits(site: Site, clock: SetClock) -> None:
    client = site.client()
    assert [sign_in(client, "ines", made_up()).status_code for _ in range(10)] == [401] * 10
    answer = sign_in(client, "INES", site.passwords["ines"])
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) == pytest.approx(900, abs=2)
    assert "Too many tries" in answer.text
    clock.move(timedelta(minutes=15, seconds=1))
    assert sign_in(client, "ines", site.passwords["ines"]).status_code == 303


def test_r14_a_browser_that_was_signed_in_before_is_not_locked_out(site: Site) -> None:
    mine = site.signed_in("ines")
    post(mine, "/logout")
    guesser = site.client()
    for _ in range(11):
        sign_in(guesser, "ines", made_up())
    assert sign_in(guesser, "ines", site.passwords["ines"]).status_code == 429
    assert sign_in(mine, "ines", site.passwords["ines"]).status_code == 303


def test_r16_a_known_and_an_unknown_name_are_answered_alike(site: Site) -> None:
    answers = [sign_in(site.client(), name, made_up()) for name in ("ines", "nobody")]
    known, unknown = (re.sub(r'(value|data-passkey)="[^"]*"', "", answer.text) for answer in answers)
    assert known == unknown
    assert answers[0].status_code == answers[1].status_code == 401
    varying = {"x-request-id", "set-cookie", "content-length"}
    heads = [{name: value for name, value in answer.headers.items() if name not in varying} for answer in answers]
    assert heads[0] == heads[1]


def test_r17_too_many_at_the_door_are_asked_to_return(tmp_path: Path, clock: SetClock) -> None:
    full = Hasher(memory_kib=64, rounds=1, at_once=1, waiting=0)
    with open_site(tmp_path, clock, hasher=full) as site:
        site.users.hasher = cheap_hasher()
        site.person("ines")
        assert full._line.acquire(blocking=False)
        answer = sign_in(site.client(), "ines", site.passwords["ines"])
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        full._line.release()
        assert sign_in(site.client(), "ines", site.passwords["ines"]).status_code == 303


EVIL = (
    *("//evil.test", "/\\evil.test", "https:evil.test", "https://evil.test/", "/%09/evil.test", "javascript:alert(1)"),
    *("@evil.test", "/a\r\nSet-Cookie: x=y", "/" + "a" * 5000, "/logout", "/tasks//evil", "/..//evil.test", "evil", ""),
    *("/tasks?x= y", "\t//evil.test", "/\u2028", "http://localhost/tasks", "/%2f%2fevil.test"),
)


@pytest.mark.parametrize("wanted_path", EVIL)
def test_r39_after_signing_in_nobody_is_sent_elsewhere(site: Site, wanted_path: str) -> None:
    answer = sign_in(site.client(), "ines", site.passwords["ines"], next=wanted_path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("wanted_path", ["/tasks", "/runs?view=failed&q=x", "/tasks/7", "/runs/3?attempt=2"])
def test_r39_a_path_of_ours_is_gone_to(site: Site, wanted_path: str) -> None:
    client = site.client()
    answer = client.get(wanted_path)
    login = answer.headers["location"]
    assert login.startswith("/login?next=")
    found = re.search(r'name="next" value="([^"]+)"', client.get(login).text)
    assert found
    answer = sign_in(client, "ines", site.passwords["ines"], next=found[1].replace("&amp;", "&"))
    assert answer.headers["location"] == wanted_path


def test_r39_under_a_path_only_what_is_below_it_is_ours() -> None:
    links = Links("/h")
    assert safe_path("/h/tasks", links, "/h/") == "/h/tasks"
    for elsewhere in ("/tasks", "/hh/tasks", "/h/../x", "/h/logout"):
        assert safe_path(elsewhere, links, "/h/") == "/h/"


def test_a_note_for_one_person_is_not_shown_to_another(site: Site) -> None:
    site.person("otto")
    mine, theirs = site.signed_in("ines"), site.signed_in("otto")
    post(mine, f"/tasks/{site.task('secret-task')}/pause")
    theirs.cookies.set("horarium-note", mine.cookies["horarium-note"])
    assert "secret-task is paused" not in theirs.get("/runs").text
    assert "secret-task is paused" in mine.get("/runs").text


def test_somebody_signed_in_is_not_asked_to_sign_in(site: Site) -> None:
    answer: Any = site.signed_in("ines").get("/login?next=/runs")
    assert (answer.status_code, answer.headers["location"]) == (302, "/runs")


def test_r45_a_program_without_a_session_gets_401(site: Site) -> None:
    client: TestClient = site.client()
    answer = client.get("/tasks", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "sign_in_first")
