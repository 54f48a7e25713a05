"""Waiting inside a measured process without costing it much."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks import tasks


def wait_for(done: Callable[[], bool], *, until: float, look: float = 0.005) -> None:
    """Look every few milliseconds until `done`, raising `RuntimeError` when it takes beyond `until`."""
    while not done():
        if time.time() > until:
            raise RuntimeError(f"only {len(tasks.CALLS)} calls in time")
        time.sleep(look)


def check_in_time(due: float) -> None:
    """Raise `RuntimeError` if the set-up has come too close to the due instant."""
    if time.time() > due - 0.2:
        raise RuntimeError("adding the jobs took longer than the time before they fall due")
