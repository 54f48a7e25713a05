"""Back the database up while it is in use, and keep the newest few backups."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from horarium.clock import Clock
from horarium.errors import InvalidValue
from horarium.store.backup import list_backups, make_backup, prune_backups
from horarium.store.backup.making import check_room, room_wanted
from horarium.store.backup.shelf import check_keep
from horarium.store.port import Store
from horarium.store.sqlite import SqliteStore
from horarium.upkeep.workplace import StoreOrAddress, go_on, opened, refuse_from_params, settled

KEEP: Final = 14
FOLDER: Final = "backups"


def backup_database(
    *,
    store: StoreOrAddress | None = None,
    folder: str | Path | None = None,
    keep: int = KEEP,
    dry_run: bool = False,
    clock: Clock | None = None,
) -> dict[str, Any]:
    """Make a backup in `folder`, look through it, and remove all but the `keep` newest.

    Default for `folder`: `backups` beside the database file; for PostgreSQL in the data folder (`HORARIUM_DATA`, else
    `data`). A backup is listed only when the copy was opened, checked and counted; nothing is removed unless that
    went well. Returns the file's name and counts; `dry_run` only says whether there is room and what would be removed.
    Raises `StoreFull`, `StoreUnavailable`, `StoreForeign`, `InvalidValue`, and `Conflict` while another one is made.
    """
    refuse_from_params(store=store, folder=folder)
    check_keep(keep)
    with opened(store) as found:
        place = Path(folder).absolute() if folder is not None else default_folder(found)
        if dry_run:
            return _look(found, place, keep)
        made = make_backup(found, place, clock=settled(clock), go_on=go_on())
    pruned = prune_backups(place, keep)
    return {
        "file": made.path.name,
        "bytes": made.size,
        "tables": len(made.rows),
        "rows": sum(made.rows.values()),
        "pruned": len(pruned),
        "kept": len(list_backups(place)),
        "dry_run": False,
    }


def default_folder(store: Store) -> Path:
    """Return where the backups of a store go when nobody says: beside a file, in the data folder for a server."""
    if not isinstance(store, SqliteStore):
        return Path(os.environ.get("HORARIUM_DATA") or "data").absolute() / FOLDER
    if store.path is None:
        raise InvalidValue("store", store.location, "only a database in a file or on a server can be backed up")
    return store.path.absolute().parent / FOLDER


def _look(store: Store, folder: Path, keep: int) -> dict[str, Any]:
    wanted = room_wanted(store)
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    check_room(there, wanted)
    found = list_backups(folder)
    would_go = max(0, len(found) + 1 - keep)
    return {"room_wanted": wanted, "pruned": would_go, "kept": len(found) - would_go, "dry_run": True}
