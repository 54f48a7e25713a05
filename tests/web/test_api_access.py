"""Who may use which route of the API: the table is complete, and every cell of it is answered as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from horarium.accounts.roles import Permission, Scope, least_scope
from horarium.accounts.tokens import Tokens
from horarium.records.people import Role
from horarium.records.reach import NOWHERE, Place
from horarium.store.port import Transaction
from horarium.store.tables.everything import metadata
from horarium.web.access import API_ROWS, Row, Transport, Who
from tests.support import notices
from tests.support.api import ROOT, make_token, program, program_of
from tests.support.pages import Site, open_site, token_of
from tests.support.people import TESTER, SetClock, made_up
from tests.web.test_app_access import heartbeat

DISABLED, REVOKED = "disabled", "revoked"
ROLES = {
    Who.STRANGER: Role.USER,
    Who.VIEWER: Role.VIEWER,
    Who.OPERATOR: Role.OPERATOR,
    Who.EDITOR: Role.EDITOR,
    Who.OWNER: Role.USER,
    Who.ADMIN: Role.ADMIN,
    DISABLED: Role.ADMIN,
    REVOKED: Role.ADMIN,
}
NOBODY = {Who.ANONYMOUS, DISABLED, REVOKED}
OF_ONE = [row for row in API_ROWS if "{" in row.path]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("api")
    with pytest.MonkeyPatch.context() as patch, open_site(folder, SetClock()) as opened:
        # Each cell makes tokens of its own: more than a person may have.
        patch.setattr("horarium.accounts.tokens.MOST", 10_000)
        patch.setattr("horarium.notify.channel_desk.MOST_CHANNELS", 10_000)
        patch.setattr("horarium.notify.rule_desk.MOST_RULES", 10_000)
        opened.live()
        for name, role in ROLES.items():
            opened.person(str(name), role)
        yield opened


@pytest.fixture(scope="module")
def programs(site: Site) -> dict[str, TestClient]:
    made = {str(name): make_token(site, str(name)) for name in ROLES}
    gone = site.users.find(DISABLED)
    assert gone
    Tokens(site.store, site.clock).revoke_any(made[REVOKED].token.id, actor=TESTER)
    site.users.disable(gone.id, actor=TESTER)
    return {**{name: program(site, each.text) for name, each in made.items()}, Who.ANONYMOUS: program(site, None)}


def address(site: Site, row: Row, who: str) -> str:
    """Return the address of something that exists, made for this one request: the installation's, or its owner's."""
    path = row.path
    if "{token_id:int}" in path:
        holder = str(Who.ADMIN) if who in NOBODY else who
        return path.replace("{token_id:int}", str(make_token(site, holder).token.id))
    if "{" not in path:
        return path
    if "{check_id:int}" in path:
        return path.replace("{check_id:int}", str(heartbeat(site, row, who).id))
    if notices.KINDS & set(notices.NAMED.findall(path)):
        keeper = site.users.find(who if who in {Who.OWNER, Who.ADMIN} else Who.ADMIN)
        assert keeper
        return notices.filled(site, path, row.route, owner_id=keeper.id, asker_id=keeper.id)
    owner = site.users.find(Who.OWNER)
    assert owner
    place = Place(owner_id=owner.id) if who == Who.OWNER else NOWHERE
    task_id = site.task(f"task-{made_up()}", cron=None, place=place)
    return path.replace("{task_id:int}", str(task_id)).replace("{run_id:int}", str(site.run(task_id)))


def ask(client: TestClient, row: Row, path: str, password: str = "", **more: Any) -> Any:
    """Send a sound request; return the answer."""
    body = {"name": made_up(), "scopes": ["read"], "password": password} if row.fresh else None
    body = body or notices.body_for(client, row.route, row.method)
    return client.request(row.method, path, json=body, **more)


@pytest.mark.parametrize(
    ("row", "who"),
    [
        pytest.param(row, who, id=f"{who}-{row.method}-{row.route}")
        for row in API_ROWS
        for who in (*Who, DISABLED, REVOKED)
    ],
)
def test_r44_every_cell_of_the_table_is_answered_as_it_says(
    site: Site, programs: dict[str, TestClient], row: Row, who: str
) -> None:
    answer = ask(programs[who], row, address(site, row, who), site.passwords.get(who, ""))
    assert answer.status_code == row.answers[Who.ANONYMOUS if who in NOBODY else Who(who)], answer.text


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("row", API_ROWS, ids=lambda row: f"{row.method}-{row.route}")
def test_r59_a_token_is_good_for_what_its_scope_says_on_every_route(site: Site, row: Row, scope: Scope) -> None:
    client = program_of(site, Who.ADMIN, scope.value)
    answer = ask(client, row, address(site, row, Who.ADMIN), site.passwords[Who.ADMIN])
    assert isinstance(row.needs, Permission)
    least = least_scope(row.needs)
    ranks = list(Scope)
    if ranks.index(scope) >= ranks.index(least):
        assert answer.status_code == row.answers[Who.ADMIN]
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "denied")
        assert answer.json()["error"]["message"].endswith(f"the scope {least}.")


@pytest.mark.parametrize("row", API_ROWS, ids=lambda row: f"{row.method}-{row.route}")
def test_r59_r61_one_scheme_in_one_header_is_heard_however_it_is_spelt(site: Site, row: Row) -> None:
    text = make_token(site, Who.ADMIN, "read").text
    path = address(site, row, Who.ADMIN)
    usual = ask(program(site, text), row, path).status_code
    for scheme in ("bearer", "BEARER", "Bearer ", "  Bearer  "):
        # What may only look is changed by nobody, so that the same thing can be asked again and again.
        assert ask(program(site, text, scheme), row, path).status_code == usual
    for scheme in ("Basic", "Token", "Bearer,", "Digest", ""):
        assert ask(program(site, text, scheme), row, path).status_code == 401
    twice = [("authorization", f"Bearer {text}"), ("authorization", f"Bearer {text}")]
    assert ask(program(site, None), row, path, headers=twice).status_code == 401


@pytest.mark.parametrize("row", API_ROWS, ids=lambda row: f"{row.method}-{row.route}")
def test_r60_a_token_in_an_address_or_a_cookie_is_none(site: Site, row: Row) -> None:
    text = make_token(site, Who.ADMIN).text
    path = address(site, row, Who.ADMIN)
    for name in ("token", "api_key", "access_token", "authorization"):
        assert ask(program(site, None), row, path, params={name: text}).status_code == 401
        client = program(site, None)
        client.cookies.set(name, text)
        client.cookies.set("horarium", text)
        assert ask(client, row, path).status_code == 401


@pytest.mark.parametrize("row", API_ROWS, ids=lambda row: f"{row.method}-{row.route}")
def test_r61_a_session_opens_nothing_here_even_with_the_proof_of_its_forms(site: Site, row: Row) -> None:
    browser = site.signed_in(Who.ADMIN)
    headers = {"x-csrf-token": token_of(browser, "/tasks"), "origin": "http://localhost"}
    answer = ask(browser, row, address(site, row, Who.ADMIN), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_needed")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_r61_a_token_opens_no_page(site: Site, programs: dict[str, TestClient]) -> None:
    for path in ("/", "/tasks", "/runs", "/settings/tokens", "/settings/sessions"):
        answer = programs[Who.ADMIN].get(path)
        assert answer.status_code == 302
        assert "set-cookie" not in answer.headers
    assert programs[Who.ADMIN].get("/events").status_code == 401
    assert programs[Who.ADMIN].post("/settings/tokens", data={"name": "x"}).status_code == 401


def test_r44_the_table_has_no_empty_cell_and_every_route_needs_a_permission() -> None:
    assert [row for row in API_ROWS if set(row.answers) != set(Who)] == []
    assert [row for row in API_ROWS if not isinstance(row.needs, Permission)] == []
    assert {row.transport for row in API_ROWS} == {Transport.API}
    assert [row for row in API_ROWS if row.answers[Who.ANONYMOUS] != 401] == []


def test_r120_a_route_without_a_row_is_red(site: Site) -> None:
    (mount,) = [route for route in site.app.routes if isinstance(route, Mount) and route.name == "api"]
    assert mount.path == ROOT
    built = set()
    for route in mount.routes:
        assert isinstance(route, Route)
        built |= {(f"{ROOT}{route.path}", method) for method in route.methods or ()}
    assert built == {(row.path, row.method) for row in API_ROWS}


@pytest.mark.parametrize("path", sorted({row.path for row in API_ROWS}))
def test_r93_another_method_is_told_every_one_that_the_address_takes(site: Site, path: str) -> None:
    answer = program(site, None).request("PROPFIND", re.sub(r"\{\w+:int\}", "1", path))
    assert answer.status_code == 405
    assert answer.headers["allow"].split(", ") == sorted(row.method for row in API_ROWS if row.path == path)


BODIES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "garbage": {"content": b"\xff\x00{{{", "headers": {"content-type": "application/json"}},
    "large": {"content": b"[" * (2 << 20), "headers": {"content-type": "application/json"}},
    "json": {"json": {"name": "x", "scopes": ["admin"]}},
    "form": {"data": {"id": "1", "action": "pause"}},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_r45_nothing_happens_before_the_check(site: Site, method: str, body: dict[str, Any]) -> None:
    anonymous = program(site, None)
    for row in API_ROWS:
        answer = anonymous.request(method, re.sub(r"\{\w+:int\}", "1", row.path), **body)
        assert answer.status_code in {401, 405}, (method, row.path)
        assert set(answer.json()["error"]) == {"code", "message", "request"}
    assert anonymous.request(method, f"{ROOT}/nowhere", **body).status_code == 404


@pytest.mark.parametrize("row", OF_ONE, ids=lambda row: f"{row.method}-{row.route}")
def test_r46_what_is_anothers_is_answered_like_what_is_not_there(
    site: Site, programs: dict[str, TestClient], row: Row
) -> None:
    foreign = address(site, row, Who.ADMIN)
    number = foreign.removeprefix(f"{ROOT}/").split("/")[1]
    absent = foreign.replace(f"/{number}", "/987654321")
    with site.store.reading() as tx:
        before = _dump(tx)
    answers = [ask(programs[Who.STRANGER], row, path) for path in (foreign, absent)]
    assert [answer.status_code for answer in answers] == [404, 404]
    one, other = (answer.json()["error"] for answer in answers)
    assert (one["code"], one["message"]) == (other["code"], other["message"])
    assert number not in one["message"]
    with site.store.reading() as tx:
        assert _dump(tx) == before


def test_r47_lists_tell_nothing_of_what_is_not_seen(site: Site, programs: dict[str, TestClient]) -> None:
    canary = f"canary{made_up()}"
    stranger, admin = programs[Who.STRANGER], programs[Who.ADMIN]
    paths = ("/tasks", "/runs", "/tokens", "/me", "/tasks?view=all&sort=last", "/runs?view=open")
    before = [stranger.get(f"{ROOT}{path}").json() for path in paths]
    task_id = site.task(canary, cron=None, tags=(canary,))
    site.run(task_id)
    make_token(site, Who.ADMIN)
    assert canary in admin.get(f"{ROOT}/tasks", params={"q": canary}).text
    assert [stranger.get(f"{ROOT}{path}").json() for path in paths] == before
    for query in ({"q": canary}, {"task": task_id}, {"q": canary, "view": "queued"}):
        assert stranger.get(f"{ROOT}/runs", params=query).json() == {"runs": [], "next": None}


def test_r34_looking_changes_nothing(site: Site, programs: dict[str, TestClient]) -> None:
    paths = [address(site, row, Who.ADMIN) for row in API_ROWS if row.method == "GET"]
    with site.store.reading() as tx:
        before = _dump(tx)
    assert {programs[Who.ADMIN].get(path).status_code for path in paths} == {200}
    with site.store.reading() as tx:
        assert _dump(tx) == before


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/api/v1/docs", "/api/v1/redoc", "/api", "/api/v1"]
)
def test_r9_there_are_no_interactive_documents(programs: dict[str, TestClient], path: str) -> None:
    assert programs[Who.ADMIN].get(path).status_code == 404


def _dump(tx: Transaction) -> dict[str, list[Any]]:
    names = ("scheduled_tasks", "task_executions", "occurrences", "events", "users", "audit_log", "login_attempts")
    kept: dict[str, list[Any]] = {
        name: [tuple(row) for row in tx.execute(select(metadata.tables[name]))] for name in names
    }
    # The last use of a token is what looking may change.
    tokens = metadata.tables["api_tokens"]
    kept["api_tokens"] = [tuple(row) for row in tx.execute(select(tokens.c.id, tokens.c.revoked_at))]
    return kept
