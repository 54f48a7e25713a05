"""Go through the audit log and say whether anything in it was changed, taken out, added or moved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from horarium.audit.archive import path_of
from horarium.audit.shelf import fault_of, look_through
from horarium.errors import StoreForeign
from horarium.records.audit import AuditArchive
from horarium.store.books.archives import ArchiveBook
from horarium.store.books.audit import FIRST_HASH, AuditBook
from horarium.store.port import Store

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look through the log found: how many entries, and the number and fault of the first bad one.

    `archives` is how many archives were looked through, `archived` how many of the entries stand in them; `unread`
    counts the entries of archives that were left out.
    """

    entries: int
    bad_id: int | None = None
    fault: str = ""
    archives: int = 0
    archived: int = 0
    unread: int = 0

    @property
    def is_sound(self) -> bool:
        """Tell whether the log is whole."""
        return self.bad_id is None


def verify(store: Store, folder: Path | None = None) -> Verdict:
    """Follow the chain from its first entry to its last: through the archives in `folder`, then through the store.

    Without a folder the archives are taken for whole, and only what is recorded of them has to fit.
    """
    with store.reading() as tx:
        book = AuditBook(tx)
        # Entries may be moved meanwhile: archives, rows and the end have to be of one moment.
        book.hold_still()
        # The end is asked for first: what is appended meanwhile only makes the log longer.
        last_id, last_hash = book.head()
        archives = ArchiveBook(tx).all()
        seen, bad = _through_archives(archives, folder)
        if bad is not None:
            return bad
        number, previous = (archives[-1].last_id, archives[-1].last_hash) if archives else (0, FIRST_HASH)
        archived, moved = seen, number
        stray = book.raw(after=0, most=1)
        if stray and stray[0][0] <= number:
            return Verdict(seen, int(stray[0][0]), "it stands in the store and in an archive")
        while number < last_id:
            page = [row for row in book.raw(after=number, most=AT_ONCE) if row[0] <= last_id]
            if not page:
                break
            for row in page:
                fault = fault_of(row, number, previous)
                if fault:
                    return Verdict(seen, int(row[0]), fault)
                number, previous, seen = int(row[0]), str(row[-1]), seen + 1
    if number != last_id:
        return Verdict(seen, number + 1, f"the newest entries are missing: {last_id} were written")
    if previous != last_hash:
        return Verdict(seen, number, "it is not the entry that was written last")
    return Verdict(seen, archives=len(archives) if folder else 0, archived=archived, unread=0 if folder else moved)


def _through_archives(archives: list[AuditArchive], folder: Path | None) -> tuple[int, Verdict | None]:
    """Return how many entries of archives were read, and the verdict where one of them is bad."""
    number, previous, seen = 0, FIRST_HASH, 0
    for archive in archives:
        if archive.first_id != number + 1:
            return seen, Verdict(seen, number + 1, f"the archive before {archive.file} is missing")
        if archive.previous != previous:
            fault = f"the archive {archive.file} does not follow what is before it"
            return seen, Verdict(seen, archive.first_id, fault)
        if folder is not None:
            try:
                look_through(path_of(folder, archive), archive)
            except StoreForeign as error:
                return seen, Verdict(seen, archive.first_id, str(error))
            seen += archive.entries
        number, previous = archive.last_id, archive.last_hash
    return seen, None
