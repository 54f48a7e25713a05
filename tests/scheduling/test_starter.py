"""Runs begin at their instants: never early, and a sleep that overshoots does not make them late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from threading import Event

import pytest

from horarium.clock import SystemClock
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.runs.launch import Assignment
from horarium.scheduling.starter import EARLY, LOOKOUT, Starter
from horarium.testing import ManualClock, ManualScheduler

DEFINITION = TaskDefinition("t", PythonSpec("horarium.upkeep:nothing"), None)


class Noting:
    """A launcher that only notes when it was given what."""

    slots = 1

    def __init__(self, expected: int = 1) -> None:
        self.taken: list[tuple[int, int]] = []
        self.expected = expected
        self.is_full = Event()

    def submit(self, assignment: Assignment) -> None:
        self.taken.append((SystemClock().micros(), assignment.run_id))
        if len(self.taken) == self.expected:
            self.is_full.set()

    def cancel(self, run_id: int, cause: str) -> bool:
        raise AssertionError

    def stop(self, grace_seconds: float) -> None:
        raise AssertionError


def claims(instants: Sequence[int]) -> list[tuple[int, Assignment]]:
    return [(at, Assignment(number, 1, 1, DEFINITION, at)) for number, at in enumerate(instants)]


def test_nothing_begins_before_its_instant() -> None:
    launcher = Noting(expected=40)
    starter = Starter(SystemClock(), launcher)
    starter.start()
    begin = SystemClock().micros() + 20_000
    instants = [begin + number * 2_311 for number in range(40)]
    starter.add(claims(instants))
    assert launcher.is_full.wait(10)
    starter.stop()
    assert [number for _, number in launcher.taken] == list(range(40))
    assert all(taken >= instants[number] for taken, number in launcher.taken)


class Creeping(ManualClock):
    """Moves on by seven microseconds each time somebody looks."""

    def micros(self) -> int:
        self.advance(timedelta(microseconds=7))
        return super().micros()


def test_the_last_moment_is_watched_and_not_slept_through() -> None:
    clock, launcher = Creeping(), Noting()
    starter = Starter(clock, launcher)
    at = clock.micros() + LOOKOUT - 20
    starter.add(claims([at]))
    assert starter.hand_over() == 0.0
    assert launcher.taken == []
    starter.hand_over()
    assert len(launcher.taken) == 1


@pytest.mark.parametrize("ahead", [EARLY - 10, EARLY + 10, LOOKOUT + 10])
def test_a_clock_that_stands_is_waited_for_and_not_watched_for_ever(ahead: int) -> None:
    clock, launcher = ManualClock(), Noting()
    starter = Starter(clock, launcher)
    starter.add(claims([clock.micros() + ahead]))
    assert 0 < starter.hand_over() * 1_000_000 <= ahead
    assert launcher.taken == []


def test_a_tick_in_a_hurry_lets_one_start_go_first_and_no_more(
    small: ManualScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.add("t", "* * * * *")
    small.run_due()
    due = small.desk.find("t").next_at
    assert due is not None
    small.clock.set(due)
    monkeypatch.setattr(small.loop._starter, "busy_for", lambda _now: 3_000)
    assert small.loop.turn() == 0.003
    assert small.runs("t") == []
    small.loop.turn()
    assert len(small.runs("t")) == 1
