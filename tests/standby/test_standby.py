"""Threads beside the work: they begin, end and begin again, and a stop never waits for long."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from horarium.standby import Standby


class Counter(Standby):
    """Counts its rounds; `round` says what one does."""

    thread_name = "horarium-counter"
    stop_seconds = 0.2

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__()
        self.rounds = 0
        self.has_begun = threading.Event()
        self.work = work

    def _run(self) -> None:
        while not self._is_stopping:
            self.rounds += 1
            self.has_begun.set()
            self.work()
            self._alarm.wait(60)


def alive() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == Counter.thread_name]


def test_it_ends_at_once_and_can_be_started_again() -> None:
    counter = Counter(lambda: None)
    counter.stop()
    for number in (1, 2):
        counter.has_begun.clear()
        counter.start()
        assert counter.has_begun.wait(10)
        assert len(alive()) == 1
        counter.stop()
        counter.stop()
        assert alive() == []
        assert counter.rounds >= number


def test_a_stop_gives_up_on_a_step_that_takes_too_long(request: pytest.FixtureRequest) -> None:
    gate = threading.Event()
    request.addfinalizer(gate.set)
    counter = Counter(lambda: gate.wait(60))
    counter.start()
    assert counter.has_begun.wait(10)
    counter.begin_stop()
    assert len(alive()) == 1
    counter.stop()
    (thread,) = alive()
    gate.set()
    thread.join(10)
    assert counter.rounds == 1
