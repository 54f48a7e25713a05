"""Who may use which route: the table is complete, and every cell of it is answered as it says."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from horarium.accounts.addresses import Addresses
from horarium.accounts.by_link import ByLink
from horarium.accounts.invitations import Wanted
from horarium.accounts.links import Purpose
from horarium.accounts.registering import Mode, Rules
from horarium.accounts.roles import Permission
from horarium.clock import EPOCH
from horarium.records.checks import CheckWish, HeartbeatCheck
from horarium.records.credentials import Subject
from horarium.records.people import Project, Role, User
from horarium.records.reach import NOWHERE, Place
from horarium.scheduling.checks import CheckDesk
from horarium.scheduling.hold import Restored, put_restored
from horarium.store.books.links import AccountLink, AccountLinkBook
from horarium.store.port import Transaction
from horarium.store.tables.everything import metadata
from horarium.triggers import IntervalTrigger, to_text
from horarium.upkeep.desk import BackupDesk
from horarium.vault.credentials import NewCredential
from horarium.vault.grants import NewGrant
from horarium.web.access import ROWS, Door, Row, Who
from tests.support import notices
from tests.support.pages import Site, open_site, token_of
from tests.support.people import TESTER, SetClock, add_person, made_up
from tests.support.vault import HOST

DISABLED = "disabled"
NUMBER = re.compile(r"\{\w+:int\}")
ROLES = {
    Who.STRANGER: Role.USER,
    Who.VIEWER: Role.VIEWER,
    Who.OPERATOR: Role.OPERATOR,
    Who.EDITOR: Role.EDITOR,
    Who.OWNER: Role.USER,
    Who.ADMIN: Role.ADMIN,
    DISABLED: Role.ADMIN,
}
STREAMS = {"events", "run_log_stream"}
FORMS: dict[str, Callable[[], dict[str, Any]]] = {
    "forgot": lambda: {"login": "nobody"},
    "register": lambda: {"email": f"{secrets.token_hex(8)}@example.org"},
    "reset": lambda: {"password": made_up()},
    "join": lambda: {"name": "Noor", "password": made_up(), "time_zone": "UTC"},
    "settings_profile": lambda: {"display_name": "Somebody"},
    "invitations": lambda: {"email": f"{secrets.token_hex(8)}@example.org", "role": "viewer"},
}

HEARTBEAT = {"kind": "period", "every": "2", "unit": "hours", "grace": "5", "grace_unit": "minutes", "belongs": "me"}
SOUND: dict[str, dict[str, Any]] = {
    "tasks_act": {"action": "pause", "id": [1]},
    "system_maintenance": {"do": "begin"},
    "settings_token_revoke": {"token": "1"},
    "settings_passkey_rename": {"passkey": "1", "name": "Phone"},
    "user_role": {"role": "viewer"},
    "user_leave": {"act": "close", "fate": "keep", "runs": "finish"},
    "project_member": {"who": str(Who.ADMIN), "role": "viewer"},
    "project_member_drop": {"user": "1"},
    "audit_export": {"format": "csv"},
    "audit_archive": {"archive": "1"},
    "storage_clear": {"kind": "runs", "days": "90"},
    "storage_keep": {"run_days": "60"},
    "credential_values": {"token.token": "another-made-up-value"},
    "credential_give": {"heir": str(Who.EDITOR)},
    "credential_grant": {"to": "person", "who": str(Who.ADMIN)},
    "schedules_release": {"missed": "make_up"},
    "channel": {"name": "Another name", "ntfy.topic": "ops", "ntfy.server": notices.NOWHERE},
    "rule_new": {
        "owner": "me",
        "scope": "installation",
        "kind": ["failed"],
        "after_failures": "2",
        "frequency": "daily",
        "to": ["owner"],
        "is_on": "yes",
    },
    "rule_switch": {"on": "no"},
    "rule_move": {"by": "down"},
    "snoozes": {"what": "all", "length": "1h", "reason": "away"},
}
"""What a form has to hold to be sound, beside what depends on who sends it."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("access")
    with open_site(folder, SetClock(), sends_mail=True, registration=Rules(Mode.OPEN)) as opened:
        opened.live()
        for name, role in ROLES.items():
            opened.person(str(name), role)
        opened.run(opened.task(cron=None))
        yield opened


