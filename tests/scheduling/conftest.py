"""A world on each kind of store, moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from horarium.testing import ManualClock, ManualScheduler

MakeWorld = Callable[..., ManualScheduler]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store may be made: a file's path, or an empty database's address."""
    if request.param == "sqlite":
        return str(tmp_path / "horarium.db")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def make_world(place: str, clock: ManualClock) -> Iterator[MakeWorld]:
    """Return a maker of nodes on one store, all moved by one clock."""
    made: list[ManualScheduler] = []

    def make(**options: int) -> ManualScheduler:
        world = ManualScheduler(place, clock=clock, **options)
        made.append(world)
        return world

    yield make
    for world in made:
        world.store.close()


@pytest.fixture
def world(make_world: MakeWorld) -> ManualScheduler:
    """One node."""
    return make_world()


@pytest.fixture
def small() -> Iterator[ManualScheduler]:
    """One node on a store in memory, for what no database decides."""
    world = ManualScheduler()
    yield world
    world.shut_down()
