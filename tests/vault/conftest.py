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
from tests.support.postgres import Cluster
from tests.support.summary import needs
from tests.support.vault import House, new_secret

TEMPLATE = "horarium_vault_tests"


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def secret() -> bytes:
    return new_secret()


def _prepare(url: str) -> None:
    open_store(url).close()


@pytest.fixture
def prepared_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of a PostgreSQL database that has the schema, cloned from one that was made once."""
    needs(request, "postgres")
    cluster: Cluster = request.getfixturevalue("postgres_cluster")
    database = cluster.create(template=cluster.template(TEMPLATE, _prepare))
    yield cluster.url(database)
    cluster.drop(database)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, data_folder: Path) -> Iterator[Store]:
    where = data_folder / "h.db" if request.param == "sqlite" else request.getfixturevalue("prepared_url")
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
