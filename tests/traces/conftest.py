"""A store on both databases with a scheduler to step, and a collector on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.testing.clock import ManualClock
from tests.support.stores import prepared
from tests.traces.collector import Collector, collecting


@pytest.fixture
def standing_clock() -> ManualClock:
    """Give a clock that stands until it is moved."""
    return ManualClock()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def traced_store(request: pytest.FixtureRequest, data_folder: Path, standing_clock: ManualClock) -> Iterator[Store]:
    """Give a prepared store on each database, by the clock that stands."""
    where = prepared(data_folder / "h.db") if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_store(where, clock=standing_clock)
    yield opened
    opened.close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Give a collector that takes what it is sent."""
    with collecting() as running:
        yield running
