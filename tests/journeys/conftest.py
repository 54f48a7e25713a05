"""A house for each test, and a place that ordinary accounts of the machine can reach."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.house import House, house_in
from tests.support.places import unprivileged


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Give a fresh installation; nothing runs yet."""
    with house_in(tmp_path) as made:
        yield made


@pytest.fixture
def common() -> Iterator[Path]:
    """Give a folder that everybody may write, for what tasks leave behind."""
    with unprivileged() as (folder, _):
        folder.chmod(0o777)
        yield folder


@pytest.fixture
def ordinary() -> Iterator[House]:
    """Give a fresh installation of an account that is not root."""
    with unprivileged() as (folder, owner), house_in(folder, owner=None if os.geteuid() else owner) as made:
        yield made
