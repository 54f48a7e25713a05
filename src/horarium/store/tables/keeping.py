"""Tables about the store itself: how much room each kind of thing took, day by day."""

from __future__ import annotations

from sqlalchemy import Column, Table

from horarium.store.tables.base import Wide, instant, metadata

# One row a day, the last look of the day; all in bytes. Where the disk is not ours to see, its figures are missing.
storage_samples = Table(
    "storage_samples",
    metadata,
    instant("day", nullable=False, primary_key=True, autoincrement=False),
    instant("taken_at", nullable=False),
    Column("runs", Wide, nullable=False),
    Column("output", Wide, nullable=False),
    Column("audit", Wide, nullable=False),
    Column("ledger", Wide, nullable=False),
    Column("rest", Wide, nullable=False),
    Column("spare", Wide, nullable=False),
    Column("disk_free", Wide),
    Column("disk_total", Wide),
)
