"""`horarium settings`."""

from __future__ import annotations

import io
import sys
from contextlib import closing
from pathlib import Path

import pytest

from horarium.cli.exits import ExitCode
from horarium.clock import SystemClock
from horarium.records.tasks import PerUser, PythonSpec, TaskDefinition
from horarium.scheduling.tasks import TaskDesk
from horarium.store.opening import open_store
from tests.cli.conftest import Program
from tests.support.people import made_up


@pytest.fixture
def ana(horarium: Program, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{made_up()}\n".encode())))
    assert horarium("user", "create-admin", "ana", "--password-stdin").code == ExitCode.OK
    return "ana"


def test_what_holds_for_the_installation_is_listed_set_and_reset(horarium: Program) -> None:
    told = horarium("settings", "list").out
    assert "clock" in told
    assert "Whether the hours of a day are counted to 24, or twice to 12." in told
    assert "timezone" not in told
    assert horarium("settings", "set", "clock", "12h").out == "clock is 12h for the installation.\n"
    assert horarium("settings", "lock", "clock").out == "clock is 12h for the installation and is locked.\n"
    found = {each["key"]: each for each in horarium("settings", "list", "--json").json}
    assert (found["clock"]["value"], found["clock"]["locked"], found["clock"]["allowed"]) == (
        "12h",
        True,
        "use 24h or 12h",
    )
    assert found["clock"]["set_at"].startswith("2026-03-02T12:00:00")
    assert horarium("settings", "unlock", "clock", "--json").json["locked"] is False
    assert horarium("settings", "reset", "clock").out == "clock is 24h for the installation.\n"


def test_a_persons_own_are_listed_set_and_forgotten(horarium: Program, ana: str) -> None:
    assert (
        horarium("settings", "set", "timezone", "Asia/Tokyo", "--user", ana).out == "timezone is Asia/Tokyo for ana.\n"
    )
    assert horarium("settings", "set", "page_size", "25", "-u", ana, "--json").json["own"] is True
    found = {each["key"]: each["value"] for each in horarium("settings", "list", "-u", ana, "--json").json}
    assert (found["timezone"], found["page_size"], found["look"]) == ("Asia/Tokyo", "25", "system")
    assert "not chosen" in horarium("settings", "list", "-u", ana).out
    assert horarium("settings", "reset", "page_size", "-u", ana).out == "page_size is 50 for ana.\n"


def test_what_is_locked_cannot_be_set_for_a_person(horarium: Program, ana: str) -> None:
    horarium("settings", "lock", "look")
    refused = horarium("settings", "set", "look", "dark", "-u", ana)
    assert refused.code == ExitCode.REFUSED
    assert "look is locked" in refused.err
    assert "locked" in horarium("settings", "list", "-u", ana).out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("set", "clok", "12h"), ExitCode.USAGE),
        (("set", "clock", "13h"), ExitCode.USAGE),
        (("set", "timezone", "UTC"), ExitCode.USAGE),
        (("lock", "timezone"), ExitCode.USAGE),
        (("list", "--user", "nobody"), ExitCode.NOT_FOUND),
        (("set", "clock", "12h", "--user", "nobody"), ExitCode.NOT_FOUND),
    ],
)
def test_what_is_not_understood_is_one_sentence(horarium: Program, words: tuple[str, ...], code: ExitCode) -> None:
    refused = horarium("settings", *words)
    assert (refused.code, refused.out) == (code, "")
    assert refused.err.count("\n") == 1


def test_what_a_person_has_of_a_task_is_listed_apart(horarium: Program, home: Path, ana: str) -> None:
    with closing(open_store(home / "data" / "horarium.db")) as store:
        definition = TaskDefinition("sync", PythonSpec("shop.jobs:sync"), None, per_user=PerUser())
        TaskDesk(store, SystemClock()).define(definition)
    (template,) = horarium("task", "list", "--json").json
    assert (template["user"], template["per_user"]) == (None, {"enabled": "", "interval": "", "cron": ""})
    assert "For each person" in horarium("task", "list").out
    (share,) = horarium("task", "list", "--user", ana, "--json").json
    assert (share["name"], share["id"] == template["id"], share["per_user"]) == ("sync", False, None)
    assert horarium("task", "pause", f"#{share['id']}").code == ExitCode.OK
