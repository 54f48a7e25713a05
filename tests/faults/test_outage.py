"""PostgreSQL goes away in the middle and comes back: processes stay up and go on by themselves."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults.place import Place, place_at
from tests.faults.witness import rest
from tests.support.restartable import Restartable

NEVER_LEFT_OUT: dict[str, Any] = {"overlap": "queue", "overlap_limit": 1000}


def outage(place: Place, own_server: Restartable, seconds: float, processes: int) -> None:
    tasks = [place.task(f"task {n}", seconds=0.02, **NEVER_LEFT_OUT) for n in range(10)]
    tasks += [place.task(f"slow {n}", seconds=2.5) for n in range(3)]
    tasks.append(place.task("by hand", every=None, overlap="allow", overlap_limit=4))
    drivers = [place.start(tasks=tasks, trigger="by hand", trigger_every=0.3)]
    drivers += [place.start() for _ in range(processes - 1)]
    place.await_marks(20)
    own_server.go_away()
    rest(seconds)
    own_server.come_back()
    back = time.monotonic()
    # Work that had been claimed before is begun without the database: only a planned instant after the return counts.
    after = time.time_ns() // 1000
    first = place.await_marks(1, since=back, within=15.0, planned_after=after, task="task 0")
    assert first
    rest(3.0)
    assert all(driver.is_well() for driver in drivers)
    history = place.judge()
    queued = {task["id"] for task in history.tasks if task["name"].startswith("task")}
    assert {row["reason"] for row in history.ledger if row["task_id"] in queued} == {None}
    assert {row["state"] for row in history.nodes} == {"stopped"}, "nobody was declared dead"
    assert {row["state"] for row in history.attempts} == {"succeeded"}


def test_rp13_a_restart_of_postgresql_is_routine(tmp_path: Path, own_server: Restartable) -> None:
    with place_at(tmp_path, own_server.url) as place:
        outage(place, own_server, 4.0, processes=1)


@pytest.mark.long
@pytest.mark.timeout(400)
def test_rp13_an_outage_longer_than_the_lease_makes_nobody_bury_the_living(
    tmp_path: Path, own_server: Restartable
) -> None:
    with place_at(tmp_path, own_server.url) as place:
        outage(place, own_server, 45.0, processes=3)
