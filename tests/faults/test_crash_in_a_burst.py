"""P6: killed when half of a burst has ended and started again: nothing lost, twice only what was in flight."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from horarium import TaskScheduler
from horarium.triggers import DateTrigger
from tests.faults.place import Place, cut_off, place_at, states_of_attempts
from tests.faults.witness import END, START

JOBS = 300
SLOTS = 10


def one_round(place: Place) -> float:
    """Let many tasks fall due at once, kill in the middle, start again; return the seconds until it went on."""
    scheduler = TaskScheduler(place.address)
    due = DateTrigger(datetime.now(UTC) + timedelta(seconds=2))
    kwargs = {"witness": str(place.witness), "seconds": 0.02}
    scheduler.add_tasks(
        scheduler.definition(f"job {n}", "tests.faults.witness:work", due, kwargs=kwargs) for n in range(JOBS)
    )
    scheduler.close()
    driver = place.start(slots=SLOTS)
    place.await_marks(JOBS // 2, what=END)
    place.kill(driver)
    began = time.monotonic()
    place.start(slots=SLOTS)
    ready = time.monotonic()
    first = place.await_marks(1, since=began)[0].steady
    place.await_marks(JOBS, what=END)
    history = place.judge()

    assert [row["state"] for row in history.runs] == ["succeeded"] * JOBS
    states = states_of_attempts(history)
    starts = Counter(mark.run for mark in history.marks if mark.what == START)
    assert {states[run, 1] for run, count in starts.items() if count > 1} <= {"interrupted"}
    assert {states[mark.run, mark.attempt] for mark in cut_off(history)} <= {"interrupted"}
    return max(first - ready, 0.0)


def test_p6_a_kill_in_a_burst_loses_nothing(tmp_path: Path) -> None:
    with place_at(tmp_path) as place:
        one_round(place)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_p6_twenty_kills_in_a_burst_lose_nothing_and_go_on_at_once(tmp_path: Path) -> None:
    going_on = []
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        with place_at(folder) as place:
            going_on.append(one_round(place))
    assert sorted(going_on)[10] < 1.0, going_on