@pytest.fixture(scope="module")
def browsers(site: Site) -> dict[str, TestClient]:
    found = {str(name): site.signed_in(str(name)) for name in ROLES}
    gone = site.users.find(DISABLED)
    assert gone
    site.users.disable(gone.id, actor=TESTER)
    return {**found, Who.ANONYMOUS: site.client()}


def address(site: Site, row: Row, who: str) -> str:
    """Return the address of something that exists, made for this one request: the installation's, or its owner's."""
    owner = site.users.find(Who.OWNER)
    assert owner
    place = Place(owner_id=owner.id) if who == Who.OWNER else NOWHERE
    owner_id = owner.id if who == Who.OWNER else 0
    path = notices.filled(site, row.path, row.route, owner_id=owner_id, asker_id=_keeper(site, who).id)
    for marks, made in MADE:
        if any(mark in path for mark in marks):
            return made(site, row, who)
    if row.route == "backups" or row.route.startswith("backup_"):
        return about_backup(site, row)
    if row.route == "schedules_release":
        hold_schedules(site)
    if "{" not in path:
        return path
    task_id = site.task(f"task-{site.clock.micros()}-{row.route}-{who}", cron=None, place=place)
    run_id = site.run(task_id)
    return path.replace("{task_id:int}", str(task_id)).replace("{run_id:int}", str(run_id))


def of_heartbeat(site: Site, row: Row, who: str) -> str:
    """Return a path with a heartbeat in it."""
    check = heartbeat(site, row, who)
    filled = row.path.replace("{ping}", check.token).replace("{code:int}", "0")
    return filled.replace("{check_id:int}", str(check.id))


def of_letter(site: Site, row: Row, who: str) -> str:
    """Return a path with an invitation or the token of a link in it."""
    del who
    named = str(invitation(site)[0]) if "{inv" in row.path else token_for(site, row.route)
    return re.sub(r"\{\w+(:int)?\}", named, row.path)


def heartbeat(site: Site, row: Row, who: str) -> HeartbeatCheck:
    """Make a heartbeat for one request: its owner's, or a project's in which the asker has their role."""
    owner = site.users.find(Who.OWNER)
    assert owner
    place = Place(owner_id=owner.id) if who == Who.OWNER else Place(project_id=project(site, row, who))
    wish = CheckWish(name="Nightly copy", schedule=to_text(IntervalTrigger(3600, EPOCH)), place=place)
    desk: CheckDesk = site.app.state.house.checks
    return desk.add(wish, actor=TESTER)


def a_backup(site: Site) -> str:
    """Return the name of a backup that is there, when nothing is being done with any."""
    desk: BackupDesk = site.app.state.house.backups
    desk.wait()
    if not desk.all():
        desk.make(TESTER)
        desk.wait()
    return desk.all()[0].name


def about_backup(site: Site, row: Row) -> str:
    """Return the address of something about backups; the form about it names one that is there."""
    name = a_backup(site)
    if row.method == "GET":
        return f"{row.path}?file={name}" if row.route == "backup_restore" else row.path
    SOUND[row.route] = {"file": name} if row.route != "backups" else {}
    return row.path


def hold_schedules(site: Site) -> None:
    """Hold all schedules, as a restore does."""
    with site.store.transaction() as tx:
        put_restored(tx, Restored(site.clock.now(), "a", site.clock.now()))


def invitation(site: Site) -> tuple[int, str]:
    """Invite somebody; return the number and the token."""
    found: ByLink = site.app.state.house.by_link
    email = f"{secrets.token_hex(8)}@example.org"
    made = found.invitations.invite(Wanted(email=email), actor=TESTER, by_mail=False)
    return made.id, found.invitations.link(made.id, actor=TESTER).rpartition("/")[2]


