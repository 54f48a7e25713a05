"""A vault on either database, its people and its audit log."""

from __future__ import annotations

import pytest

from horarium.accounts.people import People
from horarium.audit.trail import Trail
from horarium.store.port import Store
from tests.support.people import SetClock, cheap_hasher
from tests.support.vault import House, new_secret


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def secret() -> bytes:
    return new_secret()


@pytest.fixture
def house(store: Store, clock: SetClock, secret: bytes) -> House:
    return House(store, clock, secret)


@pytest.fixture
def people(store: Store, clock: SetClock) -> People:
    return People(store, clock, hasher=cheap_hasher())


@pytest.fixture
def trail(store: Store, clock: SetClock) -> Trail:
    return Trail(store, clock)
