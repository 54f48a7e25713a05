"""`init`, and what all commands do alike: help, version, settings, errors, exit codes."""

from __future__ import annotations

import os
import re
import secrets
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from horarium._version import __version__
from horarium.cli.exits import ExitCode, exit_code_of
from horarium.cli.main import HOMES
from horarium.config import load_config
from horarium.errors import (
    ConfigError,
    Conflict,
    HorariumError,
    InvalidSchedule,
    RunNotFound,
    StoreBusy,
    StoreNewer,
    TaskNotFound,
    WeakPassword,
)
from tests.cli.conftest import Program, mode_of

ROOT = Path(__file__).parents[2]


def test_r1_r6_init_makes_a_private_folder_and_a_private_strong_key_and_says_so(bare: Program, home: Path) -> None:
    os.umask(0)
    made = bare("init")
    assert made.code == ExitCode.OK
    assert "data folder data" in made.out
    assert "SECRET_KEY" in made.out
    assert mode_of(home / "data") == 0o700
    assert mode_of(home / ".env") == 0o600
    assert (key := load_config({}, home).require_secret_key())
    assert key not in made.out + made.err


def test_a_second_init_changes_nothing_and_says_that_unless_it_was_only_if_needed(bare: Program, home: Path) -> None:
    bare("init")
    before = (home / ".env").read_bytes()
    again = bare("init")
    assert (again.code, again.out) == (ExitCode.REFUSED, "")
    assert "nothing was changed" in again.err
    quiet = bare("init", "--if-needed")
    assert (quiet.code, quiet.out, quiet.err) == (ExitCode.OK, "", "")
    assert (home / ".env").read_bytes() == before


def test_init_adds_the_key_to_a_file_that_is_there_and_keeps_the_rest(bare: Program, home: Path) -> None:
    (home / ".env").write_text("# mine\nHORARIUM_PORT=5001", encoding="utf-8")
    assert bare("init", "--json").json == {
        "data": "data",
        "env_file": str(home / ".env"),
        "made_data": True,
        "made_key": True,
    }
    text = (home / ".env").read_text(encoding="utf-8")
    assert text.startswith("# mine\nHORARIUM_PORT=5001\nSECRET_KEY=")
    assert load_config({}, home).port == 5001


def test_r1_init_does_not_paper_over_a_weak_key(bare: Program, home: Path) -> None:
    (home / ".env").write_text("SECRET_KEY=changeme\n", encoding="utf-8")
    refused = bare("init")
    assert refused.code == ExitCode.CONFIG
    assert refused.err.startswith("horarium: SECRET_KEY is a placeholder")
    assert not (home / "data").exists()


WEAK = {
    "unset": "",
    "changeme": "changeme",
    "secret": "secret",
    "64 times a": "a" * 64,
    "31": secrets.token_hex(16)[:31],
}


@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK)
def test_r1_serve_refuses_without_a_strong_key_before_it_listens(
    bare: Program, monkeypatch: pytest.MonkeyPatch, free_port: int, key: str
) -> None:
    monkeypatch.setenv("SECRET_KEY", key)
    monkeypatch.setenv("HORARIUM_PORT", str(free_port))
    refused = bare("serve")
    assert refused.code == ExitCode.CONFIG
    assert "SECRET_KEY" in refused.err
    assert "horarium init" in refused.err
    assert not key or len(key) < 10 or key not in refused.err
    assert not Path("data").exists()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", free_port))