def _keeper(site: Site, who: str) -> User:
    """Return who can bring back what was removed: who asks if it is theirs to keep, else an administrator."""
    found = site.users.find(who if who in {Who.OWNER, Who.ADMIN} else Who.ADMIN)
    assert found
    return found


def token_for(site: Site, route: str) -> str:
    """Return the token of a link that is good."""
    if route.startswith("unsubscribe"):
        return notices.ending_token(site, is_ended=route == "unsubscribe_back")
    found: ByLink = site.app.state.house.by_link
    if route == "join":
        return invitation(site)[1]
    name = secrets.token_hex(8)
    person = add_person(site.users, name, email=f"{name}@example.org")
    if route == "reset":
        return (found.resets.start(person.id, actor=TESTER, by_mail=False) or "").rpartition("/")[2]
    found.addresses.ask_to_confirm(person.id, actor=TESTER)
    with site.store.reading() as tx:
        (link,) = AccountLinkBook(tx).of_user(person.id, ["confirm"])
    return addresses_token(found.addresses, link)


def addresses_token(addresses: Addresses, link: AccountLink) -> str:
    """Return the token of a link about an address."""
    return addresses._links.token(Purpose.CONFIRM, link, epoch=link.epoch)


def somebody(site: Site, row: Row, who: str) -> User:
    """Return a person whom a request may be about, made for it."""
    return site.users.find(_guest(row, who)) or _made(site, _guest(row, who))


def _made(site: Site, name: str) -> User:
    return add_person(site.users, name, email=f"{name}@example.org")


def _guest(row: Row, who: str) -> str:
    return f"guest-{row.route}-{row.method}-{who}".lower().replace(" ", "-")


def project(site: Site, row: Row, who: str) -> int:
    """Return the number of a project, made for one request, in which the asker has the role they are called after."""
    projects = site.app.state.house.projects
    name = f"{row.route} {row.method} {who}"
    made: Project = projects.find(name) or projects.add(name, actor=TESTER)
    role = {Who.OWNER: Role.ADMIN, Who.VIEWER: Role.VIEWER, Who.OPERATOR: Role.OPERATOR, Who.EDITOR: Role.EDITOR}
    asker = site.users.find(who)
    if who in role and asker:
        projects.put_member(made.id, asker.id, role[Who(who)], actor=TESTER)
    return made.id


def of_credential(site: Site, row: Row, who: str, name: str = "") -> str:
    """Return the address of a credential, made for one request: its owner's or the installation's.

    Who is called viewer or operator was let use it, who is called editor replace its values too.
    """
    room, asker, owner = site.app.state.house.strongroom, site.users.find(who), site.users.find(Who.OWNER)
    assert owner
    owner_id = owner.id if who == Who.OWNER else 0
    name = name or f"{row.route} {row.method} {who}".replace("_", "-")
    wanted = NewCredential(name=name, kind="token", fields={"token": made_up()}, owner_id=owner_id)
    number = room.credentials.add(wanted, asker=HOST).credential.id
    room.credentials.replace(number, {"token": made_up()}, asker=HOST)
    if who in {Who.VIEWER, Who.OPERATOR, Who.EDITOR} and asker:
        grant = NewGrant(subject=Subject.PERSON, subject_id=asker.id, may_replace=who == Who.EDITOR)
        room.grants.make(number, grant, asker=HOST)
    boss = site.users.find(Who.ADMIN)
    assert boss
    grant_id = room.grants.make(number, NewGrant(subject=Subject.PERSON, subject_id=boss.id), asker=HOST).id
    if row.route == "credential_regrant":
        room.grants.revoke(number, grant_id, asker=HOST)
    if row.route == "credential_restore":
        room.credentials.stop(number, asker=HOST)
    numbers = {"credential_id": number, "version": 1, "grant_id": grant_id}
    return re.sub(r"\{(\w+):int\}", lambda found: str(numbers[found[1]]), row.path)


def of_somebody(site: Site, row: Row, who: str) -> str:
    """Return a path with a person in it."""
    return row.path.replace("{user_id:int}", str(somebody(site, row, who).id))


