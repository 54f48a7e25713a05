"""A store on both databases, a scheduler to step, people with addresses that they proved, and a place to send to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from horarium.accounts.people import People
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.testing.clock import ManualClock
from tests.notify.worlds import World
from tests.support.people import cheap_hasher
from tests.support.stores import prepared


@pytest.fixture
def standing_clock() -> ManualClock:
    """Give a clock that stands until it is moved."""
    return ManualClock()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def told_store(request: pytest.FixtureRequest, data_folder: Path, standing_clock: ManualClock) -> Iterator[Store]:
    """Give a prepared store on each database, by the clock that stands."""
    where = prepared(data_folder / "told.db") if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_store(where, clock=standing_clock)
    yield opened
    opened.close()


@pytest.fixture
def world(told_store: Store, standing_clock: ManualClock) -> World:
    """Give a scheduler to step with an administrator, a person, and who tells them."""
    return World(told_store, standing_clock, People(told_store, standing_clock, hasher=cheap_hasher()))
