"""Stores that have their schema already: made once in a test process, and copied for each test."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from horarium.store.opening import open_store


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