def of_project(site: Site, row: Row, who: str) -> str:
    """Return a path with a project in it."""
    return row.path.replace("{project_id:int}", str(project(site, row, who)))


MADE: tuple[tuple[tuple[str, ...], Callable[[Site, Row, str], str]], ...] = (
    (("{ping}", "{check_id:int}"), of_heartbeat),
    (("{token}", "{invitation_id:int}"), of_letter),
    (("{user_id:int}",), of_somebody),
    (("{credential_id:int}",), of_credential),
    (("{project_id:int}",), of_project),
)
"""What makes the thing that a path names, by what stands in it."""


def ask(browser: TestClient, row: Row, path: str, who: str, *, page: str, passwords: dict[str, str]) -> int:
    """Send a sound request; return the status."""
    if row.method == "GET":
        if row.route in STREAMS:
            # The head is enough: the body of a stream has no end.
            return browser.head(path).status_code
        return browser.get(path).status_code
    fields: dict[str, Any] = {"csrf_token": token_of(browser, page), **FORMS.get(row.route, dict)()}
    return browser.post(path, data=fields | SOUND.get(row.route, {}) | by_sender(row, who, passwords)).status_code


def by_sender(row: Row, who: str, passwords: dict[str, str]) -> dict[str, Any]:
    """Return what of a sound form depends on who sends it."""
    forms: dict[str, Callable[[], dict[str, Any]]] = {
        "settings_email": lambda: {"email": f"{secrets.token_hex(8)}@example.org", "current": passwords.get(who, "")},
        "settings_password": lambda: {"current": passwords.get(who, ""), "new": passwords.get(who, "")},
        "settings_tokens": lambda: {"name": f"of {who}", "scope": ["read"], "days": "30"},
        "user_leave": lambda: {"confirm": _guest(row, who)},
        "project": lambda: {"name": f"New {row.route} of {who}"},
        "check_new": lambda: HEARTBEAT | {"name": f"of {who}"},
        "check_edit": lambda: HEARTBEAT | {"name": f"now {who}"},
        "projects": lambda: {"name": f"New {row.route} of {who}"},
        "channel_new": lambda: {
            "kind": "ntfy",
            "name": f"of {who}",
            "ntfy.topic": "ops",
            "ntfy.server": notices.NOWHERE,
            "ntfy.token": made_up(),
        },
        "rule": lambda: {
            "scope": "installation",
            "kind": ["failed"],
            "after_failures": "4",
            "frequency": "each",
            "to": ["owner"],
            "is_on": "yes",
        },
        "credential_new": lambda: {"kind": "token", "name": f"of {who}", "token.token": made_up()},
        "credential": lambda: {"name": f"now {row.method} {who}"},
        "credential_remove": lambda: {"confirm": f"{row.route} {row.method} {who}".replace("_", "-")},
        "project_remove": lambda: {"confirm": f"{row.route} {row.method} {who}"},
    }
    return forms.get(row.route, dict)()


def cells() -> list[Any]:
    return [pytest.param(row, who, id=f"{who}-{row.method}-{row.route}") for row in ROWS for who in (*Who, DISABLED)]


@pytest.mark.parametrize(("row", "who"), cells())
def test_r44_every_cell_of_the_table_is_answered_as_it_says(
    site: Site, browsers: dict[str, TestClient], row: Row, who: str
) -> None:
    path = address(site, row, who)
    browser = browsers[who]
    if row.route in {"logout", "join"}:
        # These change who is signed in.
        browser = site.signed_in(who) if who in set(ROLES) - {DISABLED} else site.client()
    page = "/login" if who in {Who.ANONYMOUS, DISABLED} else "/tasks"
    status = ask(browser, row, path, who, page=page, passwords=site.passwords)
    assert status == row.answers[Who.ANONYMOUS if who == DISABLED else Who(who)]


def test_r44_the_table_has_no_empty_cell() -> None:
    assert [row for row in ROWS if set(row.answers) != set(Who)] == []


