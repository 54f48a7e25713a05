"""Bodies and queries that mean two things or none: refused, with nothing changed and no error of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from horarium.web.api.bodies import MOST_DEPTH, parsed
from horarium.web.errors import Refusal
from tests.support.api import ROOT, program_of
from tests.support.pages import Site, open_site
from tests.support.people import SetClock

JSON = "application/json"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("bodies")
    with open_site(folder, SetClock()) as opened:
        opened.person("ines")
        opened.task("backup")
        yield opened


@pytest.fixture(scope="module")
def ines(site: Site) -> TestClient:
    return program_of(site, "ines")


def deep(levels: int) -> bytes:
    return b'{"params": ' + b'{"a": ' * (levels - 1) + b"1" + b"}" * levels


PAUSES: dict[str, tuple[bytes, str, int]] = {
    "no JSON": (b"reason", JSON, 400),
    "half an object": (b'{"reason": "x"', JSON, 400),
    "two objects": (b"{}{}", JSON, 400),
    "single quotes": (b"{'reason': 'x'}", JSON, 400),
    "a trailing comma": (b'{"reason": "x",}', JSON, 400),
    "a comment": (b'{"reason": "x"} // why', JSON, 400),
    "a mark of byte order": (b'\xef\xbb\xbf{"reason": "x"}', JSON, 400),
    "UTF-16": ('{"reason": "x"}'.encode("utf-16"), JSON, 400),
    "Latin-1": (b'{"reason": "\xe4"}', JSON, 400),
    "an overlong slash": (b'{"reason": "\xc0\xaf"}', JSON, 400),
    "half a pair": (b'{"reason": "\\ud800"}', JSON, 400),
    "a null character": (b'{"reason": "a\\u0000b"}', JSON, 400),
    "a raw line break": (b'{"reason": "a\nb"}', JSON, 400),
    "a name twice": (b'{"reason": "a", "reason": "b"}', JSON, 400),
    "a name twice, once escaped": (b'{"reason": "a", "re\\u0061son": "b"}', JSON, 400),
    "not a number": (b'{"reason": NaN}', JSON, 400),
    "endless": (b'{"reason": Infinity}', JSON, 400),
    "too large a number": (b'{"reason": 1e999}', JSON, 400),
    "thousands of figures": (b'{"reason": ' + b"9" * 5000 + b"}", JSON, 400),
    "many brackets": (b"[" * 100_000, JSON, 400),
    "many braces": (b'{"a":' * 100_000, JSON, 400),
    "more than a mebibyte": (b'{"reason": "' + b"x" * (1 << 20) + b'"}', JSON, 413),
    "a list": (b"[]", JSON, 422),
    "a text": (b'"reason"', JSON, 422),
    "a number": (b"7", JSON, 422),
    "true": (b"true", JSON, 422),
    "an unknown field": (b'{"reason": "x", "by": "somebody else"}', JSON, 422),
    "fields that are not to be written": (b'{"id": 7, "owner_id": 1, "kind": "command", "run_as": "root"}', JSON, 422),
    "a number for a text": (b'{"reason": 7}', JSON, 422),
    "null for a text": (b'{"reason": null}', JSON, 422),
    "an object for a text": (b'{"reason": {"a": 1}}', JSON, 422),
    "too long a text": (json.dumps({"reason": "x" * 201}).encode(), JSON, 422),
    "an instant without offset": (b'{"until": "2030-01-01T00:00:00"}', JSON, 422),
    "an instant that is none": (b'{"until": "tomorrow"}', JSON, 422),
    "an instant as a number": (b'{"until": 1893456000}', JSON, 422),
    "an instant that is over": (b'{"until": "2020-01-01T00:00:00Z"}', JSON, 422),
    "the end of time": (b'{"until": "9999-12-31T23:59:59-23:59"}', JSON, 422),
    "JSON as text": (b'{"reason": "x"}', "text/plain", 415),
    "JSON as a form": (b'{"reason": "x"}', "application/x-www-form-urlencoded", 415),
    "a form": (b"reason=x", "application/x-www-form-urlencoded", 415),
    "JSON as another JSON": (b'{"reason": "x"}', "application/problem+json", 415),
    "JSON of no kind": (b'{"reason": "x"}', "", 415),
    "no body of another kind": (b"", "text/plain", 415),
}


@pytest.mark.parametrize(("body", "kind", "status"), PAUSES.values(), ids=PAUSES.keys())
def test_r49_r92_a_body_that_is_not_sound_is_refused_and_changes_nothing(
    site: Site, ines: TestClient, body: bytes, kind: str, status: int
) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = ines.post(f"{ROOT}/tasks/1/pause", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "request"}
    assert error["message"]
    assert not site.desk.find(1).is_paused


def test_r92_there_are_forty_of_them_and_a_sound_one_is_taken(site: Site, ines: TestClient) -> None:
    assert len(PAUSES) >= 40
    for body in (b"", b"{}", b"null", '{"reason": "Pause für alle ☕"}'.encode()):
        headers = {"content-type": "application/json; charset=utf-8"}
        assert ines.post(f"{ROOT}/tasks/1/pause", content=body, headers=headers).status_code == 200
        assert site.desk.find(1).is_paused
        assert ines.post(f"{ROOT}/tasks/1/resume").status_code == 200


def test_r92_levels_are_counted() -> None:
    assert parsed(deep(MOST_DEPTH - 1)) is not None
    for levels in (MOST_DEPTH + 1, 500, 900, 5000):
        with pytest.raises(Refusal) as refused:
            parsed(deep(levels))
        assert refused.value.web_code == "bad_request"


@pytest.mark.parametrize("value", ["1.0", "1e3", "-0", "12345678901234567890", '"é"', "[[],{}]", "true"])
def test_what_is_json_is_read_as_it_is(value: str) -> None:
    assert parsed(value.encode()) == json.loads(value)


@pytest.mark.parametrize("path", ["/runs/1/cancel", "/tasks/1/resume"])
def test_r49_what_takes_no_body_takes_none(site: Site, ines: TestClient, path: str) -> None:
    refused = ines.post(f"{ROOT}{path}", json={"force": True})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "unknown_field")


QUERIES = {
    "limit=0": 422,
    "limit=201": 422,
    "limit=x": 422,
    "limit=1.5": 422,
    "limit=": 422,
    "limit=" + "9" * 300: 422,
    "limit=1&limit=2": 400,
    "view=everything": 422,
    "page=2": 422,
    "token=x": 422,
    "fields=spec": 422,
    "q=%ff": 400,
    "q=%00": 400,
    "q=" + "x" * 201: 422,
    "a=1&" * 1001: 400,
}


@pytest.mark.parametrize("list_", ["tasks", "runs", "audit"])
@pytest.mark.parametrize(("query", "status"), QUERIES.items(), ids=[query[:20] for query in QUERIES])
def test_r49_odd_queries_are_refused(ines: TestClient, list_: str, query: str, status: int) -> None:
    answer = ines.get(f"{ROOT}/{list_}?{query}")
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "WzEsMl0", "e30", "WyJhIiwiYiJd", "W251bGwsMV0", "/" * 500, "-1", "1e3"]
)
def test_r92_a_broken_cursor_is_refused(ines: TestClient, cursor: str) -> None:
    for list_ in ("tasks", "runs", "audit"):
        answer = ines.get(f"{ROOT}/{list_}", params={"cursor": cursor})
        assert answer.status_code == 422
        assert "ursor" in answer.json()["error"]["message"]


def test_what_is_refused_is_named_with_what_is_taken(ines: TestClient) -> None:
    def told(path: str) -> str:
        message: str = ines.get(f"{ROOT}{path}").json()["error"]["message"]
        return message

    assert told("/tasks?limit=0") == "limit: use 1 or more."
    assert told("/tasks?limit=201") == "limit: use 200 or less."
    assert told("/tasks?limit=x") == "limit: use a whole number."
    assert told("/tasks?sort=size") == "sort: use 'name', 'next', 'last' or 'failing'."
    assert told("/runs?state=done").startswith("state: use 'queued', ")
    assert told("/tasks?page=2") == "'page' is not known here."


@pytest.mark.parametrize("number", ["99999999999999999999", "9223372036854775808", "9223372036854775807", "0"])
def test_r92_numbers_beyond_the_store_are_not_found(ines: TestClient, number: str) -> None:
    for path in ("/tasks/{}", "/runs/{}", "/runs/{}/output"):
        assert ines.get(f"{ROOT}{path.format(number)}").status_code == 404
    assert ines.delete(f"{ROOT}/tokens/{number}").status_code == 404
