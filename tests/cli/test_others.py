"""`cron`, `import`, `user`, `db` and `doctor`."""

from __future__ import annotations

import io
import re
import secrets
import socket
import sys
from pathlib import Path

import pytest

from horarium.cli.exits import ExitCode
from horarium.server.founding import make_private_folder
from horarium.store.books.people import PeopleBook
from horarium.store.opening import open_store
from tests.cli.conftest import Program, StillClock

CRONTAB = """\
MAILTO=ops@example.org
# Nightly copy
30 2 * * * /usr/local/bin/copy --all
@reboot /usr/local/bin/start
*/15 8-17 * * 1-5 cd /srv && ./poll > /dev/null
"""


def test_an_expression_is_explained_in_words_times_and_clock_changes(bare: Program) -> None:
    told = bare("cron", "explain", "30 2 * * *")
    assert told.code == ExitCode.OK
    lines = told.out.splitlines()
    assert lines[0] == "Every day at 02:30 (Europe/Berlin)"
    assert lines[1] == "  Tue 3 Mar 2026, 02:30 CET, in 13 h"
    assert len([line for line in lines if line.startswith("  ")]) == 5
    assert "On Sun 29 Mar 2026 the clock goes from 02:00 to 03:00; 02:30 runs at 03:00." in lines
    as_json = bare("cron", "explain", "0 6 * * 1-5", "-z", "Asia/Tokyo", "-n", "1", "--json").json
    assert as_json["words"] == "Weekdays at 06:00"
    assert as_json["next_times"] == ["2026-03-03T06:00:00+09:00"]
    assert as_json["notes"] == []


@pytest.mark.parametrize(
    "words", [["61 * * * *"], ["0 0 31 2 *"], ["* * * *"], ["@daily", "-z", "x/y"], ["@daily", "-n", "0"]]
)
def test_an_expression_that_means_nothing_is_one_sentence(bare: Program, words: list[str]) -> None:
    refused = bare("cron", "explain", *words)
    assert (refused.code, refused.out) == (ExitCode.USAGE, "")
    assert refused.err.count("\n") == 1


def test_a_dry_run_shows_each_line_and_makes_nothing_not_even_a_database(bare: Program, home: Path) -> None:
    (home / "jobs").write_text(CRONTAB, encoding="utf-8")
    told = bare("import", "crontab", "jobs", "--dry-run")
    assert told.code == ExitCode.OK
    assert "line 3: add 'copy --all'\n  Every day at 02:30 (Europe/Berlin)" in told.out
    assert "Every 15 minutes from 08:00 to 17:59" in told.out
    assert "2 tasks would be made" in told.out
    assert "line 1, note: output is kept with the runs; no mail goes to ops@example.org" in told.err
    assert "line 4, left out: @reboot is not taken" in told.err
    assert sorted(path.name for path in home.iterdir()) == ["jobs"]


def test_an_import_makes_tasks_and_a_second_one_changes_nothing(horarium: Program, home: Path) -> None:
    (home / "jobs").write_text(CRONTAB, encoding="utf-8")
    assert horarium("import", "crontab", "jobs").out.endswith("2 added, 0 updated, 0 as before.\n")
    tasks = horarium("task", "list", "--json").json
    assert [task["name"] for task in tasks] == ["copy --all", "poll"]
    assert tasks[0]["description"] == "Nightly copy"
    assert tasks[0]["source"] == f"crontab:{(home / 'jobs').resolve()}"
    assert horarium("import", "crontab", "jobs").out.endswith("0 added, 0 updated, 2 as before.\n")
    assert horarium("task", "list", "--json").json == tasks
    (home / "jobs").write_text(
        CRONTAB.replace("30 2", "45 3").replace("*/15 8-17 * * 1-5 cd", "# cd"), encoding="utf-8"
    )
    again = horarium("import", "crontab", "jobs")
    assert again.out.endswith("0 added, 1 updated, 0 as before.\n")
    assert "'poll' came from this file and is no longer in it" in again.err
    assert horarium("task", "show", "copy --all", "--json").json["next_at"] == "2026-03-03T02:45:00+00:00"


def test_a_bad_line_is_told_and_the_rest_is_taken(horarium: Program, home: Path) -> None:
    (home / "jobs").write_text("61 * * * * no\n0 1 * * * yes\n", encoding="utf-8")
    told = horarium("import", "crontab", "jobs", "--json")
    assert told.code == ExitCode.FAILED
    assert told.json["bad_lines"] == [1]
    assert [task["name"] for task in horarium("task", "list", "--json").json] == ["yes"]


def test_standard_input_zone_and_layout_may_be_given(horarium: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"0 6 * * * ana /bin/x\n")))
    found = horarium("import", "crontab", "-", "--system", "--timezone", "Asia/Tokyo", "--dry-run", "--json").json
    (task,) = found["tasks"]
    assert (task["user"], task["command"], task["timezone"]) == ("ana", "/bin/x", "Asia/Tokyo")
    assert found["changed"] is False


def test_files_that_can_be_no_crontab(horarium: Program, home: Path) -> None:
    (home / "binary").write_bytes(b"\xff\xfe\0")
    for name, code in (("gone", ExitCode.NOT_FOUND), ("binary", ExitCode.USAGE), ("data", ExitCode.USAGE)):
        refused = horarium("import", "crontab", name)
        assert (refused.code, refused.out) == (code, "")
        assert refused.err.count("\n") == 1


