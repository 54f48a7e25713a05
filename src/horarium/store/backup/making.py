"""Make a backup, and look through one that is there."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from horarium._version import __version__
from horarium.clock import Clock, SystemClock
from horarium.errors import InvalidValue, StoreForeign, StoreFull, StoreUnavailable
from horarium.store.backup import postgres_dump, sqlite_copy
from horarium.store.backup.shelf import Backup, checksum, locked, new_name, new_partial, read_backup, shelve
from horarium.store.failures import from_driver
from horarium.store.port import Store
from horarium.store.postgres import PostgresStore
from horarium.store.schema import revision_of
from horarium.store.sqlite import SqliteStore

SPARE_BYTES = 16 * 1024 * 1024
"""What must stay free on the disk beside the backup itself."""

GoOn = Callable[[], None]


def make_backup(store: Store, folder: Path, *, clock: Clock | None = None, go_on: GoOn | None = None) -> Backup:
    """Copy `store` into `folder` while it is in use, look through the copy, and return it.

    Sessions, tries to sign in and an open set-up code are not in it. `go_on` is called now and then and may raise to
    give up. Whatever goes wrong, nothing half done is ever listed. Raises `StoreFull`, `StoreUnavailable`,
    `StoreForeign` for a copy that is not what it should be, `Conflict` while another one is made there.
    """
    watch = clock or SystemClock()
    if isinstance(store, SqliteStore) and store.path is None:
        raise InvalidValue("store", store.location, "only a database in a file or on a server can be backed up")
    with locked(folder):
        check_room(folder, room_wanted(store))
        path = new_name(folder, watch.now(), "db" if isinstance(store, SqliteStore) else "dump")
        partial = new_partial(folder, path.name)
        try:
            rows = _copy(store, partial, go_on or _nothing)
            backup = Backup(
                path=path,
                made_at=watch.now(),
                engine=store.capabilities.name,
                schema=revision_of(store) or "",
                release=__version__,
                size=partial.stat().st_size,
                sha256=checksum(partial),
                rows=rows,
            )
            shelve(backup, partial)
        except sqlite3.Error as error:
            raise _about_copy(error, folder) from error
        except StoreFull as error:
            raise StoreFull(f"there is no room left for the backup in {folder}") from error
        except OSError as error:
            raise StoreUnavailable(f"the backup in {folder} could not be written: {error.strerror}") from error
        finally:
            partial.unlink(missing_ok=True)
    return backup


def verify_backup(path: Path) -> Backup:
    """Look through a backup: checksum, integrity, rows of each table. Raises `StoreForeign` if anything differs."""
    backup = read_backup(path)
    try:
        found = checksum(path)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be read: {error.strerror}") from error
    if found != backup.sha256:
        raise StoreForeign(f"{path} is damaged: its checksum is not the one in its note")
    rows = sqlite_copy.look_through(path) if backup.engine == "sqlite" else postgres_dump.look_through(path)
    compare(backup.rows, rows, path)
    return backup


def compare(wanted: Mapping[str, int], found: Mapping[str, int], path: Path) -> None:
    """Raise `StoreForeign` if the copy at `path` has other tables or other numbers of rows than it should."""
    for table in sorted({*wanted, *found}):
        if wanted.get(table) != found.get(table):
            counts = f"{found.get(table, 'no')} rows instead of {wanted.get(table, 'none')}"
            raise StoreForeign(f"the copy {path.name} is not whole: table {table} has {counts}")


def room_wanted(store: Store) -> int:
    """Return how many bytes a backup needs while it is made, beside what must stay free."""
    if isinstance(store, SqliteStore):
        return sqlite_copy.room_wanted(store)
    return postgres_dump.room_wanted(_postgres(store))


def check_room(folder: Path, wanted: int) -> None:
    """Raise `StoreFull` if the disk of `folder` has less room than `wanted` bytes and some to spare."""
    free = shutil.disk_usage(folder).free
    if free < wanted + SPARE_BYTES:
        have, need = free // 1_000_000, (wanted + SPARE_BYTES) // 1_000_000 + 1
        raise StoreFull(f"the backup needs up to {need} MB in {folder}, {have} MB are free")


def _copy(store: Store, partial: Path, go_on: GoOn) -> Mapping[str, int]:
    if isinstance(store, SqliteStore):
        wanted = sqlite_copy.copy(store, partial, go_on)
        found = sqlite_copy.look_through(partial)
    else:
        wanted = postgres_dump.dump(_postgres(store), partial, go_on)
        found = postgres_dump.look_through(partial, go_on)
    compare(wanted, found, partial)
    return found


def _postgres(store: Store) -> PostgresStore:
    if not isinstance(store, PostgresStore):
        raise InvalidValue("store", type(store).__name__, "of this kind no backup can be made")
    return store


def _about_copy(error: sqlite3.Error, folder: Path) -> Exception:
    found = from_driver(error)
    if isinstance(found, StoreFull):
        return StoreFull(f"there is no room left for the backup in {folder}")
    return type(found)(f"the backup in {folder} could not be made: {found}")


def _nothing() -> None:
    return None
