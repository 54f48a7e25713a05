"""The page of the audit log: searched, paged, opened, looked through, exported."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from horarium.audit.actions import Action, Result
from horarium.audit.export import table
from horarium.audit.trail import About, Trail
from horarium.records.actors import Actor, Source
from horarium.records.people import Role
from horarium.web.pages.acts import KINDS, WORDS
from tests.support.pages import Site, post, token_of
from tests.support.people import SetClock

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201")


def words(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])).split())


def ids(client: TestClient, path: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr role="row" id="e-(\d+)"', client.get(path).text)]


def note(site: Site, action: Action, name: str, actor: Actor | None = None, **rest: Any) -> None:
    who = actor or Actor(name="otto (command line)", source=Source.CLI)
    Trail(site.store, site.clock).note_alone(who, action, About("task", 7, name), **rest)


def link_of(page: str, label: str) -> str:
    found = re.search(rf'<a class="btn sm" href="([^"]+)">(?:<svg.*?</svg>)?{label}', page)
    assert found, label
    return unescape(found[1])


def test_every_action_has_words_and_a_kind() -> None:
    assert set(WORDS) == set(Action)
    assert {action.partition(".")[0] for action in Action} == set(KINDS)


def test_who_did_what_is_read_day_by_day(site: Site, ines: TestClient, clock: SetClock) -> None:
    clock.move(timedelta(days=1))
    note(site, Action.TASK_PAUSED, "backup")
    page = words(site.signed_in("ines"), "/audit")
    assert "Today, Friday 15 May" in page
    assert "Thursday 14 May" in page
    assert "otto (command line) paused task backup" in page
    assert "ines signed in" in page
    del ines


def test_an_entry_opens_with_what_changed_and_under_which_request(site: Site, ines: TestClient) -> None:
    site.task("backup")
    post(ines, "/tasks/1/pause", reason="inventory")
    (newest, *_rest) = ids(ines, "/audit")
    closed = ines.get("/audit").text
    assert f'href="/audit?open={newest}#e-{newest}" aria-expanded="false"' in closed
    page = words(ines, f"/audit?open={newest}")
    for said in ("task.paused", "Reason inventory", "Request", "Way Page"):
        assert said in page, said
    assert 'aria-expanded="true"' in ines.get(f"/audit?open={newest}").text
    note(site, Action.TASK_CHANGED, "backup", before={"retries": 2, "tags": []}, after={"retries": 3, "tags": ["ops"]})
    (newest, *_rest) = ids(ines, "/audit")
    opened = words(ines, f"/audit?open={newest}")
    assert "retries was 2 now 3" in opened
    assert 'tags was [] now ["ops"]' in opened


def test_the_log_is_paged_by_number_both_ways(site: Site, ines: TestClient) -> None:
    for number in range(120):
        note(site, Action.TASK_PAUSED, f"task-{number}")
    newest = ids(ines, "/audit?did=task.")
    assert len(newest) == 50
    second = link_of(ines.get("/audit?did=task.").text, "Older")
    third = link_of(ines.get(second).text, "Older")
    assert [len(ids(ines, path)) for path in (second, third)] == [50, 20]
    assert ids(ines, link_of(ines.get(third).text, "Newer")) == ids(ines, second)
    assert "50 of 120" in words(ines, "/audit?did=task.")


def test_the_log_is_searched_by_who_what_result_way_and_days(site: Site, ines: TestClient, clock: SetClock) -> None:
    me = site.users.find("ines")
    assert me
    note(site, Action.TASK_PAUSED, "backup")
    note(site, Action.ACCESS_REFUSED, "secret", result=Result.REFUSED)
    clock.move(timedelta(days=2))
    note(site, Action.NOTED, "late", Actor(name="ines", user_id=me.id, source=Source.CODE))
    client = site.signed_in("ines")
    assert "refused" in words(client, "/audit?result=refused")
    assert len(ids(client, "/audit?result=refused")) == 1
    assert len(ids(client, "/audit?way=cli")) == 2
    assert len(ids(client, "/audit?q=BACKUP")) == 1
    assert len(ids(client, "/audit?did=noted.")) == 1
    assert len(ids(client, "/audit?did=noted.&did=access.")) == 2
    assert len(ids(client, f"/audit?who={me.id}&from=2026-05-16")) == 2
    assert len(ids(client, "/audit?way=cli&to=2026-05-13")) == 0
    assert len(ids(client, "/audit?way=cli&from=2026-05-14&to=2026-05-14")) == 2
    page = client.get(f"/audit?who={me.id}&result=done&from=2026-05-16").text
    assert page.count('aria-label="Remove the filter') == 3
    assert "Who: ines" in page
    assert "No entry matches" in words(client, "/audit?q=%25")
    assert client.get("/audit?q=%00").status_code == 200
    del ines


@pytest.mark.parametrize("query", ["from=yesterday", "to=2026-13-01", "from=0001-01-01", "who=x", "before=-1"])
def test_r92_a_search_that_means_nothing_is_refused(site: Site, ines: TestClient, query: str) -> None:
    del site
    assert ines.get(f"/audit?{query}").status_code == 422


def test_r87_what_stands_behind_a_nul_is_no_formula_either() -> None:
    assert table([["\0=1", "\0", 7, None, 'a "b"', "plain"]]) == '\'=1,\',7,,"a ""b""",plain\r\n'


