"""The command line as a person types it, right and wrong, beside a server that runs."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from horarium.cli.exits import ExitCode
from horarium.cli.main import run
from tests.journeys.house import Answer, House, await_that, house_in, processes_with

USAGE, MISSING, REFUSED = ExitCode.USAGE, ExitCode.NOT_FOUND, ExitCode.REFUSED
ADD = ("task", "add", "x")
WRONG: list[tuple[tuple[str, ...], ExitCode, str]] = [
    (("srve",), USAGE, "srve"),
    (("--verbose", "serve"), USAGE, "--verbose"),
    (("serve", "--port", "http"), USAGE, "port"),
    (("serve", "--port", "70000"), USAGE, "65535"),
    (("serve", "now"), USAGE, "now"),
    (("serve", "--host", "not a host"), ExitCode.CONFIG, "not a host"),
    (("init",), REFUSED, "nothing was changed"),
    (("init", "--force"), USAGE, "--force"),
    (("task", "lst"), USAGE, "lst"),
    (("task", "show"), USAGE, "TASK"),
    (("task", "show", "nobody"), MISSING, "nobody"),
    (("task", "show", "#999"), MISSING, "999"),
    (("task", "show", "#99999999999999999999"), MISSING, "9999"),
    (("task", "pause", "nobody"), MISSING, "nobody"),
    (("task", "pause", "kept", "--until", "tomorrow"), USAGE, "tomorrow"),
    (("task", "pause", "kept", "--until", "2001-01-01"), USAGE, "2001"),
    (("task", "remove", "nobody", "--yes"), MISSING, "nobody"),
    (("task", "trigger", "nobody"), MISSING, "nobody"),
    (("task", "next", "kept", "-n", "0"), USAGE, "--count"),
    (("task", "list", "--view", "broken"), USAGE, "broken"),
    (ADD, USAGE, "what to run"),
    ((*ADD, "--cron", "61 * * * *", "--", "true"), USAGE, "minute"),
    ((*ADD, "--cron", "0 0 31 2 *", "--", "true"), USAGE, "31"),
    ((*ADD, "--cron", "* * * *", "--", "true"), USAGE, "five"),
    ((*ADD, "--cron", "0 6 * * *", "--every", "5m", "--", "true"), USAGE, "only one"),
    ((*ADD, "--every", "0s", "--", "true"), USAGE, "one second"),
    ((*ADD, "--every", "soon", "--", "true"), USAGE, "soon"),
    ((*ADD, "--at", "2001-01-01 00:00", "--", "true"), USAGE, "2001"),
    ((*ADD, "--cron", "@daily", "--timezone", "Europe/Atlantis", "--", "true"), USAGE, "Atlantis"),
    ((*ADD, "--by-hand", "--shell", "echo", "--", "true"), USAGE, "only one"),
    ((*ADD, "--by-hand", "--python", "no module"), USAGE, "module:function"),
    ((*ADD, "--by-hand", "--env", "A", "--", "true"), USAGE, "NAME=VALUE"),
    ((*ADD, "--by-hand", "--timeout", "-5", "--", "true"), USAGE, "-5"),
    ((*ADD, "--by-hand", "--timeout", "0", "--", "true"), USAGE, "timeout"),
    ((*ADD, "--by-hand", "--retries", "-1", "--", "true"), USAGE, "--retries"),
    ((*ADD, "--by-hand", "--overlap", "sometimes", "--", "true"), USAGE, "sometimes"),
    ((*ADD, "--by-hand", "--misfire", "never", "--", "true"), USAGE, "never"),
    (("task", "add", "", "--by-hand", "--", "true"), USAGE, "name"),
    (("task", "add", "n" * 300, "--by-hand", "--", "true"), USAGE, "200"),
    (("task", "edit", "nobody", "--by-hand"), MISSING, "nobody"),
    (("run", "show", "one"), USAGE, "RUN"),
    (("run", "show", "999"), MISSING, "999"),
    (("run", "follow", "999"), MISSING, "999"),
    (("run", "cancel", "0"), USAGE, "RUN"),
    (("run", "list", "--task", "nobody"), MISSING, "nobody"),
    (("run", "list", "--state", "dead"), USAGE, "dead"),
    (("cron", "explain", "0 6 * * funday"), USAGE, "funday"),
    (("cron", "explain"), USAGE, "EXPRESSION"),
    (("import", "crontab", "nowhere"), MISSING, "nowhere"),
    (("import", "crontab", "data"), USAGE, "folder"),
    (("user", "create-admin", "ines"), USAGE, "terminal"),
    (("user", "create-admin", "ines", "--password-stdin"), USAGE, "password"),
    (("db", "check", "--fix"), USAGE, "--fix"),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation with a task; no server runs."""
    with house_in(tmp_path_factory.mktemp("house")) as made:
        made.do("task", "add", "kept", "--cron", "0 6 * * *", "--", "true")
        yield made


