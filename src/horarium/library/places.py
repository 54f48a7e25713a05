"""Find the store that a function for programs works on: an open one, one by its address, or the environment's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from horarium.clock import Clock
from horarium.errors import InvalidValue
from horarium.store.opening import open_store
from horarium.store.port import Store

StoreOrAddress = Store | str | Path
DEFAULT_STORE: Final = "horarium.db"


def place_of(store: object) -> str | Path:
    """Return where a program's store is: as given, else by the environment, else a file in the present folder.

    Raises `InvalidValue`.
    """
    where = store or os.environ.get("DATABASE_URL") or DEFAULT_STORE
    if not isinstance(where, str | Path):
        raise InvalidValue("store", where, "use a path or the address of a database")
    return where


def open_here(where: str | Path | None, clock: Clock | None = None) -> Store:
    """Open the store at `where`, else that of `DATABASE_URL`, else the file `horarium.db` here."""
    return open_store(place_of(where), clock=clock)


@contextmanager
def opened(store: StoreOrAddress | None) -> Iterator[Store]:
    """Give an open store as it is; one that is opened for this is closed afterwards."""
    if store is not None and not isinstance(store, str | Path):
        yield store
        return
    found = open_here(store)
    try:
        yield found
    finally:
        found.close()
