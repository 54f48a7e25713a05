"""Stores that have their schema already: made once in a test process, and copied for each test."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from horarium.store.opening import open_store
from horarium.store.port import Store


def prepare(where: str | Path) -> None:
    """Make the schema of a store."""
    open_store(where).close()


@cache
def _made_once() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="horarium-schema-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    prepare(folder / "h.db")
    return folder / "h.db"


def prepared(path: Path) -> Path:
    """Put a file with the schema at `path`, if nothing is there; return the path."""
    if not path.exists():
        shutil.copy(_made_once(), path)
    return path


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
