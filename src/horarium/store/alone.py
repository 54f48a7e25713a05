"""Have a store alone for a while: no process joins it as a node until the block ends, or the process does.

SQLite: the lock of a file beside the database, which the kernel releases. PostgreSQL: an advisory lock of a connection.
Whoever joins looks within the transaction that makes it a node; whoever wants the store alone looks for nodes after it
has the lock. So one of the two sees the other.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import text

from horarium.errors import Conflict, StoreUnavailable
from horarium.store.port import Store, Transaction
from horarium.store.sqlite import SqliteStore

BUSY: Final = "a backup is being restored into this store: start again when that is done"
_NUMBER: Final = 1213157954
_TAKE: Final = text("SELECT pg_try_advisory_lock(:number)")
_GIVE: Final = text("SELECT pg_advisory_unlock(:number)")
_PASS: Final = text("SELECT pg_try_advisory_xact_lock_shared(:number)")


@contextmanager
def alone(store: Store) -> Iterator[None]:
    """Keep new nodes out of `store`. Raises `Conflict` when somebody else does so already."""
    if isinstance(store, SqliteStore) and store.path is not None:
        with _locked(lock_of(store.path)):
            yield
    elif store.capabilities.shares_hosts:
        with store.reading() as tx:
            if not tx.execute(_TAKE, {"number": _NUMBER}).scalar_one():
                raise Conflict(BUSY)
            # Without a transaction that would hold a snapshot for as long as the restore takes.
            tx.connection.commit()
            try:
                yield
            finally:
                tx.execute(_GIVE, {"number": _NUMBER})
    else:
        yield


def refuse_joining(store: Store, tx: Transaction) -> None:
    """Raise `StoreUnavailable` for a node that wants to join while somebody has the store alone."""
    if isinstance(store, SqliteStore):
        is_free = store.path is None or _is_free(lock_of(store.path))
    elif store.capabilities.shares_hosts:
        is_free = bool(tx.execute(_PASS, {"number": _NUMBER}).scalar_one())
    else:
        is_free = True
    if not is_free:
        raise StoreUnavailable(BUSY)


def lock_of(path: Path) -> Path:
    """Return the lock file of a database file."""
    return path.with_name(path.name + "-restore.lock")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be used: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(BUSY) from None
        yield
    finally:
        os.close(descriptor)


def _is_free(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
