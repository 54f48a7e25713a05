"""Keep the books while the server runs: figures every few minutes, summaries when they are due."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from horarium.clock import Clock
from horarium.errors import StoreError
from horarium.reports.daily import Bookkeeper
from horarium.reports.sending import Summaries
from horarium.standby import Standby
from horarium.store.port import Store

log = logging.getLogger("horarium.server")

LOOK_EVERY_SECONDS: Final = 60.0
COUNT_EVERY: Final = timedelta(minutes=5)
TIDY_EVERY: Final = timedelta(days=1)


class _Stopping(Exception):
    """The server stops: counting goes on after the next start."""


class Clerk(Standby):
    """Counts what has ended, so that pages have little to count themselves, and writes summaries."""

    thread_name = "horarium-clerk"

    def __init__(self, store: Store, clock: Clock, summaries: Summaries | None) -> None:
        """Work on `store`; `summaries` is None where no mail is sent."""
        super().__init__()
        self._clock = clock
        self._bookkeeper = Bookkeeper(store, clock)
        self._summaries = summaries
        self._counted = clock.now() - COUNT_EVERY
        self._tidied = clock.now() - TIDY_EVERY

    def step(self) -> None:
        """Do what is due now."""
        now = self._clock.now()
        if self._summaries is not None:
            self._summaries.step()
        # A clock that was set back must not keep the books closed until it has caught up.
        if not timedelta() <= now - self._counted < COUNT_EVERY:
            self._counted = now
            self._bookkeeper.run(go_on=self._check)
        if self._summaries is not None and not timedelta() <= now - self._tidied < TIDY_EVERY:
            self._tidied = now
            self._summaries.tidy()

    def _run(self) -> None:
        while not self._is_stopping:
            self._try(self.step)
            if not self._is_stopping:
                self._clock.wait(self._alarm, LOOK_EVERY_SECONDS)

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except _Stopping:
            return
        except StoreError as error:
            log.warning("Figures and summaries wait: %s", error, extra={"word": "books.waiting"})
        except Exception:
            log.exception("Figures and summaries wait: a fault", extra={"word": "books.fault"})

    def _check(self) -> None:
        if self._is_stopping:
            raise _Stopping
