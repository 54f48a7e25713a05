"""Another program holds the write lock of the file: work starts late, nothing is dropped, no thread dies."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from tests.faults.history import history_at
from tests.faults.place import Place, await_that
from tests.faults.witness import rest

NEVER_LEFT_OUT: dict[str, Any] = {"overlap": "queue", "overlap_limit": 1000}


@contextmanager
def write_lock(place: Place) -> Iterator[None]:
    """Hold the write lock as another program would."""
    with closing(sqlite3.connect(place.address, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_rp11_a_locked_file_delays_and_drops_nothing(sqlite_place: Place) -> None:
    place = sqlite_place
    tasks = [place.task(f"task {n}", seconds=0.02, **NEVER_LEFT_OUT) for n in range(10)]
    tasks.append(place.task("by hand", every=None, overlap="allow", overlap_limit=4))
    driver = place.start(tasks=tasks, trigger="by hand", trigger_every=0.3)
    place.await_marks(20)
    with write_lock(place):
        rest(6.0)
        assert history_at(place.address, place.witness).runs, "reading goes on beside the lock"
        rest(6.0)
    free = time.monotonic()
    place.await_marks(1, since=free, within=10.0)
    assert driver.is_well()
    due = time.time_ns() // 1000
    rest(3.0)
    history = place.judge(until=due)
    assert {row["reason"] for row in history.ledger} == {None}
    assert all(row["state"] == "succeeded" for row in history.runs if row["created_at"] < due)
    assert "goes on" not in driver.log, "an error that was not foreseen"


@pytest.mark.long
@pytest.mark.timeout(300)
def test_rp6_a_lock_longer_than_the_lease_makes_nobody_bury_the_living(sqlite_place: Place) -> None:
    place = sqlite_place
    tasks = [place.task(f"task {n}", seconds=0.02, **NEVER_LEFT_OUT) for n in range(10)]
    tasks += [place.task(f"long {n}", seconds=20.0) for n in range(8)]
    lease = {"lease": [6.0, 1.0, 3.0], "slots": 8}
    drivers = [place.start(tasks=tasks, **lease), *(place.start(**lease) for _ in range(3))]
    for _ in range(3):
        place.await_marks(20, since=time.monotonic())
        with write_lock(place):
            rest(15.0)
    free = time.monotonic()
    place.await_marks(10, since=free)
    await_that(lambda: all(driver.is_well() for driver in drivers))
    history = place.judge()
    assert {row["state"] for row in history.nodes} == {"stopped"}
