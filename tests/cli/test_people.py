"""`user` and `project`: people and projects from the host, each change with who did it."""

from __future__ import annotations

from pathlib import Path

import pytest

from horarium.accounts.people import People
from horarium.cli.exits import ExitCode
from horarium.clock import EPOCH, SystemClock
from horarium.records.checks import CheckWish
from horarium.records.people import Role
from horarium.records.reach import Place
from horarium.scheduling.checks import CheckDesk
from horarium.store.opening import open_store
from horarium.triggers import IntervalTrigger, to_text
from tests.cli.conftest import Program
from tests.support.people import TESTER, add_admin, add_person, cheap_hasher


@pytest.fixture
def team(horarium: Program, home: Path) -> Program:
    """Give the program with an administrator and an editor."""
    store = open_store(home / "data" / "horarium.db")
    people = People(store, hasher=cheap_hasher())
    add_admin(people, "ines")
    add_person(people, "leila", Role.EDITOR, email="leila@tidewater.example")
    store.close()
    return horarium


def add(horarium: Program, name: str) -> None:
    assert horarium("task", "add", name, "--cron", "0 6 * * *", "--", "/bin/true").code == 0


def names(answer: object) -> list[str]:
    assert isinstance(answer, list)
    return [each["name"] for each in answer]


def test_people_are_listed_and_shown(team: Program) -> None:
    assert names(team("user", "list", "--json").json) == ["ines", "leila"]
    assert names(team("user", "list", "--role", "editor", "--json").json) == ["leila"]
    assert names(team("user", "list", "-s", "tidewater", "--json").json) == ["leila"]
    assert team("user", "list", "--closed").out == "Nobody.\n"
    assert "leila" in team("user", "list").out
    shown = team("user", "show", "LEILA@tidewater.example", "--json").json
    assert (shown["name"], shown["role"], shown["enabled"], shown["tasks"]) == ("leila", "editor", True, 0)
    assert "password_hash" not in shown
    assert "leila" in team("user", "show", "#2").out
    missing = team("user", "show", "otto")
    assert (missing.code, missing.err) == (ExitCode.NOT_FOUND, "horarium: there is no user 'otto'\n")


def test_r107_a_role_is_given_and_noted(team: Program) -> None:
    assert team("user", "set-role", "leila", "admin").out == "leila is admin now.\n"
    assert team("user", "set-role", "leila", "admin").out == "leila is admin already.\n"
    (told,) = team("audit", "list", "--action", "person.role_changed", "--json").json
    assert (told["before"], told["after"], told["source"]) == ({"role": "editor"}, {"role": "admin"}, "cli")
    assert team("user", "set-role", "leila", "user", "--json").json["role"] == "user"
    assert team("user", "set-role", "leila", "king").code == ExitCode.USAGE


@pytest.mark.parametrize("words", [["set-role", "ines", "user"], ["disable", "ines"], ["delete", "ines", "--yes"]])
def test_r55_the_last_administrator_stays(team: Program, words: list[str]) -> None:
    answer = team("user", *words)
    assert answer.code == ExitCode.REFUSED
    assert "last administrator" in answer.err


def test_an_account_is_closed_and_opened_with_its_tasks(team: Program) -> None:
    add(team, "backup")
    assert team("project", "make", "Night").out == "Made the project Night.\n"
    give(team)
    assert team("user", "disable", "leila").out == "The account of leila is closed; 1 task stopped.\n"
    assert team("user", "disable", "leila").out == "The account of leila is closed already.\n"
    assert team("task", "show", "backup", "--json").json["condition"] == "paused"
    assert names(team("user", "list", "--closed", "--json").json) == ["leila"]
    assert team("user", "enable", "leila").out == "The account of leila is open; 1 task goes on.\n"
    assert team("user", "enable", "leila").out == "The account of leila is open already.\n"
    assert team("task", "show", "backup", "--json").json["condition"] == "active"


def give(team: Program) -> None:
    """Let Leïla own the task `backup`, by way of a project; make the account of Otto."""
    store = open_store(Path("data") / "horarium.db")
    add_person(People(store, hasher=cheap_hasher()), "otto")
    store.close()
    assert team("project", "take-task", "Night", "backup").code == 0
    assert team("project", "remove", "Night", "--give-to", "user:leila", "--yes").code == 0


