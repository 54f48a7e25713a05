"""Rules that are muted while something else fails, as pages and programs set them, and what they show of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from horarium.records.checks import CheckWish
from horarium.records.notices import NoticeKind
from horarium.records.people import Role
from horarium.records.reach import Place
from horarium.records.telling import Cause, Note, On, Recipient, Target, To
from horarium.store.books.checks import CheckBook
from horarium.store.books.notices import NoteBook
from tests.support import notices
from tests.support.api import program_of
from tests.support.pages import Site, open_site, post
from tests.support.people import START, SetClock
from tests.support.vault import HOST
from tests.web.test_notice_pages import RULE, RULES, SENT, done, errors, words

API = "/api/v1/rules"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SetClock(), sends_mail=True) as opened:
        opened.live()
        opened.person("ines")
        opened.person("bo", Role.USER)
        yield opened


@pytest.fixture
def ines(site: Site) -> TestClient:
    return site.signed_in("ines")


def add_check(site: Site, name: str = "router", **place: Any) -> int:
    """Write a check; return its number."""
    wish = CheckWish(name=name, schedule="every 1h", place=Place(**place))
    with site.store.transaction() as tx:
        return CheckBook(tx).add(wish, token=secrets.token_hex(16), now=0)


def causes(site: Site, rule_id: int) -> list[str]:
    """Return what a rule names."""
    return [each.text for each in notices.telling(site).rules.show(rule_id, asker=HOST).mute_while]


def test_a_form_names_tasks_and_heartbeats_and_shows_them_again(site: Site, ines: TestClient) -> None:
    vpn, check = site.task("vpn"), add_check(site)
    fields: dict[str, Any] = {**RULE, "mute_tasks": "vpn\n\n  vpn ", "mute_checks": "router"}
    assert done(ines, f"{RULES}/new", **fields) == "The rule is saved"
    assert causes(site, 6) == [f"task:{vpn}", f"check:{check}"]
    assert "muted while “vpn” or check “router” is failing" in words(ines.get(RULES).text)
    form = ines.get(f"{RULES}/6").text
    assert f">#{vpn} vpn</textarea>" in form
    assert f">#{check} router</textarea>" in form
    site.desk.remove(vpn, by=HOST.actor)
    assert f">#{vpn} gone</textarea>" in ines.get(f"{RULES}/6").text
    assert "muted while a task that is gone or check “router” is failing" in words(ines.get(RULES).text)
    del fields["owner"]
    same = {**fields, "mute_tasks": f"#{vpn} gone", "mute_checks": f"#{check} router"}
    assert done(ines, f"{RULES}/6", **same) == "The rule is changed"
    assert causes(site, 6) == [f"task:{vpn}", f"check:{check}"]
    assert done(ines, f"{RULES}/6", **{**same, "mute_tasks": ""}) == "The rule is changed"
    assert causes(site, 6) == [f"check:{check}"]


def test_what_is_wrong_is_said_beside_the_field_and_what_was_typed_stays(site: Site, ines: TestClient) -> None:
    own = site.task("copy")
    for _ in range(2):
        add_check(site, "twice")
    wrong = post(ines, f"{RULES}/new", **RULE, mute_tasks="gone\ncopy", mute_checks="twice")
    assert errors(wrong) == [
        "Tasks “gone”: there is none of this name that you see.",
        "Heartbeats “twice”: several have this name: use # and the number of one.",
    ]
    assert ">gone\ncopy</textarea>" in wrong.text
    about: dict[str, Any] = {**RULE, "scope": "task", "task": "copy", "mute_tasks": f"#{own}"}
    assert errors(post(ines, f"{RULES}/new", **about)) == [
        f"Tasks “#{own}”: a task does not depend on itself: name another one."
    ]


def test_ones_own_rule_names_what_one_sees_and_nothing_else(site: Site) -> None:
    bo = site.users.find("bo")
    assert bo
    hidden, hidden_check = site.task("hidden", place=Place(owner_id=1)), add_check(site, "hidden", owner_id=1)
    mine = site.task("mine", place=Place(owner_id=bo.id))
    client = site.signed_in("bo")
    own: dict[str, Any] = {**RULE, "owner": "me", "to": [f"person:{bo.id}"]}
    for tasks, checks in ((f"#{hidden}", f"#{hidden_check}"), ("hidden", "hidden"), ("#999", "#999")):
        found = errors(post(client, f"{RULES}/new", **own, mute_tasks=tasks, mute_checks=checks))
        assert found == [
            f"Tasks “{tasks}”: there is none of this name that you see.",
            f"Heartbeats “{checks}”: there is none of this name that you see.",
        ]
    assert done(client, f"{RULES}/new", **own, mute_tasks="mine") == "The rule is saved"
    assert causes(site, 6) == [f"task:{mine}"]
    told = program_of(site, "bo", "write")
    body: dict[str, Any] = {"kinds": ["failed"], "recipients": ["owner"]}
    foreign, absent = (
        [told.post(API, json={**body, "mute_while": [text.format(number)]}) for text in ("task:{}", "check:{}")]
        for number in (hidden, 999)
    )
    for one, other in zip(foreign, absent, strict=True):
        assert one.status_code == other.status_code == 422
        said = [answer.json()["error"] | {"request": ""} for answer in (one, other)]
        assert str(said[0]).replace(f":{hidden}", ":#") == str(said[1]).replace(":999", ":#")


def test_a_program_sets_it_and_reads_it_back(site: Site) -> None:
    vpn, check, client = site.task("vpn"), add_check(site), program_of(site, "ines", "write")
    body: dict[str, Any] = {"kinds": ["failed"], "recipients": ["owner"]}
    made = client.post(API, json={**body, "mute_while": [f"task:{vpn}", f"check:{check}"]}).json()
    assert made["mute_while"] == [f"task:{vpn}", f"check:{check}"]
    assert made["words"].endswith("muted while “vpn” or check “router” is failing")
    there = f"{API}/{made['id']}"
    assert client.patch(there, json={"after_failures": 2}).json()["mute_while"] == made["mute_while"]
    assert client.patch(there, json={"mute_while": []}).json()["mute_while"] == []
    for wrong in ("vpn", "task:", "task:0", "task:-1", "run:3", "check:x", "task:99999999999999999999"):
        answer = client.patch(there, json={"mute_while": [wrong]})
        assert answer.status_code == 422
        assert "use task:12 or check:3" in answer.text
    own = client.patch(there, json={"scope": "task", "scope_id": vpn, "mute_while": [f"task:{vpn}"]})
    assert own.status_code == 422
    assert "a task does not depend on itself" in own.text


def test_a_removed_rule_comes_back_with_what_mutes_it(site: Site, ines: TestClient) -> None:
    vpn = site.task("vpn")
    number = notices.add_rule(site, 0, mute_while=(Cause(On.TASK, vpn),))
    rule = notices.telling(site).rules.show(number, asker=HOST)
    answer = post(ines, f"{RULES}/{number}/remove")
    page = ines.get(answer.headers["location"]).text
    back = page.partition(f'action="{RULES}/back/')[2].partition('"')[0]
    assert done(ines, f"{RULES}/back/{back}") == "The rule is back"
    newest = max(each.rule.id for each in notices.telling(site).rules.list(asker=HOST))
    assert causes(site, newest) == [each.text for each in rule.mute_while]


def test_the_log_says_what_is_muted_and_names_only_what_its_reader_sees(site: Site, ines: TestClient) -> None:
    bo = site.users.find("bo")
    assert bo
    vpn, copy = site.task("vpn", place=Place(owner_id=1)), site.task("copy", place=Place(owner_id=bo.id))
    assert 'id="muted"' not in ines.get(SENT).text
    number = notices.add_rule(site, 0, mute_while=(Cause(On.TASK, vpn),), recipients=(Recipient(To.OWNER),))
    note = Note(
        rule_id=number,
        target=Target(user_id=bo.id),
        kind=NoticeKind.FAILED,
        subject=f"task:{copy}",
        name="copy",
        task_id=copy,
        first_at=START,
        last_at=START,
        created_at=START,
        not_before=START,
        muted_while=Cause(On.TASK, vpn),
    )
    with site.store.transaction() as tx:
        NoteBook(tx).add(note)
        NoteBook(tx).add(replace(note, mark="2", closed_at=START))
    text = ines.get(SENT).text
    assert "muted: vpn is failing" in text
    assert "muted: vpn was failing until this was over" in text
    hers = site.signed_in("bo").get(SENT).text
    assert "muted: something that is gone or not yours to see is failing" in hers
    assert "vpn" not in hers
    client = program_of(site, "bo", "read")
    first = client.get("/api/v1/muted?limit=1").json()
    assert (first["muted"][0]["subject"], first["muted"][0]["over_at"]) == (
        "copy",
        START.isoformat().replace("+00:00", "Z"),
    )
    second = client.get("/api/v1/muted", params={"limit": 1, "cursor": first["next"]}).json()
    assert (second["muted"][0]["over_at"], second["next"]) == (None, None)
    assert "vpn" not in second["muted"][0]["words"]
    assert program_of(site, "ines", "admin").get("/api/v1/muted").json()["muted"][1]["words"] == "muted: vpn is failing"
