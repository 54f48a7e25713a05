"""A store with failed runs and people in it, on either database."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from horarium.accounts.people import People
from horarium.records.people import Role, User
from horarium.store.port import Store
from tests.support import people
from tests.support.people import SetClock, cheap_hasher


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def add_person(store: Store, clock: SetClock) -> Callable[[str, Role], User]:
    """Give a function that adds a person with a made-up password."""
    users = People(store, clock, hasher=cheap_hasher())

    def add(name: str, role: Role) -> User:
        return people.add_person(users, name, role)

    return add