@pytest.fixture
def here(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Let this process work where the installation is, with its settings."""
    monkeypatch.chdir(house.folder)
    for name, value in house.environ.items():
        if name.startswith("HORARIUM_"):
            monkeypatch.setenv(name, value)
    return house


def judge(answer: Answer, code: ExitCode, part: str) -> None:
    """Check that an answer is one sentence on standard error with its code."""
    assert answer.code == code, answer
    assert answer.out == ""
    assert answer.err.count("\n") == 1, answer
    assert answer.err.startswith("horarium: ")
    assert part in answer.err, answer
    assert "something went wrong" not in answer.err
    assert len(answer.err) < 320


@pytest.mark.parametrize(("words", "code", "part"), WRONG)
def test_a_wrong_command_is_one_sentence_and_its_code(
    here: House,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: ExitCode,
    part: str,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    ended = run(words)
    printed = capsys.readouterr()
    judge(Answer(ended, printed.out, printed.err), code, part)


@pytest.mark.parametrize(("words", "code", "part"), WRONG[::9])
def test_a_wrong_command_is_the_same_as_a_process_of_its_own(
    house: House, words: tuple[str, ...], code: ExitCode, part: str
) -> None:
    judge(house.call(*words), code, part)


def test_wrong_commands_have_changed_nothing(house: House) -> None:
    assert [task["name"] for task in house.do("task", "list", "--json").json] == ["kept"]


def test_ctrl_c_and_a_closed_pipe_end_a_command_without_a_traceback(house: House) -> None:
    waiting = str(house.trigger("kept"))
    following = house.launch("--debug", "run", "follow", waiting)
    # While it loads it ends as any program does; this is about the time after that.
    await_that(lambda: reads_the_store(following.process.pid), bool)
    assert following.stop(signal.SIGINT) == ExitCode.INTERRUPTED
    assert "Traceback" not in following.log
    house.do("run", "cancel", waiting)
    listing = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m horarium task list --json | head -c 1"],
        cwd=house.folder,
        env=house.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (listing.stdout, listing.stderr) == ("[", "")


def reads_the_store(pid: int) -> bool:
    """Tell whether a process has opened a store."""
    for each in Path(f"/proc/{pid}/fd").iterdir():
        # What was open a moment ago may be closed again.
        with suppress(FileNotFoundError):
            if str(each.readlink()).endswith(".db"):
                return True
    return False


def settle() -> None:
    """Let a moment pass in which something could go wrong."""
    threading.Event().wait(0.8)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation whose server runs."""
    with house_in(tmp_path_factory.mktemp("busy")) as made:
        made.start()
        yield made


def test_a_live_run_is_followed_line_by_line_until_its_end(busy: House) -> None:
    script = "for n in 1 2 3 4 5; do echo step $n; sleep 0.6; done; exit 3"
    busy.do("task", "add", "count", "--by-hand", "--shell", script)
    number = busy.trigger("count")
    following = busy.launch("run", "follow", str(number))
    following.await_line("step 1")
    assert "step 5" not in following.printed
    assert busy.run(number)["state"] in {"running", "claimed"}
    assert following.wait() == ExitCode.FAILED
    assert following.printed == [f"step {each}" for each in range(1, 6)]
    assert "failed" in following.log


def test_a_trigger_from_the_command_line_starts_within_two_seconds(busy: House) -> None:
    busy.do("task", "add", "hello", "--by-hand", "--", "echo", "hello")
    waits = []
    for _ in range(3):
        found = busy.await_run(busy.trigger("hello"), lambda each: each["state"] == "succeeded")
        waits.append((began(found) - datetime.fromisoformat(found["created_at"])).total_seconds())
    assert max(waits) < 2.0, waits


def test_rp28_a_pause_from_the_command_line_is_kept_by_the_running_server(busy: House) -> None:
    busy.do("task", "add", "pulse", "--every", "1s", "--", "true")
    await_that(lambda: len(runs_of(busy, "pulse")), lambda count: count >= 2)
    busy.do("task", "pause", "pulse", "--reason", "quiet")
    paused = datetime.now(UTC)
    settle()
    settle()
    assert [each for each in runs_of(busy, "pulse") if began(each) > paused] == []
    busy.do("task", "resume", "pulse")
    resumed = datetime.now(UTC)
    await_that(lambda: [each for each in runs_of(busy, "pulse") if began(each) > resumed], bool)
    busy.do("task", "remove", "pulse", "--yes")


def test_a_task_changed_and_removed_beside_a_running_server_is_followed_at_once(busy: House) -> None:
    busy.do("task", "add", "tick", "--every", "1s", "--", "echo", "old")
    await_that(lambda: runs_of(busy, "tick"), bool)
    busy.do("task", "edit", "tick", "--", "echo", "new")
    edited = datetime.now(UTC)
    later = await_that(lambda: [each for each in runs_of(busy, "tick") if ended_after(each, edited)], bool)
    assert [line["text"] for line in busy.run(later[-1]["id"])["output"]] == ["new"]
    busy.do("task", "remove", "tick", "--yes")
    removed = datetime.now(UTC)
    settle()
    settle()
    assert [each for each in all_runs(busy) if each["task"] == "tick" and began(each) > removed] == []


def test_a_cancel_from_the_command_line_ends_a_run_with_all_it_started(busy: House, common: Path) -> None:
    mark = str(common / "child")
    script = f"setsid sh -c 'sleep 600; : {mark}' & echo begun; sleep 600"
    busy.do("task", "add", "long", "--by-hand", "--shell", script)
    number = busy.trigger("long")
    busy.await_run(number, lambda found: bool(found["output"]))
    assert processes_with(mark)
    busy.do("run", "cancel", str(number))
    assert busy.await_run(number, lambda found: found["finished_at"])["state"] == "cancelled"
    assert processes_with(mark) == []
    assert busy.call("run", "cancel", str(number)).code == REFUSED


def runs_of(house: House, task: str) -> list[dict[str, Any]]:
    """Return the runs of a task, newest first."""
    found: list[dict[str, Any]] = house.do("run", "list", "--task", task, "-n", "100", "--json").json
    return found


def all_runs(house: House) -> list[dict[str, Any]]:
    """Return all runs, newest first."""
    found: list[dict[str, Any]] = house.do("run", "list", "-n", "1000", "--json").json
    return found


def ended_after(run_: dict[str, Any], at: datetime) -> bool:
    """Tell whether a run began after an instant and has ended."""
    return bool(run_["finished_at"]) and began(run_) > at


def began(run_: dict[str, Any]) -> datetime:
    """Return when a run began; one that has not is taken to be long ago."""
    return datetime.fromisoformat(run_["started_at"] or "2000-01-01T00:00:00+00:00")
