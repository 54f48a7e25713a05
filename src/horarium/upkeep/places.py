"""Where upkeep puts what it keeps: by the host's settings, else beside the database."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from horarium.config import one_setting
from horarium.errors import InvalidValue
from horarium.store.port import Store
from horarium.store.sqlite import SqliteStore

ARCHIVES: Final = "audit-archives"


def home_of(store: Store) -> Path:
    """Return the folder of a store: the one of its file, for a database on a server the data folder.

    Raises `InvalidValue` for a store in memory, which has none.
    """
    if not isinstance(store, SqliteStore):
        data: Path = one_setting("HORARIUM_DATA")
        return data.absolute()
    if store.path is None:
        raise InvalidValue("store", store.location, "only a database in a file or on a server has a folder")
    return store.path.absolute().parent


def archive_folder(store: Store) -> Path:
    """Return where archives of the audit log are. Raises `InvalidValue` for a store in memory, `ConfigError`."""
    found: Path | None = one_setting("HORARIUM_ARCHIVES")
    return found.absolute() if found is not None else home_of(store) / ARCHIVES
