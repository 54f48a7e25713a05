"""Commands: how a program starts, what it gets, what becomes of it."""

# ruff: noqa: S604 -- the shell is among the things tested

from __future__ import annotations

import os
import pwd
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from horarium.clock import SystemClock
from horarium.execution.accounts import AccountPolicy
from horarium.execution.local import local_performers
from horarium.records.policies import Retry
from horarium.records.runs import Line
from horarium.records.tasks import CommandSpec
from horarium.runs.launch import Completion
from horarium.states import RunState, Stream
from tests.execution.witness import World, assign, world

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change accounts")
OPEN_HOST = AccountPolicy(allow_root=True)


@pytest.fixture(scope="module")
def house() -> Iterator[World]:
    with world(performers=local_performers(SystemClock(), OPEN_HOST)) as made:
        yield made


def run(house: World, spec: CommandSpec, **options: object) -> tuple[Completion, list[Line]]:
    assignment = assign(spec, **options)  # type: ignore[arg-type]
    house.launcher.submit(assignment)
    return house.witness.await_end(assignment), house.witness.lines(assignment)


def said(house: World, *argv: str, **fields: object) -> list[str]:
    done, lines = run(house, CommandSpec(argv, **fields))  # type: ignore[arg-type]
    assert done.state is RunState.SUCCEEDED, done
    return [line.text for line in lines]


def test_both_outputs_are_lines_and_the_exit_code_decides(house: World) -> None:
    done, lines = run(house, CommandSpec(("sh", "-c", "echo good; echo bad >&2; exit 3")))
    assert {(line.stream, line.text) for line in lines} == {(Stream.STDOUT, "good"), (Stream.STDERR, "bad")}
    assert (done.state, done.exit_code, done.cause) == (RunState.FAILED, 3, "it ended with exit code 3")
    assert done.failure is not None
    assert done.failure.message == done.cause
    assert done.can_retry
    assert done.pid


def test_other_exit_codes_can_count_as_success(house: World) -> None:
    done, _ = run(house, CommandSpec(("sh", "-c", "exit 3"), success_codes=(0, 3)))
    assert (done.state, done.exit_code) == (RunState.SUCCEEDED, 3)


def test_a_retry_policy_can_name_failed_commands(house: World) -> None:
    assert not run(house, CommandSpec(("false",)), retry=Retry(3, on=("ValueError",)))[0].can_retry
    assert run(house, CommandSpec(("false",)), retry=Retry(3, on=("CommandFailed",)))[0].can_retry


def test_arguments_are_not_read_by_a_shell_unless_asked_for(house: World) -> None:
    assert said(house, "echo", "$HOME; ls | wc") == ["$HOME; ls | wc"]
    assert said(house, "echo a b | tr a-z A-Z; echo $0", shell=True) == ["A B", "/bin/sh"]


def test_text_for_standard_input_and_nothing_otherwise(house: World) -> None:
    assert said(house, "cat", stdin="grüße\nzwei") == ["grüße", "zwei"]
    assert said(house, "cat", stdin="x" * 300_000) == ["x" * 16384] * 18 + ["x" * (300_000 - 18 * 16384)]
    assert said(house, "cat") == []


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (CommandSpec(("no-such-program", "x")), "there is no program 'no-such-program'"),
        (CommandSpec(("/etc/passwd",)), "the program '/etc/passwd' cannot be run by"),
        (CommandSpec(("true",), cwd="/no/such/folder"), "there is no working folder '/no/such/folder'"),
        (CommandSpec(("true",), cwd="/etc/passwd"), "there is no working folder '/etc/passwd'"),
        (CommandSpec(("true", "x" * 3_000_000)), "the arguments and the environment are larger than the system takes"),
        (CommandSpec(("true",), env={"A=B": "c"}), "'A=B' is not allowed: use names without '='"),
        (CommandSpec(("true",), user="nobody-knows-me"), "nobody-knows-me"),
    ],
)
def test_what_cannot_start_says_why_and_is_not_tried_again(house: World, spec: CommandSpec, sentence: str) -> None:
    done, _ = run(house, spec)
    assert done.state is RunState.FAILED
    assert sentence in done.cause
    assert not done.can_retry
    assert not done.park_reason


def test_r98_a_program_starts_clean(house: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "sings")
    lines = said(house, "sh", "-c", "pwd; umask; ls -ld . | cut -c1-10; ls /proc/$$/fd; ps -o sid= -p $$; echo $$; env")
    folder, mask, mode, *rest = lines
    assert Path(folder).name.startswith("horarium-")
    assert not Path(folder).exists()
    assert (mask, mode) == ("0077", "drwx------")
    assert rest[:3] == ["0", "1", "2"]
    assert rest[3].strip() == rest[4]
    names = {line.partition("=")[0] for line in rest[5:]}
    usual = {"PATH", "LANG", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "_", "SHLVL", "TZ", "LC_ALL"}
    assert names - usual == {"HORARIUM_RUN_ID", "HORARIUM_ATTEMPT", "HORARIUM_TASK", "HORARIUM_PLANNED_AT"}


