"""`horarium task`: every option does what it says, and says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from horarium.cli.exits import ExitCode
from tests.cli.conftest import Program, StillClock


def shown(horarium: Program, name: str) -> dict[str, Any]:
    """Return a task as JSON."""
    found: dict[str, Any] = horarium("task", "show", name, "--json").json
    return found


def test_a_program_with_arguments_is_kept_as_they_were_given(horarium: Program) -> None:
    added = horarium(
        "task", "add", "backup", "--cron", "30 2 * * *", "--", "/bin/backup", "--all", "two words", "$HOME"
    )
    assert added.code == ExitCode.OK
    assert added.out == (
        "Task 'backup' added: Every day at 02:30 (Europe/Berlin).\nNext: in 13 h (Tue 3 Mar 2026, 02:30 CET).\n"
    )
    task = shown(horarium, "backup")
    assert task["spec"]["argv"] == ["/bin/backup", "--all", "two words", "$HOME"]
    assert task["spec"]["shell"] is False
    assert (task["timezone"], task["next_at"]) == ("Europe/Berlin", "2026-03-03T01:30:00+00:00")
    assert task["source"] == "command line"


def test_the_same_name_again_updates_and_the_same_words_again_change_nothing(horarium: Program) -> None:
    words = ["task", "add", "x", "--every", "5m", "--shell", "echo a | cat"]
    assert "added" in horarium(*words).out
    first = shown(horarium, "x")
    assert "unchanged" in horarium(*words).out
    assert shown(horarium, "x") == first
    assert "updated" in horarium(*words, "--tag", "b").out
    task = shown(horarium, "x")
    assert (task["id"], task["tags"], task["next_at"]) == (first["id"], ["b"], first["next_at"])


def test_an_interval_said_again_later_keeps_its_grid(horarium: Program, clock: StillClock) -> None:
    words = ["task", "add", "x", "--every", "10m", "--", "true"]
    horarium(*words)
    before = shown(horarium, "x")["trigger"]
    clock.instant += timedelta(minutes=3)
    assert "unchanged" in horarium(*words).out
    assert shown(horarium, "x")["trigger"] == before


def test_credentials_are_named_kept_by_an_edit_and_taken_away(horarium: Program) -> None:
    horarium("task", "add", "x", "--by-hand", "--credential", "smtp", "--credential", "shop api", "--", "true")
    horarium("task", "edit", "x", "--tag", "a")
    assert shown(horarium, "x")["credentials"] == ["smtp", "shop api"]
    assert "smtp, shop api" in horarium("task", "show", "x").out
    horarium("task", "edit", "x", "--credential", "")
    assert shown(horarium, "x")["credentials"] == []
    refused = horarium("task", "edit", "x", "--credential", "a/b")
    assert refused.code == ExitCode.USAGE
    assert "credentials 'a/b' is not allowed" in refused.err


def test_every_policy_option_lands_in_the_policies(horarium: Program) -> None:
    horarium(
        *("task", "add", "x", "--cron", "@daily", "--timezone", "Asia/Tokyo", "--timeout", "1h30m", "--retries", "3"),
        *("--retry-delay", "2m", "--misfire", "all", "--overlap", "allow:4", "--tag", "a", "--tag", "b"),
        *(
            "--description",
            "What for",
            "--env",
            "A=1",
            "--env",
            "B=x=y",
            "--cwd",
            "/srv",
            "--user",
            "ana",
            "--",
            "true",
        ),
    )
    task = shown(horarium, "x")
    assert task["policies"] == {
        "retry": {"attempts": 4, "delay_seconds": 120.0},
        "misfire": {"policy": "all"},
        "overlap": {"policy": "allow", "limit": 4},
        "timeout_seconds": 5400.0,
    }
    assert (task["tags"], task["description"], task["timezone"]) == (["a", "b"], "What for", "Asia/Tokyo")
    assert task["spec"]["env"] == {"A": "1", "B": "x=y"}
    assert (task["spec"]["cwd"], task["spec"]["user"]) == ("/srv", "ana")


def test_a_python_function_takes_a_list_or_names_and_runs_isolated_unless_told_otherwise(
    horarium: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HORARIUM_TASK_MODULES", "shop, m:f")
    horarium("task", "add", "x", "--by-hand", "--python", "shop.stock:Poll.once", "--args", '[1, "a"]')
    assert shown(horarium, "x")["spec"] == {
        "target": "shop.stock:Poll.once",
        "args": [1, "a"],
        "kwargs": {},
        "isolation": "process",
        "local": False,
    }
    horarium("task", "add", "x", "--by-hand", "--python", "m:f", "--args", '{"n": 1}', "--in-thread")
    spec = shown(horarium, "x")["spec"]
    assert (spec["args"], spec["kwargs"], spec["isolation"]) == ([], {"n": 1}, "thread")


def test_r52_a_function_that_the_server_would_not_import_is_refused_with_what_is_allowed(
    horarium: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = ("task", "add", "x", "--by-hand", "--python")
    for target in ("os:system", "builtins:eval", "shop.stock:poll"):
        refused = horarium(*add, target)
        assert refused.code == ExitCode.USAGE
        assert "HORARIUM_TASK_MODULES names none" in refused.err
    assert horarium("task", "show", "x").code == ExitCode.NOT_FOUND
    monkeypatch.setenv("HORARIUM_TASK_MODULES", "shop,reports.jobs:weekly")
    for target in ("os:system", "shop_other:poll", "reports.jobs:daily", "shop:poll.__globals__.clear"):
        assert "HORARIUM_TASK_MODULES names shop, reports.jobs:weekly" in horarium(*add, target).err
    for target in ("shop.stock:poll", "reports.jobs:weekly", "horarium.upkeep:backup_database"):
        assert horarium(*add, target).code == ExitCode.OK
    assert horarium("task", "edit", "x", "--python", "os:system").code == ExitCode.USAGE
    monkeypatch.delenv("HORARIUM_TASK_MODULES")
    # What is said about a task may change although its function is no longer allowed.
    assert horarium("task", "edit", "x", "--description", "What for").code == ExitCode.OK
    monkeypatch.setenv("HORARIUM_TASK_MODULES", "shop.*")
    assert "HORARIUM_TASK_MODULES" in horarium(*add, "shop:poll").err


def test_a_date_is_on_the_clock_of_the_zone_and_one_that_has_passed_is_refused(horarium: Program) -> None:
    horarium("task", "add", "x", "--at", "2026-07-01 18:00", "--", "true")
    assert shown(horarium, "x")["next_at"] == "2026-07-01T16:00:00+00:00"
    horarium("task", "add", "x", "--at", "2026-07-01T18:00:00-05:00", "--", "true")
    assert shown(horarium, "x")["next_at"] == "2026-07-01T23:00:00+00:00"
    past = horarium("task", "add", "y", "--at", "2026-01-01 00:00", "--", "true")
    assert past.code == ExitCode.USAGE
    assert horarium("task", "show", "y").code == ExitCode.NOT_FOUND
    assert horarium("task", "add", "y", "--at", "2026-01-01 00:00", "--run-if-late", "--", "true").code == ExitCode.OK


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--cron", "61 * * * *", "--", "true"], "minute '61'"),
        (["--cron", "0 0 31 2 *", "--", "true"], "never"),
        (["--cron", "@daily", "--timezone", "Mars/Base", "--", "true"], "Mars/Base"),
        (["--every", "0s", "--", "true"], "at least one second"),
        (["--every", "soon", "--", "true"], "15m"),
        (["--every", "-5m", "--", "true"], "15m"),
        (["--at", "tomorrow", "--", "true"], "2027-01-31"),
        (["--at", "2026-03-29 02:30", "--", "true"], "leaves that time out"),
        (["--cron", "@daily", "--every", "5m", "--", "true"], "only one of"),
        (["--cron", "@daily"], "say what to run"),
        (["--shell", "x", "--", "true"], "only one of"),
        (["--command"], "after --"),
        (["--python", "os.system"], "package.module:function"),
        (["--python", "m:f", "--args", "{"], "JSON list"),
        (["--python", "m:f", "--args", "1"], "JSON list"),
        (["--python", "m:f", "--env", "A=1"], "--env"),
        (["--args", "[]", "--", "true"], "--args"),
        (["--env", "novalue", "--", "true"], "NAME=VALUE"),
        (["--overlap", "maybe", "--", "true"], "allow:N"),
        (["--overlap", "allow:x", "--", "true"], "allow:N"),
        (["--overlap", "allow:0", "--", "true"], "overlap.limit"),
        (["--misfire", "never", "--", "true"], "misfire"),
        (["--timeout", "x", "--", "true"], "--timeout"),
        (["--retries", "1000", "--", "true"], "retries"),
        (["--tag", "", "--", "true"], "tag"),
        (["--description", "x" * 5000, "--", "true"], "4096"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_is_not_understood_is_one_sentence_and_changes_nothing(
    horarium: Program, words: list[str], part: str
) -> None:
    refused = horarium("task", "add", "x", *words)
    assert refused.code == ExitCode.USAGE
    assert refused.err.count("\n") == 1
    assert part in refused.err
    assert horarium("task", "list").out == "No tasks.\n"


@pytest.mark.parametrize("name", ["", " x", "a\nb", "x" * 201])
def test_a_name_that_cannot_be_kept_is_refused(horarium: Program, name: str) -> None:
    refused = horarium("task", "add", name, "--", "true")
    assert refused.code == ExitCode.USAGE
    assert refused.err.startswith("horarium: name ")


def test_edit_changes_what_is_said_and_leaves_the_rest(horarium: Program) -> None:
    horarium(
        "task", "add", "x", "--cron", "0 6 * * *", "--timeout", "5m", "--tag", "a", "--env", "A=1", "--", "p", "-q"
    )
    before = shown(horarium, "x")
    assert "updated" in horarium("task", "edit", "x", "--retries", "2").out
    after = shown(horarium, "x")
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"policies", "revision"}
    assert after["policies"] == {"retry": {"attempts": 3}, "timeout_seconds": 300.0}
    horarium("task", "edit", "x", "--timezone", "Asia/Tokyo")
    moved = shown(horarium, "x")
    assert (moved["timezone"], moved["next_at"]) == ("Asia/Tokyo", "2026-03-02T21:00:00+00:00")
    horarium("task", "edit", "x", "--by-hand")
    assert shown(horarium, "x")["next_at"] is None
    assert horarium("task", "edit", "nobody", "--retries", "1").code == ExitCode.NOT_FOUND
    assert "unchanged" in horarium("task", "edit", "x").out


def test_pause_resume_and_remove(horarium: Program) -> None:
    horarium("task", "add", "x", "--cron", "@hourly", "--", "true")
    assert horarium("task", "pause", "x", "--reason", "why", "--until", "2026-03-03 10:00").out == (
        "Paused 'x' until Tue 3 Mar 2026, 10:00 CET.\n"
    )
    task = shown(horarium, "x")
    assert (task["condition"], task["pause"]["reason"]) == ("paused", "why")
    assert "(command line)" in task["pause"]["by"]
    assert task["pause"]["until"] == "2026-03-03T09:00:00+00:00"
    assert [row["name"] for row in horarium("task", "list", "--view", "paused", "--json").json] == ["x"]
    assert "Resumed 'x'" in horarium("task", "resume", "x").out
    assert horarium("task", "remove", "x", "--yes").out == "Removed 'x'.\n"
    for words in (
        ["show", "x"],
        ["pause", "x"],
        ["trigger", "x"],
        ["remove", "x", "--yes"],
        ["next", "x"],
        ["show", "#1"],
    ):
        gone = horarium("task", *words)
        assert gone.code == ExitCode.NOT_FOUND
        assert gone.err.count("\n") == 1


def test_paused_from_the_start(horarium: Program) -> None:
    assert "It is paused." in horarium("task", "add", "x", "--cron", "@daily", "--paused", "--", "true").out
    assert shown(horarium, "x")["condition"] == "paused"


def test_a_task_is_found_by_name_number_or_marked_number(horarium: Program) -> None:
    horarium("task", "add", "first", "--", "true")
    horarium("task", "add", "1", "--", "true")
    assert shown(horarium, "#1")["name"] == "first"
    assert shown(horarium, "1")["name"] == "1"
    assert shown(horarium, "2")["name"] == "1"


def test_next_times_of_one_task_and_of_all(horarium: Program) -> None:
    horarium("task", "add", "late", "--cron", "0 20 * * *", "--", "true")
    horarium("task", "add", "soon", "--cron", "0 14 * * *", "--", "true")
    horarium("task", "add", "hand", "--", "true")
    horarium("task", "add", "rest", "--cron", "@hourly", "--paused", "--", "true")
    assert [row["task"] for row in horarium("task", "next", "--json").json] == ["soon", "late"]
    assert horarium("task", "next", "soon", "-n", "2", "--json").json["next_times"] == [
        "2026-03-02T13:00:00+00:00",
        "2026-03-03T13:00:00+00:00",
    ]
    assert "Mon 2 Mar 2026, 14:00 CET, in 1 h" in horarium("task", "next", "soon").out
    assert "skipped" in horarium("task", "next", "rest").err


def test_lists_of_many_tasks_are_whole_and_sorted(horarium: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("horarium.cli.task._PAGE", 3)
    names = [f"task {number}" for number in range(8)]
    for name in reversed(names):
        horarium("task", "add", name, "--", "true")
    assert [row["name"] for row in horarium("task", "list", "--json").json] == names
    assert horarium("task", "list", "--search", "5").out.count("task 5") == 1


def test_into_a_pipe_no_cell_is_cut(horarium: Program) -> None:
    name = "n" * 190
    horarium("task", "add", name, "--cron", "0 6 * * 1-5", "--", "true")
    assert name in horarium("task", "list").out


def test_r65_names_from_others_steer_no_terminal_and_json_stays_exact(horarium: Program) -> None:
    evil = "x\u202e\u2066y \U000e0041"
    described = "\x1b]0;title\x07\x1b[2J\nsecond line"
    assert horarium("task", "add", evil, "--description", described, "--shell", "echo '\x1b[31m'").code == ExitCode.OK
    for words in (["task", "list"], ["task", "show", evil], ["task", "next"], ["task", "pause", evil]):
        answer = horarium(*words)
        for sign in ("\x1b", "\x07", "\u202e", "\u2066"):
            assert sign not in answer.out + answer.err
    answer = horarium("task", "show", evil, "--json")
    assert answer.out.isascii()
    assert (answer.json["name"], answer.json["description"]) == (evil, described)
