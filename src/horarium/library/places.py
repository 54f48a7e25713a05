"""Find the store that a function for programs works on: an open one, one by its address, or the environment's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from horarium.clock import Clock
from horarium.store.opening import open_store
from horarium.store.port import Store

StoreOrAddress = Store | str | Path
DEFAULT_STORE: Final = "horarium.db"


def open_here(where: str | Path | None, clock: Clock | None = None) -> Store:
    """Open the store at `where`, else that of `DATABASE_URL`, else the file `horarium.db` here."""
    return open_store(where or os.environ.get("DATABASE_URL") or DEFAULT_STORE, clock=clock)


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
