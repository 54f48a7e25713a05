"""Keep the thread that tells a collector of runs beside the server: start it, end it without waiting for anybody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from horarium.clock import Clock
from horarium.store.port import Store
from horarium.traces.teller import Outgoing, Teller

THREAD: Final = "horarium-scribe"
STOP_SECONDS: Final = 0.75
"""How long a stop waits for what is being sent, and once more after the way to the collector was closed."""


class Scribe:
    """The one who writes down for a collector what became of runs."""

    def __init__(self, store: Store, clock: Clock, make: Callable[[], Outgoing]) -> None:
        """Read `store`; `make` opens the way to the collector."""
        self._store = store
        self._clock = clock
        self._make = make
        self._at_work: tuple[threading.Thread, Teller, Outgoing] | None = None

    def start(self) -> None:
        """Begin to send, for the first time or again."""
        outlet = self._make()
        teller = Teller(self._store, self._clock, outlet)
        thread = threading.Thread(target=teller.run, name=THREAD, daemon=True)
        self._at_work = thread, teller, outlet
        thread.start()

    def stop(self) -> None:
        """Send what has ended if that is quickly done, and end; the rest is sent after the next start."""
        if self._at_work is None:
            return
        (thread, teller, outlet), self._at_work = self._at_work, None
        teller.begin_stop()
        thread.join(STOP_SECONDS)
        outlet.close()
        thread.join(STOP_SECONDS)
        # The store may be closed from here on.
        teller.leave()
