"""Programs that use the library, started as people start them: a folder, a file, an interpreter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from horarium import TaskScheduler

PATIENCE_SECONDS = 30.0
Found = TypeVar("Found")
ENDED = {"succeeded", "failed", "timed_out", "cancelled", "interrupted", "skipped"}


class Workshop:
    """A folder with programs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[str]] = []

    def write(self, name: str, text: str) -> Path:
        """Write a file."""
        path = self.folder / name
        path.write_text(textwrap.dedent(text))
        return path

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start an interpreter that takes every warning for an error."""
        return self._start(["-X", "dev", "-W", "error", *arguments], environment)

    def start_module(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a server that is not ours, which may warn of what it likes."""
        return self._start(["-m", *arguments], {"PYTHONPATH": str(self.folder)})

    def run(self, *arguments: str, **environment: str) -> str:
        """Run an interpreter to its end, which must be a good one without a word of complaint; return what it said."""
        started = self.start(*arguments, **environment)
        said, complained = started.communicate(timeout=60)
        assert (started.returncode, complained) == (0, ""), said + complained
        return said

    def scheduler(self, store: str = "horarium.db") -> TaskScheduler:
        """Open the store of a program to look at it; close it again."""
        return TaskScheduler(self.folder / store)

    def lines(self, name: str) -> list[str]:
        """Return the lines of a file that tasks write; none if it is not there."""
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def clear(self) -> None:
        """Kill what still runs."""
        for each in self._started:
            if each.poll() is None:
                # The children of a server go with it: each program has a session of its own.
                os.killpg(each.pid, signal.SIGKILL)
            each.communicate()

    def _start(self, arguments: Iterable[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
        started = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self._environment(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(started)
        return started

    @staticmethod
    def _environment(extra: Mapping[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
        return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **extra}


def wait_until(look: Callable[[], Found | None], seconds: float = PATIENCE_SECONDS) -> Found:
    """Look again and again until there is something to see; return it."""
    give_up_at = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < give_up_at, "it did not come about"
        time.sleep(0.02)
    return found


def ended(scheduler: TaskScheduler, run_id: int) -> dict[str, Any]:
    """Wait for the end of a run; return its entry in the history."""

    def look() -> dict[str, Any] | None:
        return next((each for each in history(scheduler) if each["id"] == run_id and each["status"] in ENDED), None)

    return wait_until(look)


def history(scheduler: TaskScheduler) -> list[dict[str, Any]]:
    """Return the runs of all tasks, newest first."""
    entries = [each for task in scheduler.get_all_tasks() for each in scheduler.get_task_history(task["name"], 1000)]
    return sorted(entries, key=lambda each: -int(each["id"]))


def once(scheduler: TaskScheduler, function: Any, *, name: str = "job", **options: Any) -> dict[str, Any]:
    """Add a task without a schedule, trigger it, wait for its end and return the entry."""
    scheduler.add_task(name, function, **options)
    return ended(scheduler, scheduler.trigger_task_now(name))
