"""A store with failed runs and people in it, on either database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from horarium.accounts.people import People
from horarium.records.people import Role, User
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.support import people
from tests.support.people import SetClock, cheap_hasher
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


@pytest.fixture
def add_person(store: Store, clock: SetClock) -> Callable[[str, Role], User]:
    """Give a function that adds a person with a made-up password."""
    users = People(store, clock, hasher=cheap_hasher())

    def add(name: str, role: Role) -> User:
        return people.add_person(users, name, role)

    return add
