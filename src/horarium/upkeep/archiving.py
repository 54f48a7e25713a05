"""Move old entries of the audit log out of the database, into files that can be looked through."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from horarium.audit.archive import Archiver, ArchiveRule
from horarium.clock import Clock
from horarium.runs.keeping import rule_of
from horarium.upkeep.places import archive_folder
from horarium.upkeep.workplace import StoreOrAddress, go_on, number_of_days, opened, refuse_from_params, settled


def archive_audit_logs(
    *,
    store: StoreOrAddress | None = None,
    folder: str | Path | None = None,
    days: float | None = None,
    dry_run: bool = False,
    clock: Clock | None = None,
) -> dict[str, Any]:
    """Move entries of the audit log that are older than `days` into archives in `folder`.

    Default for `days`: what the installation keeps (400 where nobody has said), at least 30; for `folder`: the setting
    `HORARIUM_ARCHIVES`, else `audit-archives` beside the database file or in the data folder. An archive is packed,
    read back and followed hash by hash before its entries leave the table, with the commit that records it. Returns
    the counts `entries` and `archives`, and `bytes`; with `dry_run` nothing is changed. May be killed or repeated.
    Raises `InvalidValue`, `StoreFull`, `StoreUnavailable`, and `Conflict` while another one is at it or when the log is
    not whole.
    """
    refuse_from_params(store=store, folder=folder)
    with opened(store) as found:
        age = rule_of(found).audit_days if days is None else number_of_days(days)
        place = Path(folder).absolute() if folder is not None else archive_folder(found)
        rule = ArchiveRule(age=timedelta(days=age))
        moved = Archiver(found, settled(clock), place, rule).run(dry_run=dry_run, go_on=go_on())
    return {"entries": moved.entries, "archives": moved.files, "bytes": moved.size, "dry_run": dry_run}
