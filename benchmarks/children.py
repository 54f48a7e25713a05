"""Runs each measurement in a fresh process, and looks at that process from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LIMIT_SECONDS = 900.0
# Bytecode is kept, as it is where a program is installed: compiling anew would be measured as import and memory.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def command(what: str, **values: Any) -> list[str]:
    """Return the command line that calls the function `what` ("module:function") with `values`."""
    return [sys.executable, "-m", "benchmarks.child", what, json.dumps(values)]


def call(what: str, **values: Any) -> Any:
    """Call `what` in a fresh process and in a folder of its own; return its answer.

    Raises `RuntimeError` with the end of its error output when it fails.
    """
    with folder() as place:
        done = subprocess.run(
            command(what, place=str(place), **values),
            cwd=ROOT,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(f"{what} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def folder() -> Iterator[Path]:
    """Open a folder for the files of one measurement, on the disk where databases live."""
    with tempfile.TemporaryDirectory(prefix="horarium-bench-") as name:
        yield Path(name)


@contextmanager
def living(what: str, **values: Any) -> Iterator[subprocess.Popen[str]]:
    """Start `what` and wait until it says that it is ready; it is killed at the end of the block."""
    child = subprocess.Popen(
        command(what, **values),
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = child.stdout.readline() if child.stdout else ""
        if line.strip() != "ready":
            raise RuntimeError(f"{what} did not get ready:\n{child.communicate()[1][-3000:]}")
        yield child
    finally:
        child.kill()
        child.communicate()


def settle(seconds: float) -> None:
    """Let a measured process be by itself for a while."""
    time.sleep(seconds)
