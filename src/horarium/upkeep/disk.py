"""Whether the disk has room: judged by limits, told once when it gets low and once when there is enough again."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from horarium.clock import Clock
from horarium.errors import InvalidValue, StoreError
from horarium.states import EventKind
from horarium.store.books.events import EventBook
from horarium.store.port import Store
from horarium.store.schema import read_meta, write_meta
from horarium.upkeep.places import home_of

log = logging.getLogger("horarium.upkeep")

LOW_BYTES: Final = 500 * 1024 * 1024
LOW_SHARE: Final = 0.1
_EASE: Final = 1.2
"""How much more than the limit has to be free before there is enough again: a disk at its limit would go to and fro."""
_META: Final = "disk"
_LOW: Final = "low"


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk in bytes: how much is free for us, and how large it is."""

    free: int
    total: int

    @property
    def limit(self) -> float:
        """Return how many bytes have to be free at least: 500 MB or a tenth, whichever is more."""
        return max(LOW_BYTES, self.total * LOW_SHARE)

    @property
    def is_low(self) -> bool:
        """Tell whether somebody should make room."""
        return self.free < self.limit

    @property
    def has_enough(self) -> bool:
        """Tell whether there is clearly more than the least."""
        return self.free >= min(self.limit * _EASE, self.total)


Usage = Callable[[Path], Disk]


def disk_of(folder: Path) -> Disk:
    """Return the figures of the disk that holds a folder, or the folder it will be made in."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    found = shutil.disk_usage(folder)
    return Disk(found.free, found.total)


def disk_under(store: Store, usage: Usage = disk_of) -> Disk | None:
    """Return the disk of the database file, or of the data folder; None where neither is there to be asked."""
    try:
        return usage(home_of(store))
    except (OSError, InvalidValue):
        return None


def watch_disk(store: Store, clock: Clock, *, usage: Usage = disk_of) -> bool:
    """Judge the disk and tell, by an event, when that has changed since the last look; return whether it is low.

    Cheap enough for every minute. A disk with no room for the event itself is told of in the log, and by the event as
    soon as there is room for one.
    """
    disk = disk_under(store, usage)
    if disk is None:
        return False
    with store.reading() as tx:
        was_low = read_meta(tx, _META) == _LOW
    if disk.is_low == was_low or (was_low and not disk.has_enough):
        return was_low
    kind = EventKind.DISK_LOW if disk.is_low else EventKind.DISK_ENOUGH
    body = {"free": disk.free, "total": disk.total, "place": str(home_of(store))}
    try:
        with store.transaction() as tx:
            if (read_meta(tx, _META) == _LOW) != was_low:
                # Another program was here first, and has told it.
                return disk.is_low
            write_meta(tx, _META, _LOW if disk.is_low else "enough")
            EventBook(tx).append(kind, at=clock.micros(), body=body)
            store.announce_change(tx)
    except StoreError as error:
        log.warning("%s: %d of %d bytes are free (%s)", kind.value, disk.free, disk.total, error)
    return disk.is_low
