"""Count how often somebody does something, in the store: shared by all processes and kept over restarts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from horarium.accounts.fingerprints import fingerprint
from horarium.accounts.throttle import Limit
from horarium.clock import Clock
from horarium.store.books.signins import AttemptBook
from horarium.store.port import Store

LIMITS: Final[Mapping[str, Limit]] = {
    "login": Limit(5, timedelta(minutes=15)),
    "api_call": Limit(100, timedelta(minutes=1)),
    "credential_test": Limit(1, timedelta(seconds=3)),
}
"""The limits of actions that have one of their own."""
OTHER: Final = Limit(50, timedelta(minutes=1))


def allow(store: Store, clock: Clock, user_id: int, action: str) -> bool:
    """Count that a person does `action` now; return False, and count nothing, where that is too often."""
    limit = LIMITS.get(action, OTHER)
    key = fingerprint(f"rate\0{user_id}\0{action}")
    now = clock.now()
    with store.transaction() as tx:
        book = AttemptBook(tx)
        book.hold([key])
        count, _first = book.since(key, now - limit.within)
        if count >= limit.tries:
            return False
        book.add(key, now)
    return True
