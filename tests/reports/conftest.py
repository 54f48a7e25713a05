"""A store on either database, and a clock to set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.support.people import SetClock
from tests.support.stores import prepared


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def sqlite(data_folder: Path) -> Iterator[Store]:
    opened = open_store(prepared(data_folder / "horarium.db"))
    yield opened
    opened.close()


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Store]:
    opened = open_store(postgres_url)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest) -> Store:
    """Give the same store on SQLite and on PostgreSQL."""
    found: Store = request.getfixturevalue(request.param)
    return found
