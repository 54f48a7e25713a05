"""Two ordinary people with one of everything: what one of them walks through is not there for the other.

The walk of one is recorded with what each request names. Replayed by the other it names things of the first that are
still there; then things that never were. Nobody can tell the two answers apart, and nothing has changed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from horarium.accounts.tokens import NewToken, Tokens
from horarium.clock import EPOCH
from horarium.records.checks import CheckWish, HeartbeatCheck
from horarium.records.credentials import Subject
from horarium.records.people import Role, User
from horarium.records.reach import Place
from horarium.store.books.passkeys import Passkey, PasskeyBook
from horarium.store.books.runs import RunBook
from horarium.store.books.signins import SessionBook
from horarium.store.tables.everything import metadata
from horarium.triggers import IntervalTrigger, to_text
from horarium.vault.credentials import NewCredential
from horarium.vault.grants import NewGrant
from horarium.web.access import API_ROWS, ROWS, Door, Row, Transport, Who
from tests.support import notices
from tests.support.api import program
from tests.support.pages import Site, open_site, token_of
from tests.support.people import LAPTOP, TESTER, SetClock, made_up
from tests.support.vault import HOST
from tests.web.test_app_access import HEARTBEAT

PLACE = re.compile(r"\{(\w+)(?::\w+)?\}")
ABSENT = {"session": "0" * 64, "version": "1", "kept": "987654321"}
FAR_AWAY = "987654321"
IN_FORMS = {"id": "task_id", "session": "session", "token": "token_id", "passkey": "passkey", "user": "user_id"}
IN_FORMS |= {"channel": "channel_id"}
"""Fields of forms that name a thing, and the kind of it."""
IN_QUERIES = {"api_runs": {"task": "task_id"}, "api_deliveries": {"task": "task_id", "channel": "channel_id"}}
HEADERS = {"date", "x-request-id", "set-cookie", "content-length"}
NONCES = re.compile(r'value="[^"]{40,}"|data-passkey="[^"]*"|/events\?after=\d+|[0-9a-f]{16,}')
NUMBERED = (
    *("users", "scheduled_tasks", "projects", "api_tokens", "passkeys", "user_credentials", "credential_grants"),
    "heartbeat_checks",
    *("channels", "notice_rules", "deliveries", "notice_snoozes"),
)
STREAMS = {"events", "run_log_stream"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One recorded request: its row, its form or query, and the names of the things in them."""

    row: Row
    form: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """Return the kinds of things that it names."""
        given = {IN_FORMS[name] for name in self.form if name in IN_FORMS}
        return {*PLACE.findall(self.row.path), *given, *IN_QUERIES.get(self.row.route, {}).values()}

    def path(self, things: Mapping[str, str]) -> str:
        """Return the address, with these things in it."""
        path = PLACE.sub(lambda found: things[found[1]], self.row.path)
        query = "&".join(f"{name}={things[kind]}" for name, kind in IN_QUERIES.get(self.row.route, {}).items())
        return f"{path}?{query}" if query else path

    def fields(self, things: Mapping[str, str]) -> dict[str, Any]:
        """Return the form, with these things in it."""
        return {name: things[IN_FORMS[name]] if name in IN_FORMS else value for name, value in self.form.items()}


