"""Stopped in the middle of a run by SIGTERM: it is recorded, and the next start goes on."""

from __future__ import annotations

import time

from tests.faults.place import Place, cut_off, ends
from tests.faults.witness import rest


def test_rp10_a_run_within_the_grace_is_finished(place: Place) -> None:
    driver = place.start(tasks=[place.task("slow", seconds=1.5)], grace=10.0)
    place.await_marks(1)
    due = time.time_ns() // 1000
    assert driver.stop() == 0
    history = place.judge(until=due)
    assert cut_off(history) == []
    assert [row["state"] for row in history.runs if row["attempt"]] == ["succeeded"]


def test_rp10_a_run_beyond_the_grace_is_interrupted_and_the_next_start_runs_it_again(place: Place) -> None:
    tasks = [
        place.task("endless", seconds=60.0, rerun_interrupted=1),
        place.task("isolated", "work_with_child", seconds=60.0, isolation="process", rerun_interrupted=0),
        *(place.task(f"waiting {n}", seconds=0.5, overlap="queue", overlap_limit=10) for n in range(8)),
    ]
    driver = place.start(tasks=tasks, grace=0.3, slots=4)
    place.await_marks(1, task="endless")
    place.await_marks(1, task="isolated")
    asked = time.monotonic()
    place.faults.append(asked)
    assert driver.stop() == 0
    assert time.monotonic() - asked < 15.0
    history = place.history()
    by_name = {history.names[row["task_id"]]: row for row in history.runs if row["interruptions"]}
    assert by_name["endless"]["state"] == "queued"
    assert by_name["isolated"]["state"] == "interrupted"
    assert all("stopped" in row["reason"] for row in by_name.values())
    assert history.left == []

    again = place.start(grace=0.3, slots=12)
    (mark,) = place.await_marks(1, since=asked, task="endless")[:1]
    assert (mark.run, mark.attempt) == (by_name["endless"]["id"], 2)
    place.await_marks(2, since=asked, task="waiting 0")
    # What falls due at the very moment of the stop is the next start's.
    due = time.time_ns() // 1000
    rest(0.5)
    place.faults.append(time.monotonic())
    assert again.stop() == 0
    history = place.judge(until=due)
    assert ends(history, "waiting 0") > 0