def test_the_environment_tells_the_run_and_takes_additions(house: World) -> None:
    spec = CommandSpec(("env",), env={"COLOUR": "blue", "HORARIUM_TASK": "a lie", "SIZE": "4", "WORDS": ""})
    done, lines = run(house, spec, params={"SIZE": 5, "WORDS": "a b"})
    texts = {line.text for line in lines}
    assert {
        f"HORARIUM_RUN_ID={done.run_id}",
        "HORARIUM_ATTEMPT=1",
        "HORARIUM_TASK=a task",
        "HORARIUM_PLANNED_AT=2023-11-14T22:13:20+00:00",
        "COLOUR=blue",
        "SIZE=5",
        "WORDS=a b",
    } <= texts


HOSTILE = ("$(id)", ";id", "`id`", "a\nid", "-rf", "--x=y", "%n", "{0.__class__}", "'\"", "*", "x" * 60_000)
"""Values of parameters that would be something else if anything read them."""


def test_r51_a_parameter_arrives_as_it_is_and_is_read_by_nothing(house: World) -> None:
    program = CommandSpec((sys.executable, "-c", "import os; print(ascii(os.environ['GIVEN']))"), env={"GIVEN": ""})
    shell = CommandSpec(('printf "<%s>" "$GIVEN"; ls -d "$0"',), shell=True, env={"GIVEN": ""})
    for value in HOSTILE:
        _, lines = run(house, program, params={"GIVEN": value})
        assert "".join(line.text for line in lines) == ascii(value)
        _, lines = run(house, shell, params={"GIVEN": value})
        assert "".join(line.text for line in lines) == f"<{value}>/bin/sh".replace("\n", "")


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "BASH_ENV", "PYTHONPATH", "HORARIUM_TASK", "other", "A=B", ""])
def test_r51_a_parameter_that_the_task_has_no_variable_for_starts_nothing(
    house: World, tmp_path: Path, name: str
) -> None:
    mark = tmp_path / "ran"
    done, _ = run(house, CommandSpec(("touch", str(mark)), env={"GIVEN": ""}), params={name: str(tmp_path)})
    assert done.state is RunState.FAILED
    assert "params" in (done.cause or "")
    assert not mark.exists()


def test_a_given_folder_is_used_and_kept(house: World, tmp_path: Path) -> None:
    assert said(house, "pwd", cwd=str(tmp_path)) == [str(tmp_path)]
    assert tmp_path.exists()


def test_r97_core_files_are_never_written(house: World) -> None:
    assert said(house, "sh", "-c", "ulimit -c") == ["0"]


def test_rp19_signals_are_told_by_name(house: World) -> None:
    done, _ = run(house, CommandSpec(("sh", "-c", "kill -9 $$")))
    assert (done.exit_code, done.cause) == (-9, "it was ended by signal 9 (SIGKILL)")
    done, _ = run(house, CommandSpec(("sh", "-c", "kill -SEGV $$")))
    assert done.cause == "it was ended by signal 11 (SIGSEGV)"


def test_python_started_by_a_command_gets_its_signals_back(house: World) -> None:
    show = "import signal; print(int(signal.getsignal(signal.SIGTERM)), signal.getsignal(signal.SIGINT).__name__)"
    assert said(house, sys.executable, "-c", show) == ["0 default_int_handler"]


@ROOT_ONLY
def test_r7_as_root_nothing_runs_without_a_task_user_or_permission() -> None:
    with world(performers=local_performers(SystemClock(), AccountPolicy())) as house:
        for spec in (CommandSpec(("id", "-un")), CommandSpec(("id", "-un"), user="root")):
            done, lines = run(house, spec)
            assert done.state is RunState.FAILED
            assert "HORARIUM_TASK_USER" in done.cause
            assert not lines
        assert said(house, "id", "-un", user="nobody") == ["nobody"]


@ROOT_ONLY
def test_r7_the_task_user_is_used_with_its_groups_and_its_home() -> None:
    with world(performers=local_performers(SystemClock(), AccountPolicy(task_user="nobody"))) as house:
        account = pwd.getpwnam("nobody")
        assert said(house, "sh", "-c", "id -u; id -g; id -G; echo $HOME $USER; touch here && ls") == [
            str(account.pw_uid),
            str(account.pw_gid),
            " ".join(map(str, os.getgrouplist("nobody", account.pw_gid))),
            f"{account.pw_dir} nobody",
            "here",
        ]


@ROOT_ONLY
def test_r8_nothing_of_the_server_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    canary = secrets.token_hex(16)
    monkeypatch.setenv("SECRET_KEY", canary)
    look = "env; cat /proc/$PPID/environ /proc/$PPID/cmdline; ls /proc/$PPID/fd; echo; echo done"
    with world(performers=local_performers(SystemClock(), AccountPolicy(task_user="nobody"))) as house:
        texts = said(house, "sh", "-c", look)
        assert "done" in texts
        assert any("Permission denied" in text for text in texts)
        assert canary not in "\n".join(texts)
        done, _ = run(house, CommandSpec(("sh", "-c", "kill -9 $PPID && echo killed")))
        assert done.state is RunState.FAILED


def test_without_root_only_the_own_account_can_be_named(monkeypatch: pytest.MonkeyPatch, house: World) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    done, _ = run(house, CommandSpec(("true",), user="root"))
    assert "can be used only when Horarium runs as root" in done.cause
