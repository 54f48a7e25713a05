"""Archives of the audit log. Here alone entries leave the store, with the commit that records where they are."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, insert, select

from horarium.clock import from_micros, to_micros
from horarium.errors import Conflict
from horarium.records.audit import AuditArchive
from horarium.store.port import Transaction
from horarium.store.tables.audit import audit_archives as t
from horarium.store.tables.audit import audit_log


class ArchiveBook:
    """The table of archives."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def all(self) -> list[AuditArchive]:
        """Return all archives, the oldest first."""
        return [_archive(row) for row in self._tx.execute(select(t).order_by(t.c.first_id))]

    def get(self, first_id: int) -> AuditArchive | None:
        """Return the archive that begins with an entry, None when there is none."""
        row = self._tx.execute(select(t).where(t.c.first_id == first_id)).one_or_none()
        return None if row is None else _archive(row)

    def totals(self) -> tuple[int, int]:
        """Return how many archives there are and how many entries they hold."""
        count = func.coalesce(func.sum(t.c.last_id - t.c.first_id + 1), 0)
        row = self._tx.execute(select(func.count(), count)).one()
        return int(row[0]), int(row[1])

    def span_before(self, cutoff: int) -> tuple[int, int]:
        """Return the numbers of the entries in the store that are older than `cutoff` and all before them: first, last.

        The last one is below the first where there are none.
        """
        first = self._tx.execute(select(func.min(audit_log.c.id))).scalar_one()
        if first is None:
            return 1, 0
        newer = self._tx.execute(select(func.min(audit_log.c.id)).where(audit_log.c.at >= cutoff)).scalar_one()
        if newer is None:
            newer = self._tx.execute(select(func.max(audit_log.c.id))).scalar_one() + 1
        return int(first), int(newer) - 1

    def has_whole(self, first_id: int, last_id: int, last_hash: str) -> bool:
        """Tell whether all entries of a span stand in the store; waits for whoever is just taking them out."""
        held = select(audit_log.c.id).where(audit_log.c.id == first_id).with_for_update()
        if self._tx.execute(held).one_or_none() is None:
            return False
        within = audit_log.c.id.between(first_id, last_id)
        count = self._tx.execute(select(func.count()).select_from(audit_log).where(within)).scalar_one()
        last = self._tx.execute(select(audit_log.c.hash).where(audit_log.c.id == last_id)).scalar_one_or_none()
        return int(count) == last_id - first_id + 1 and last == last_hash

    def move_out(self, archive: AuditArchive) -> None:
        """Record an archive and take its entries out of the store: both with the same commit, or neither.

        Raises `Conflict` when they are not all there any more, `DuplicateKey` when they are in another archive.
        """
        values = {column.name: getattr(archive, column.name) for column in t.columns}
        values |= {name: to_micros(values[name]) for name in ("first_at", "last_at", "made_at")}
        self._tx.execute(insert(t), values)
        gone = delete(audit_log).where(audit_log.c.id.between(archive.first_id, archive.last_id))
        count = int(cast("CursorResult[Any]", self._tx.execute(gone)).rowcount)
        if count != archive.entries:
            raise Conflict(f"of the {archive.entries} entries that were archived only {count} are still in the store")


def _archive(row: Any) -> AuditArchive:
    values = {column.name: getattr(row, column.name) for column in t.columns}
    return AuditArchive(**values | {name: from_micros(values[name]) for name in ("first_at", "last_at", "made_at")})