def test_r56_an_account_is_deleted_with_a_word_about_its_tasks(team: Program) -> None:
    add(team, "backup")
    team("project", "make", "Night")
    give(team)
    asked = team("user", "delete", "leila", "--yes")
    assert asked.code == ExitCode.USAGE
    assert "takes them over" in asked.err
    for wrong in ("leila", "user:", "group:Night"):
        assert team("user", "delete", "leila", "--give-to", wrong, "--yes").code == ExitCode.USAGE
    both = team("user", "delete", "leila", "--give-to", "installation", "--remove-tasks", "--yes")
    assert both.code == ExitCode.USAGE
    assert team("user", "delete", "leila", "--give-to", "user:mira", "--yes").code == ExitCode.NOT_FOUND
    answer = team("user", "delete", "leila", "--give-to", "user:otto", "--cancel-runs", "--json").json
    assert (answer["changed"], answer["tasks"], answer["runs_under_way"]) == (True, 1, [])
    assert team("user", "show", "otto", "--json").json["tasks"] == 1
    assert team("user", "show", "leila").code == ExitCode.NOT_FOUND


def test_an_account_is_closed_and_deleted_with_its_heartbeats(team: Program, home: Path) -> None:
    store = open_store(home / "data" / "horarium.db")
    leila = People(store).find("leila")
    assert leila
    wish = CheckWish(
        name="Nightly copy", schedule=to_text(IntervalTrigger(3600, EPOCH)), place=Place(owner_id=leila.id)
    )
    CheckDesk(store, SystemClock()).add(wish, actor=TESTER)
    store.close()
    assert team("user", "disable", "leila").out == "The account of leila is closed; 1 heartbeat stopped.\n"
    asked = team("user", "delete", "leila", "--yes")
    assert asked.code == ExitCode.USAGE
    assert "takes them over" in asked.err
    answer = team("user", "delete", "leila", "--remove-tasks", "--json").json
    assert (answer["tasks"], answer["heartbeats"]) == (0, 1)
    (told,) = team("audit", "list", "--action", "heartbeat.removed", "--json").json
    assert told["source"] == "cli"


def test_projects_and_their_members(team: Program) -> None:
    assert team("project", "list").out == "No projects.\n"
    made = team("project", "make", "Night", "--description", "What runs at night", "--json").json
    assert (made["name"], made["members"], made["tasks"]) == ("Night", 0, 0)
    assert team("project", "make", "NIGHT").code == ExitCode.USAGE
    assert team("project", "members", "night").out == "Nobody.\n"
    assert team("project", "add-member", "Night", "leila", "--role", "operator").out == "leila is operator in Night.\n"
    (member,) = team("project", "members", "#1", "--json").json
    assert (member["name"], member["role"]) == ("leila", "operator")
    assert "operator" in team("project", "members", "Night").out
    assert team("user", "show", "leila", "--json").json["projects"] == {"Night": "operator"}
    assert "Night" in team("project", "list").out
    assert team("project", "list", "--json").json[0]["members"] == 1
    assert team("project", "remove-member", "Night", "leila").out == "leila left Night.\n"
    assert team("project", "remove-member", "Night", "leila").out == "leila was no member of Night.\n"
    assert team("project", "add-member", "Day", "leila").code == ExitCode.NOT_FOUND


def test_a_project_is_removed_with_a_word_about_its_tasks(team: Program) -> None:
    add(team, "backup")
    team("project", "make", "Night")
    assert team("project", "take-task", "Night", "backup", "--json").json == {"project": "Night", "task": "backup"}
    asked = team("project", "remove", "Night", "--yes")
    assert asked.code == ExitCode.USAGE
    assert "becomes of the tasks" in asked.err
    assert team("project", "remove", "Night", "--remove-tasks", "--json").json["removed"] is True
    assert team("task", "show", "backup").code == ExitCode.NOT_FOUND
    assert team("project", "list").out == "No projects.\n"