class Person:
    """An ordinary person at a browser and with a program."""

    def __init__(self, site: Site, name: str) -> None:
        self.site = site
        self.user: User = site.person(name, Role.USER)
        self.browser = site.signed_in(name)
        self._made = 0
        self.client = program(site, self._token().text)

    def things(self, route: str = "") -> dict[str, str]:
        """Make one of each kind of thing that is theirs, fit for this route; return what names them."""
        site, user = self.site, self.user
        project = site.app.state.house.projects.add(secrets.token_hex(6), actor=TESTER)
        site.app.state.house.projects.put_member(project.id, user.id, Role.ADMIN, actor=TESTER)
        task_id = site.task(secrets.token_hex(6), cron="*/5 * * * *", place=Place(user.id, project.id), tags=("mine",))
        run_id = site.run(task_id)
        site.start(run_id, ("some output",))
        before = {each.key for each in self._sessions()}
        # Not by the form: whoever has a passkey would be asked for it.
        site.app.state.house.sessions.start(user, LAPTOP, actor=TESTER)
        (session,) = {each.key for each in self._sessions()} - before
        guest = site.person(secrets.token_hex(6), Role.USER)
        site.app.state.house.projects.put_member(project.id, guest.id, Role.VIEWER, actor=TESTER)
        return {
            "task_id": str(task_id),
            "run_id": str(run_id),
            "project_id": str(project.id),
            "token_id": str(self._token().token.id),
            "session": session,
            "passkey": str(self._passkey()),
            "user_id": str(guest.id),
            "invitation_id": FAR_AWAY,
            "check_id": str(self._heartbeat()),
            **self._credential(guest, is_revoked=route == "credential_regrant"),
            **self._notices(route),
        }

    def ask(self, asked: Asked, things: Mapping[str, str]) -> Any:
        """Send a recorded request, about these things."""
        path, row = asked.path(things), asked.row
        if row.transport is Transport.API:
            body = asked.fields(things) or notices.body_for(self.client, row.route, row.method)
            return self.client.request(row.method, path, json=None if row.method == "GET" else body)
        if row.method == "GET":
            # The head is enough of a stream that is there: its body has no end.
            return self.browser.head(path) if row.route in STREAMS else self.browser.get(path)
        token = token_of(self.browser, "/tasks")
        return self.browser.post(path, data={"csrf_token": token, **asked.fields(things)})

    def _sessions(self) -> list[Any]:
        with self.site.store.reading() as tx:
            return SessionBook(tx).of_user(self.user.id)

    def _token(self) -> Any:
        wanted = NewToken(name=made_up(), scopes=("admin",))
        return Tokens(self.site.store, self.site.clock).make(self.user.id, wanted, actor=TESTER)

    def _credential(self, guest: User, *, is_revoked: bool) -> dict[str, str]:
        room, fields = self.site.app.state.house.strongroom, {"token": made_up()}
        self._made += 1
        wanted = NewCredential(
            name=f"{self.user.name}-{self._made}", kind="token", fields=fields, owner_id=self.user.id
        )
        made = room.credentials.add(wanted, asker=HOST).credential
        room.credentials.replace(made.id, {"token": made_up()}, asker=HOST)
        grant = room.grants.make(made.id, NewGrant(subject=Subject.PERSON, subject_id=guest.id), asker=HOST)
        if is_revoked:
            room.grants.revoke(made.id, grant.id, asker=HOST)
        return {"credential_id": str(made.id), "version": "1", "grant_id": str(grant.id)}

    def _heartbeat(self) -> int:
        place = Place(owner_id=self.user.id)
        wish = CheckWish(name="Nightly copy", schedule=to_text(IntervalTrigger(3600, EPOCH)), place=place)
        made: HeartbeatCheck = self.site.app.state.house.checks.add(wish, actor=TESTER)
        return made.id

    def _notices(self, route: str) -> dict[str, str]:
        site, mine = self.site, self.user.id
        path = "/".join(f"{{{kind}}}" for kind in sorted(notices.KINDS))
        made = notices.filled(site, path, route, owner_id=mine, asker_id=mine)
        return dict(zip(sorted(notices.KINDS), made.split("/"), strict=True))

    def _passkey(self) -> int:
        made = Passkey(
            id=0,
            user_id=self.user.id,
            handle=made_up(),
            public_key=made_up(),
            sign_count=0,
            name="Key",
            transports=(),
            created_at=self.site.clock.now(),
        )
        with self.site.store.transaction() as tx:
            return PasskeyBook(tx).add(made).id


FORMS: dict[tuple[str, str], dict[str, Any]] = {
    ("tasks_act", "POST"): {"action": "pause", "id": ""},
    ("settings_session_end", "POST"): {"session": ""},
    ("settings_token_revoke", "POST"): {"token": ""},
    ("settings_passkey_rename", "POST"): {"passkey": "", "name": "Phone"},
    ("settings_passkey_remove", "POST"): {"passkey": ""},
    ("user_session_end", "POST"): {"session": ""},
    ("user_role", "POST"): {"role": "viewer"},
    ("check_edit", "POST"): HEARTBEAT | {"name": "Another name"},
    ("project", "POST"): {"name": "Another name"},
    ("project_member", "POST"): {"who": "elsewhere", "role": "viewer"},
    ("project_member_drop", "POST"): {"user": ""},
    ("credential", "POST"): {"name": "another-name"},
    ("credential_values", "POST"): {"token.token": "another-made-up-value"},
    ("credential_give", "POST"): {"heir": "elsewhere"},
    ("credential_grant", "POST"): {"to": "person", "who": "elsewhere"},
    ("credential_remove", "POST"): {"confirm": "ana-1"},
    ("channel", "POST"): {"name": "Another name", "ntfy.topic": "ops", "ntfy.server": notices.NOWHERE},
    ("rule", "POST"): {
        "scope": "installation",
        "kind": ["failed"],
        "after_failures": "2",
        "frequency": "daily",
        "to": ["owner"],
        "is_on": "yes",
    },
    ("rule_switch", "POST"): {"on": "no"},
    ("rule_move", "POST"): {"by": "down"},
    ("snoozes", "POST"): {"what": "channel", "channel": "", "length": "1h"},
    ("api_channel", "PATCH"): {"name": "Another name"},
    ("api_rule", "PATCH"): {"after_failures": 3},
}
"""What a recorded form holds; the names of things are put in for each replay."""


