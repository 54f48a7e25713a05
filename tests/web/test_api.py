"""What the API does: the same as the pages, for programs, in its own words."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from horarium.accounts.tokens import Tokens
from horarium.audit.trail import Trail
from horarium.errors import StoreBusy
from horarium.records.audit import AuditFilter
from horarium.records.people import Role
from horarium.records.tasks import CommandSpec, TaskDefinition
from horarium.states import RunState
from horarium.store.books.history import HistoryBook
from horarium.web.access import API_ROWS
from horarium.web.links import is_api
from tests.support.api import ROOT, make_token, program, program_of
from tests.support.pages import Site, open_site
from tests.support.people import TESTER, SetClock, made_up


@pytest.fixture(params=["sqlite", "postgres"])
def site(request: pytest.FixtureRequest, tmp_path: Path, clock: SetClock) -> Iterator[Site]:
    where = tmp_path if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with open_site(where, clock) as opened:
        opened.live()
        opened.person("ines")
        opened.person("otto", Role.OPERATOR)
        yield opened


@pytest.fixture
def ines(site: Site) -> TestClient:
    return program_of(site, "ines")


def get(client: TestClient, path: str, **query: Any) -> Any:
    answer = client.get(f"{ROOT}{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def error_of(answer: Any) -> tuple[int, str]:
    """Return status and code of a refusal, after a look at its form."""
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "request"}
    assert error["request"] == answer.headers["x-request-id"]
    assert error["message"].endswith(".")
    return answer.status_code, error["code"]


def walk(client: TestClient, path: str, key: str, **query: Any) -> list[Any]:
    """Go through a list by its cursors; return all of it."""
    found: list[Any] = []
    cursor = ""
    while True:
        page = get(client, path, cursor=cursor, **query)
        assert set(page) == {key, "next"}
        found += page[key]
        if page["next"] is None:
            return found
        cursor = page["next"]
        assert len(found) < 100


def test_a_program_learns_who_it_is_and_what_it_may_do(site: Site) -> None:
    found = get(program_of(site, "otto", "read"), "/me")
    assert (found["user"]["name"], found["user"]["role"]) == ("otto", "operator")
    assert found["token"]["scopes"] == ["read"]
    assert found["permissions"] == ["tasks:read", "runs:read", "checks:read", "notices:read", "profile:read"]
    assert "users:manage" in get(program_of(site, "ines"), "/me")["permissions"]


def test_r38_r35_answers_are_kept_by_nobody_and_read_by_no_other_site(ines: TestClient) -> None:
    for path in ("/me", "/nowhere", "/tasks/7", "/tasks?limit=0"):
        answer = ines.get(f"{ROOT}{path}", headers={"origin": "https://evil.test"})
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = ines.options(f"{ROOT}/me", headers={"origin": "https://evil.test"})
    assert error_of(preflight) == (405, "method_not_allowed")


@pytest.mark.parametrize("sort", ["name", "next", "last", "failing"])
def test_tasks_are_walked_by_cursor_in_each_order(site: Site, ines: TestClient, sort: str) -> None:
    for number in range(5):
        site.task(f"Aufgabe Ä{number}", f"{number} 5 * * *")
    tasks = walk(ines, "/tasks", "tasks", limit=2, sort=sort)
    assert sorted(task["name"] for task in tasks) == [f"Aufgabe Ä{number}" for number in range(5)]


def test_the_longest_name_can_be_gone_on_from(site: Site, ines: TestClient) -> None:
    for number in range(3):
        site.task(f"{number}" + "語" * 199, cron=None)
    assert len(walk(ines, "/tasks", "tasks", limit=1)) == 3


def test_tasks_are_found_by_words_tag_kind_and_condition(site: Site, ines: TestClient) -> None:
    backup = site.task("backup", tags=("nightly",))
    site.task("report")
    site.desk.define(TaskDefinition("sweep", CommandSpec(("/bin/true",)), None), actor=TESTER)
    site.desk.pause(backup, by=TESTER, reason="inventory")

    def names(**query: str) -> list[str]:
        return [task["name"] for task in get(ines, "/tasks", **query)["tasks"]]

    assert names() == ["backup", "report", "sweep"]
    assert names(q="REP") == ["report"]
    assert names(tag="nightly") == ["backup"]
    assert names(kind="command") == ["sweep"]
    assert names(view="paused") == ["backup"]
    assert names(view="failing") == []


def test_a_task_says_what_its_page_says_and_never_its_environment(site: Site, ines: TestClient) -> None:
    canary = made_up()
    spec = CommandSpec(("/bin/backup", "--all"), env={"TOKEN": canary}, stdin=canary)
    task_id = site.desk.define(TaskDefinition("backup", spec, None), actor=TESTER).task.id
    answer = ines.get(f"{ROOT}/tasks/{task_id}")
    assert canary not in answer.text
    task = answer.json()
    assert (task["target"], task["schedule"], task["cron"]) == ("/bin/backup --all", "Only by hand", None)
    assert (task["condition"], task["pause"], task["last_run"]) == ("active", None, None)
    daily = get(ines, f"/tasks/{site.task('daily', '30 2 * * *')}")
    assert (daily["schedule"], daily["cron"]) == ("Every day at 02:30", "30 2 * * *")
    assert daily["next_at"] == "2026-05-15T02:30:00Z"


def test_r107_a_run_by_a_token_is_told_with_who_and_which_token(site: Site, clock: SetClock) -> None:
    task_id = site.task()
    made = make_token(site, "otto", "trigger")
    answer = program(site, made.text).post(f"{ROOT}/tasks/{task_id}/trigger")
    assert answer.status_code == 201
    run = answer.json()
    assert (run["task"], run["state"], run["triggered_by"]) == ({"id": task_id, "name": "backup"}, "queued", "manual")
    assert run["by"] == f"otto ({made.token.name})"
    (entry,) = Trail(site.store, clock).page(AuditFilter(actions=("task.triggered",)))
    otto = site.users.find("otto")
    assert otto
    assert (entry.source, entry.actor_id, entry.actor) == ("api", otto.id, run["by"])
    assert entry.request == answer.headers["x-request-id"]


def test_r50_only_administrators_say_what_a_task_is_run_with(site: Site, ines: TestClient) -> None:
    task_id = site.task()
    asked = {"params": {"day": "2026-05-14", "deep": [1, {"a": None}]}}
    run = ines.post(f"{ROOT}/tasks/{task_id}/trigger", json=asked)
    assert (run.status_code, run.json()["params"]) == (201, asked["params"])
    with site.store.reading() as tx:
        count = len(HistoryBook(tx).latest_of([task_id])[task_id])
    for client in (program_of(site, "otto"), program_of(site, "ines", "write")):
        assert error_of(client.post(f"{ROOT}/tasks/{task_id}/trigger", json=asked)) == (403, "denied")
    with site.store.reading() as tx:
        assert len(HistoryBook(tx).latest_of([task_id])[task_id]) == count


def test_a_task_is_paused_until_an_instant_and_goes_on(site: Site, ines: TestClient) -> None:
    task_id = site.task()
    asked = {"reason": "inventory", "until": "2026-05-15T08:00:00+02:00"}
    paused = ines.post(f"{ROOT}/tasks/{task_id}/pause", json=asked).json()
    assert paused["condition"] == "paused"
    assert paused["pause"]["reason"] == "inventory"
    assert paused["pause"]["until"] == "2026-05-15T06:00:00Z"
    assert paused["pause"]["by"].startswith("ines (")
    for _ in range(2):
        resumed = ines.post(f"{ROOT}/tasks/{task_id}/resume")
        assert (resumed.status_code, resumed.json()["condition"]) == (200, "active")


def test_runs_are_walked_and_found_by_task_state_and_words(site: Site, ines: TestClient) -> None:
    backup, report = site.task("backup"), site.task("report")
    numbers = [site.run(task_id) for task_id in (backup, report, backup, backup, report)]
    site.start(numbers[0])
    assert [run["id"] for run in walk(ines, "/runs", "runs", limit=2)] == numbers[::-1]

    def found(**query: Any) -> list[int]:
        return [run["id"] for run in get(ines, "/runs", **query)["runs"]]

    assert found(task=report) == [numbers[4], numbers[1]]
    assert found(state="running") == found(view="running") == [numbers[0]]
    assert found(q="report", view="queued") == [numbers[4], numbers[1]]
    assert found(task=987654321) == []


def test_a_run_shows_its_attempts_and_what_went_wrong(site: Site, ines: TestClient) -> None:
    run_id = site.run(site.task())
    site.start(run_id)
    site.finish(run_id, RunState.FAILED, error_type="LedgerMismatch", error_message="3 of 1,204")
    run = get(ines, f"/runs/{run_id}")
    assert (run["state"], run["attempt"], run["duration_seconds"]) == ("failed", 1, 0.0)
    assert run["failure"] == {"type": "LedgerMismatch", "message": "3 of 1,204", "traceback": ""}
    (attempt,) = run["attempts"]
    assert (attempt["number"], attempt["state"]) == (1, "failed")


def test_a_waiting_run_is_cancelled_once(site: Site, ines: TestClient) -> None:
    run_id = site.run(site.task())
    assert ines.post(f"{ROOT}/runs/{run_id}/cancel").json()["state"] == "cancelled"
    assert error_of(ines.post(f"{ROOT}/runs/{run_id}/cancel")) == (409, "conflict")


def test_r43_output_is_text_that_no_browser_runs_or_lines_of_json(site: Site, ines: TestClient) -> None:
    run_id = site.run(site.task())
    site.start(run_id, ("<script>alert(1)</script>", "two", "drei: ä"))
    path = f"{ROOT}/runs/{run_id}/output"
    text = ines.get(path)
    assert text.text == "<script>alert(1)</script>\ntwo\ndrei: ä\n"
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert text.headers["content-disposition"] == f'attachment; filename="run-{run_id}-attempt-1.log"'
    assert text.headers["content-security-policy"].startswith("sandbox")
    assert "link" not in text.headers
    lines = ines.get(path, headers={"accept": "application/x-ndjson"})
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["text"] for line in lines.text.splitlines()][2] == "drei: ä"
    assert ines.get(path, params={"attempt": 2}).text == ""


def test_output_is_gone_on_with_by_its_link(site: Site, ines: TestClient) -> None:
    run_id = site.run(site.task())
    site.start(run_id, tuple(f"line {number}" for number in range(5)))
    path, found = f"{ROOT}/runs/{run_id}/output?limit=2", ""
    for _ in range(3):
        answer = ines.get(path)
        found += answer.text
        path = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert path == ""
    assert found.split("\n")[:-1] == [f"line {number}" for number in range(5)]


def test_the_audit_log_is_walked_and_searched(site: Site, ines: TestClient) -> None:
    for number in range(5):
        site.desk.pause(site.task(f"task {number}"), by=TESTER, reason="why")
    assert [each["about"]["name"] for each in walk(ines, "/audit", "entries", limit=2, action="task.paused")] == [
        f"task {number}" for number in (4, 3, 2, 1, 0)
    ]
    (entry,) = get(ines, "/audit", action="task.", q="task 3", limit=1)["entries"]
    assert (entry["action"], entry["source"], entry["details"]["reason"]) == ("task.paused", "code", "why")
    assert len(entry["hash"]) == 64
    assert get(ines, "/audit", source="cli")["entries"] == []
    assert error_of(ines.get(f"{ROOT}/audit", params={"action": "tasks."})) == (422, "invalid_value")


def test_r60_a_token_alone_mints_no_token(site: Site, ines: TestClient) -> None:
    asked = {"name": "more", "scopes": ["read"]}
    assert error_of(program_of(site, "ines", "write").post(f"{ROOT}/tokens", json=asked)) == (403, "denied")
    assert error_of(ines.post(f"{ROOT}/tokens", json=asked)) == (403, "prove_again")
    assert error_of(ines.post(f"{ROOT}/tokens", json={**asked, "password": made_up()})) == (403, "prove_again")
    assert len(get(ines, "/tokens")["tokens"]) == 2
    made = ines.post(f"{ROOT}/tokens", json={**asked, "password": site.passwords["ines"]})
    assert made.status_code == 201
    assert get(program(site, made.json()["token"]), "/me")["token"]["name"] == "more"


def test_r14_the_password_cannot_be_guessed_at_here(site: Site, ines: TestClient) -> None:
    asked = {"name": "more", "scopes": ["read"], "password": "guess"}
    statuses = [ines.post(f"{ROOT}/tokens", json=asked).status_code for _ in range(12)]
    assert statuses == [403] * 10 + [429] * 2
    assert int(ines.post(f"{ROOT}/tokens", json=asked).headers["retry-after"]) > 0
    site.signed_in("ines")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": ""}, "invalid_value"),
        ({"name": "x" * 101}, "invalid_value"),
        ({"scopes": []}, "invalid_value"),
        ({"scopes": ["root"]}, "invalid_value"),
        ({"scopes": "read"}, "invalid_value"),
        ({"days": 0}, "invalid_value"),
        ({"days": 367}, "invalid_value"),
        ({"days": None}, "invalid_value"),
        ({"days": "30"}, "invalid_value"),
        ({"user_id": 1}, "unknown_field"),
        ({"expires_at": "2099-01-01T00:00:00Z"}, "unknown_field"),
    ],
)
def test_r48_a_token_is_made_of_what_is_listed_and_nothing_else(
    site: Site, ines: TestClient, changed: dict[str, Any], code: str
) -> None:
    asked = {"name": "more", "scopes": ["read"], "password": site.passwords["ines"], **changed}
    answer = ines.post(f"{ROOT}/tokens", json=asked)
    assert error_of(answer) == (422, code)
    assert site.passwords["ines"] not in answer.text
    assert len(get(ines, "/tokens")["tokens"]) == 1


def test_r58_a_list_of_tokens_shows_none(site: Site, ines: TestClient) -> None:
    made = make_token(site, "ines", "read")
    make_token(site, "otto")
    answer = ines.get(f"{ROOT}/tokens")
    assert made.text.rpartition("_")[2] not in answer.text
    first, second = answer.json()["tokens"]
    assert (first["id"], first["hint"], first["scopes"]) == (made.token.id, made.text[-4:], ["read"])
    assert (second["last_used_at"], second["last_address"]) == ("2026-05-14T12:00:00Z", "testclient")


def test_r29_a_token_that_revokes_itself_is_refused_at_once(site: Site) -> None:
    made = make_token(site, "ines")
    client = program(site, made.text)
    assert client.delete(f"{ROOT}/tokens/{made.token.id}").status_code == 204
    assert error_of(client.get(f"{ROOT}/me")) == (401, "token_needed")


def test_r46_a_token_of_somebody_else_is_not_there(site: Site, ines: TestClient) -> None:
    foreign = make_token(site, "otto")
    for number in (foreign.token.id, 987654321):
        assert error_of(ines.delete(f"{ROOT}/tokens/{number}")) == (404, "not_found")
    assert program(site, foreign.text).get(f"{ROOT}/me").status_code == 200


def test_r29_demotion_disabling_and_time_count_from_the_next_request(site: Site, clock: SetClock) -> None:
    site.person("marek")
    marek = site.users.find("marek")
    assert marek
    client, task_id = program_of(site, "marek"), site.task()
    assert client.get(f"{ROOT}/audit").status_code == 200
    site.users.change_role(marek.id, Role.VIEWER, actor=TESTER)
    assert error_of(client.get(f"{ROOT}/audit")) == (403, "denied")
    assert error_of(client.post(f"{ROOT}/tasks/{task_id}/trigger")) == (403, "denied")
    assert client.get(f"{ROOT}/tasks/{task_id}").status_code == 200
    site.users.change_role(marek.id, Role.USER, actor=TESTER)
    assert error_of(client.get(f"{ROOT}/tasks/{task_id}")) == (404, "task_not_found")
    other = program_of(site, "otto")
    clock.move(timedelta(days=91))
    assert error_of(other.get(f"{ROOT}/me")) == (401, "token_needed")
    client = program_of(site, "marek")
    site.users.disable(marek.id, actor=TESTER)
    assert error_of(client.get(f"{ROOT}/me")) == (401, "token_needed")


def test_r16_nobody_learns_why_a_token_opens_nothing(site: Site, clock: SetClock) -> None:
    site.person("gone")
    gone = site.users.find("gone")
    assert gone
    revoked, disabled = make_token(site, "ines"), make_token(site, "gone")
    Tokens(site.store, clock).revoke_any(revoked.token.id, actor=TESTER)
    site.users.disable(gone.id, actor=TESTER)
    told = set()
    for text in (None, "x", "hor_7_" + "a" * 40, revoked.text, disabled.text, revoked.text[:-1] + "!"):
        answer = program(site, text).get(f"{ROOT}/tasks")
        assert error_of(answer) == (401, "token_needed")
        told.add((answer.json()["error"]["message"], answer.headers["www-authenticate"]))
    assert len(told) == 1


def test_the_document_names_every_route_with_what_it_takes(site: Site, ines: TestClient) -> None:
    document = get(ines, "/openapi.json")
    described = {
        (f"{ROOT}{path}", method.upper()): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert set(described) == {(row.path.replace(":int}", "}"), row.method) for row in API_ROWS}
    for row in API_ROWS:
        operation = described[row.path.replace(":int}", "}"), row.method]
        assert operation["x-permission"] == row.needs.value
        assert operation["description"]
        assert "422" not in operation["responses"]
        taken = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
        assert taken == row.fields, row
    assert document["servers"] == [{"url": ROOT}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert get(ines, "/openapi.json") == document


def test_r9_the_document_is_for_who_may_ask_only(site: Site) -> None:
    assert error_of(program(site, None).get(f"{ROOT}/openapi.json")) == (401, "token_needed")


def test_what_is_not_there_is_said_in_the_form_of_the_api(site: Site, ines: TestClient) -> None:
    assert error_of(ines.get(f"{ROOT}/nowhere")) == (404, "not_found")
    assert error_of(ines.get(f"{ROOT}/tasks/")) == (404, "not_found")
    assert error_of(ines.get(f"{ROOT}/tasks/x")) == (404, "not_found")
    refused = ines.put(f"{ROOT}/me")
    assert error_of(refused) == (405, "method_not_allowed")
    assert refused.headers["allow"] == "GET"
    assert error_of(ines.get(f"{ROOT}/me", headers={"host": "evil.test"})) == (400, "unknown_host")
    assert error_of(ines.get(f"{ROOT}/me?" + "x" * 9000)) == (422, "unknown_field")


def test_r94_an_error_of_ours_says_a_number_and_nothing_else(
    ines: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("/etc/secret/path SELECT * FROM users")

    monkeypatch.setattr("horarium.web.api.me.me_shape", fail)
    with caplog.at_level(logging.ERROR, "horarium.web"):
        answer = ines.get(f"{ROOT}/me")
    assert error_of(answer) == (500, "error")
    for secret in ("secret", "SELECT", "RuntimeError", "Traceback"):
        assert secret not in answer.text
    (record,) = caplog.records
    assert answer.headers["x-request-id"] in record.getMessage()


def test_r94_a_locked_store_is_answered_with_when_to_return(ines: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise StoreBusy("locked by /var/lib/secret")

    monkeypatch.setattr("horarium.accounts.tokens.Tokens.find", fail)
    answer = ines.get(f"{ROOT}/me")
    assert error_of(answer) == (503, "store_busy")
    assert int(answer.headers["retry-after"]) > 0
    assert "secret" not in answer.text


def test_the_api_works_under_a_path_whether_the_proxy_keeps_it_or_not(site: Site) -> None:
    made = make_token(site, "ines")
    client = site.client(base_url="https://example.org/horarium")
    client.headers["authorization"] = f"Bearer {made.text}"
    run_id = site.run(site.task())
    site.start(run_id, ("a", "b"))
    for root in (ROOT, f"/horarium{ROOT}"):
        assert client.get(f"{root}/me").status_code == 200
        assert error_of(client.get(f"{root}/nowhere")) == (404, "not_found")
        document = client.get(f"{root}/openapi.json").json()
        assert document["servers"] == [{"url": f"/horarium{ROOT}"}]
        link = client.get(f"{root}/runs/{run_id}/output?limit=1").headers["link"]
        assert link.startswith(f"</horarium{ROOT}/runs/{run_id}/output?")


@pytest.mark.parametrize(
    ("path", "root", "expected"),
    [
        *(("/api/v1/me", "", True), ("/x/api/v1/me", "/x", True), ("/api/v1/me", "/x", True)),
        *(("/api/v1", "", False), ("/tasks", "", False), ("/tasks/api/v1/me", "", False)),
    ],
)
def test_a_path_belongs_to_the_api_or_to_the_pages(path: str, root: str, expected: bool) -> None:
    assert is_api(path, root) is expected
