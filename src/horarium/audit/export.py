"""Write entries of the audit log as CSV that no spreadsheet takes for formulas, or as one line of JSON each."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from enum import StrEnum
from typing import Any, Final

from horarium.audit.trail import Trail
from horarium.records.audit import AuditFilter, AuditRow

AT_ONCE: Final = 500
COLUMNS: Final = tuple(each.name for each in fields(AuditRow))
# Spreadsheets take a cell that begins with one of these for a formula, some also in its full-width form.
_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class Format(StrEnum):
    """How entries are written."""

    CSV = "csv"
    """A table for spreadsheets."""
    JSON = "json"
    """One JSON object a line, exact, with the hashes by which the chain can be followed."""


def pieces(trail: Trail, wanted: AuditFilter, form: Format, *, last: int) -> Iterator[bytes]:
    """Yield the entries of a search up to the number `last`, oldest first, in pieces.

    Each piece is read by itself, so nothing is held while somebody takes their time to receive it.
    """
    if form is Format.CSV:
        yield table([COLUMNS]).encode()
    after = 0
    while True:
        found = trail.page(wanted, after=after, limit=AT_ONCE)[::-1]
        rows = [row for row in found if row.id <= last]
        if rows:
            yield (as_table(rows) if form is Format.CSV else as_lines(rows)).encode()
        if len(rows) < AT_ONCE:
            return
        after = rows[-1].id


def as_table(rows: Iterable[AuditRow]) -> str:
    """Return entries as lines of CSV, without a head."""
    return table([_cells(row) for row in rows])


def as_lines(rows: Iterable[AuditRow]) -> str:
    """Return entries as lines of JSON."""
    return "".join(f"{json.dumps(_plain(row), ensure_ascii=True)}\n" for row in rows)


def table(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as CSV by RFC 4180; numbers stay numbers, and no text can be taken for a formula."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([[_safe(cell) for cell in row] for row in rows])
    return written.getvalue()


def _safe(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    # No reader of tables needs these, and some stop at them.
    text = cell.replace("\0", "")
    return f"'{text}" if cell.startswith(_STARTS) or text.startswith(_STARTS) else text


def _plain(row: AuditRow) -> dict[str, Any]:
    return {**asdict(row), "at": row.at.isoformat()}


def _cells(row: AuditRow) -> list[Any]:
    plain = _plain(row)
    texts = {name: json.dumps(plain[name]) if plain[name] else "" for name in ("before", "after", "details")}
    return [texts.get(name, plain[name]) for name in COLUMNS]
