"""The program as a process: on a terminal, as another account, on PostgreSQL."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from horarium.cli.exits import ExitCode
from tests.cli.conftest import Program

HORARIUM = [sys.executable, "-m", "horarium"]


def on_terminal(*words: str, columns: int) -> bytes:
    """Run the program on a terminal of so many columns; return all it printed there."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color"}
    process = subprocess.Popen([*HORARIUM, *words], stdout=theirs, stderr=theirs, stdin=theirs, env=environ)
    os.close(theirs)
    printed = b""
    try:
        while chunk := os.read(ours, 4096):
            printed += chunk
    except OSError:
        # Linux says so when the last one on the other side has gone.
        pass
    finally:
        os.close(ours)
    assert process.wait() == 0
    return printed


def test_r65_no_escape_reaches_a_terminal_and_tables_fit_it(horarium: Program) -> None:
    horarium("task", "add", "long " * 30 + "end", "--cron", "@daily", "--description", "\x1b]0;x\x07", "--", "true")
    horarium("task", "add", "y\u202e", "--description", "\x1b[2J", "--shell", "printf '\x1b[31m'")
    for words in (["task", "list"], ["task", "show", "#1"], ["task", "show", "#2"], ["task", "list", "--json"]):
        printed = on_terminal(*words, columns=72)
        assert b"\x1b" not in printed
        assert b"\x07" not in printed
        if words == ["task", "list"]:
            assert all(len(line) <= 72 for line in printed.decode().splitlines())


@pytest.fixture
def shut_folder() -> Iterator[Path]:
    """Give a working folder with a data folder that the caller below may not enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "data").mkdir(mode=0o700 if os.geteuid() == 0 else 0o000)
    yield folder
    (folder / "data").chmod(0o700)
    shutil.rmtree(folder)


def test_without_rights_on_the_data_folder_there_is_one_sentence(shut_folder: Path) -> None:
    # Everything is loaded before the account changes: it need not be able to read this installation.
    ask = """
import os, sys
import horarium.cli.task
from horarium.cli.main import run
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.exit(run(["task", "list"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=shut_folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.STORE
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("horarium: ")
    assert "may not be" in done.stderr or "denied" in done.stderr


def test_ctrl_c_while_the_program_is_loading_ends_it_without_a_word() -> None:
    ask = """
import os, signal
from horarium.cli import entry
entry.import_module = lambda name: os.kill(os.getpid(), signal.SIGINT)
entry.enter()
"""
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_the_same_commands_work_on_postgresql(
    bare: Program, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    assert bare("task", "add", "x", "--cron", "@daily", "--tag", "t", "--", "true").code == ExitCode.OK
    assert [task["name"] for task in bare("task", "list", "--json").json] == ["x"]
    assert bare("task", "trigger", "x", "--json").json["run_id"] == 1
    assert bare("run", "cancel", "1").code == ExitCode.OK
    assert bare("db", "check").code == ExitCode.OK
    told = bare("doctor")
    assert "password" not in told.out
    monkeypatch.setenv("DATABASE_URL", "postgresql://ana@127.0.0.1:1/none")
    away = bare("task", "list")
    assert away.code == ExitCode.STORE
    assert away.err.count("\n") == 1
