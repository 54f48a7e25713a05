"""The program as a person uses it: real processes, in a folder of its own, looked at from outside."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from tests.support.places import free_loopback_port

PATIENCE = 30.0
LOOK_SECONDS = 0.03
USUAL_UMASK = 0o022
AS_ACCOUNT = Path(__file__).with_name("as_account.py")
Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return what it printed, read as JSON."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """Return what it said on standard error, without the line's end."""
        return self.err.strip()


class Running:
    """A server that was started; what it prints and logs is read as it comes."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process = process
        self.address = address
        self.printed: list[str] = []
        self.logged: list[str] = []
        self._changed = threading.Condition()
        self._readers = [self._read(process.stdout, self.printed), self._read(process.stderr, self.logged)]

    def _read(self, source: IO[str] | None, into: list[str]) -> threading.Thread:
        assert source is not None

        def follow() -> None:
            with source:
                for line in source:
                    with self._changed:
                        into.append(line.rstrip("\n"))
                        self._changed.notify_all()
            with self._changed:
                self._changed.notify_all()

        reader = threading.Thread(target=follow)
        reader.start()
        return reader

    def await_line(self, part: str, *, logged: bool = False) -> str:
        """Wait until it prints (or logs) a line that contains `part`; return the line."""
        lines = self.logged if logged else self.printed

        def has_come() -> bool:
            return any(part in line for line in lines) or self.process.poll() is not None

        with self._changed:
            self._changed.wait_for(has_come, PATIENCE)
            found = [line for line in lines if part in line]
        assert found, f"no line with {part!r}: {self.printed} {self.logged}"
        return found[-1]

    @property
    def log(self) -> str:
        """Return what it has logged so far."""
        with self._changed:
            return "\n".join(self.logged)

    def stop(self, number: int = signal.SIGTERM, *, within: float = PATIENCE) -> int:
        """Send a signal and wait; return the exit code."""
        self.process.send_signal(number)
        return self.wait(within)

    def wait(self, within: float = PATIENCE) -> int:
        """Wait for its end; return the exit code."""
        code = self.process.wait(within)
        for reader in self._readers:
            reader.join(PATIENCE)
        return code

    def kill(self) -> None:
        """End it as a power cut does, whatever it is doing."""
        if self.process.poll() is None:
            self.process.kill()
        self.wait()


class House:
    """A folder with settings. `owner` is the account of the operating system that works in it, None for ours."""

    def __init__(self, folder: Path, *, owner: tuple[int, int] | None = None, **settings: str) -> None:
        self.folder = folder
        self.port = free_loopback_port()
        self.owner = owner
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("HORARIUM_", "SECRET_KEY"))},
            "HORARIUM_PORT": str(self.port),
            "HORARIUM_TIMEZONE": "UTC",
            "HORARIUM_SHUTDOWN_GRACE": "10",
            # One that outlives a server that a test kills would be left behind by the test.
            "HORARIUM_WATCHER": "off",
            # What tests count are tasks of their own.
            "HORARIUM_UPKEEP": "off",
            "HORARIUM_TASK_MODULES": "tests.faults",
            # Commands of a server that root has started run as an ordinary account.
            **({"HORARIUM_TASK_USER": "nobody"} if os.geteuid() == 0 and owner is None else {}),
            **settings,
        }
        self.started: list[Running] = []

    @property
    def database(self) -> Path:
        """Return the path of its SQLite file."""
        return self.folder / "data" / "horarium.db"

    @property
    def address(self) -> str:
        """Return where its pages are."""
        return f"http://localhost:{self.port}"

    def call(self, *words: str, stdin: str = "", within: float = PATIENCE, **settings: str) -> Answer:
        """Run a command; return how it answered. It never prints a traceback."""
        done = subprocess.run(
            [sys.executable, *self._program("horarium"), *words],
            cwd=self.folder,
            env={**self.environ, **settings},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=within,
        )
        assert "Traceback" not in done.stderr + done.stdout, done.stderr
        return Answer(done.returncode, done.stdout, done.stderr)

    def do(self, *words: str, stdin: str = "") -> Answer:
        """Run a command that has to succeed."""
        answer = self.call(*words, stdin=stdin)
        assert answer.code == 0, (words, answer)
        return answer

    def start(self, *words: str, module: str = "horarium", **settings: str) -> Running:
        """Start the server and wait until its pages answer."""
        running = self.launch(*(words or ("serve",)), module=module, **settings)
        running.await_line("Horarium is at")
        return running

    def launch(self, *words: str, module: str = "horarium", **settings: str) -> Running:
        """Start the server without waiting."""
        process = subprocess.Popen(
            [sys.executable, *self._program(module), *words],
            cwd=self.folder,
            env={**self.environ, "PYTHONUNBUFFERED": "1", **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            umask=USUAL_UMASK,
        )
        running = Running(process, f"http://localhost:{settings.get('HORARIUM_PORT', self.port)}")
        self.started.append(running)
        return running

    def run(self, number: int) -> dict[str, Any]:
        """Return a run as the command line shows it."""
        found: dict[str, Any] = self.do("run", "show", str(number), "--json").json
        return found

    def trigger(self, task: str) -> int:
        """Ask for a run; return its number."""
        return int(self.do("task", "trigger", task, "--json").json["run_id"])

    def await_run(self, number: int, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Look at a run until something holds of it; return it."""
        return await_that(lambda: self.run(number), holds)

    def end(self) -> None:
        """End what was started here and is still there."""
        for running in self.started:
            running.kill()

    def _program(self, module: str) -> list[str]:
        if self.owner is None:
            return ["-m", module]
        return [str(AS_ACCOUNT), *map(str, self.owner)]


@contextmanager
def house_in(folder: Path, **settings: Any) -> Iterator[House]:
    """Give a house that has been initialised; its servers are ended afterwards."""
    house = House(folder, **settings)
    house.do("init")
    try:
        yield house
    finally:
        house.end()


def await_that(look: Callable[[], Seen], holds: Callable[[Seen], bool], *, within: float = PATIENCE) -> Seen:
    """Look again and again until something holds; return what was seen then."""
    pause = threading.Event()
    seen = look()
    for _ in range(int(within / LOOK_SECONDS)):
        if holds(seen):
            return seen
        pause.wait(LOOK_SECONDS)
        seen = look()
    message = f"it did not come to that within {within:g} s: {seen}"
    raise AssertionError(message)


def status_of(address: str) -> int:
    """Return the HTTP status of a page, 0 where nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:  # noqa: S310 - our own address
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def umask_of(pid: int) -> int:
    """Return the umask that a process has at this moment, the usual one when it has gone."""
    try:
        told = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return USUAL_UMASK
    found = re.search(r"^Umask:\s*([0-7]+)$", told, re.MULTILINE)
    return int(found[1], 8) if found else USUAL_UMASK


def processes_with(text: str) -> list[int]:
    """Return the numbers of the processes whose command line contains `text`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            state = re.sub(r"^.*\) ", "", (folder / "stat").read_text(encoding="utf-8"))[:1]
        except OSError:
            continue
        if text.encode() in words and state != "Z" and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found
