"""Limit guessing: so many wrong tries for an account and from an address, counted in the store before the work."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from horarium.accounts.fingerprints import fingerprint
from horarium.accounts.names import key_of
from horarium.clock import Clock
from horarium.errors import TooManyTries
from horarium.store.books.signins import AttemptBook
from horarium.store.port import Store

_IPV6_NET: Final = 64


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `tries` wrong ones in any stretch of time as long as `within`."""

    tries: int
    within: timedelta


PER_ACCOUNT: Final = Limit(10, timedelta(minutes=15))
PER_ADDRESS: Final = Limit(50, timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Ticket:
    """A try that is counted already; one that turns out well is taken back."""

    numbers: tuple[int, ...]


class Throttle:
    """The counters of one store, shared by all its servers and kept over restarts."""

    def __init__(
        self, store: Store, clock: Clock, *, per_account: Limit = PER_ACCOUNT, per_address: Limit = PER_ADDRESS
    ) -> None:
        """Count in `store`."""
        self._store = store
        self._clock = clock
        self._per_account = per_account
        self._per_address = per_address

    def take(self, *, address: str | None, name: str | None = None, device: str | None = None) -> Ticket:
        """Count a try before anything is checked. Raises `TooManyTries` with the seconds to wait.

        `address` is where the try comes from, None where a program does not know it; `name` is the account as it was
        typed; `device` stands for a browser that has signed in to that account before and has a counter of its own, so
        that nobody can lock a person out by guessing from elsewhere.
        """
        limits = {} if address is None else {_key("address", _network(address)): self._per_address}
        if device is not None:
            limits[_key("device", device)] = self._per_account
        elif name is not None:
            limits[account_key(name)] = self._per_account
        now = self._clock.now()
        with self._store.transaction() as tx:
            book = AttemptBook(tx)
            book.hold(limits)
            waits = [self._wait(book, key, limit, now) for key, limit in limits.items()]
            if max(waits, default=0.0) > 0:
                raise TooManyTries(max(waits))
            book.forget_before(now - max(self._per_account.within, self._per_address.within))
            return Ticket(tuple(book.add(key, now) for key in limits))

    def take_back(self, ticket: Ticket) -> None:
        """Uncount a try that turned out well."""
        with self._store.transaction() as tx:
            AttemptBook(tx).take_back(ticket.numbers)

    def clear(self, name: str) -> int:
        """Forget the tries on an account, for somebody at the console; return how many there were."""
        with self._store.transaction() as tx:
            return AttemptBook(tx).clear(account_key(name))

    def _wait(self, book: AttemptBook, key: str, limit: Limit, now: datetime) -> float:
        count, first = book.since(key, now - limit.within)
        if count < limit.tries or first is None:
            return 0.0
        return max(1.0, (first + limit.within - now).total_seconds())


def account_key(name: str) -> str:
    """Return the key under which tries on an account are counted: all spellings of its name share it."""
    return _key("account", key_of(name))


def _key(kind: str, what: str) -> str:
    # Hashed: what was typed as a name may be a password.
    return fingerprint(f"{kind}\0{what}")


def _network(address: str) -> str:
    """Return what counts as one address: with IPv6 a household has a whole network of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _IPV6_NET), strict=False))
    return str(parsed)
