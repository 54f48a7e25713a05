"""Schedulers that a test may start, programs that use the library, and hosts that it sits in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from horarium import TaskScheduler
from horarium.testing import ManualClock
from tests.library.programs import Workshop


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., TaskScheduler]]:
    """Give a function that makes schedulers, by default on one store; they are closed at the end."""
    made: list[TaskScheduler] = []

    def scheduler(store: str | Path = "jobs.db", **options: Any) -> TaskScheduler:
        where = store if "://" in str(store) else tmp_path / store
        made.append(TaskScheduler(where, **options))
        return made[-1]

    yield scheduler
    for each in made:
        each.stop(grace=0)
        each.close()


@pytest.fixture
def scheduler(make: Callable[..., TaskScheduler]) -> TaskScheduler:
    """Give a scheduler that has not been started."""
    return make()


@pytest.fixture
def still(make: Callable[..., TaskScheduler], clock: ManualClock) -> TaskScheduler:
    """Give a scheduler, not started, whose clock only moves when it is told to."""
    return make(clock=clock)


@pytest.fixture
def running(scheduler: TaskScheduler) -> TaskScheduler:
    """Give a scheduler that has been started."""
    scheduler.start()
    return scheduler


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """Give a folder in which programs are written and started; what still runs at the end is killed."""
    shop = Workshop(tmp_path)
    yield shop
    shop.clear()
