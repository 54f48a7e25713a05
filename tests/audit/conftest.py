"""A store on either database, and its audit log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from horarium.audit.trail import Trail
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.support.people import SetClock
from tests.support.stores import prepared


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    where = prepared(tmp_path / "h.db") if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_store(where)
    yield opened
    opened.close()


@pytest.fixture
def trail(store: Store, clock: SetClock) -> Trail:
    return Trail(store, clock)