def test_r63_the_first_administrator_s_password_comes_from_standard_input(
    horarium: Program, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = f"  {secrets.token_urlsafe(16)} "
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{password}\n".encode())))
    made = horarium("user", "create-admin", "ana", "--email", "ana@example.org", "--password-stdin")
    assert (made.code, made.out) == (ExitCode.OK, "Made the administrator ana.\n")
    assert password.strip() not in made.out + made.err
    store = open_store(home / "data" / "horarium.db")
    with store.reading() as tx:
        assert PeopleBook(tx).count() == 1
    store.close()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{password}\n".encode())))
    assert horarium("user", "create-admin", "ana", "--password-stdin").code == ExitCode.USAGE


def test_r12_r63_weak_passwords_and_ways_to_give_one_away_are_refused(
    horarium: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"horarium\n")))
    weak = horarium("user", "create-admin", "ana", "--password-stdin")
    assert weak.code == ExitCode.USAGE
    assert weak.err.count("\n") == 1
    assert horarium("user", "create-admin", "ana", "--password", "x").code == ExitCode.USAGE
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    blind = horarium("user", "create-admin", "ana")
    assert "--password-stdin" in blind.err


def test_the_database_is_checked_and_upgraded(horarium: Program, home: Path) -> None:
    horarium("task", "add", "x", "--", "true")
    checked = horarium("db", "check", "--json")
    assert (checked.code, checked.json["findings"]) == (ExitCode.OK, [])
    assert "the one of this release" in horarium("db", "upgrade").out


def lines_of(out: str) -> dict[str, str]:
    """Return what doctor says, thing by thing: how it is."""
    return {line.split()[1]: line.split()[0] for line in out.splitlines()}


def test_doctor_finds_a_fresh_place_good_but_for_the_missing_server(
    horarium: Program, monkeypatch: pytest.MonkeyPatch, free_port: int, clock: StillClock
) -> None:
    monkeypatch.setenv("HORARIUM_PORT", str(free_port))
    horarium("task", "add", "x", "--", "true")
    told = horarium("doctor")
    assert told.code == ExitCode.OK
    found = lines_of(told.out)
    assert found["nodes"] == "warn"
    for name in ("python", "key", "folder", "zones", "store", "schema", "clock", "port"):
        assert found[name] == "ok", told.out


def test_doctor_names_what_is_bad_makes_nothing_and_ends_with_1(
    bare: Program, home: Path, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setenv("HORARIUM_PORT", str(free_port))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        told = bare("doctor", "--json")
    assert told.code == ExitCode.FAILED
    found = {each["name"]: each["health"] for each in told.json}
    assert {name for name, health in found.items() if health == "bad"} >= {"key", "folder", "port"}
    assert found["store"] == "warn"
    assert list(home.iterdir()) == []


def test_doctor_sees_a_damaged_store_and_files_that_others_may_read(horarium: Program, home: Path) -> None:
    (home / "data" / "horarium.db").write_bytes(b"not a database, whatever it is called")
    (home / "data" / "horarium.db").chmod(0o644)
    told = horarium("doctor")
    assert told.code == ExitCode.FAILED
    found = lines_of(told.out)
    assert (found["store"], found["folder"]) == ("bad", "warn")
    assert "chmod" in told.out


def test_r10_doctor_shows_no_secret(horarium: Program, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = secrets.token_hex(12)
    monkeypatch.setenv("SECRET_KEY", canary)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://ana:{canary}@127.0.0.1:1/x")
    told = horarium("doctor")
    assert told.code == ExitCode.FAILED
    assert canary not in told.out + told.err


def test_a_private_folder_takes_rights_of_others_away(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o755)
    assert make_private_folder(tmp_path / "d") is False
    assert (tmp_path / "d").stat().st_mode & 0o077 == 0
    assert make_private_folder(tmp_path / "a" / "b") is True


def test_the_command_reference_has_an_example_for_each_command(bare: Program) -> None:
    for words in (
        *(["init"], ["serve"], ["doctor"], ["cron", "explain"], ["import", "crontab"], ["user", "create-admin"]),
        *(
            ["db", "upgrade"],
            ["db", "check"],
            ["db", "size"],
            ["db", "compact"],
            ["db", "keep"],
            ["run", "list"],
            ["run", "show"],
            ["run", "follow"],
            ["run", "cancel"],
        ),
        *(["task", word] for word in ("list", "show", "add", "edit", "pause", "resume", "remove", "trigger", "next")),
        *(["audit", "list"], ["audit", "verify"]),
        *(["backup", word] for word in ("make", "list", "show", "verify", "drill", "restore", "prune", "release")),
        *(["adopt", word] for word in ("single-user", "verify", "undo", "finish")),
        *(["mail", "test"], ["mail", "list"], ["mail", "resend"], ["report", "show"], ["report", "send"]),
        *(["user", "invite"], ["user", "reset-password"], ["user", "set-email"]),
        *(["token", word] for word in ("list", "create", "revoke")),
        *(["channel", word] for word in ("list", "show", "add", "edit", "test", "pause", "resume", "remove")),
        *(["rule", word] for word in ("list", "show", "add", "edit", "on", "off", "move", "remove")),
        *(["notice", word] for word in ("log", "resend", "snooze", "held", "wake")),
        *(["user", word] for word in ("list", "show", "set-role", "disable", "enable", "delete")),
        *(
            ["project", word]
            for word in ("list", "make", "members", "add-member", "remove-member", "take-task", "remove")
        ),
    ):
        shown = bare(*words, "--help").out
        assert re.search(rf"^    horarium {' '.join(words)}", shown, re.MULTILINE), words
