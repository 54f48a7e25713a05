"""Read entries that were moved into archives, by the same searches as those in the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from horarium.audit.archive import path_of
from horarium.audit.shelf import entries_of
from horarium.clock import to_micros
from horarium.records.audit import AuditArchive, AuditFilter, AuditRow
from horarium.store.books.archives import ArchiveBook
from horarium.store.books.audit import row_of
from horarium.store.port import Store


def archives_of(store: Store) -> list[AuditArchive]:
    """Return the archives that are known, the oldest first."""
    with store.reading() as tx:
        return ArchiveBook(tx).all()


def archived(store: Store, folder: Path, wanted: AuditFilter) -> Iterator[AuditRow]:
    """Yield the entries of a search that stand in archives, oldest first. Raises `StoreForeign` for a damaged file."""
    for archive in archives_of(store):
        if _may_hold(archive, wanted):
            yield from _found(folder, archive, wanted)


def newest_archived(store: Store, folder: Path, wanted: AuditFilter, *, limit: int) -> list[AuditRow]:
    """Return the newest entries of a search that stand in archives, newest first; read no further than needed."""
    rows: list[AuditRow] = []
    for archive in archives_of(store)[::-1]:
        if len(rows) >= limit:
            break
        if _may_hold(archive, wanted):
            rows += list(_found(folder, archive, wanted))[::-1]
    return rows[:limit]


def matches(row: AuditRow, wanted: AuditFilter) -> bool:
    """Tell whether a search finds an entry."""
    at = to_micros(row.at)
    if (wanted.since is not None and at < wanted.since) or (wanted.until is not None and at >= wanted.until):
        return False
    for value, values in (
        (row.actor_id, wanted.actor_ids),
        (row.source, wanted.sources),
        (row.kind, wanted.kinds),
        (row.result, wanted.results),
    ):
        if values and value not in values:
            return False
    if wanted.object_id is not None and row.object_id != wanted.object_id:
        return False
    return _has_action(row, wanted) and _has_words(row, wanted)


def _has_action(row: AuditRow, wanted: AuditFilter) -> bool:
    asked = wanted.actions
    return not asked or any(row.action.startswith(each) if each.endswith(".") else row.action == each for each in asked)


def _has_words(row: AuditRow, wanted: AuditFilter) -> bool:
    said = [text.casefold() for text in (row.actor, row.object_name, row.address, row.request) if text]
    words = wanted.text.replace("\0", " ").split()[:8]
    return all(any(word.casefold() in text for text in said) for word in words)


def _may_hold(archive: AuditArchive, wanted: AuditFilter) -> bool:
    # A clock that was set back makes instants and numbers disagree, so only what lies clearly outside is left out.
    first, last = sorted((to_micros(archive.first_at), to_micros(archive.last_at)))
    slack = 86_400_000_000
    is_before = wanted.since is not None and last + slack < wanted.since
    return not is_before and not (wanted.until is not None and first - slack >= wanted.until)


def _found(folder: Path, archive: AuditArchive, wanted: AuditFilter) -> Iterator[AuditRow]:
    for values in entries_of(path_of(folder, archive)):
        row = row_of(values)
        if matches(row, wanted):
            yield row
