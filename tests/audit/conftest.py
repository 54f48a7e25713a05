"""A store on either database, and its audit log."""

from __future__ import annotations

import pytest

from horarium.audit.trail import Trail
from horarium.store.port import Store
from tests.support.people import SetClock


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def trail(store: Store, clock: SetClock) -> Trail:
    return Trail(store, clock)
