"""Killed at random moments under load and started again: nothing is lost, nothing doubled, all of it is marked."""

from __future__ import annotations

import secrets
import time
from typing import Any

import pytest

from tests.faults.place import Place, cut_off, states_of_attempts
from tests.faults.witness import rest


def load(place: Place) -> dict[str, Any]:
    """Describe tasks of every kind, due each second."""
    quick = [
        place.task(f"quick {n}", seconds=0.02, misfire="all", grace=1, overlap="queue", overlap_limit=50)
        for n in range(5)
    ]
    slow = [place.task(f"slow {n}", seconds=0.2, misfire="last", grace=1) for n in range(3)]
    rest_ = [
        place.task("twice", "work_or_fail", seconds=0.05, retries=1, retry_delay=0.3),
        place.task("side by side", seconds=1.4, overlap="allow", overlap_limit=2),
        place.task("only once", seconds=0.3, rerun_interrupted=0),
        place.task("isolated", "work_with_child", seconds=0.1, isolation="process"),
        place.task("by hand", every=None, seconds=0.03, overlap="allow", overlap_limit=4),
    ]
    return {"tasks": [*quick, *slow, *rest_], "trigger": "by hand", "trigger_every": 0.1}


def kill_repeatedly(place: Place, kills: int) -> None:
    """Kill and start again as often, then stop in order and judge."""
    randomly = secrets.SystemRandom()
    plan = load(place)
    driver = place.start(**plan)
    going_on = []
    for _ in range(kills):
        rest(randomly.uniform(0.3, 1.8))
        place.kill(driver)
        driver = place.start(**plan)
        ready = time.monotonic()
        first = place.await_marks(since=place.faults[-1])[0].steady
        going_on.append(max(first - ready, 0.0))
    rest(2.5)
    history = place.judge()
    states = states_of_attempts(history)
    unmarked = [mark for mark in cut_off(history) if states[mark.run, mark.attempt] != "interrupted"]
    assert unmarked == []
    assert sum(row["state"] == "interrupted" for row in history.attempts) > 0
    # Generous beside the promise of a second: what it must not do is wait for a lease to run out.
    assert sorted(going_on)[len(going_on) // 2] < 3.0, going_on


def test_rp24_five_kills_under_load_lose_and_double_nothing(place: Place) -> None:
    kill_repeatedly(place, 5)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_rp24_fifty_kills_under_load_lose_and_double_nothing(place: Place) -> None:
    kill_repeatedly(place, 50)
