"""`audit`: who did what on the command line, and whether the log is whole."""

from __future__ import annotations

import csv
import getpass
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from horarium.cli.exits import ExitCode
from horarium.store.opening import open_store
from horarium.upkeep import archive_audit_logs
from tests.cli.conftest import Program, StillClock
from tests.support.people import made_up


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


ADMIN = ("user", "create-admin")
ACTS = (
    ((*ADMIN, "ines", "--email", "ines@tidewater.example", "--password-stdin"), "person.added"),
    ((*ADMIN, "otto", "--email", "otto@tidewater.example", "--password-stdin"), "person.added"),
    (("user", "set-email", "ines", "ines.c@tidewater.example"), "email.changed"),
    (("user", "set-role", "otto", "editor"), "person.role_changed"),
    (("user", "disable", "otto"), "person.disabled"),
    (("user", "enable", "otto"), "person.enabled"),
    (("user", "invite", "noor@tidewater.example", "--role", "viewer", "--by-hand"), "invitation.sent"),
    (("user", "reset-password", "otto", "--by-hand"), "password.reset_asked"),
    (("project", "make", "Night"), "project.made"),
    (("project", "add-member", "Night", "otto", "--role", "operator"), "member.added"),
    (("task", "add", "report", "--cron", "0 6 * * *", "--", "/bin/true"), "task.added"),
    (("task", "edit", "report", "--cron", "0 7 * * *"), "task.changed"),
    (("task", "pause", "report"), "task.paused"),
    (("task", "resume", "report"), "task.resumed"),
    (("task", "trigger", "report"), "task.triggered"),
    (("run", "cancel", "1"), "run.cancelled"),
    (("project", "take-task", "Night", "report"), "task.given"),
    (("vault", "add", "shop", "--kind", "token", "--stdin", "token"), "credential.added"),
    (("vault", "change", "shop", "--note", "ask Otto"), "credential.changed"),
    (("vault", "replace", "shop", "--stdin", "token"), "credential.replaced"),
    (("vault", "grant", "shop", "--task", "report"), "grant.made"),
    (("vault", "revoke", "shop", "1"), "grant.revoked"),
    (("vault", "remove", "shop"), "credential.removed"),
    (("vault", "restore", "shop"), "credential.restored"),
    (("token", "create", "ines", "--name", "deploy", "--scope", "read"), "token.made"),
    (("token", "revoke", "1"), "token.revoked"),
    (("settings", "set", "clock", "12h"), "setting.changed"),
    (("settings", "lock", "clock"), "setting.locked"),
    (("settings", "unlock", "clock"), "setting.locked"),
    (("settings", "reset", "clock"), "setting.changed"),
    (("project", "remove-member", "Night", "otto"), "member.removed"),
    (("project", "remove", "Night", "--give-to", "installation", "--yes"), "project.removed"),
    (("task", "remove", "report", "--yes"), "task.removed"),
    (("user", "delete", "otto", "--remove-tasks", "--yes"), "person.deleted"),
)
"""What changes something by command, in an order in which each can, and what the log has to say about it."""


def test_r107_each_act_on_the_command_line_has_its_entry(horarium: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    account = getpass.getuser()
    told = 0
    for words, action in ACTS:
        secret = made_up()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(secret.encode())))
        done = horarium(*words)
        assert done.code == 0, (words, done)
        new = [entry for entry in horarium("audit", "list", "--json").json if entry["id"] > told]
        assert action in {each["action"] for each in new}, (words, new)
        assert {(each["source"], each["result"]) for each in new} == {("cli", "done")}, words
        assert all(account in each["actor"] for each in new), words
        assert secret not in str(new)
        told = new[0]["id"]


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
    assert horarium("audit", "verify", "--json").json == {
        "entries": 0,
        "archives": 0,
        "archived": 0,
        "bad_id": 1,
        "fault": "it was changed",
    }


def test_r114_old_entries_are_listed_exported_and_verified_from_their_archives(
    horarium: Program, clock: StillClock, home: Path
) -> None:
    add(horarium, "backup")
    add(horarium, "report")
    assert horarium("audit", "archives").out == "No archives: every entry is in the store.\n"
    clock.instant += timedelta(days=500)
    store = open_store(home / "data" / "horarium.db")
    archive_audit_logs(store=store, clock=clock)
    store.close()
    add(horarium, "newer")
    assert [each["object_name"] for each in horarium("audit", "list", "--json").json] == ["newer", ""]
    found = horarium("audit", "list", "--archived", "--json").json
    assert [each["object_name"] for each in found] == ["newer", "", "report", "backup"]
    assert [each["id"] for each in found] == [4, 3, 2, 1]
    searched = horarium("audit", "list", "--archived", "-s", "BACKUP", "--action", "task", "--json").json
    assert [each["id"] for each in searched] == [1]
    (archive,) = horarium("audit", "archives", "--json").json
    assert (archive["entries"], archive["exists"]) == (2, True)
    assert "audit-0000000001-0000000002" in horarium("audit", "archives").out
    lines = horarium("audit", "export", "--format", "json", "--archived").out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [1, 2, 3, 4]
    rows = list(csv.DictReader(io.StringIO(horarium("audit", "export").out, newline="")))
    assert [row["action"] for row in rows] == ["archive.made", "task.added", "export.made"]
    verified = horarium("audit", "verify")
    assert (verified.code, verified.out) == (0, "The log is whole: 6 entries, 2 of them in 1 archive.\n")
    Path(archive["file"]).unlink()
    broken = horarium("audit", "verify")
    assert broken.code == 1
    assert "entry 1: the archive" in broken.out
