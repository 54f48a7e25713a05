"""A vault on either database, its people and its audit log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from horarium.accounts.people import People
from horarium.audit.trail import Trail
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.support.people import SetClock, cheap_hasher
from tests.support.stores import prepared
from tests.support.vault import House, new_secret


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def secret() -> bytes:
    return new_secret()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, data_folder: Path) -> Iterator[Store]:
    where = prepared(data_folder / "h.db") if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_store(where)
    yield opened
    opened.close()


@pytest.fixture
def house(store: Store, clock: SetClock, secret: bytes) -> House:
    return House(store, clock, secret)


@pytest.fixture
def people(store: Store, clock: SetClock) -> People:
    return People(store, clock, hasher=cheap_hasher())


@pytest.fixture
def trail(store: Store, clock: SetClock) -> Trail:
    return Trail(store, clock)
