"""What processes of a dead server are still doing: nothing of a task may go on when the task is started again."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from pathlib import Path

from horarium.clock import Clock

_POLL_SECONDS = 0.02


def survivors(pids: Iterable[int]) -> list[int]:
    """Return those of the processes that are guardians of a task and still there.

    The number that is recorded with an attempt is its guardian's, which leaves when the whole tree of the attempt is
    gone. Numbers that belong to other programs by now are none of ours.
    """
    from horarium.execution.warden import NAME  # noqa: PLC0415

    return [pid for pid in pids if _name_of(pid) == NAME]


def await_end(pids: Collection[int], clock: Clock, seconds: float = 10.0) -> list[int]:
    """Wait until the guardians among these processes have left; return those that have not in that time.

    They end their trees by themselves as soon as the process that started them is gone, which takes some
    milliseconds; call this before runs of a dead node are started again on the same machine.
    """
    give_up_at = clock.monotonic() + seconds
    pause = threading.Event()
    left = survivors(pids) if pids else []
    while left and clock.monotonic() < give_up_at:
        pause.wait(_POLL_SECONDS)
        left = survivors(left)
    return left


def _name_of(pid: int) -> str:
    try:
        return Path("/proc", str(pid), "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
