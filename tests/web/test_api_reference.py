"""The reference page of the API: each route has an example, and each example is answered as the page says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from horarium.accounts.tokens import NewToken, Tokens
from horarium.clock import EPOCH
from horarium.records.checks import CallKind, CheckWish
from horarium.records.reach import Place
from horarium.records.telling import Target
from horarium.states import RunState
from horarium.store.books.checks import CheckBook
from horarium.triggers import IntervalTrigger, to_text
from horarium.web.access import API_ROWS
from tests.support import notices
from tests.support.api import program
from tests.support.pages import Site, open_site
from tests.support.people import TESTER, SetClock, made_up
from tests.support.vault import HOST

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"
EXAMPLE = re.compile(
    r"^```http\n(?P<method>[A-Z]+) (?P<path>\S+)\n(?:\n(?P<body>.*?))?^```\n+Answers (?P<status>\d+)[^\n]*\n*"
    r"(?:^```(?P<kind>json|text)\n(?P<answer>.*?)^```)?",
    re.MULTILINE | re.DOTALL,
)
EXAMPLES = list(EXAMPLE.finditer(PAGE.read_text(encoding="utf-8")))
CUT = "…"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give the installation that the page tells of."""
    with open_site(tmp_path, SetClock()) as opened:
        opened.live()
        opened.person("ines")
        backup = opened.task("backup", "30 2 * * *", tags=("nightly",), description="Copies the ledger.")
        ended = opened.run(backup)
        opened.start(ended, ("copying ledger", "done"))
        opened.finish(ended, RunState.SUCCEEDED, result="2 files")
        opened.run(backup)
        wish = CheckWish(name="warehouse copy", schedule=to_text(IntervalTrigger(3600, EPOCH)), place=Place(owner_id=1))
        token = made_up()
        with opened.store.transaction() as tx:
            # Not by the desk: the example of the audit log ends with the token.
            CheckBook(tx).add(wish, token=token, now=opened.clock.micros())
        opened.app.state.house.calls.take(token, CallKind.DONE, address="10.2.0.7", agent="curl/8.5.0")
        ops = notices.add_channel(opened, 0, name="warehouse-ops")
        notices.add_message(opened, Target(channel_id=ops))
        night = notices.add_channel(opened, 0, name="night-shift", token=False)
        opened.app.state.house.telling.channels.pause(night, asker=HOST)
        notices.add_snooze(opened, 1)
        notices.add_rule(opened, 1)
        yield opened


def alike(told: Any, real: Any) -> bool:
    """Tell whether an answer is what the page says, where `…` stands for what differs each time, or was left out."""
    if isinstance(told, str) and CUT in told:
        return isinstance(real, str) and re.fullmatch(".*".join(map(re.escape, told.split(CUT))), real) is not None
    if isinstance(told, list):
        if told and told[-1] == CUT:
            return isinstance(real, list) and all(map(alike, told[:-1], real))
        return isinstance(real, list) and len(told) == len(real) and all(map(alike, told, real))
    if isinstance(told, dict):
        return isinstance(real, dict) and list(told) == list(real) and all(alike(told[key], real[key]) for key in told)
    return bool(told == real)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda found: f"{found['method']} {found['path']}")
def test_an_example_is_answered_as_the_page_says(site: Site, example: re.Match[str]) -> None:
    wanted = NewToken(name="deploy pipeline", scopes=["admin"])
    token = Tokens(site.store, site.clock).make(1, wanted, actor=TESTER).text
    body = (example["body"] or "").replace("the password of ines", site.passwords["ines"])
    headers = {"content-type": "application/json"} if body else {}
    answer = program(site, token).request(example["method"], example["path"], content=body, headers=headers)
    assert answer.status_code == int(example["status"]), answer.text
    if example["kind"] == "json":
        assert alike(json.loads(example["answer"]), answer.json()), json.dumps(answer.json(), indent=1)
    elif example["kind"] == "text":
        assert answer.text == example["answer"]


def test_every_route_has_an_example() -> None:
    for row in API_ROWS:
        path = re.compile(re.sub(r"\\\{\w+:int\\\}", r"\\d+", re.escape(row.path)) + r"(\?.*)?")
        shown = [each for each in EXAMPLES if each["method"] == row.method and path.fullmatch(each["path"])]
        assert [each for each in shown if int(each["status"]) < 300], f"{row.method} {row.path}"


def test_a_difference_is_seen() -> None:
    assert alike({"a": "x…z", "b": [1, CUT]}, {"a": "xyz", "b": [1, 2, 3]})
    for told, real in (({"a": 1}, {"a": 1, "b": 2}), ([1], [1, 2]), ("x…", "yx"), ([2, CUT], [1]), (None, 0)):
        assert not alike(told, real)
