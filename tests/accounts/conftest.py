"""A store with people, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from horarium.accounts.people import People
from horarium.accounts.setup import Setup
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.support.people import SetClock, cheap_hasher
from tests.support.stores import prepared


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(data_folder: Path) -> Iterator[Store]:
    opened = open_store(prepared(data_folder / "store.db"))
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgres"])
def both(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give the same store on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield request.getfixturevalue("store")
        return
    opened = open_store(request.getfixturevalue("postgres_url"))
    yield opened
    opened.close()


@pytest.fixture
def users(store: Store, clock: SetClock) -> People:
    return People(store, clock, hasher=cheap_hasher())


@pytest.fixture
def setup(store: Store, clock: SetClock, users: People) -> Setup:
    return Setup(store, clock, users)
