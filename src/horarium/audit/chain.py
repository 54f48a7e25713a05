"""Go through the audit log and say whether anything in it was changed, taken out, added or moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from horarium.store.books.audit import FIRST_HASH, AuditBook, hash_of
from horarium.store.port import Store

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look through the log found: how many entries, and the number and fault of the first bad one."""

    entries: int
    bad_id: int | None = None
    fault: str = ""

    @property
    def is_sound(self) -> bool:
        """Tell whether the log is whole."""
        return self.bad_id is None


def verify(store: Store) -> Verdict:
    """Follow the chain from its first entry to its last."""
    previous, number, seen = FIRST_HASH, 0, 0
    with store.reading() as tx:
        book = AuditBook(tx)
        # The end is asked for first: what is appended meanwhile only makes the log longer.
        last_id, last_hash = book.head()
        while number < last_id:
            page = [row for row in book.raw(after=number, most=AT_ONCE) if row[0] <= last_id]
            if not page:
                break
            for row in page:
                fault = _fault(row, number, previous)
                if fault:
                    return Verdict(seen, int(row[0]), fault)
                number, previous, seen = int(row[0]), str(row[-1]), seen + 1
    if number != last_id:
        return Verdict(seen, number + 1, f"the newest entries are missing: {last_id} were written")
    if previous != last_hash:
        return Verdict(seen, number, "it is not the entry that was written last")
    return Verdict(seen)


def _fault(row: tuple[Any, ...], number: int, previous: str) -> str:
    if row[0] != number + 1:
        return f"entry {number + 1} is missing before it"
    if row[-2] != previous:
        return "it does not follow the entry before it"
    if hash_of(row[:-1]) != row[-1]:
        return "it was changed"
    return ""
