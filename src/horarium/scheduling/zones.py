"""When the world's clock rules change: stored next instants are computed anew with the new rules."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path

from horarium.clock import Clock
from horarium.errors import InvalidSchedule
from horarium.scheduling.compiled import trigger_of
from horarium.scheduling.decisions import next_micros
from horarium.store.books.agenda import AgendaBook
from horarium.store.books.ledger import LedgerBook
from horarium.store.port import Store
from horarium.store.schema import read_meta, write_meta

log = logging.getLogger("horarium.scheduling")

_KEY = "zone_data"
_PAGE = 1000
_SYSTEM_VERSION = Path("/usr/share/zoneinfo/+VERSION")


def zone_data_version() -> str:
    """Return which edition of the time zone data this process uses, as far as it can be told."""
    parts = []
    if _SYSTEM_VERSION.is_file():
        parts.append(_SYSTEM_VERSION.read_text(encoding="ascii", errors="replace").strip()[:32])
    parts.append(str(import_module("tzdata").__version__))
    return "/".join(parts)


def follow_zone_data(store: Store, clock: Clock) -> int:
    """Compute the next instants anew if the zone data is another edition than at the last start.

    Only instants that lie ahead are touched, and none before what the ledger has already: nothing fires again.
    Returns how many tasks moved.
    """
    version = zone_data_version()
    with store.reading() as tx:
        known = read_meta(tx, _KEY)
    if known == version:
        return 0
    moved = 0 if known is None else _recompute(store, clock.micros())
    with store.transaction() as tx:
        write_meta(tx, _KEY, version)
    if moved:
        log.warning("Time zone rules changed (%s, was %s): %d tasks have another next time", version, known, moved)
    return moved


def _recompute(store: Store, now: int) -> int:
    moved, after = 0, 0
    while True:
        with store.transaction() as tx:
            page = AgendaBook(tx).scheduled(after, most=_PAGE)
            if not page:
                return moved
            after = page[-1][0]
            moves: list[tuple[int | None, int]] = []
            for task_id, definition, next_at in page:
                if next_at <= now or definition.schedule is None:
                    continue
                try:
                    latest = LedgerBook(tx).latest_planned(task_id) or 0
                    fresh = next_micros(trigger_of(definition.schedule), max(now, latest))
                except InvalidSchedule:
                    continue
                if fresh != next_at:
                    moves.append((fresh, task_id))
            AgendaBook(tx).advance(moves)
            moved += len(moves)
