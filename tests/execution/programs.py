"""Ways to see which processes a test has started, by a word of their command line that nobody else uses."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path

SOON = 15.0


def odd_seconds() -> str:
    """Return a long time for `sleep` that no other process on this machine sleeps for."""
    return f"{900 + secrets.randbelow(99)}.{secrets.randbelow(10**9):09}"


def processes_with(word: str) -> list[int]:
    """Return the processes that have this word among their arguments; a zombie counts by the tree it is in."""
    found = []
    for entry in Path("/proc").glob("[1-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if word in words:
            found.append(int(entry.name))
    return found


def children_of(pid: int) -> list[int]:
    """Return the direct children of a process, zombies too."""
    found = []
    for entry in Path("/proc").glob("[1-9]*"):
        try:
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == pid:
            found.append(int(entry.name))
    return found


def appear(word: str, count: int) -> bool:
    """Wait until that many processes have the word."""
    return _soon(lambda: len(processes_with(word)) >= count)


def vanish(word: str) -> bool:
    """Wait until no process has the word."""
    return _soon(lambda: not processes_with(word))


def bears_none(pid: int) -> bool:
    """Wait until a process has no children, zombies neither."""
    return _soon(lambda: not children_of(pid))


def _soon(holds: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + SOON
    while time.monotonic() < give_up_at:
        if holds():
            return True
        time.sleep(0.01)
    return False
