"""Places for faults: on a file, on PostgreSQL, and on each of them in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.place import Place, place_at


@pytest.fixture
def sqlite_place(tmp_path: Path) -> Iterator[Place]:
    """Give a place whose store is a file."""
    with place_at(tmp_path) as place:
        yield place


@pytest.fixture
def postgres_place(tmp_path: Path, postgres_url: str) -> Iterator[Place]:
    """Give a place whose store is a fresh PostgreSQL database."""
    with place_at(tmp_path, postgres_url) as place:
        yield place


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest) -> Place:
    """Give a place on each of the databases."""
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found
