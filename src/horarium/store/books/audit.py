"""Read and append the audit log; nothing here changes a row that is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, func, or_, select, text, update

from horarium.clock import from_micros
from horarium.errors import StoreError
from horarium.records.audit import AuditFilter, AuditRow
from horarium.store.books.codec import dump
from horarium.store.hot import Hot
from horarium.store.port import Transaction
from horarium.store.tables.audit import audit_head, audit_log

FIRST_HASH: Final = "0" * 64
_MAIN: Final = "main"
t = audit_log
Entry = tuple[Any, ...]
"""The columns of an entry between its number and its hashes, in the order of the table."""

COLUMNS: Final = tuple(column.name for column in t.columns)
_APPEND = Hot.insert_into(t)
# The row stays held until the commit: whoever appends next waits, so the chain has the order of the commits.
_HOLD = Hot(
    lambda: (
        update(audit_head)
        .where(audit_head.c.name == bindparam("name_"))
        .ordered_values((audit_head.c.last_id, audit_head.c.last_id + bindparam("count_")))
        .returning(audit_head.c.last_id, audit_head.c.last_hash)
    ),
    ["count_", "name_"],
)
_MOVE_END = Hot(
    lambda: (
        update(audit_head)
        .where(audit_head.c.name == bindparam("name_"))
        .ordered_values((audit_head.c.last_hash, bindparam("hash_")))
    ),
    ["hash_", "name_"],
)


class AuditBook:
    """The audit log."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def append(self, entries: Sequence[Entry]) -> None:
        """Chain entries to the end of the log, in order."""
        last_id, previous = self._hold(len(entries))
        rows = []
        for number, entry in enumerate(entries, last_id - len(entries) + 1):
            link = hash_of((number, *entry, previous))
            rows.append((number, *entry, previous, link))
            previous = link
        self._tx.many(_APPEND, rows)
        self._tx.one(_MOVE_END, (previous, _MAIN))

    def hold_still(self) -> None:
        """Let everything that is read from here on be of one moment; to be called before anything is."""
        if self._tx.capabilities.name == "postgresql":
            self._tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))

    def head(self) -> tuple[int, str]:
        """Return the number and the hash of the newest entry there has been."""
        row = self._tx.execute(select(audit_head.c.last_id, audit_head.c.last_hash)).one_or_none()
        return (0, FIRST_HASH) if row is None else (int(row[0]), str(row[1]))

    def raw(self, *, after: int, most: int) -> list[tuple[Any, ...]]:
        """Return whole rows with numbers above `after`, as they stand, oldest first."""
        return [tuple(row) for row in self._tx.execute(select(t).where(t.c.id > after).order_by(t.c.id).limit(most))]

    def page(
        self, wanted: AuditFilter, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> list[AuditRow]:
        """Return entries newest first: those with numbers below `before`, or the ones just above `after`."""
        query = select(t).where(*_conditions(wanted))
        if before is not None:
            query = query.where(t.c.id < before)
        if after is not None:
            rows = self._tx.execute(query.where(t.c.id > after).order_by(t.c.id).limit(limit))
            return [row_of(row) for row in rows][::-1]
        return [row_of(row) for row in self._tx.execute(query.order_by(t.c.id.desc()).limit(limit))]

    def each(self, wanted: AuditFilter, *, at_once: int = 500) -> Iterator[AuditRow]:
        """Go through all entries of a search, oldest first."""
        after = 0
        while True:
            query = select(t).where(*_conditions(wanted), t.c.id > after).order_by(t.c.id).limit(at_once)
            page = [row_of(row) for row in self._tx.execute(query)]
            yield from page
            if len(page) < at_once:
                return
            after = page[-1].id

    def count(self, wanted: AuditFilter, *, most: int = 10_000) -> int:
        """Return how many entries a search finds, counting no further than `most`."""
        inner = select(t.c.id).where(*_conditions(wanted)).limit(most)
        return int(self._tx.execute(select(func.count()).select_from(inner.subquery())).scalar_one())

    def tally(self, column: str, *, since: int) -> dict[Any, int]:
        """Return how many entries since an instant have each value of `column` (actor_id, action, kind, source)."""
        field = t.c[column]
        rows = self._tx.execute(select(field, func.count()).where(t.c.at >= since).group_by(field))
        return {row[0]: int(row[1]) for row in rows}

    def _hold(self, count: int) -> tuple[int, str]:
        rows = self._tx.rows(_HOLD, (count, _MAIN))
        if not rows:
            raise StoreError("the audit log has lost its end; see `horarium audit verify`")
        return int(rows[0][0]), str(rows[0][1])


def hash_of(values: Sequence[Any]) -> str:
    """Return the hash of an entry: all its columns in the order of the table, the previous hash last, as JSON."""
    text = json.dumps(list(values), ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def row_of(row: Any) -> AuditRow:
    """Rebuild an entry from a full row, its values in the order of the table."""
    values = dict(zip(COLUMNS, row, strict=True))
    values["at"] = from_micros(values["at"])
    for name in ("before", "after", "details"):
        values[name] = json.loads(values[name]) if values[name] else {}
    return AuditRow(**values)


def as_text(values: Any) -> str | None:
    """Return changed values as they are kept; nothing for none."""
    return dump(values) if values else None


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for column, values in ((t.c.actor_id, wanted.actor_ids), (t.c.source, wanted.sources), (t.c.kind, wanted.kinds)):
        if values:
            found.append(column.in_(values))
    if wanted.results:
        found.append(t.c.result.in_(wanted.results))
    if wanted.actions:
        found.append(
            or_(*(t.c.action.startswith(each, autoescape=True) if each.endswith(".") else t.c.action == each
                  for each in wanted.actions))
        )  # fmt: skip
    if wanted.object_id is not None:
        found.append(t.c.object_id == wanted.object_id)
    if wanted.since is not None:
        found.append(t.c.at >= wanted.since)
    if wanted.until is not None:
        found.append(t.c.at < wanted.until)
    columns = (t.c.actor, t.c.object_name, t.c.address, t.c.request)
    words = wanted.text.replace("\0", " ").split()[:8]
    found.extend(or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in words)
    return found
