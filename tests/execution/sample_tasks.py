"""Functions that the tests of isolated processes name by `module:function`."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from horarium.errors import TargetNotLoadable
from horarium.execution.context import RunContext


def whoami(*names: str, **more: object) -> list[object]:
    return [os.getpid(), list(names), more]


def surroundings() -> dict[str, object]:
    return {"cwd": str(Path.cwd()), "path": sys.path, "environment": dict(os.environ)}


def about(run_context: RunContext) -> list[object]:
    return [run_context.run_id, run_context.attempt, run_context.task_name, str(run_context.planned_at)]


def speak() -> None:
    sys.stdout.write("python\n")
    sys.stderr.write("wrong\n")
    subprocess.run(["sh", "-c", "echo grandchild"], check=True)
    ctypes.CDLL(None).write(1, b"from C\n", 7)
    thread = threading.Thread(target=sys.stdout.write, args=("thread\n",))
    thread.start()
    thread.join()
    logging.getLogger("sample").info("logged")
    logging.getLogger("sample").warning("warned")


def speak_and_wait() -> None:
    sys.stdout.write("early\n")
    threading.Event().wait(60)


async def wait_a_little() -> str:
    await asyncio.sleep(0)
    return "waited"


def fail() -> None:
    raise LookupError("not found here")


def pretend() -> None:
    raise TargetNotLoadable("I only say so")


def leave(code: int) -> None:
    os._exit(code)


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hog() -> int:
    return len(bytearray(2**33))


def grow(mark: str, *, listen: bool) -> None:
    if not listen:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["setsid", "sleep", mark])
    try:
        subprocess.run(["sleep", mark], check=False)
    finally:
        sys.stdout.write("tidied up\n")


def leave_behind(mark: str) -> int:
    subprocess.Popen(["sleep", mark])
    return os.getpid()