def test_a_port_in_use_is_one_sentence(horarium: Program, monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    monkeypatch.setenv("HORARIUM_PORT", str(free_port))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        refused = horarium("serve")
    assert refused.code == ExitCode.CONFIG
    assert "in use" in refused.err
    assert refused.err.count("\n") == 1


def test_without_a_data_folder_commands_say_what_to_do_and_make_nothing(bare: Program, home: Path) -> None:
    refused = bare("task", "list")
    assert refused.code == ExitCode.STORE
    assert refused.err == "horarium: there is no data folder data: run `horarium init` first\n"
    assert list(home.iterdir()) == []


def test_a_foreign_a_damaged_and_a_newer_database_are_refused_untouched(horarium: Program, home: Path) -> None:
    file = home / "data" / "horarium.db"
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE songs (name TEXT)")
    other.close()
    for content in (file.read_bytes(), b"no database at all" * 100):
        file.write_bytes(content)
        refused = horarium("task", "list")
        assert refused.code == ExitCode.UNFIT_STORE
        assert refused.err.count("\n") == 1
        assert file.read_bytes() == content
    file.unlink()
    assert horarium("task", "list").code == ExitCode.OK
    with sqlite3.connect(file) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    newer.close()
    refused = horarium("task", "list")
    assert refused.code == ExitCode.UNFIT_STORE
    assert "newer release" in refused.err


def test_an_address_that_means_nothing_is_told_without_showing_it(
    horarium: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = secrets.token_hex(8)
    monkeypatch.setenv("DATABASE_URL", f"mysql://ana:{canary}@host/db")
    refused = horarium("task", "list")
    assert refused.code == ExitCode.CONFIG
    assert "DATABASE_URL" in refused.err
    assert canary not in refused.err


def test_every_problem_with_the_settings_gets_its_line(horarium: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORARIUM_PORT", "x")
    monkeypatch.setenv("HORARIUM_PROT", "1")
    refused = horarium("task", "list")
    assert refused.code == ExitCode.CONFIG
    assert [line.split()[1] for line in refused.err.splitlines()] == ["HORARIUM_PROT", "HORARIUM_PORT"]


def test_version_and_help_need_no_settings(bare: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORARIUM_NONSENSE", "1")
    assert bare("--version").out == f"horarium {__version__}\n"
    shown = bare("--help")
    assert shown.code == ExitCode.OK
    for name in HOMES:
        assert re.search(rf"^  {name} ", shown.out, re.MULTILINE)


def test_a_group_alone_shows_its_help_and_a_wrong_word_one_line(bare: Program) -> None:
    alone = bare("task")
    assert (alone.code, alone.out) == (ExitCode.USAGE, "")
    assert "Commands:" in alone.err
    for words in (
        ["nothing"],
        ["task", "nothing"],
        ["task", "show"],
        ["task", "list", "--wrong"],
        ["run", "show", "x"],
    ):
        wrong = bare(*words)
        assert wrong.code == ExitCode.USAGE
        assert wrong.err.count("\n") == 1
        assert "--help" in wrong.err


def test_an_unexpected_fault_is_a_sentence_and_debug_shows_where(
    horarium: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("horarium.cli.task.all_tasks", broken)
    fault = horarium("task", "list")
    assert fault.code == ExitCode.FAILED
    assert fault.err.startswith("horarium: something went wrong that should not have (ZeroDivisionError)")
    with pytest.raises(AssertionError, match="Traceback"):
        horarium("--debug", "task", "list")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidSchedule("cron", "x", "y"), ExitCode.USAGE),
        (WeakPassword(["too short"]), ExitCode.USAGE),
        (TaskNotFound("x"), ExitCode.NOT_FOUND),
        (RunNotFound(1), ExitCode.NOT_FOUND),
        (Conflict("x"), ExitCode.REFUSED),
        (StoreBusy("x"), ExitCode.STORE),
        (StoreNewer("x"), ExitCode.UNFIT_STORE),
        (ConfigError("x"), ExitCode.CONFIG),
        (HorariumError("x"), ExitCode.FAILED),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_each_error_has_its_exit_code(error: HorariumError, code: ExitCode) -> None:
    assert exit_code_of(error) is code


def test_every_exit_code_stands_on_its_page() -> None:
    page = (ROOT / "docs/operations/exit-codes.md").read_text(encoding="utf-8")
    listed = {int(number) for number in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert listed == {int(code) for code in ExitCode}


def test_a_command_loads_only_its_own_module_and_none_of_the_pages() -> None:
    look = "import sys; from horarium.cli.main import run; run(sys.argv[1:]); print(*sorted(sys.modules))"
    printed = subprocess.run(
        [sys.executable, "-c", look, "cron", "explain", "@daily"], capture_output=True, text=True, check=True
    )
    loaded = printed.stdout.splitlines()[-1].split()
    assert "horarium.cli.cron" in loaded
    for dear in ("horarium.cli.task", "sqlalchemy", "rich", "structlog", "starlette", "horarium.store"):
        assert dear not in loaded


def test_whoever_stops_reading_gets_no_complaint(horarium: Program, home: Path) -> None:
    command = f"{sys.executable} -m horarium task add --help | head -n 1"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage:")
    assert done.stderr == ""
