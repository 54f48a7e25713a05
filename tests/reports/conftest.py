"""A clock to set; the stores are those of all tests."""

from __future__ import annotations

import pytest

from tests.support.people import SetClock


@pytest.fixture
def clock() -> SetClock:
    return SetClock()
