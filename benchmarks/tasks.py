"""What the measured schedulers call: functions that do nothing, or note when they were called."""

from __future__ import annotations

import os
import time

CALLS: list[float] = []
"""One entry for each call; appending is atomic, so that no lock is measured."""


def nothing() -> None:
    """Do nothing but be counted."""
    CALLS.append(0.0)


def nothing_at_all() -> None:
    """Do nothing and leave no trace: what is called for minutes must not fill the memory that is measured."""


def note(planned: float) -> None:
    """Note how many milliseconds after `planned` (seconds since 1970) this was called."""
    CALLS.append((time.time() - planned) * 1000)


def note_grid(start: float, every: float) -> None:
    """Note how many milliseconds after the last point of a grid this was called."""
    CALLS.append((time.time() - start) % every * 1000)


def witness(path: str, number: int, seconds: float) -> None:
    """Write down that job `number` began, work for a while, and write down that it ended.

    Each line is one append of the system, so that a killed process leaves whole lines.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{number} began {os.getpid()} {time.time():.6f}\n".encode())
        time.sleep(seconds)
        os.write(descriptor, f"{number} ended {os.getpid()} {time.time():.6f}\n".encode())
    finally:
        os.close(descriptor)
