"""What tests of pages have in common: pages over each of the two databases, and people who are signed in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from horarium.records.people import Role, User
from tests.support.pages import Site, open_site
from tests.support.people import SetClock


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def site_options() -> Mapping[str, Any]:
    """Give what the pages are opened with; a module that needs more says so in a fixture of this name."""
    return {}


@pytest.fixture(params=["sqlite", "postgres"])
def site(
    request: pytest.FixtureRequest, tmp_path: Path, clock: SetClock, site_options: Mapping[str, Any]
) -> Iterator[Site]:
    """Give the pages over each of the two databases, with an administrator called ines."""
    where = tmp_path if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with open_site(where, clock, **site_options) as opened:
        opened.live()
        opened.person("ines")
        yield opened


@pytest.fixture
def ines(site: Site) -> TestClient:
    return site.signed_in("ines")


@pytest.fixture
def ana(site: Site) -> User:
    return site.person("ana", Role.EDITOR)