def recorded() -> list[Asked]:
    """Return a request for every route that names a thing of somebody."""
    rows = [row for row in (*ROWS, *API_ROWS) if row.needs is not Door.EVERYBODY]
    walk = [Asked(row, FORMS.get((row.route, row.method), {})) for row in rows]
    return [each for each in walk if each.names]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SetClock()) as opened:
        opened.live()
        with opened.store.transaction() as tx:
            # Numbers that stand in no page by chance.
            for place, name in enumerate(NUMBERED):
                start = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :number)")
                tx.execute(start, {"name": name, "number": 51_000 + 1000 * place})
            RunBook(tx).reserve_ids(61_000)
        opened.person("elsewhere", Role.USER)
        yield opened


@pytest.fixture
def ana(site: Site) -> Person:
    return Person(site, "ana")


@pytest.fixture
def otto(site: Site) -> Person:
    made = Person(site, "otto")
    made.things()
    return made


def dump(site: Site) -> dict[str, list[str]]:
    """Return what the store holds, but what tells of refusals and of the last use of a token."""
    left_out = {"audit_log", "audit_head", "nodes"}
    with site.store.reading() as tx:
        return {
            name: sorted(
                map(repr, tx.execute(select(*(c for c in table.c if c.name not in {"last_used_at", "last_address"}))))
            )
            for name, table in metadata.tables.items()
            if name not in left_out
        }


def seen(person: Person, answer: Any, things: Mapping[str, str]) -> tuple[Any, ...]:
    """Return what of an answer tells anything: status, headers, text, and the page that it sends to."""
    headers = {name: value for name, value in answer.headers.items() if name not in HEADERS}
    after = ""
    if answer.status_code == 303:
        after = person.browser.get(answer.headers["location"]).text
    told = (answer.status_code, repr(headers), answer.text, after)
    return tuple(NONCES.sub("", _without(each, things)) if isinstance(each, str) else each for each in told)


def _without(told: str, things: Mapping[str, str]) -> str:
    """Return a text without what the asker has named themselves."""
    for value in sorted(set(things.values()), key=len, reverse=True):
        told = told.replace(value, "N")
    return told


@pytest.mark.parametrize("asked", recorded(), ids=lambda each: f"{each.row.method}-{each.row.route}")
def test_r46_a_recorded_walk_replayed_by_somebody_else_finds_nothing(
    site: Site, ana: Person, otto: Person, asked: Asked
) -> None:
    walked = ana.ask(asked, ana.things(asked.row.route))
    hers = {name: value for name, value in ana.things(asked.row.route).items() if name in asked.names}
    absent = {name: ABSENT.get(name, FAR_AWAY) for name in hers}
    before = dump(site)
    foreign = otto.ask(asked, hers)
    told = seen(otto, foreign, hers)
    assert told == seen(otto, otto.ask(asked, absent), absent)
    assert dump(site) == before
    of_path = set(PLACE.findall(asked.row.path))
    if asked.row.answers[Who.STRANGER] == 403:
        # For administrators alone, whatever is named.
        assert foreign.status_code == walked.status_code == 403
    elif of_path:
        assert foreign.status_code == 404
    if of_path and asked.row.answers[Who.STRANGER] == 404:
        assert walked.status_code == asked.row.answers[Who.OWNER], walked.text


def test_the_walk_knows_every_kind_of_thing_that_a_route_names() -> None:
    kinds = {
        *("task_id", "run_id", "project_id", "token_id", "session", "passkey", "user_id", "invitation_id"),
        *("credential_id", "version", "grant_id", "check_id"),
        *notices.KINDS,
    }
    for row in (*ROWS, *API_ROWS):
        if row.needs is Door.EVERYBODY:
            continue
        assert set(PLACE.findall(row.path)) <= kinds, f"{row.route} names a thing that the walk does not make"
        sent = {*FORMS.get((row.route, row.method), {}), *IN_QUERIES.get(row.route, {})}
        named = (set(row.fields) & set(IN_FORMS)) - sent
        assert not named, f"{row.route} takes {named}, which the walk does not send"


def test_r44_no_cell_is_empty_and_no_kind_of_person_is_missing() -> None:
    for row in (*ROWS, *API_ROWS):
        assert set(row.answers) == set(Who), row.route
        assert all(200 <= status < 500 for status in row.answers.values()), row.route
        closed = row.needs is not Door.EVERYBODY
        assert not closed or row.answers[Who.ANONYMOUS] in {302, 401}, row.route
