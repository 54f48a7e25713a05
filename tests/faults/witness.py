"""Tasks that testify: each start and end is a line in a file that the scheduler knows nothing about.

A line is one write to a file opened for appending, followed by fsync: what stands there has happened, whatever was
killed afterwards. As a program (`python witness.py FILE SECONDS`) it testifies for command tasks; only the standard
library is used, so that it starts fast.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START, END, BROKEN = "start", "end", "broken"


@dataclass(frozen=True, slots=True)
class Mark:
    """One line. `planned` and `wall` are microseconds since the epoch, `steady` is seconds of the machine's uptime.

    `what` is start, end (all done) or broken (left by an exception).
    """

    run: int
    task: str
    planned: int | None
    attempt: int
    pid: int
    what: str
    wall: int
    steady: float


def append(path: str | Path, line: str) -> None:
    """Add one line to a file so that it is there for good when this returns."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        os.write(file, f"{line}\n".encode())
        os.fsync(file)
    finally:
        os.close(file)


def read_marks(path: str | Path) -> list[Mark]:
    """Read a witness file; one that is not there is empty.

    Whoever reads while others write may see the beginning of the last line only; that one is not there yet.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    whole = text[: text.rfind("\n") + 1]
    return [Mark(**json.loads(line)) for line in whole.splitlines()]


@contextmanager
def under_oath(witness: str, run: int, task: str, planned: datetime | None, attempt: int) -> Iterator[None]:
    """Write a line when the block begins and one when it ends, saying how."""

    def mark(what: str) -> None:
        at = None if planned is None else (planned - EPOCH) // timedelta(microseconds=1)
        wall = time.time_ns() // 1000
        append(witness, json.dumps(asdict(Mark(run, task, at, attempt, os.getpid(), what, wall, time.monotonic()))))

    mark(START)
    try:
        yield
    except BaseException:
        mark(BROKEN)
        raise
    mark(END)


def rest(seconds: float) -> None:
    """Let time pass as work does that waits for something."""
    threading.Event().wait(seconds)


def work(witness: str, seconds: float = 0.0, *, run_context: Any) -> str:
    """Testify, and take `seconds`."""
    with _oath(witness, run_context):
        rest(seconds)
    return "done"


def work_or_fail(witness: str, seconds: float = 0.0, *, run_context: Any) -> str:
    """Fail in the first attempt of every run, do well in the others."""
    with _oath(witness, run_context):
        rest(seconds)
        if run_context.attempt == 1:
            message = "the first attempt always fails"
            raise RuntimeError(message)
    return "done"


def work_with_child(witness: str, seconds: float = 0.0, *, run_context: Any) -> str:
    """Take `seconds` with a child process that would live on for an hour."""
    with _oath(witness, run_context):
        subprocess.Popen(["sleep", "3600"])
        rest(seconds)
    return "done"


def _oath(witness: str, context: Any) -> Any:
    return under_oath(witness, context.run_id, context.task_name, context.planned_at, context.attempt)


def main() -> None:
    """Testify for a command task."""
    witness, seconds = sys.argv[1], float(sys.argv[2])
    planned = os.environ.get("HORARIUM_PLANNED_AT")
    with under_oath(
        witness,
        int(os.environ["HORARIUM_RUN_ID"]),
        os.environ["HORARIUM_TASK"],
        None if planned is None else datetime.fromisoformat(planned),
        int(os.environ["HORARIUM_ATTEMPT"]),
    ):
        rest(seconds)


if __name__ == "__main__":
    main()
