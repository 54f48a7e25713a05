"""The pages that letters lead to: a new password, an account, a confirmed address, for whoever has the link."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from httpx2 import Client
from starlette.testclient import TestClient

from horarium.accounts.letters import Draft, LetterKind
from horarium.accounts.registering import Mode, Rules
from horarium.records.people import Role
from horarium.store.books.mail import OutboxBook
from tests.support.pages import TOKEN, Site, open_site, post, served, sign_in
from tests.support.people import TESTER, SetClock, add_person, made_up

BASE = "https://h.example"
PASSWORD_FIELD = 'name="password"'


@pytest.fixture
def site(tmp_path: Path, clock: SetClock) -> Iterator[Site]:
    rules = Rules(Mode.DOMAIN, ("corp.example",))
    with open_site(tmp_path, clock, sends_mail=True, registration=rules, allowed_hosts=("h.example",)) as opened:
        opened.person("ines")
        yield opened


def drafts(site: Site) -> list[Draft]:
    """Send the letters that wait; return what they say."""
    with site.store.transaction() as tx:
        letters = OutboxBook(tx).take(site.clock.now(), hold_until=site.clock.now() + timedelta(days=9), most=99)
    answers = site.app.state.house.by_link.answers
    found = [answers[LetterKind(letter.kind)](letter) for letter in letters if LetterKind(letter.kind) in answers]
    return [draft for draft in found if draft is not None]


def path_of(site: Site) -> str:
    """Send the one letter that waits; return the path of its link."""
    (draft,) = drafts(site)
    return urlsplit(str(draft.values["link"])).path


def test_r19_forgotten_asked_read_and_set_anew(site: Site) -> None:
    elsewhere = site.signed_in("ines")
    client = site.client()
    assert 'href="/forgot"' in client.get("/login").text
    answer = post(client, "/forgot", page="/forgot", login="INES")
    assert answer.headers["location"] == "/forgot?told=sent"
    assert "Check your mail" in client.get("/forgot?told=sent").text
    path = path_of(site)
    assert client.get(path).status_code == client.get(path).status_code == 200
    new = made_up()
    answer = post(client, path, page=path, password=new)
    assert answer.headers["location"] == "/login?told=password"
    assert "Your new password is set" in client.get("/login?told=password").text
    assert elsewhere.get("/tasks").status_code == 302
    assert sign_in(client, "ines", site.passwords["ines"]).status_code == 401
    assert sign_in(client, "ines", new).status_code == 303
    for again in (client.get(path), post(client, path, page="/tasks", password=made_up())):
        assert (again.status_code, again.headers["x-error"]) == (404, "link_refused")


def test_r19_of_20_posts_at_once_one_succeeds_and_the_others_are_told_alike(site: Site) -> None:
    site.app.state.house.by_link.resets.ask("ines", actor=TESTER)
    path = path_of(site)
    with served(site) as address, ExitStack() as stack:
        clients = [stack.enter_context(Client(base_url=address, timeout=30)) for _ in range(20)]
        tokens = [TOKEN.findall(client.get(path).text)[0] for client in clients]

        def send(number: int) -> tuple[int, str]:
            form = {"csrf_token": tokens[number], "password": made_up()}
            answer = clients[number].post(path, data=form)
            return answer.status_code, answer.headers.get("x-error", "")

        with ThreadPoolExecutor(20) as pool:
            found = list(pool.map(send, range(20)))
    assert found.count((303, "")) == 1
    assert set(found) <= {(303, ""), (404, "link_refused"), (503, "too_busy"), (503, "store_busy")}


def test_r16_the_answer_tells_nobody_who_has_an_account(site: Site) -> None:
    add_person(site.users, "known", email="known@corp.example")
    for path, field, known, unknown in (
        ("/forgot", "login", "ines@tidewater.example", "nobody@tidewater.example"),
        ("/register", "email", "known@corp.example", "nobody@corp.example"),
    ):
        answers = [post(site.client(), path, page=path, **{field: value}) for value in (known, unknown)]
        varying = {"x-request-id", "set-cookie"}
        heads = [{name: value for name, value in each.headers.items() if name not in varying} for each in answers]
        assert heads[0] == heads[1]
        assert answers[0].status_code == answers[1].status_code == 303


def test_r16_both_do_the_same_work(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    add = OutboxBook.add
    for login in ("ines", "nobody"):
        statements: list[str] = []

        def noted(self: OutboxBook, *given: Any, seen: list[str] = statements, **named: Any) -> int:
            seen.append(str(given[:2]))
            return add(self, *given, **named)

        with monkeypatch.context() as patch:
            patch.setattr(OutboxBook, "add", noted)
            patch.setattr(site.users.__class__, "find", _never)
            post(site.client(), "/forgot", page="/forgot", login=login)
        counts.append(statements)
    assert counts[0] == counts[1] == ["('reset', '')"]


def _never(*_: object) -> None:
    raise AssertionError("somebody looked who has an account")


def test_r14_asking_is_limited_alike_for_known_and_unknown_names(site: Site) -> None:
    client = site.client()
    for login in ("ines", "nobody"):
        statuses = [post(client, "/forgot", page="/forgot", login=login).status_code for _ in range(11)]
        assert statuses == [303] * 10 + [429]
    answer = post(client, "/forgot", page="/forgot", login="nobody")
    assert int(answer.headers["retry-after"]) > 0
    assert "Too many tries" in answer.text
    assert 'value="nobody"' in answer.text


def test_r20_links_begin_as_the_settings_say_whatever_host_is_named(site: Site) -> None:
    client = site.client(base_url=BASE)
    client.base_url = BASE
    token = TOKEN.findall(client.get("/forgot").text)[0]
    for headers in ({"host": "evil.test"}, {"host": "h.example:80@evil.test"}):
        answer = client.post("/forgot", data={"csrf_token": token, "login": "ines"}, headers=headers)
        assert answer.status_code == 400
    sound = {"x-forwarded-host": "evil.test", "forwarded": "host=evil.test"}
    assert client.post("/forgot", data={"csrf_token": token, "login": "ines"}, headers=sound).status_code == 303
    with site.store.transaction() as tx:
        (letter,) = OutboxBook(tx).take(site.clock.now(), hold_until=site.clock.now(), most=9)
    draft = client.app.state.house.by_link.resets.answer(letter)  # type: ignore[attr-defined]
    assert str(draft.values["link"]).startswith(f"{BASE}/reset/")


def test_r19_r36_a_link_leaks_nowhere(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = site.client()
    post(client, "/forgot", page="/forgot", login="ines")
    path = path_of(site)
    page = client.get(path)
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"
    assert not re.findall(r'(?:href|src|action)="(?:https?:)?//', page.text)
    post(client, path, page=path, password=made_up())
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("horarium"))
    assert path.rpartition("/")[2] not in ours


def test_r12_what_is_wrong_with_a_new_password_is_said_and_the_link_stays_good(site: Site) -> None:
    client = site.client()
    post(client, "/forgot", page="/forgot", login="ines")
    path = path_of(site)
    for weak in ("", "short", "horarium2026"):
        answer = post(client, path, page=path, password=weak)
        assert answer.status_code == 422
        assert 'id="r-password-err"' in answer.text
        assert not weak or f'value="{weak}"' not in answer.text
    assert post(client, path, page=path, password=made_up()).status_code == 303


def test_r4_registration_is_off_unless_a_setting_says_otherwise(site: Site) -> None:
    for settings in ({"registration": Rules()}, {"sends_mail": False}):
        client = site.client(**settings)
        assert client.get("/register").status_code == 404
        assert post(client, "/register", page="/login", email="a@corp.example").status_code == 404
        assert 'href="/register"' not in client.get("/login").text
    assert 'href="/register"' in site.client().get("/login").text


def test_r4_who_registers_is_a_member_whatever_the_form_says(site: Site) -> None:
    client = site.client()
    refused = post(client, "/register", page="/register", email="a@corp.example.evil.test")
    assert refused.status_code == 422
    assert "Use an address at corp.example." in refused.text
    assert 'value="a@corp.example.evil.test"' in refused.text
    assert post(client, "/register", page="/register", email="noor@corp.example", role="admin").status_code == 422
    assert post(client, "/register", page="/register", email="noor@corp.example").status_code == 303
    assert "Check your mail" in client.get("/register?told=sent").text
    path = path_of(site)
    form = {"name": "Noor van Dijk", "password": made_up(), "time_zone": "Europe/Amsterdam"}
    assert post(client, path, page=path, **form, role="admin").headers["x-error"] == "unknown_field"
    answer = post(client, path, page=path, **form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Welcome, Noor van Dijk" in client.get("/").text
    found = site.users.find("noor@corp.example")
    assert found
    assert (found.role, found.time_zone, found.email_confirmed_at) == (
        *(Role.USER, "Europe/Amsterdam"),
        site.clock.now(),
    )
    assert client.get(path).status_code == 404


def test_what_is_wrong_when_joining_is_said_and_nothing_typed_is_lost(site: Site) -> None:
    client = site.client()
    post(client, "/register", page="/register", email="noor@corp.example")
    path = path_of(site)
    page = client.get(path).text
    assert 'value="noor@corp.example"' in page
    answer = post(client, path, page=path, name="Noor", password="short", time_zone="Europe/Amsterdam")
    assert answer.status_code == 422
    assert 'href="#r-password"' in answer.text
    assert 'value="Noor"' in answer.text
    assert "<option selected>Europe/Amsterdam</option>" in answer.text
    for form, field in (
        ({"name": "", "password": made_up()}, "name"),
        ({"name": "Noor", "password": ""}, "password"),
        ({"name": "x" * 101, "password": made_up()}, "name"),
        ({"name": "Noor", "password": made_up(), "time_zone": "Mars/Olympus"}, "time_zone"),
    ):
        assert f'id="r-{field}-err"' in post(client, path, page=path, **form).text


def test_without_mail_the_page_says_who_can_help(site: Site) -> None:
    client = site.client(sends_mail=False)
    assert "Ask an administrator" in client.get("/forgot").text
    assert PASSWORD_FIELD not in client.get("/forgot").text
    assert post(client, "/forgot", page="/login", login="ines").status_code == 404


def test_r14_made_up_links_are_limited_by_address(site: Site) -> None:
    client = site.client()
    token = TOKEN.findall(client.get("/login").text)[0]
    form = {"csrf_token": token, "password": made_up()}
    statuses = [client.post(f"/reset/{n}.{'x' * 43}", data=form).status_code for n in range(52)]
    assert statuses == [404] * 50 + [429] * 2


PROFILE = "/settings/profile"


def test_a_person_changes_their_name(site: Site) -> None:
    client = site.signed_in("ines")
    assert post(client, PROFILE, page=PROFILE, display_name="Inês Carvalho").status_code == 303
    page = client.get(PROFILE).text
    assert "Your name is saved" in page
    assert 'value="Inês Carvalho"' in page
    wrong = post(client, PROFILE, page=PROFILE, display_name="x" * 101)
    assert (wrong.status_code, "p-display_name-err" in wrong.text) == (422, True)


def test_r18_another_address_needs_the_password_and_both_addresses(site: Site, clock: SetClock) -> None:
    client, other = site.signed_in("ines"), site.signed_in("ines")
    old, new = "ines@tidewater.example", "ines@new.example"
    post(client, "/settings/email/confirm", page=PROFILE)
    assert "Check your mail" in client.get(PROFILE).text
    assert post(client, path := path_of(site), page=path).headers["location"] == PROFILE
    assert "confirmed" in client.get(PROFILE).text
    for current in ("", made_up()):
        answer = post(client, "/settings/email", page=PROFILE, email=new, current=current)
        assert answer.status_code == 422
        assert 'id="p-current-err"' in answer.text
        assert f'value="{new}"' in answer.text
    password = site.passwords["ines"]
    wrong = post(client, "/settings/email", page=PROFILE, email="no address", current=password)
    assert 'id="p-email-err"' in wrong.text
    assert post(client, "/settings/email", page=PROFILE, email=new, current=password).status_code == 303
    page = client.get(PROFILE).text
    assert f"Open the links in both letters: the one to {new}, and the one to {old}." in page
    assert "waits for the links in the letters" in page
    paths = {draft.to: urlsplit(str(draft.values["link"])).path for draft in drafts(site)}
    anonymous = site.client()
    assert new in anonymous.get(paths[new]).text
    assert post(anonymous, paths[new], page=paths[new]).headers["location"] == "/login?told=half"
    assert post(client, paths[old], page=paths[old]).headers["location"] == PROFILE
    page = client.get(PROFILE).text
    assert "Your new address is in place" in page
    assert f"<b>{new}</b>" in page
    assert other.get("/tasks").status_code == 302


def test_a_change_of_address_is_taken_back(site: Site) -> None:
    client = site.signed_in("ines")
    form = {"email": "ines@new.example", "current": site.passwords["ines"], "keep_tokens": "yes"}
    assert post(client, "/settings/email", page=PROFILE, **form).status_code == 303
    path = path_of(site)
    for told in ("Your address stays as it is", "Nothing was waiting"):
        assert post(client, "/settings/email/withdraw", page=PROFILE).status_code == 303
        assert told in client.get(PROFILE).text
    assert client.get(path).status_code == 404


def test_without_mail_an_address_is_changed_on_the_host(site: Site) -> None:
    client: TestClient = site.signed_in("ines", sends_mail=False)
    assert "horarium user set-email" in client.get(PROFILE).text
    for path in ("/settings/email", "/settings/email/confirm"):
        assert post(client, path, page=PROFILE).status_code == 404
