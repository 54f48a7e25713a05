"""Before a schema changes: a copy of a SQLite file beside it, made by SQLite itself."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from horarium.errors import StoreForeign, StoreFull, StoreUnavailable
from horarium.store.backup.shelf import sync
from horarium.store.failures import from_driver
from horarium.store.port import Store
from horarium.store.sqlite import SqliteStore


def copy_aside(store: Store, revision: str) -> Path | None:
    """Copy a SQLite file to `<name>.before-<revision>` and return that path; None where there is no file.

    Call it inside the writing transaction and before its first change: then nobody can write in between, and the copy
    is what the change will find. An earlier copy of that name is replaced. Raises `StoreFull`, `StoreUnavailable`.
    """
    if not isinstance(store, SqliteStore) or store.path is None:
        return None
    target = store.path.with_name(f"{store.path.name}.before-{revision}")
    partial = target.with_name(f"{target.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        with store.reading() as tx:
            # VACUUM refuses to run inside a transaction, and the driver has not begun one here.
            driver: Any = tx.connection.connection.driver_connection
            driver.execute("VACUUM INTO ?", (str(partial),))
        _look_through(partial)
        sync(partial)
        partial.replace(target)
        sync(target.parent)
    except sqlite3.Error as error:
        found = from_driver(error)
        if isinstance(found, StoreFull):
            raise StoreFull(f"there is no room for the copy {target} that is made before an upgrade") from error
        raise type(found)(f"the copy {target} could not be made: {found}") from error
    except OSError as error:
        raise StoreUnavailable(f"the copy {target} could not be made: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def _look_through(copy: Path) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        (finding,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if finding != "ok":
        raise StoreForeign(f"the copy {copy} is damaged: {finding}")
