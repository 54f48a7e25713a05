"""`audit`: who did what on the command line, and whether the log is whole."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from horarium.cli.exits import ExitCode
from horarium.store.opening import open_store
from tests.cli.conftest import Program


def add(horarium: Program, name: str) -> None:
    assert horarium("task", "add", name, "--cron", "0 6 * * *", "--", "/bin/true").code == 0


def meddle(home: Path, statement: str) -> None:
    store = open_store(home / "data" / "horarium.db")
    try:
        with store.transaction() as tx:
            tx.execute(text(statement))
    finally:
        store.close()


def test_r107_what_is_done_on_the_command_line_is_told_with_who_and_how(horarium: Program) -> None:
    add(horarium, "backup")
    assert horarium("task", "pause", "backup", "--reason", "inventory").code == 0
    newest, first = horarium("audit", "list", "--json").json
    assert (newest["action"], newest["source"], newest["object_name"]) == ("task.paused", "cli", "backup")
    assert newest["details"]["reason"] == "inventory"
    assert newest["actor"].endswith("(command line)")
    assert first["action"] == "task.added"
    printed = horarium("audit", "list").out
    assert "task.paused" in printed
    assert "task #1 backup" in printed


def test_the_log_is_searched_by_words_action_way_and_result(horarium: Program) -> None:
    add(horarium, "backup")
    add(horarium, "report")
    assert [each["object_name"] for each in horarium("audit", "list", "-s", "REPORT", "--json").json] == ["report"]
    assert len(horarium("audit", "list", "--action", "task", "--json").json) == 2
    assert len(horarium("audit", "list", "--action", "task.added", "-n", "1", "--json").json) == 1
    assert horarium("audit", "list", "--action", "person.").out == "No entries.\n"
    assert horarium("audit", "list", "--source", "web").out == "No entries.\n"
    assert horarium("audit", "list", "--result", "refused").out == "No entries.\n"


def test_an_action_that_there_is_not_is_refused_with_what_there_is(horarium: Program) -> None:
    answer = horarium("audit", "list", "--action", "tasks")
    assert answer.code == ExitCode.USAGE
    assert "tasks" in answer.err
    assert "task.paused" in answer.err
    assert "person" in answer.err


def test_r108_a_whole_log_ends_with_0_and_a_changed_one_with_1_and_where(horarium: Program, home: Path) -> None:
    add(horarium, "backup")
    add(horarium, "report")
    sound = horarium("audit", "verify")
    assert (sound.code, sound.out) == (0, "The log is whole: 2 entries.\n")
    meddle(home, "UPDATE audit_log SET object_name = 'restore' WHERE id = 1")
    broken = horarium("audit", "verify")
    assert (broken.code, broken.out) == (1, "The log is not whole: entry 1: it was changed.\n")
    assert horarium("audit", "verify", "--json").json == {"entries": 0, "bad_id": 1, "fault": "it was changed"}
