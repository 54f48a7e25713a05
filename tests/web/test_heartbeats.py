"""Heartbeats on the web: calls that need nothing but their address, the pages, and the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from horarium.records.audit import AuditFilter
from horarium.records.checks import CallKind
from horarium.records.people import Role
from horarium.records.reach import EVERYTHING
from horarium.scheduling.checks import check_in
from horarium.states import CheckState
from horarium.store.books.audit import AuditBook
from horarium.store.books.checks import CallBook, CheckBook
from horarium.store.books.events import EventBook
from horarium.web.pings import MOST_OF_ADDRESS, MOST_OF_TOKEN, WINDOW_SECONDS
from tests.support.api import ROOT, program_of
from tests.support.pages import Site, open_site, post
from tests.support.people import TESTER, SetClock
from tests.web.test_app_access import HEARTBEAT

ADDRESS = re.compile(r'id="address">([^<]+)<')


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    where = tmp_path if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))
    with open_site(where, SetClock(), base_url="http://localhost") as opened:
        opened.live()
        opened.person("ines")
        opened.person("noor", Role.USER)
        yield opened


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SetClock(), base_url="http://localhost") as opened:
        opened.live()
        opened.person("ines")
        opened.person("noor", Role.USER)
        yield opened


def made(site: Site, who: str = "noor", **fields: str) -> tuple[TestClient, int, str]:
    """Make a heartbeat by the form; return the browser, its number, and the path that calls it."""
    browser = site.signed_in(who)
    answer = post(browser, "/heartbeats/new", **{**HEARTBEAT, "name": "Nightly copy", **fields})
    assert answer.status_code == 303, answer.text
    number = int(answer.headers["location"].rpartition("/")[2])
    found = ADDRESS.search(browser.get(f"/heartbeats/{number}").text)
    assert found
    return browser, number, found[1].removeprefix("http://localhost")


def state(site: Site, number: int) -> CheckState:
    with site.store.reading() as tx:
        return check_in(tx, number).state_at(site.clock.now())


def kinds(site: Site) -> list[str]:
    with site.store.reading() as tx:
        return [event.kind for event in EventBook(tx).newest(most=50)][::-1]


def test_a_call_by_get_head_or_post_is_heard_without_a_session_or_a_cookie(site: Site) -> None:
    _, number, path = made(site)
    for method in ("GET", "HEAD", "POST"):
        caller = site.client()
        answer = caller.request(method, path, headers={"user-agent": "curl/8"})
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
    assert state(site, number) is CheckState.UP
    with site.store.reading() as tx:
        calls = CallBook(tx).newest(number)
    assert [(call.kind, call.agent) for call in calls] == [(CallKind.DONE, "curl/8")] * 3


def test_start_fail_and_exit_codes_say_more(site: Site) -> None:
    _, number, path = made(site)
    caller = site.client()
    assert caller.post(f"{path}/start").status_code == 200
    site.clock.move(timedelta(seconds=42))  # type: ignore[union-attr]
    assert caller.get(f"{path}/0").status_code == 200
    assert state(site, number) is CheckState.UP
    assert caller.get(f"{path}/7").status_code == 200
    assert state(site, number) is CheckState.DOWN
    assert caller.get(path).status_code == 200
    assert caller.post(f"{path}/fail").status_code == 200
    assert [kind for kind in kinds(site) if kind.startswith("heartbeat")] == [
        "heartbeat.missed",
        "heartbeat.back",
        "heartbeat.missed",
    ]
    with site.store.reading() as tx:
        newest = CallBook(tx).newest(number)
    assert [call.seconds for call in newest] == [None, None, None, 42.0, None]
    assert caller.get(f"{path}/256").status_code == 404


@pytest.mark.parametrize("token", ["x", "x" * 65, "%00", "1", "x/start", "x/0"])
def test_what_nobody_has_is_not_found_and_says_nothing(small: Site, token: str) -> None:
    answer = small.client().get(f"http://localhost/ping/{token}")
    assert answer.status_code in {400, 404}
    assert "set-cookie" not in answer.headers


def test_calls_are_limited_by_token_and_by_address(small: Site) -> None:
    _, _, path = made(small)
    caller = small.client()
    statuses = [caller.get(path).status_code for _ in range(MOST_OF_TOKEN + 3)]
    assert statuses == [200] * MOST_OF_TOKEN + [429] * 3
    assert caller.get(path).headers["retry-after"] == "10"
    guesses = [caller.get(f"/ping/{place}").status_code for place in range(MOST_OF_ADDRESS)]
    assert guesses[-1] == 429
    assert set(guesses) == {404, 429}
    small.clock.move(timedelta(seconds=WINDOW_SECONDS))  # type: ignore[union-attr]
    assert caller.get(path).status_code == 200


def test_a_call_from_a_page_of_somebody_elses_changes_no_more_than_any_call(small: Site) -> None:
    browser, number, path = made(small)
    answer = browser.post(path, data={"name": "x"}, headers={"origin": "https://evil.test"})
    assert answer.status_code == 200
    assert state(small, number) is CheckState.UP


def test_people_make_edit_pause_renew_and_remove_theirs_and_nobody_elses(site: Site) -> None:
    browser, number, path = made(site)
    stranger = site.signed_in("ines")
    other = f"/heartbeats/{number}"
    edited = {**HEARTBEAT, "name": "Weekly copy", "kind": "cron", "cron": "0 4 * * 0", "timezone": "Europe/Berlin"}
    assert post(browser, f"{other}/edit", **edited).status_code == 303
    page = browser.get(other).text
    assert "Weekly copy" in page
    assert "Sundays at 04:00 (Europe/Berlin)" in page
    assert post(browser, f"{other}/pause").status_code == 303
    assert state(site, number) is CheckState.PAUSED
    assert post(browser, f"{other}/resume").status_code == 303
    assert post(browser, f"{other}/address").status_code == 303
    assert site.client().get(path).status_code == 404
    site.person("otto", Role.EDITOR)
    otto = site.signed_in("otto")
    for way in ("", "/edit"):
        assert otto.get(other + way).status_code == 404
    for way in ("/edit", "/pause", "/resume", "/address", "/remove"):
        assert post(otto, other + way).status_code == 404
    assert "Weekly copy" not in otto.get("/heartbeats").text
    assert "Weekly copy" in stranger.get("/heartbeats").text
    assert post(browser, f"{other}/remove").status_code == 303
    with site.store.reading() as tx:
        assert CheckBook(tx).count(EVERYTHING) == 0
        told = [row.action for row in AuditBook(tx).page(AuditFilter(actions=("heartbeat.",)))]
    assert told[::-1] == [
        *("heartbeat.added", "heartbeat.changed", "heartbeat.paused", "heartbeat.resumed"),
        *("heartbeat.renewed", "heartbeat.removed"),
    ]


def test_a_token_stands_in_no_log_event_or_list(small: Site, caplog: pytest.LogCaptureFixture) -> None:
    browser, number, path = made(small)
    token = path.rpartition("/")[2]
    small.client().get(f"{path}/3")
    small.client().get(path)
    with small.store.reading() as tx:
        events = repr(EventBook(tx).newest(most=100))
        audit = repr(AuditBook(tx).page(AuditFilter(), limit=200))
    assert token not in events + audit + caplog.text + browser.get("/heartbeats").text
    assert token in browser.get(f"/heartbeats/{number}").text


def test_who_may_only_look_sees_no_address(small: Site) -> None:
    project = small.app.state.house.projects.add("Finance", actor=TESTER)
    small.person("vera", Role.USER)
    vera = small.users.find("vera")
    assert vera
    small.app.state.house.projects.put_member(project.id, vera.id, Role.VIEWER, actor=TESTER)
    _, number, path = made(small, "ines", belongs=f"project:{project.id}")
    browser = small.signed_in("vera")
    page = browser.get(f"/heartbeats/{number}").text
    assert "Nightly copy" in page
    assert path.rpartition("/")[2] not in page
    assert post(browser, f"/heartbeats/{number}/edit", **HEARTBEAT).status_code == 403
    shown = program_of(small, "vera").get(f"{ROOT}/heartbeats/{number}").json()
    assert shown["address"] is None


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": " "}, "h-name-err"),
        ({"kind": "cron", "cron": "61 * * * *"}, "h-cron-err"),
        ({"kind": "cron", "cron": "0 4 * * *", "timezone": "Mars/Olympus"}, "h-timezone-err"),
        ({"every": "0"}, "h-every-err"),
        ({"every": "1000", "unit": "days"}, "h-every-err"),
        ({"grace": "x"}, "h-grace-err"),
        ({"belongs": "project:99"}, "h-belongs-err"),
        ({"belongs": "installation"}, "h-belongs-err"),
        ({"kind": "moon"}, "h-kind-err"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(small: Site, fields: dict[str, str], wrong: str) -> None:
    browser = small.signed_in("noor")
    answer = post(browser, "/heartbeats/new", **{**HEARTBEAT, "name": "Copy", **fields})
    assert answer.status_code == 422
    assert f'id="{wrong}"' in answer.text


def test_the_api_makes_shows_changes_and_removes_heartbeats(site: Site) -> None:
    client = program_of(site, "noor", "write")
    answer = client.post(f"{ROOT}/heartbeats", json={"name": "Copy", "cron": "0 4 * * *", "timezone": "Europe/Berlin"})
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    number = shown["id"]
    assert shown["state"] == "new"
    assert site.client().get(shown["address"].removeprefix("http://localhost")).status_code == 200
    one = client.get(f"{ROOT}/heartbeats/{number}").json()
    assert (one["state"], one["calls"][0]["kind"]) == ("up", "done")
    changed = client.post(f"{ROOT}/heartbeats/{number}", json={"every_seconds": 600, "grace_seconds": 60}).json()
    assert (changed["every_seconds"], changed["cron"], changed["grace_seconds"]) == (600, None, 60)
    assert client.post(f"{ROOT}/heartbeats/{number}/pause").json()["state"] == "paused"
    assert client.post(f"{ROOT}/heartbeats/{number}/resume").json()["state"] == "new"
    assert [each["id"] for each in client.get(f"{ROOT}/heartbeats").json()["heartbeats"]] == [number]
    assert client.delete(f"{ROOT}/heartbeats/{number}").status_code == 204
    assert client.get(f"{ROOT}/heartbeats/{number}").status_code == 404
    both = client.post(f"{ROOT}/heartbeats", json={"name": "x", "cron": "0 4 * * *", "every_seconds": 60})
    assert (both.status_code, "every_seconds" in both.json()["error"]["message"]) == (422, True)
