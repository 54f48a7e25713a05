"""Tell of credentials whose date comes near, some days before no run gets them any more."""

from __future__ import annotations

from typing import Final

from horarium.clock import Clock, to_micros
from horarium.records.credentials import Credential
from horarium.states import EventKind
from horarium.store.books.credentials import maybe_micros
from horarium.store.books.events import EventBook
from horarium.store.books.expiring import ExpiryBook
from horarium.store.port import Store, Transaction

_MOST: Final = 500


class ExpiryWatch:
    """Looks at the dates of credentials. Harmless when killed, repeated, or run twice at once."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Work on `store`."""
        self._store = store
        self._clock = clock

    def look(self) -> int:
        """Tell what is to be told now; return of how many credentials. Raises `StoreError`."""
        now = self._clock.now()
        with self._store.reading() as tx:
            near = ExpiryBook(tx).near(now, most=_MOST)
        if not near:
            return 0
        with self._store.transaction() as tx:
            told = [each for each in near if ExpiryBook(tx).warn(each, now)]
            for each in told:
                _tell(tx, each, to_micros(now))
        return len(told)


def _tell(tx: Transaction, credential: Credential, at: int) -> None:
    body = {
        "credential_id": credential.id,
        "name": credential.name,
        "owner_id": credential.owner_id,
        "path": f"/credentials/{credential.id}",
        "ends_at": maybe_micros(credential.expires_at),
        "mark": f"{at}",
    }
    EventBook(tx).append(EventKind.CREDENTIAL_EXPIRING, at=at, body=body)
