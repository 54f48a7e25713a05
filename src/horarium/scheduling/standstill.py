"""Notice from a thread beside it that the loop stands still although its process lives."""

from __future__ import annotations

import logging
from typing import Final

from horarium.clock import Clock, from_micros
from horarium.states import EventKind, SilenceCause
from horarium.store.books.events import EventBook
from horarium.store.port import Store

log = logging.getLogger("horarium.scheduling")

STILL_SECONDS: Final = 30.0
"""How long the loop may be at one turn; it usually comes round each second."""
DETAIL: Final = "The loop of a scheduler stands still although its process lives."


class Standstill:
    """Writes down once that the loop stands still, and once that it goes round again."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Write to `store`."""
        self._store = store
        self._clock = clock
        self._is_noted = False

    def look(self, turned: float) -> None:
        """Look at when the loop last came round, in steady seconds. Raises `StoreError`."""
        still = self._clock.monotonic() - turned
        if still < STILL_SECONDS:
            if self._is_noted:
                self._take_back()
            return
        if self._is_noted:
            return
        from horarium.store.books.silences import SilenceBook  # noqa: PLC0415 - only a loop that stands needs it

        log.error("The loop has been standing still for %.0f s; nothing is started", still)
        now = self._clock.micros()
        began = now - int(still * 1_000_000)
        with self._store.transaction() as tx:
            if SilenceBook(tx).begin(SilenceCause.STUCK, DETAIL, began_at=began, now=now):
                body = {"cause": SilenceCause.STUCK.value, "since": from_micros(began).isoformat()}
                EventBook(tx).append(EventKind.SCHEDULER_SILENT, at=now, body=body)
        self._is_noted = True

    def _take_back(self) -> None:
        from horarium.store.books.silences import SilenceBook  # noqa: PLC0415 - likewise

        log.warning("The loop goes round again")
        now = self._clock.micros()
        with self._store.transaction() as tx:
            if SilenceBook(tx).end(now=now, cause=SilenceCause.STUCK):
                EventBook(tx).append(EventKind.SCHEDULER_BACK, at=now)
        self._is_noted = False
