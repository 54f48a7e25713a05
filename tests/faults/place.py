"""Where a fault is made: a store, files outside of it, the programs that work on it, and what to do to them."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from tests.faults.checker import tracebacks, violations
from tests.faults.history import ClientLog, History, history_at, processes_with
from tests.faults.witness import END, START, Mark, read_marks, rest

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
LOOK_SECONDS = 0.02


class Driver:
    """A driver program that was started; what it prints and logs is read as it comes."""

    def __init__(self, process: subprocess.Popen[str], began: float) -> None:
        self.process = process
        self.began = began
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

        reader = threading.Thread(target=follow, daemon=True)
        reader.start()
        return reader

    @property
    def pid(self) -> int:
        """Return its process number."""
        return self.process.pid

    @property
    def log(self) -> str:
        """Return what it has logged so far."""
        with self._changed:
            return "\n".join(self.logged)

    def await_line(self, word: str, *, count: int = 1) -> None:
        """Wait until it has printed `count` lines that begin with `word`."""
        with self._changed:
            come = self._changed.wait_for(lambda: self._count(word) >= count or self._has_ended(), PATIENCE)
            assert come, (word, self.printed, self.logged)
            assert self._count(word) >= count, (word, self.printed, self.logged)

    def _count(self, word: str) -> int:
        return sum(line.startswith(word) for line in self.printed)

    def _has_ended(self) -> bool:
        return self.process.poll() is not None

    def is_well(self) -> bool:
        """Ask it whether its threads live and its lease holds."""
        return self.tell("how", "well", "unwell") == "well"

    def tell(self, line: str, *answers: str) -> str:
        """Send it a line; return which of the answers came."""
        assert self.process.stdin is not None
        before = len(self._answers(answers))
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        await_that(lambda: len(self._answers(answers)) > before)
        return self._answers(answers)[-1]

    def _answers(self, wanted: tuple[str, ...]) -> list[str]:
        with self._changed:
            return [line for line in self.printed if line in wanted]

    def kill(self) -> float:
        """End it as a power cut does; return the steady-clock second of it."""
        self.process.kill()
        self._wait()
        return time.monotonic()

    def freeze(self) -> float:
        """Let it stand still; return the steady-clock second of it."""
        self.process.send_signal(signal.SIGSTOP)
        return time.monotonic()

    def go_on(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """End it in order; return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self._wait()

    def _wait(self) -> int:
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        if self.process.stdin:
            self.process.stdin.close()
        return code


class Place:
    """A store at `address` and a folder for what stands beside it."""

    def __init__(self, folder: Path, address: str, **usual: Any) -> None:
        self.folder = folder
        self.address = address
        self.witness = folder / "witness"
        self.client = ClientLog(folder / "client")
        self.token = f"faults-{secrets.token_hex(8)}"
        self.usual = usual
        self.drivers: list[Driver] = []
        self.faults: list[float] = []
        self.judge_with: Callable[[History], History] = _as_it_is

    def task(
        self, name: str, does: str = "work", every: float | None = 1.0, seconds: float = 0.0, **rest: Any
    ) -> dict[str, Any]:
        """Describe a task that testifies."""
        kwargs = {"witness": str(self.witness), "seconds": seconds}
        return {"name": name, "does": does, "every": every, "kwargs": kwargs, **rest}

    def start(self, **wanted: Any) -> Driver:
        """Start a driver and wait until it schedules."""
        driver = self.launch(**wanted)
        driver.await_line("ready")
        return driver

    def launch(self, **wanted: Any) -> Driver:
        """Start a driver without waiting."""
        plan = {"store": self.address, "client": str(self.folder / "client"), **self.usual, **wanted}
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.driver", json.dumps(plan)],
            cwd=ROOT,
            env={**os.environ, "FAULTS_TOKEN": self.token, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        driver = Driver(process, began)
        self.drivers.append(driver)
        return driver

    def kill(self, driver: Driver) -> None:
        """Kill a driver and remember when."""
        self.faults.append(driver.kill())

    def marks(
        self, what: str = START, *, since: float = 0.0, task: str | None = None, planned_after: int = -1
    ) -> list[Mark]:
        """Return the marks of a kind from a steady-clock second on, of a task, planned after an instant."""
        found = [each for each in read_marks(self.witness) if each.what == what and each.steady >= since]
        return [each for each in found if task in {None, each.task} and (each.planned or 0) > planned_after]

    def await_marks(self, count: int = 1, within: float = PATIENCE, **which: Any) -> list[Mark]:
        """Wait until there are as many marks; return them."""
        await_that(lambda: len(self.marks(**which)) >= count, within)
        return self.marks(**which)

    def history(self) -> History:
        """Read all that is known now."""
        history = history_at(self.address, self.witness, client=self.client, faults=self.faults)
        history.left = self.left()
        return history

    def left(self) -> list[int]:
        """Return processes that are there beside the living drivers, after a moment to end by themselves."""
        living = {driver.pid for driver in self.drivers if driver.process.poll() is None}
        if living:
            return []
        for _ in range(int(5.0 / LOOK_SECONDS)):
            if not processes_with(self.token):
                return []
            rest(LOOK_SECONDS)
        return processes_with(self.token)

    def judge(self, *, until: int | None = None) -> History:
        """Stop what still runs, and fail with what the checker finds."""
        until = until or time.time_ns() // 1000
        codes = [driver.stop() for driver in self.drivers if driver.process.poll() is None]
        assert set(codes) <= {0}, [driver.log for driver in self.drivers]
        history = self.history()
        found = violations(self.judge_with(history), until=until)
        found += [line for driver in self.drivers for line in tracebacks(driver.log)]
        assert found == [], "\n".join(found)
        return history

    def end(self) -> None:
        """End what a failed test has left running."""
        for driver in self.drivers:
            if driver.process.poll() is None:
                driver.go_on()
                driver.kill()
        for pid in self.left():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def place_at(folder: Path, address: str | None = None, **usual: Any) -> Iterator[Place]:
    """Give a place whose drivers are ended afterwards; without an address its store is a file."""
    place = Place(folder, address or str(folder / "store.db"), **usual)
    try:
        yield place
    finally:
        place.end()


def await_that(holds: Callable[[], Any], within: float = PATIENCE) -> None:
    """Look again and again until something holds."""
    give_up_at = time.monotonic() + within
    while not holds():
        assert time.monotonic() < give_up_at, "it did not come to that"
        rest(LOOK_SECONDS)


def _as_it_is(history: History) -> History:
    return history


def cut_off(history: History) -> list[Mark]:
    """Return the starts that have no end."""
    over = {(mark.run, mark.attempt) for mark in history.marks if mark.what != START}
    return [mark for mark in history.marks if mark.what == START and (mark.run, mark.attempt) not in over]


def states_of_attempts(history: History) -> dict[tuple[int, int], str]:
    """Return how attempts ended, by run and number."""
    return {(row["run_id"], row["number"]): row["state"] for row in history.attempts}


def ends(history: History, task: str) -> int:
    """Count the ends of a task's attempts."""
    return sum(mark.what == END and mark.task == task for mark in history.marks)
