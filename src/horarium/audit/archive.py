"""Move old entries of the audit log into files that can be looked through, so that the chain goes on through them.

After any kill each entry is in the store or in one archive that is recorded there: a file counts from the commit that
records it, which is the one that takes its entries out of the table. What lies in the folder besides is a leftover.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from horarium.audit import shelf
from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Alarm, Clock, from_micros
from horarium.errors import Conflict, DuplicateKey, InvalidValue, StoreForeign, StoreFull, StoreUnavailable
from horarium.records.actors import Actor
from horarium.records.audit import AuditArchive
from horarium.store.books.archives import ArchiveBook
from horarium.store.books.audit import AuditBook
from horarium.store.port import Store
from horarium.store.schema import read_meta

LEAST_DAYS: Final = 30
"""No entry leaves the store earlier, whatever is asked for: it is what somebody looks into after an incident."""
_MOST_DAYS: Final = 36_500
_FULL: Final = 28

log = logging.getLogger("horarium.audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRule:
    """What is moved: all entries before the first one that is younger than `age`.

    One file, and the transaction that empties the table of what is in it, has at most `batch` entries; `rest` lies
    between two.
    """

    age: timedelta = timedelta(days=400)
    batch: int = 5000
    rest: timedelta = timedelta(milliseconds=100)

    def __post_init__(self) -> None:
        """Refuse a rule that would leave too little, raising `InvalidValue`."""
        if not timedelta(days=LEAST_DAYS) <= self.age <= timedelta(days=_MOST_DAYS):
            raise InvalidValue("days", _days(self.age), f"use a number from {LEAST_DAYS} to {_MOST_DAYS}")
        if not 1 <= self.batch <= 100_000:
            raise InvalidValue("batch", self.batch, "use a whole number from 1 to 100000")


@dataclass(frozen=True, slots=True)
class Archived:
    """What was moved: how many entries, into how many files, and how large these are in bytes (0 in a dry run)."""

    entries: int = 0
    files: int = 0
    size: int = 0


class Archiver:
    """Moves entries of one store into one folder. Harmless when killed or repeated; a second one at once is refused."""

    def __init__(self, store: Store, clock: Clock, folder: Path, rule: ArchiveRule) -> None:
        """Work on `store` by `rule`; archives are kept in `folder`."""
        self._store = store
        self._clock = clock
        self._folder = folder
        self._rule = rule
        self._trail = Trail(store, clock)

    def run(self, *, dry_run: bool = False, go_on: Callable[[], None] | None = None) -> Archived:
        """Move what the rule says, or only count it with `dry_run`; `go_on` is called between files and may raise.

        Raises `Conflict` while another one is at it, and when the log is not whole: then nothing of the damaged part
        is moved. Raises `StoreFull` and `StoreUnavailable` for the folder.
        """
        cutoff = self._clock.micros() - self._rule.age // timedelta(microseconds=1)
        if dry_run:
            with self._store.reading() as tx:
                first, last = ArchiveBook(tx).span_before(cutoff)
            count = last - first + 1
            return Archived(count, -(-count // self._rule.batch))
        total = Archived()
        with shelf.locked(self._folder):
            self._sweep()
            while (made := self._step(cutoff)) is not None:
                total = Archived(total.entries + made.entries, total.files + 1, total.size + made.size)
                self._clock.wait(Alarm(), self._rule.rest.total_seconds())
                if go_on is not None:
                    go_on()
        return total

    def _step(self, cutoff: int) -> AuditArchive | None:
        """Move one file's worth; return its archive, None when nothing is left to move."""
        with self._store.reading() as tx:
            first, last = ArchiveBook(tx).span_before(cutoff)
            last = min(last, first + self._rule.batch - 1)
            rows = AuditBook(tx).raw(after=first - 1, most=last - first + 1) if last >= first else []
            before = ArchiveBook(tx).all()
            instance = read_meta(tx, "instance") or ""
        if not rows:
            return None
        _follow(rows, before)
        archive = self._write(rows, instance)
        try:
            with self._store.transaction() as tx:
                ArchiveBook(tx).move_out(archive)
                self._trail.note(
                    *(tx, Actor.of_server(), Action.ARCHIVE_MADE, About("audit log")),
                    file=archive.file,
                    first=archive.first_id,
                    last=archive.last_id,
                )
        except (Conflict, DuplicateKey) as error:
            # Certainly not committed: the entries are elsewhere. After any other error nobody knows, and it stays.
            shelf.remove(self._folder / archive.file)
            raise Conflict("the audit log is being archived by another program at this moment") from error
        return archive

    def _write(self, rows: list[tuple[Any, ...]], instance: str) -> AuditArchive:
        path = self._folder / shelf.new_name(int(rows[0][0]), int(rows[-1][0]))
        partial = shelf.partial_of(path)
        try:
            shelf.write_entries(partial, rows)
            archive = AuditArchive(
                first_id=int(rows[0][0]),
                last_id=int(rows[-1][0]),
                first_at=from_micros(rows[0][1]),
                last_at=from_micros(rows[-1][1]),
                previous=str(rows[0][-2]),
                last_hash=str(rows[-1][-1]),
                file=path.name,
                size=partial.stat().st_size,
                sha256=shelf.checksum(partial),
                made_at=self._clock.now(),
            )
            shelf.look_through(partial, archive)
            shelf.shelve(path, archive, instance)
        except OSError as error:
            kind = StoreFull if error.errno == _FULL else StoreUnavailable
            raise kind(f"the archive in {self._folder} could not be written: {error.strerror}") from error
        finally:
            partial.unlink(missing_ok=True)
        return archive

    def _sweep(self) -> None:
        """Remove files that were finished and never recorded, if all of their entries are still in the store."""
        with self._store.transaction() as tx:
            known = {each.file for each in ArchiveBook(tx).all()}
            instance = read_meta(tx, "instance") or ""
            found = {each.name.removesuffix(".json") for each in self._folder.iterdir()}
            for path in sorted(self._folder / name for name in found - known if shelf.NAME.fullmatch(name)):
                note = shelf.read_note(path)
                span = () if note is None else (note["first_id"], note["last_id"], note["last_hash"])
                is_ours = note is not None and note.get("instance") == instance
                if is_ours and (not path.exists() or ArchiveBook(tx).has_whole(*span)):
                    shelf.remove(path)
                else:
                    log.warning("%s is no archive of this log; it is left where it is", path)


def path_of(folder: Path, archive: AuditArchive) -> Path:
    """Return where an archive lies. Raises `StoreForeign` for a name that none of ours has."""
    if not shelf.NAME.fullmatch(archive.file):
        raise StoreForeign(f"{archive.file[:120]!r} is no name of an archive")
    return folder / archive.file


def _follow(rows: list[tuple[Any, ...]], archives: list[AuditArchive]) -> None:
    """Refuse entries that are not whole, or do not follow what was moved before them. Raises `Conflict`."""
    number, previous = int(rows[0][0]) - 1, str(rows[0][-2])
    if archives and (archives[-1].last_id, archives[-1].last_hash) != (number, previous):
        raise Conflict(f"the audit log is not whole before entry {rows[0][0]}; nothing of it is archived")
    for row in rows:
        fault = shelf.fault_of(row, number, previous)
        if fault:
            raise Conflict(f"the audit log is not whole at entry {row[0]}: {fault}; it is not archived")
        number, previous = int(row[0]), str(row[-1])


def _days(age: timedelta) -> float:
    return round(age / timedelta(days=1), 3)