def export(client: TestClient, form: str, **fields: Any) -> Any:
    return client.post("/audit/export", data={"csrf_token": token_of(client, "/audit"), "format": form, **fields})


def test_r87_no_cell_of_an_export_is_a_formula_and_numbers_stay_numbers(site: Site, ines: TestClient) -> None:
    for name in FORMULAS:
        note(site, Action.TASK_PAUSED, name, Actor(name=name, source=Source.CLI), reason=name)
    note(site, Action.TASK_PAUSED, 'a "quoted", name\nwith lines')
    answer = export(ines, "csv", did="task.")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="audit-[\d-]+\.csv"', answer.headers["content-disposition"])
    assert answer.headers["content-security-policy"].startswith("sandbox")
    read = list(csv.reader(io.StringIO(answer.content.decode(), newline="")))
    assert read[0][:3] == ["id", "at", "actor"]
    assert len(read) == 2 + len(FORMULAS)
    risky = ("=", "+", "-", "@", "\t", "\r", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
    assert [cell for row in read for cell in row if cell.startswith(risky)] == []
    assert read[-1][read[0].index("object_name")] == 'a "quoted", name\nwith lines'
    assert read[1][read[0].index("object_id")] == "7"


def test_r113_an_export_is_exact_as_json_noted_and_needs_a_fresh_proof(
    site: Site, ines: TestClient, clock: SetClock
) -> None:
    for number in range(1100):
        note(site, Action.TASK_PAUSED, f"={number}")
    answer = export(ines, "json", did="task.")
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [row["object_name"] for row in found] == [f"={number}" for number in range(1100)]
    assert found[1]["previous"] == found[0]["hash"]
    (told,) = Trail(site.store, site.clock).page(limit=1)
    assert (told.action, told.details["format"], told.details["filters"]) == (
        "export.made",
        "json",
        {"did": ["task."]},
    )
    assert export(ines, "xml").status_code == 422
    clock.move(timedelta(minutes=11))
    held = export(ines, "csv")
    assert (held.status_code, held.headers["x-error"]) == (403, "prove_again")


def test_r108_verify_says_whether_the_log_is_whole_and_where_not(site: Site, ines: TestClient) -> None:
    note(site, Action.TASK_PAUSED, "backup")
    assert post(ines, "/audit/verify", page="/audit").headers["location"] == "/audit"
    assert "The log is whole" in ines.get("/audit").text
    with site.store.transaction() as tx:
        tx.execute(text("UPDATE audit_log SET actor = 'nobody' WHERE id = 2"))
    post(ines, "/audit/verify", page="/audit")
    page = ines.get("/audit").text
    assert "The log is not whole" in page
    assert "Entry 2: it was changed." in page


def test_r47_the_log_is_for_administrators(site: Site) -> None:
    site.person("otto", Role.EDITOR)
    otto = site.signed_in("otto")
    assert otto.get("/audit").status_code == 403
    assert post(otto, "/audit/export", format="csv").status_code == 403
