"""What every test may ask for: a place on disk, a free port, a PostgreSQL database, a browser."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator

import hypothesis
import pytest

pytest_plugins = [
    "tests.support.summary",
    "tests.support.places",
    "tests.support.stores",
    "tests.support.postgres",
    "tests.support.restartable",
    "tests.support.browser",
    "tests.support.debian",
    "tests.support.statements",
]

# A busy machine is no failure: how long an example may take is the business of benchmarks.
hypothesis.settings.register_profile("horarium", deadline=None, print_blob=True)
hypothesis.settings.load_profile("horarium")

# What the person at the keyboard has set for Horarium must not reach the tests.
_OURS = {"SECRET_KEY", "SECRET_KEY_OLD", "DATABASE_URL"}
for _name in [name for name in os.environ if name.startswith(("HORARIUM_", "SMTP_")) or name in _OURS]:
    del os.environ[_name]


def pytest_collection_finish() -> None:
    """Set what was collected aside: it stays to the end, and need not be looked through for waste after each test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Put the log back as it was: a server that was started inside a test sets it up for its whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = [each for each in root.handlers if each in handlers]
    root.setLevel(level)
