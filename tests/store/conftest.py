"""The same store three ways: a SQLite file, SQLite in memory, PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from horarium.store.opening import connect, open_store
from horarium.store.port import Store
from horarium.store.sqlite import SqliteStore
from tests.support.stores import prepared


@pytest.fixture
def path(data_folder: Path) -> Path:
    """Give the path of a file that is not there yet."""
    return data_folder / "horarium.db"


@pytest.fixture
def file_store(path: Path) -> Iterator[Store]:
    """Give a prepared store in a file."""
    opened = open_store(prepared(path))
    yield opened
    opened.close()


@pytest.fixture
def memory_store() -> Iterator[Store]:
    """Give a prepared store in memory."""
    opened = open_store(":memory:")
    yield opened
    opened.close()


@pytest.fixture
def postgres_store(postgres_url: str) -> Iterator[Store]:
    """Give a prepared store on PostgreSQL."""
    opened = open_store(postgres_url)
    yield opened
    opened.close()


POSTGRES = pytest.mark.postgres


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteStore]:
    """Give a prepared store in the file `h.db` of the test's folder."""
    opened = open_store(prepared(tmp_path / "h.db"))
    assert isinstance(opened, SqliteStore)
    yield opened
    opened.close()


@pytest.fixture(params=["file", "memory", pytest.param("postgres", marks=POSTGRES)])
def store(request: pytest.FixtureRequest) -> Store:
    """Give the same store on each database."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=POSTGRES)])
def empty_store(request: pytest.FixtureRequest, path: Path) -> Iterator[Store]:
    """Give a store without any schema, on both databases."""
    where: str | Path = request.getfixturevalue("empty_postgres_url") if request.param == "postgres" else path
    opened = connect(where)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=POSTGRES)])
def shared_where(request: pytest.FixtureRequest, path: Path) -> str | Path:
    """Give the place of a prepared store that several programs may open at once."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    open_store(path).close()
    return path


@pytest.fixture
def shared(shared_where: str | Path) -> str:
    """Give the same place as a text."""
    return str(shared_where)
