"""The server as a process: it starts with a link, does the work, and stops in order."""

from __future__ import annotations

import os
import queue
import re
import secrets
import signal
import socket
import stat
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from horarium.cli.main import run

PATIENCE = 30.0


class Server:
    """`horarium serve` in a folder of its own."""

    def __init__(self, folder: Path, port: int, **settings: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HORARIUM_", "SECRET_KEY"))}
        self.folder = folder
        self.address = f"http://127.0.0.1:{port}"
        self.environ = {
            **kept,
            "HORARIUM_PORT": str(port),
            "HORARIUM_ALLOW_ROOT_TASKS": "on",
            "HORARIUM_SHUTDOWN_GRACE": "20",
            "HORARIUM_WATCHER": "off",
            **settings,
        }
        self.call("init", "--if-needed")
        self._log = (folder / "log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "horarium", "serve"],
            cwd=folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            preexec_fn=_open_umask,  # noqa: PLW1509 - nothing else runs in this process yet
        )
        self.lines: list[str] = []
        self._printed: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._printed.put(line)
        self._printed.put("")

    def call(self, *words: str) -> str:
        """Run a command beside the server; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "horarium", *words],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def read_until(self, part: str) -> str:
        """Return the next printed line that contains `part`."""
        while True:
            # A thread reads: lines that came together are no news to whoever waits for the pipe.
            line = self._printed.get(timeout=PATIENCE)
            self.lines.append(line)
            if part in line or not line:
                break
        assert part in self.lines[-1], (self.lines, self.log)
        return self.lines[-1]

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE)
        self._log.close()
        if self.process.stdout is not None:
            self.process.stdout.close()


def _open_umask() -> None:
    os.umask(0)


@pytest.fixture
def serve(tmp_path: Path, free_port: int) -> Iterator[Callable[..., Server]]:
    """Give a way to start servers in one folder; they are ended after the test."""
    started: list[Server] = []

    def start(**settings: str) -> Server:
        started.append(Server(tmp_path, free_port, **settings))
        started[-1].read_until("Horarium is at")
        return started[-1]

    yield start
    for server in started:
        server.end()


def status_of(address: str) -> int:
    """Return the HTTP status of a page."""
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:  # noqa: S310 - our own address
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_d3_the_first_start_prints_a_link_for_the_first_account_and_later_ones_do_not(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    link = server.read_until("/setup?code=").split()[-1]
    assert status_of(link.replace("localhost", "127.0.0.1")) == 200
    assert link.partition("code=")[2] not in server.log
    subprocess.run(
        [sys.executable, "-m", "horarium", "user", "create-admin", "ana", "--password-stdin"],
        cwd=server.folder,
        env=server.environ,
        input="a long enough phrase 71",
        text=True,
        check=True,
        capture_output=True,
    )
    assert server.stop() == 0
    second = serve()
    assert second.stop() == 0
    assert second.process.stdout is not None
    assert "/setup" not in second.process.stdout.read()


def test_a_task_triggered_from_the_command_line_runs_and_is_followed(serve: Callable[..., Server]) -> None:
    server = serve()
    server.call("task", "add", "hello", "--shell", "echo out; echo err >&2")
    server.call("task", "trigger", "hello")
    assert sorted(server.call("run", "follow", "1").splitlines()) == ["err", "out"]
    assert status_of(f"{server.address}/health/ready") == 200
    assert "1 alive" in server.call("doctor")


def test_r69_with_another_secret_key_it_starts_says_so_and_runs_what_needs_no_secret(
    serve: Callable[..., Server],
) -> None:
    first = serve()
    words = ["vault", "add", "shop", "--kind", "token", "--stdin", "token"]
    canary = secrets.token_urlsafe(20)
    subprocess.run(
        [sys.executable, "-m", "horarium", *words],
        cwd=first.folder,
        env=first.environ,
        input=canary,
        text=True,
        check=True,
        capture_output=True,
    )
    assert first.stop() == 0
    second = serve(SECRET_KEY=secrets.token_hex(32))
    wait_for(lambda: "vault.warning" in second.log)
    assert "SECRET_KEY is not the key that 1 saved value set was" in second.log.replace("set were", "set was")
    second.call("task", "add", "hello", "--shell", "echo still here")
    second.call("task", "trigger", "hello")
    assert second.call("run", "follow", "1") == "still here\n"
    assert canary not in second.log


def test_a_function_beside_the_settings_is_found(serve: Callable[..., Server], tmp_path: Path) -> None:
    (tmp_path / "chores.py").write_text("def sweep(room):\n    print('swept', room)\n", encoding="utf-8")
    server = serve(HORARIUM_TASK_MODULES="chores")
    for name, how in (("a", "--in-thread"), ("b", "--isolated")):
        server.call("task", "add", name, "--python", "chores:sweep", "--args", '["hall"]', how)
        server.call("task", "trigger", name)
    for number in ("1", "2"):
        assert server.call("run", "follow", number) == "swept hall\n"


def test_rp10_sigterm_lets_running_work_end_takes_nothing_new_and_ends_with_0(serve: Callable[..., Server]) -> None:
    server = serve()
    server.call("task", "add", "slow", "--shell", "echo begun; sleep 2; echo ended")
    server.call("task", "add", "other", "--", "true")
    server.call("task", "trigger", "slow")
    wait_for_line(server, "1", "begun")
    server.process.send_signal(signal.SIGTERM)
    wait_for(lambda: "server.stopping" in server.log)
    server.call("task", "trigger", "other")
    assert server.process.wait(PATIENCE) == 0
    assert '"state": "succeeded"' in server.call("run", "show", "1", "--json")
    assert '"state": "queued"' in server.call("run", "show", "2", "--json")


def test_rp10_a_second_signal_shortens_the_grace(serve: Callable[..., Server]) -> None:
    server = serve()
    server.call("task", "add", "endless", "--shell", "echo begun; sleep 600")
    server.call("task", "trigger", "endless")
    wait_for_line(server, "1", "begun")
    server.process.send_signal(signal.SIGTERM)
    wait_for(lambda: "server.stopping" in server.log)
    assert server.stop() == 0
    assert "Traceback" not in server.log
    assert '"state": "running"' not in server.call("run", "show", "1", "--json")


def test_ctrl_c_is_a_stop_like_any_other(serve: Callable[..., Server]) -> None:
    assert serve().stop(signal.SIGINT) == 0


def test_rp10_a_connection_that_is_kept_open_does_not_hold_the_server_up(
    serve: Callable[..., Server], free_port: int
) -> None:
    server = serve()
    with socket.create_connection(("127.0.0.1", free_port)) as idle:
        idle.sendall(b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(9) == b"HTTP/1.1 "
        assert server.stop() == 0


def test_r6_everything_the_server_makes_is_private_whatever_the_umask(serve: Callable[..., Server]) -> None:
    server = serve()
    server.call("task", "add", "x", "--shell", "echo hi")
    server.call("task", "trigger", "x")
    server.call("run", "follow", "1")
    made = [server.folder / ".env", server.folder / "data", *(server.folder / "data").rglob("*")]
    assert [str(path) for path in made if stat.S_IMODE(path.lstat().st_mode) & 0o077] == []


def test_r8_a_task_finds_none_of_the_server_s_secrets_in_its_environment(serve: Callable[..., Server]) -> None:
    server = serve(SMTP_PASSWORD="canary-of-the-mail-server")
    server.call("task", "add", "look", "--shell", "env; tr '\\0' '\\n' < /proc/$PPID/environ")
    server.call("task", "trigger", "look")
    call = [sys.executable, "-m", "horarium", "run", "follow", "1"]
    told = subprocess.run(
        call, cwd=server.folder, env=server.environ, capture_output=True, text=True, check=False
    ).stdout
    assert "HORARIUM_RUN_ID=1" in told
    key = re.search(r"SECRET_KEY=(\S+)", (server.folder / ".env").read_text(encoding="utf-8"))
    assert key is not None
    for secret in ("SECRET_KEY", "canary-of-the-mail-server", key[1]):
        assert secret not in told


def test_a_second_server_on_the_same_port_is_refused_and_the_first_goes_on(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve()
    monkeypatch.chdir(server.folder)
    monkeypatch.setenv("HORARIUM_PORT", server.environ["HORARIUM_PORT"])
    assert run(["serve"]) == 6
    assert "in use" in capsys.readouterr().err
    assert status_of(f"{server.address}/health/ready") == 200


def test_python_m_dashboard_and_horarium_serve_are_one_thing(tmp_path: Path) -> None:
    told = [
        subprocess.run(
            [sys.executable, "-m", *words],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        for words in (["horarium.dashboard"], ["horarium", "serve"])
    ]
    assert told[0].returncode == told[1].returncode == 6
    assert told[0].stderr == told[1].stderr
    assert told[0].stderr.startswith("horarium: SECRET_KEY is not set")


def wait_for(condition: Callable[[], bool]) -> None:
    """Look again until `condition` holds."""
    pause = threading.Event()
    for _ in range(int(PATIENCE * 20)):
        if condition():
            return
        pause.wait(0.05)
    pytest.fail("it did not happen")


def wait_for_line(server: Server, run_id: str, text: str) -> None:
    """Wait until a run has written a line."""
    wait_for(lambda: f'"text": "{text}"' in server.call("run", "show", run_id, "--json"))
