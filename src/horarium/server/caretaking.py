"""Look after what waits to be called and what comes to its end, and take samples, in a thread of its own."""

from __future__ import annotations

import logging
from typing import Final

from horarium.clock import Clock
from horarium.errors import StoreError
from horarium.scheduling.calls import CallDesk
from horarium.standby import Standby
from horarium.store.books.samples import STRETCH, SampleBook
from horarium.store.port import Store
from horarium.vault.expiring import ExpiryWatch

log = logging.getLogger("horarium.server")

LOOK_SECONDS: Final = 10.0
KEPT_DAYS: Final = 35
_DAY: Final = 86_400_000_000


class Caretaker(Standby):
    """Counts missed calls, tells of credentials that end soon, and keeps samples of how the system does."""

    thread_name = "horarium-caretaker"
    stop_seconds = 5.0

    def __init__(self, store: Store, clock: Clock) -> None:
        """Look after `store`; calls can be heard from now on."""
        super().__init__()
        self._store = store
        self._clock = clock
        self._calls = CallDesk(store, clock)
        self._expiry = ExpiryWatch(store, clock)
        self._sampled = 0
        self._pruned = 0

    def look(self) -> None:
        """Do what is to be done now. Raises `StoreError`."""
        self._calls.sweep()
        now = self._clock.micros()
        if now // STRETCH == self._sampled // STRETCH:
            return
        self._expiry.look()
        with self._store.reading() as tx:
            sample = SampleBook(tx).look(now)
        with self._store.transaction() as tx:
            SampleBook(tx).keep(sample)
            if now // _DAY != self._pruned // _DAY:
                SampleBook(tx).forget_before(now - KEPT_DAYS * _DAY)
                self._pruned = now
        self._sampled = now

    def _run(self) -> None:
        while not self._is_stopping:
            try:
                self.look()
            except StoreError as error:
                log.warning("Heartbeats and samples wait: %s", error, extra={"word": "caretaker.waiting"})
            except Exception:
                log.exception("The caretaker stumbled and goes on", extra={"word": "caretaker.fault"})
            self._clock.wait(self._alarm, LOOK_SECONDS)
