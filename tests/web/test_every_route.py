"""What holds for every route that changes something, replayed over the whole table of who may use which."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count, cycle
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.testclient import TestClient

from horarium.accounts.registering import Mode, Rules
from horarium.audit.trail import Trail
from horarium.errors import StoreUnavailable
from horarium.notify.standard import found
from horarium.preferences.setting import Setting, SettingType
from horarium.records.audit import AuditFilter, AuditRow
from horarium.records.people import Role
from horarium.records.reach import Place
from horarium.store.books.audit import AuditBook
from horarium.store.tables.everything import metadata
from horarium.web.access import API_ROWS, ROWS, Door, Row, Who
from tests.support.api import ROOT, program_of
from tests.support.pages import Site, open_site, token_of
from tests.support.people import TESTER, SetClock, made_up
from tests.web import test_api_access, test_app_access
from tests.web.test_app_access import FORMS, ROLES, SOUND, by_sender

POSTS = [row for row in ROWS if row.method == "POST" and not row.by_address]
API_ACTS = [row for row in API_ROWS if row.method != "GET"]
OF_ONE = [row for row in ROWS if ":int}" in row.path and row.needs is not Door.EVERYBODY]
TOLD_ELSEWHERE = {
    # Nothing is there to be done: nobody is half way, no provider, no first administrator to make.
    *("setup", "login_second", "task_unpark", "audit_verify"),
    # Whoever asks is nobody yet, and is answered the same whoever they are.
    *("forgot", "register"),
    # Nothing was archived that could be downloaded.
    "audit_archive",
    # These ask for what is drawn by a phone or a key, or offer it; what comes of it is told.
    *("settings_app_new", "settings_app", "settings_codes", "settings_passkey", "settings_passkey_remove"),
    *("settings_app_remove", "user_reset_second_step", "settings_email_confirm", "settings_email_withdraw"),
    # The word to restore was not typed here.
    "backup_restore",
    # What cannot be tested is not, and what can would be asked by another machine.
    "credential_test",
    # A test has gone out before what came of it can be told.
    "channel_test",
    # A form that names nothing, or what has ended already, changes nothing.
    "settings_passkey_rename",
    *("settings_session_end", "settings_token_revoke", "user_session_end", "project_member_drop", "user_open"),
}
"""Routes whose sound form of the table changes nothing here; tests of their own say what they tell."""
TOLD_WHEN_OVER = {"backups", "backup_verify", "backup_drill"}
"""Routes whose work goes on after the answer: what came of it stands, whether it can be told or not."""

FORGERIES: dict[str, dict[str, Any]] = {
    "no token": {"token": ""},
    "a wrong token": {"token": "x" * 43},
    "another session's token": {"token": "of another"},
    "origin null": {"headers": {"origin": "null"}},
    "another origin": {"headers": {"origin": "https://evil.test"}},
    "a sibling": {"headers": {"sec-fetch-site": "same-site"}},
    "JSON as text": {"headers": {"content-type": "text/plain"}},
    "JSON": {"headers": {"content-type": "application/json"}},
    "another method": {"headers": {"x-http-method-override": "GET", "sec-fetch-site": "cross-site"}},
}
LAST_USE = {"last_used_at", "last_address"}
"""The columns of a token that asking may change."""
INTERVAL = Setting(key="sync_interval", type=SettingType.NUMBER, default=60, least=1, most=9999, sentence="Seconds.")
COUNT = count()
SIZES = cycle(("25", "100", "200"))
HOURS = cycle(("06:00", "07:00", "09:00"))
SUMMARY_HOURS = cycle(("5", "6", "7"))
CHANGING: dict[str, Callable[[], dict[str, Any]]] = {
    "settings_profile": lambda: {"display_name": secrets.token_hex(8)},
    "settings_tokens": lambda: {"name": secrets.token_hex(8), "scope": ["read"], "days": "30"},
    "settings_notices": lambda: {"digest_hour": next(HOURS)},
    "settings_time": lambda: {"page_size": next(SIZES)},
    "settings_added": lambda: {"key": ["sync_interval"], "value": [str(61 + next(COUNT))]},
    "storage_keep": lambda: {"run_days": str(100 + next(COUNT))},
    "settings_summary": lambda: {"key": ["summary_hour"], "value": [next(SUMMARY_HOURS)]},
    "settings_rules": lambda: {"key": ["page_size"], "value": [next(SIZES)]},
}
"""What to send so that something changes each time."""
UNLISTED = ("owner", "owner_id", "is_admin", "command", "run_as", "next_at", "created_at", "user_id", "_method")


NONCES = re.compile(r'(?:value|data-passkey)="[^"]{40,}"|/events\?after=\d+')


def ids(row: Row) -> str:
    return f"{row.method}-{row.route}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("routes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("horarium.accounts.tokens.MOST", 10_000)
        patch.setattr("horarium.notify.channel_desk.MOST_CHANNELS", 10_000)
        patch.setattr("horarium.notify.rule_desk.MOST_RULES", 10_000)
        with open_site(folder, SetClock(), sends_mail=True, registration=Rules(Mode.OPEN)) as opened:
            opened.live()
            found(opened.store, opened.clock)
            opened.app.state.house.preferences.register("Sync", [INTERVAL])
            for name, role in ROLES.items():
                opened.person(str(name), role)
            yield opened


def browser_for(site: Site, row: Row) -> TestClient:
    """Return a browser that may use the route: nobody's where everybody may, else an administrator's."""
    return site.client() if row.needs is Door.EVERYBODY else site.signed_in(Who.ADMIN)


def scene(site: Site, row: Row) -> tuple[str, dict[str, Any]]:
    """Return the address of something made for this one request, and a sound form about it."""
    form = FORMS.get(row.route, dict)() | SOUND.get(row.route, {}) | by_sender(row, Who.ADMIN, site.passwords)
    name = f"new-{secrets.token_hex(8)}"
    if "{project_id:int}" in row.path:
        made = site.app.state.house.projects.add(name, actor=TESTER)
        wanted = {"name": f"other {name}"} if "name" in form else {}
        confirm = {"confirm": name} if "confirm" in form else {}
        return row.path.replace("{project_id:int}", str(made.id)), form | wanted | confirm
    if "{user_id:int}" in row.path:
        guest = site.person(name, Role.USER)
        site.signed_in(name)
        confirm = {"confirm": guest.name} if "confirm" in form else {}
        return row.path.replace("{user_id:int}", str(guest.id)), form | confirm
    if "{credential_id:int}" in row.path:
        wanted = {"name": f"other {name}"} if "name" in form else {}
        confirm = {"confirm": name} if "confirm" in form else {}
        return test_app_access.of_credential(site, row, Who.ADMIN, name), form | wanted | confirm
    if row.route in {"projects", "credential_new", "channel_new"}:
        form["name"] = name
    if row.route == "system_maintenance":
        site.app.state.house.holds.end_maintenance(actor=TESTER)
    path = test_app_access.address(site, row, Who.ADMIN)
    form |= SOUND.get(row.route, {})
    if row.route == "tasks_act":
        # One that nobody has paused yet: what changes nothing needs no entry.
        form["id"] = [site.task(name, cron=None)]
    if row.route == "channel":
        form["name"] = name
    if row.route in CHANGING:
        form |= CHANGING[row.route]()
    if row.route == "task_resume":
        site.desk.pause(int(path.split("/")[2]), by=TESTER)
    return path, form


def page_for(row: Row) -> str:
    """Return a page that whoever uses the route can see."""
    return "/login" if row.needs is Door.EVERYBODY else "/settings/profile"


def api_address(site: Site, row: Row) -> str:
    """Return the address of something made for this one request."""
    path = test_api_access.address(site, row, Who.ADMIN)
    if row.route == "api_task_resume":
        site.desk.pause(int(path.removeprefix(ROOT).split("/")[2]), by=TESTER)
    return path


def dump(site: Site, *but: str) -> dict[str, list[Any]]:
    """Return all that the store holds, but what tells of refusals."""
    left_out = {"audit_log", "audit_head", "nodes", *but}
    wanted = {
        name: ", ".join(f'"{each.name}"' for each in table.c if each.name not in LAST_USE)
        for name, table in metadata.tables.items()
        if name not in left_out
    }
    # By the driver alone: the whole store is read twice in each test.
    with closing(sqlite3.connect(f"file:{site.store.location}?mode=ro", uri=True)) as connection:
        return {
            name: connection.execute(f"SELECT {columns} FROM {name}").fetchall()  # noqa: S608 - names of our tables
            for name, columns in wanted.items()
        }


def last_number(site: Site) -> int:
    with site.store.reading() as tx:
        return AuditBook(tx).head()[0]


def told_since(site: Site, number: int) -> list[AuditRow]:
    return [row for row in Trail(site.store, site.clock).each(AuditFilter()) if row.id > number]


@pytest.mark.parametrize("row", POSTS, ids=ids)
def test_r32_a_forgery_changes_nothing_on_any_route(site: Site, row: Row) -> None:
    path, form = scene(site, row)
    browser = browser_for(site, row)
    mine = token_of(browser, page_for(row))
    others = token_of(site.signed_in(Who.VIEWER), "/tasks")
    before = dump(site)
    for forgery in FORGERIES.values():
        token = forgery.get("token", mine).replace("of another", others)
        answer = browser.post(path, data=form | {"csrf_token": token}, headers=forgery.get("headers", {}))
        assert answer.status_code in {403, 415}, forgery
        assert answer.headers["x-error"] in {"forged", "wrong_type"}, forgery
    assert dump(site) == before


@pytest.mark.parametrize("row", POSTS, ids=ids)
def test_r48_a_field_that_is_not_listed_is_refused_on_every_route(site: Site, row: Row) -> None:
    path, form = scene(site, row)
    browser = browser_for(site, row)
    form |= {"csrf_token": token_of(browser, page_for(row))}
    before = dump(site)
    for name in [each for each in UNLISTED if each not in row.fields]:
        answer = browser.post(path, data=form | {name: "1"})
        assert (answer.status_code, answer.headers["x-error"]) == (422, "unknown_field"), name
    assert dump(site) == before


@pytest.mark.parametrize("row", API_ACTS, ids=ids)
def test_r48_a_field_that_is_not_listed_is_refused_on_every_route_of_the_api(site: Site, row: Row) -> None:
    path = api_address(site, row)
    client = program_of(site, Who.ADMIN)
    sound = {"name": made_up(), "scopes": ["read"], "password": site.passwords[Who.ADMIN]} if row.fresh else {}
    before = dump(site)
    for name in UNLISTED:
        answer = client.request(row.method, path, json=sound | {name: 1})
        assert 400 <= answer.status_code < 500, name
        assert answer.json()["error"]["code"] != "internal"
    assert dump(site) == before


@pytest.mark.parametrize("row", [row for row in POSTS if row.route not in TOLD_ELSEWHERE], ids=ids)
def test_r107_whatever_is_done_is_told_with_who_did_it(site: Site, row: Row) -> None:
    path, form = scene(site, row)
    browser = browser_for(site, row)
    form |= {"csrf_token": token_of(browser, page_for(row))}
    before, last = dump(site), last_number(site)
    answer = browser.post(path, data=form)
    site.app.state.house.backups.wait()
    assert answer.status_code == row.answers[Who.ADMIN if row.needs is not Door.EVERYBODY else Who.ANONYMOUS]
    told = told_since(site, last)
    assert told or dump(site) == before, "nothing was told of a change"
    admin = site.users.find(Who.ADMIN)
    assert admin
    if row.needs is not Door.EVERYBODY:
        assert told
        assert {each.actor_id for each in told} == {admin.id}
    assert {each.request for each in told} <= {answer.headers["x-request-id"]}
    assert {each.source for each in told} <= {"web"}
    assert not [each for each in told if site.passwords[Who.ADMIN] in repr(each)]


@pytest.mark.parametrize("row", API_ACTS, ids=ids)
def test_r107_whatever_is_done_by_the_api_is_told_with_who_did_it(site: Site, row: Row) -> None:
    path = api_address(site, row)
    client = program_of(site, Who.ADMIN)
    last = last_number(site)
    answer = test_api_access.ask(client, row, path, site.passwords[Who.ADMIN])
    assert answer.status_code == row.answers[Who.ADMIN]
    (told,) = told_since(site, last)
    admin = site.users.find(Who.ADMIN)
    assert admin
    # Nobody is there to take the test.
    result = "failed" if row.route == "api_channel_test" else "done"
    assert (told.actor_id, told.source, told.result) == (admin.id, "api", result)


@pytest.mark.parametrize("row", [row for row in POSTS if row.route not in TOLD_ELSEWHERE | TOLD_WHEN_OVER], ids=ids)
def test_r109_what_cannot_be_told_does_not_happen(site: Site, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    path, form = scene(site, row)
    browser = browser_for(site, row)
    form |= {"csrf_token": token_of(browser, page_for(row))}
    before = dump(site, "login_attempts")

    def refuse(*_: object) -> None:
        raise StoreUnavailable("the audit log cannot be written")

    monkeypatch.setattr(AuditBook, "append", refuse)
    status = browser.post(path, data=form).status_code
    assert dump(site, "login_attempts") == before
    assert status >= 500


@pytest.mark.parametrize("row", [row for row in POSTS if row.route in TOLD_WHEN_OVER], ids=ids)
def test_r109_what_is_told_when_it_is_over_stays_and_says_that_it_could_not_be_told(
    site: Site, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, form = scene(site, row)
    browser, desk = browser_for(site, row), site.app.state.house.backups
    form |= {"csrf_token": token_of(browser, page_for(row))}
    before, last = len(desk.all()), last_number(site)

    def refuse(*_: object) -> None:
        raise StoreUnavailable("the audit log cannot be written")

    monkeypatch.setattr(AuditBook, "append", refuse)
    assert browser.post(path, data=form).status_code == row.answers[Who.ADMIN]
    desk.wait()
    assert desk.job.passed
    assert "The audit log could not be told of it" in desk.job.words
    assert len(desk.all()) == before + (row.route == "backups")
    assert last_number(site) == last


@pytest.mark.parametrize("row", [row for row in API_ACTS if row.route != "api_channel_test"], ids=ids)
def test_r109_what_cannot_be_told_does_not_happen_by_the_api(
    site: Site, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = api_address(site, row)
    client = program_of(site, Who.ADMIN)
    before = dump(site)

    def refuse(*_: object) -> None:
        raise StoreUnavailable("the audit log cannot be written")

    monkeypatch.setattr(AuditBook, "append", refuse)
    assert test_api_access.ask(client, row, path, site.passwords[Who.ADMIN]).status_code == 503
    assert dump(site) == before


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in POSTS
        # What was removed and can come back is nothing that is there.
        if row.answers[Who.STRANGER] in {403, 404} and row.needs is not Door.EVERYBODY and row.route != "rule_back"
    ],
    ids=ids,
)
def test_r46_what_is_anothers_is_refused_unchanged_and_told(site: Site, row: Row) -> None:
    path, form = scene(site, row)
    stranger = site.users.find(Who.STRANGER)
    assert stranger
    browser = site.signed_in(Who.STRANGER)
    form |= {"csrf_token": token_of(browser, "/tasks")}
    before, last = dump(site), last_number(site)
    assert browser.post(path, data=form).status_code == row.answers[Who.STRANGER]
    assert dump(site) == before
    (told,) = told_since(site, last)
    assert (told.action, told.result, told.actor_id) == ("access.refused", "refused", stranger.id)


def test_r57_nothing_of_a_task_or_a_run_is_there_without_signing_in(site: Site) -> None:
    anonymous = site.client()
    task_id = site.task(f"task-{made_up()}", cron=None, tags=("public", "shared"))
    run_id = site.run(task_id)
    shapes = ["/badge/{}", "/badge/{}.svg", "/badges/{}", "/tasks/{}/badge", "/tasks/{}/badge.svg", "/tasks/{}.json"]
    shapes += ["/tasks/{}/status", "/share/{}", "/s/{}", "/public/{}", "/public/tasks/{}", "/status/{}", "/ping/{}"]
    shapes += ["/tasks/{}?share=1", "/tasks/{}?public=true", "/runs/{}?key=1", "/runs/{}/log?share=1", "/embed/{}"]
    for shape in shapes:
        said = []
        for number in (task_id, run_id, 987_654_321):
            answer = anonymous.get(shape.format(number))
            assert answer.status_code in {302, 404}, shape
            # The digits of a number stand in quoted characters as well.
            where = re.sub(rf"/{number}\b", "/N", unquote(answer.headers.get("location", "")))
            said.append((answer.status_code, where))
        assert len(set(said)) == 1, shape
    for row in OF_ONE:
        path = test_app_access.NUMBER.sub("{}", row.path)
        for number in (task_id, run_id, 987_654_321):
            numbers = [number] * path.count("{}")
            assert anonymous.request(row.method, path.format(*numbers)).status_code in {302, 401}


def test_r47_pages_of_a_stranger_tell_nothing_of_what_others_have(site: Site) -> None:
    stranger = site.signed_in(Who.STRANGER)
    prefix = secrets.token_hex(6)
    canary = f"{prefix}canary"
    paths = [
        row.path for row in ROWS if row.method == "GET" and "{" not in row.path and row.answers[Who.STRANGER] == 200
    ]
    paths = [path for path in paths if path != "/events" and not path.startswith("/health")]
    paths += [
        f"/tasks?q={prefix}",
        "/tasks?view=all&sort=last",
        "/tasks?sort=name",
        f"/runs?q={prefix}",
        "/runs?view=open",
    ]
    before = {path: _shown(stranger, path) for path in paths}
    admin, owner = site.users.find(Who.ADMIN), site.users.find(Who.OWNER)
    assert admin
    assert owner
    for place in (Place(owner_id=owner.id), Place()):
        task_id = site.task(f"{canary} {place.owner_id}", cron="* * * * *", place=place, tags=(canary,))
        run_id = site.run(task_id)
        site.start(run_id, (canary,))
        site.finish(run_id)
        site.run(task_id)
    project = site.app.state.house.projects.add(canary, actor=TESTER)
    site.app.state.house.projects.put_member(project.id, owner.id, Role.ADMIN, actor=TESTER)
    test_app_access.invitation(site)
    site.person(canary, Role.USER)
    after = {path: _shown(stranger, path) for path in paths}
    assert [path for path in paths if canary in after[path]] == []
    assert {path: text for path, text in after.items() if before[path] != text} == {}
    assert canary in site.signed_in(Who.ADMIN).get("/tasks").text
    assert f"{ROOT}/" not in "".join(paths)


def _shown(browser: TestClient, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    # What is made anew for each answer, and from which place on the stream goes on.
    return NONCES.sub("", answer.text)
