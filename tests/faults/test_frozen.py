"""A process that stands still for longer than its lease: others take over once, the ghost changes nothing."""

from __future__ import annotations

import json
import time
from dataclasses import replace

from horarium.states import EventKind
from tests.faults.history import History, history_at
from tests.faults.place import Driver, Place, await_that, states_of_attempts
from tests.faults.witness import START, rest

# Lease, beat and sweep in seconds: the shipped ones would make every test a minute long.
SHORT = [3.0, 0.5, 1.0]
LEAD = 0.05


def freeze_just_before_work(place: Place, driver: Driver) -> None:
    """Freeze a process when it has claimed what is due in a moment and has not begun with it."""
    due = min(task["next_at"] for task in place.history().tasks) / 1_000_000
    while due - time.time() < LEAD:
        due += 1.0
    rest(due - time.time() - LEAD)
    place.faults.append(driver.freeze())


def nodes_of(place: Place, driver: Driver) -> list[str]:
    return [row["state"] for row in history_at(place.address, place.witness).nodes if row["pid"] == driver.pid]


def without_late_words(history: History, ghost: int) -> History:
    """Leave out what the ghost says about attempts that were taken from it: the checker counts them as cut off."""
    states = states_of_attempts(history)
    marks = [
        mark
        for mark in history.marks
        if mark.pid != ghost or mark.what == START or states[mark.run, mark.attempt] != "interrupted"
    ]
    return replace(history, marks=marks)


def test_rp7_a_ghost_is_replaced_once_and_changes_nothing(place: Place) -> None:
    tasks = [place.task(f"task {n}", seconds=0.4, rerun_interrupted=1) for n in range(8)]
    # Under way when it freezes, at their end when it goes on: their results come too late.
    tasks += [place.task(f"long {n}", seconds=2.5, rerun_interrupted=1) for n in range(4)]
    ghost = place.start(tasks=tasks, lease=SHORT, slots=8)
    place.await_marks(12)
    freeze_just_before_work(place, ghost)
    other = place.start(lease=SHORT, slots=8)
    await_that(lambda: nodes_of(place, ghost) == ["dead"])
    taken = place.await_marks(3, since=time.monotonic())
    assert {mark.pid for mark in taken} == {other.pid}

    resumed = time.monotonic()
    ghost.go_on()
    await_that(lambda: nodes_of(place, ghost) == ["dead", "alive"])
    place.await_marks(20, since=time.monotonic())
    assert ghost.is_well()
    place.judge_with = lambda history: without_late_words(history, ghost.pid)
    history = place.judge()

    interrupted = [key for key, state in states_of_attempts(history).items() if state == "interrupted"]
    assert interrupted
    late = [mark for mark in place.marks(since=resumed) if (mark.run, mark.attempt) in interrupted]
    assert late == [], "the ghost began work that had been taken from it"
    told = [row for row in history.events if row["kind"] == EventKind.RUN_INTERRUPTED]
    assert len(told) == len(interrupted)
    assert all(json.loads(row["body"])["again"] for row in told)