def test_r120_a_route_without_a_row_is_red(site: Site) -> None:
    listed = {(row.path, row.method) for row in ROWS}
    built = set()
    for route in site.app.routes:
        if isinstance(route, Mount):
            assert route.name in {"static", "api"}
            continue
        assert isinstance(route, Route)
        built |= {(route.path, method) for method in route.methods or () if method != "HEAD"}
    assert built == listed


def test_r44_only_few_routes_are_open_to_everybody() -> None:
    assert {row.route for row in ROWS if row.needs is Door.EVERYBODY} == {
        *("setup", "login", "login_second", "login_passkey", "elsewhere", "elsewhere_back"),
        *("health_live", "health_ready", "forgot", "reset", "register", "join", "confirm"),
        *("ping", "ping_start", "ping_fail", "ping_code", "metrics"),
        *("unsubscribe", "unsubscribe_back"),
    }
    changing = {row.needs for row in ROWS if row.method == "POST"} - {Door.EVERYBODY, Door.SIGNED_IN}
    assert changing == {
        *(Permission.TASKS_PAUSE, Permission.TASKS_TRIGGER, Permission.RUNS_CANCEL),
        *(Permission.USERS_MANAGE, Permission.PROJECTS_MANAGE, Permission.AUDIT_READ),
        *(Permission.SYSTEM_READ, Permission.SYSTEM_MANAGE, Permission.CREDENTIALS_USE),
        Permission.NOTICES_USE,
    }


BODIES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "garbage": {"content": b"\xff\x00{{{", "headers": {"content-type": "application/x-www-form-urlencoded"}},
    "json": {"json": {"id": 1}},
    "form": {"data": {"id": "1", "action": "pause"}},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_r45_nothing_happens_before_the_check(site: Site, method: str, body: dict[str, Any]) -> None:
    anonymous = site.client()
    for row in ROWS:
        if row.needs is Door.EVERYBODY:
            continue
        path = NUMBER.sub("1", row.path)
        status = anonymous.request(method, path, **body).status_code
        assert status in {401, 302, 404, 405}, (method, path)
    assert anonymous.request(method, "/nowhere", **body).status_code in {404, 405}


def test_r34_looking_changes_nothing(site: Site, browsers: dict[str, TestClient]) -> None:
    address(site, ROWS[0], Who.ADMIN)
    wanted = NewCredential(name=secrets.token_hex(8), kind="token", fields={"token": made_up()})
    number = site.app.state.house.strongroom.credentials.add(wanted, asker=HOST).credential.id
    looked_at = [row for row in ROWS if row.method == "GET" and row.route not in STREAMS and not row.by_address]
    paths = []
    for row in looked_at:
        token = token_for(site, row.route) if "{token}" in row.path else ""
        path = row.path.replace("{credential_id:int}", str(number)).replace("{ping}", "x").replace("{token}", token)
        paths.append(NUMBER.sub("1", path))
    with site.store.reading() as tx:
        before = _dump(tx)
    for path in paths:
        browsers[Who.ADMIN].get(path)
        browsers[Who.ADMIN].head(path)
    with site.store.reading() as tx:
        assert _dump(tx) == before


def _dump(tx: Transaction) -> dict[str, list[Any]]:
    names = (
        *("scheduled_tasks", "task_executions", "occurrences", "events", "users", "login_attempts"),
        *("account_links", "invitations", "outbox", "audit_log", "user_credentials", "credential_uses"),
    )
    return {name: [tuple(row) for row in tx.execute(select(metadata.tables[name]))] for name in names}


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/debug", "/.env", "/admin", "/static/app.css"])
def test_r9_there_is_nothing_beside_the_table(site: Site, path: str) -> None:
    assert site.client().get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["//tasks", "/tasks/", "/tasks;x", "/tasks%2f1", "/./tasks", "/TASKS", "/tasks/1/..%2f"]
)
def test_r47_tricks_with_paths_reach_no_page(browsers: dict[str, TestClient], path: str) -> None:
    answer = browsers[Who.ANONYMOUS].get(f"http://localhost{path}")
    assert answer.status_code in {302, 404}
    assert "Tasks</h1>" not in answer.text
