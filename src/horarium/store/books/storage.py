"""Samples of how much room everything takes, one a day."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select, update

from horarium.store.port import Transaction
from horarium.store.room import Sizes
from horarium.store.tables.keeping import storage_samples as t


class Sample(NamedTuple):
    """One day's last look: instants in microseconds, the rest in bytes; the disk's are None where it is not ours."""

    day: int
    taken_at: int
    sizes: Sizes
    disk_free: int | None
    disk_total: int | None


class StorageBook:
    """The table of samples."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def put(self, sample: Sample) -> None:
        """Keep a sample in the place of an earlier one of its day."""
        values = {name: getattr(sample.sizes, name) for name in ("runs", "output", "audit", "ledger", "rest", "spare")}
        values |= {"taken_at": sample.taken_at, "disk_free": sample.disk_free, "disk_total": sample.disk_total}
        changed: Any = self._tx.execute(update(t).where(t.c.day == sample.day).values(**values))
        if not changed.rowcount:
            self._tx.execute(insert(t).values(day=sample.day, **values))

    def since(self, day: int) -> list[Sample]:
        """Return the samples from a day on, the oldest first."""
        return [_sample(row) for row in self._tx.execute(select(t).where(t.c.day >= day).order_by(t.c.day))]

    def drop_before(self, day: int) -> None:
        """Remove the samples of earlier days."""
        self._tx.execute(delete(t).where(t.c.day < day))


def _sample(row: Any) -> Sample:
    sizes = Sizes(row.runs, row.output, row.audit, row.ledger, row.rest, row.spare)
    return Sample(row.day, row.taken_at, sizes, row.disk_free, row.disk_total)
