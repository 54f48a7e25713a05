"""Read and write why schedules are held: a row for each reason, all of them read at once."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

from horarium.store.hot import Hot
from horarium.store.port import Transaction
from horarium.store.schema import drop_meta, write_meta

# These keys stay: stores of earlier releases and their backups have them, and the watcher asks for the first.
MAINTENANCE: Final = "maintenance"
RESTORED: Final = "hold"
# Asked before runs begin, so it is one statement, and the driver is given it as it stands.
_ALL: Final = Hot(text("SELECT key, value FROM horarium_meta WHERE key IN ('hold', 'maintenance')"), [])


class HoldBook:
    """The reasons for which schedules are held, each with what is to be known of it as text."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def all(self) -> dict[str, str]:
        """Return what stands there, by reason; nothing while schedules go on."""
        return {str(key): str(value) for key, value in self._tx.rows(_ALL)}

    def put(self, reason: str, about: str) -> None:
        """Hold schedules for a reason."""
        write_meta(self._tx, reason, about)

    def drop(self, reason: str) -> None:
        """Hold schedules for a reason no more; what else holds them stays."""
        drop_meta(self._tx, reason)
