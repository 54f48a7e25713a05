"""What stands before every page: headers, the host's name, sizes, methods, the client's address, errors."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from horarium.errors import StoreBusy, StoreFull, StoreUnavailable
from horarium.web.assets import asset
from horarium.web.errors import ANSWERS
from horarium.web.incoming import networks, read
from horarium.web.services import WebSettings
from tests.support.pages import Site, open_site, post, token_of
from tests.support.people import SetClock


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, SetClock()) as opened:
        opened.live()
        opened.person("ines")
        yield opened


POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(("/", 200), ("/tasks", 200), ("/nowhere", 404), ("/login", 302), ("/tasks/77", 404), ("/?day=x", 422)),
        *(("/health/live", 200), ("/runs?before=x", 422), ("/static/old/app.css", 404), (asset("app.css"), 200)),
    ],
)
def test_r36_r37_every_answer_carries_the_headers(ines: TestClient, path: str, status: int) -> None:
    answer = ines.get(path)
    assert answer.status_code == status
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert len(answer.headers["x-request-id"]) == 16
    assert "server" not in answer.headers
    assert "strict-transport-security" not in answer.headers


def test_r36_errors_of_ours_carry_them_too(ines: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("horarium.web.pages.overview.shell", _broken)
    answer = ines.get("/")
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"] == POLICY


def _broken(*_: Any, **__: Any) -> None:
    raise RuntimeError("/etc/secret/path SELECT * FROM users")


def test_r37_strict_transport_security_where_there_is_https(site: Site) -> None:
    client = site.client(base_url="https://tasks.example.org")
    assert client.get("/health/live").headers["strict-transport-security"] == "max-age=31536000"


def test_r38_what_needs_a_login_is_not_kept_and_static_files_are(ines: TestClient) -> None:
    for path in ("/", "/tasks", "/runs", "/nowhere"):
        assert ines.get(path).headers["cache-control"] == "no-store"
    assert ines.get(asset("app.css")).headers["cache-control"] == "public, max-age=31536000, immutable"
    assert ines.get(asset("app.css") + "x").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "host", ["evil.test", "localhost:80@evil.test", "localhost.evil.test", "", "a b", "localhost:x"]
)
def test_r20_an_unknown_host_gets_400(site: Site, host: str) -> None:
    answer = site.client().get("/login", headers={"host": host})
    assert answer.status_code == 400
    assert answer.headers["x-error"] == "unknown_host"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:5000", "127.0.0.1", "[::1]:5000", "tasks.example.org"])
def test_r20_our_own_names_are_answered(site: Site, host: str) -> None:
    client = site.client(base_url="https://tasks.example.org")
    assert client.get("/health/live", headers={"host": host}).status_code == 200


def test_r20_a_forwarded_host_is_ignored(site: Site) -> None:
    answer = site.client().get("/tasks", headers={"x-forwarded-host": "evil.test"})
    assert answer.headers["location"] == "/login?next=%2Ftasks"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_r93_other_methods_get_405(ines: TestClient, method: str) -> None:
    answer = ines.request(method, "/tasks")
    assert answer.status_code == 405
    assert answer.headers["x-error"] == "method_not_allowed"
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_r35_no_origin_is_given_rights(ines: TestClient) -> None:
    for origin in ("https://evil.test", "null", "http://localhost:5000"):
        for path in ("/tasks", "/events"):
            answer = ines.request("OPTIONS", path, headers={"origin": origin, "access-control-request-method": "POST"})
            assert not [name for name in answer.headers if name.startswith("access-control")]


def test_r92_more_than_a_mebibyte_is_too_much(ines: TestClient) -> None:
    token = token_of(ines, "/tasks")
    answer = ines.post("/tasks/act", data={"csrf_token": token, "reason": "x" * (1 << 20)})
    assert (answer.status_code, answer.headers["x-error"]) == (413, "too_large")


def test_r92_more_than_a_thousand_fields_are_refused(ines: TestClient) -> None:
    answer = post(ines, "/tasks/act", action="pause", id=[str(number) for number in range(1001)])
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        *("before=-1", "before=1e3", "before=99999999999999999999", "before=%00", "before=NaN", "before=" + "9" * 300),
        *("view=%ff", "q=" + "x" * 201, "view=all&view=all", "a=1&" * 1001),
    ],
)
def test_r49_r92_odd_queries_are_refused_without_an_error_of_ours(ines: TestClient, query: str) -> None:
    assert ines.get(f"/runs?{query}").status_code in {400, 422}


@pytest.mark.parametrize(
    "path", ["/tasks/99999999999999999999", "/runs/99999999999999999999", "/runs/9223372036854775807"]
)
def test_r92_numbers_beyond_the_store_are_not_found(ines: TestClient, path: str) -> None:
    assert ines.get(path).status_code == 404


@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsMl0", "e30", "WyJhIiwiYiJd", "W251bGwsMV0", "/" * 500])
def test_r92_a_broken_cursor_begins_at_the_start(site: Site, ines: TestClient, cursor: str) -> None:
    site.task("first-task")
    assert "first-task" in ines.get("/tasks", params={"after": cursor}).text


def test_r40_the_kind_of_answer_is_not_chosen_by_parameters(ines: TestClient) -> None:
    answer = ines.get("/tasks?callback=alert&format=json")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "alert" not in answer.text


def test_r94_an_error_of_ours_says_a_number_and_nothing_else(
    ines: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("horarium.web.pages.overview.shell", _broken)
    with caplog.at_level(logging.ERROR, "horarium.web"):
        answer = ines.get("/")
    number = answer.headers["x-request-id"]
    assert number in answer.text
    for secret in ("secret", "SELECT", "RuntimeError", "Traceback"):
        assert secret not in answer.text
    (record,) = caplog.records
    assert number in record.getMessage()
    assert record.exc_info


@pytest.mark.parametrize("error", [StoreBusy, StoreUnavailable, StoreFull])
def test_r94_a_store_that_fails_is_answered_with_503_and_when_to_return(
    ines: TestClient, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error("the folder /var/lib/secret may not be written")

    monkeypatch.setattr("horarium.web.pages.overview.shell", fail)
    answer = ines.get("/")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "/var/lib" not in answer.text


def test_r94_a_program_gets_the_code_as_json(ines: TestClient) -> None:
    answer = ines.get("/tasks/77", headers={"accept": "application/json"})
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["code"] == "task_not_found"
    assert error["request"] == answer.headers["x-request-id"]
    assert "77" not in error["message"]


def test_r94_the_page_about_an_error_needs_nothing_that_may_be_broken(
    ines: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr("horarium.accounts.sessions.Sessions.find", fail)
    assert ines.get("/").status_code == 503
    assert ines.get("/nowhere").status_code == 404


def test_every_code_has_a_status_and_a_title() -> None:
    assert all(400 <= answer.status < 600 and answer.title for answer in ANSWERS.values())


def scope(peer: str, **headers: str) -> dict[str, Any]:
    encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "scheme": "http", "client": (peer, 1), "headers": encoded}


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.9", "203.0.113.7", "192.0.2.9"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "1.2.3.4, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "[2001:db8::1]", "2001:db8::1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
    ],
)
def test_r15_the_clients_address_is_the_rightmost_hop_that_is_not_ours(peer: str, forwarded: str, client: str) -> None:
    settings = WebSettings(secret_key=b"k" * 32)
    found = read(scope(peer, x_forwarded_for=forwarded), settings, networks(("10.0.0.0/8",)))
    assert found.address == client


def test_r15_other_headers_tell_nothing_and_https_only_a_proxy_may_say() -> None:
    settings = WebSettings(secret_key=b"k" * 32)
    told = {"x_real_ip": "1.2.3.4", "forwarded": "for=1.2.3.4", "x_forwarded_proto": "https"}
    found = read(scope("192.0.2.9", **told), settings, networks(("10.0.0.1",)))
    assert (found.address, found.is_https) == ("192.0.2.9", False)
    assert read(scope("10.0.0.1", **told), settings, networks(("10.0.0.1",))).is_https


def test_the_pages_work_under_a_path_whether_the_proxy_keeps_it_or_not(site: Site) -> None:
    client = site.client(base_url="https://example.org/horarium")
    for path in ("/tasks", "/horarium/tasks"):
        assert client.get(path).headers["location"] == "/horarium/login?next=%2Fhorarium%2Ftasks"
    page = client.get("/horarium/login").text
    assert 'action="/horarium/login"' in page
    assert client.get("/horarium" + asset("app.css")).status_code == 200


def test_health_says_up_or_down_and_more_to_administrators(
    site: Site, ines: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert site.client().get("/health/live").json() == {"status": "up"}
    assert site.client().get("/health/ready").json() == {"status": "up"}
    told = {"status", "database", "scheduler", "nodes", "lag_seconds", "overdue_seconds"}
    assert set(ines.get("/health/ready").json()) == told
    monkeypatch.setattr("horarium.server.health.NodeBook.living", lambda _: [])
    answer = site.client().get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "down"})
    assert json.loads(ines.get("/health/ready").text)["scheduler"]["health"] == "bad"
