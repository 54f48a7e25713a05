"""How much room everything takes, how that grows, when the disk will be full, and whether the database is whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from horarium.clock import Clock
from horarium.errors import StoreDamaged
from horarium.store.books.storage import Sample, StorageBook
from horarium.store.port import Store
from horarium.store.room import Sizes, measure
from horarium.store.schema import read_meta, write_meta
from horarium.upkeep.damage import find_damage
from horarium.upkeep.disk import Usage, disk_of, disk_under, watch_disk
from horarium.upkeep.workplace import StoreOrAddress, go_on, opened, refuse_from_params, settled

DAY: Final = 86_400_000_000
SHOWN_DAYS: Final = 30
KEPT_DAYS: Final = 400
_LEAST_DAYS: Final = 3
_META: Final = "looked_through"
_BETWEEN: Final = timedelta(hours=23)


@dataclass(frozen=True, slots=True)
class Outlook:
    """How the room that is used grows in bytes a day, and in how many days the disk is full; None: cannot be told."""

    per_day: float | None = None
    full_in_days: float | None = None


def check_storage(
    *, store: StoreOrAddress | None = None, dry_run: bool = False, clock: Clock | None = None
) -> dict[str, Any]:
    """Measure what takes how much room, judge the disk, and look the database through for damage once a day.

    Returns `bytes` in all, the bytes `free` on the disk (None where it is not ours) and whether that is `low`. When
    damage is found nothing is written any more: raises `StoreDamaged`, which says which file and which backup is good.
    With `dry_run` nothing is written at all. May be killed, repeated, or run twice at once.
    """
    refuse_from_params(store=store)
    watch = settled(clock)
    with opened(store) as found:
        if not dry_run and _is_due(found, watch):
            damage = find_damage(found, watch)
            if damage:
                raise StoreDamaged(damage)
            _note(found, watch)
        go_on()()
        sample = look(found, watch)
        low = False
        if not dry_run:
            _keep(found, sample)
            low = watch_disk(found, watch)
    return {"bytes": sample.sizes.total, "free": sample.disk_free, "low": low, "dry_run": dry_run}


def look(store: Store, clock: Clock, *, usage: Usage = disk_of) -> Sample:
    """Measure the store and its disk now; nothing is written."""
    sizes, disk, now = measure(store), disk_under(store, usage), clock.micros()
    free, total = (None, None) if disk is None else (disk.free, disk.total)
    return Sample(now - now % DAY, now, sizes, free, total)


def samples_of(store: Store, clock: Clock, *, days: int = SHOWN_DAYS) -> list[Sample]:
    """Return the samples of the last days, the oldest first."""
    now = clock.micros()
    with store.reading() as tx:
        return StorageBook(tx).since(now - now % DAY - (days - 1) * DAY)


def outlook(samples: Sequence[Sample], *, shares_disk: bool = True) -> Outlook:
    """Return how the samples of some days go on: by the line that fits them best.

    Where the database does not lie on the disk that was looked at, `shares_disk` is False and no day can be told.
    """
    if len(samples) < 2 or samples[-1].day - samples[0].day < _LEAST_DAYS * DAY:
        return Outlook()
    days = [(each.day - samples[0].day) / DAY for each in samples]
    sizes = [float(each.sizes.used) for each in samples]
    middle, usual = sum(days) / len(days), sum(sizes) / len(sizes)
    spread = sum((day - middle) ** 2 for day in days)
    per_day = sum((day - middle) * (size - usual) for day, size in zip(days, sizes, strict=True)) / spread
    last = samples[-1]
    if per_day <= 0 or last.disk_free is None or not shares_disk:
        return Outlook(per_day)
    return Outlook(per_day, (last.disk_free + last.sizes.spare) / per_day)


def _keep(store: Store, sample: Sample) -> None:
    with store.transaction() as tx:
        StorageBook(tx).put(sample)
        StorageBook(tx).drop_before(sample.day - KEPT_DAYS * DAY)


def _is_due(store: Store, clock: Clock) -> bool:
    with store.reading() as tx:
        last = read_meta(tx, _META)
    # A clock that was set back makes it due as well.
    return last is None or not 0 <= clock.micros() - int(last) < _BETWEEN // timedelta(microseconds=1)


def _note(store: Store, clock: Clock) -> None:
    with store.transaction() as tx:
        write_meta(tx, _META, str(clock.micros()))


__all__ = ["Outlook", "Sample", "Sizes", "check_storage", "look", "outlook", "samples_of"]
