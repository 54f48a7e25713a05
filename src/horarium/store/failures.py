"""Turn what a database driver raises into our own errors, at the edge and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import RootTransaction
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from horarium.errors import (
    DuplicateKey,
    HorariumError,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreUnavailable,
)

_SQLITE: dict[str, tuple[type[StoreError], str]] = {
    "SQLITE_BUSY": (StoreBusy, "the database file is locked by another program"),
    "SQLITE_LOCKED": (StoreBusy, "the database file is locked by another program"),
    "SQLITE_FULL": (StoreFull, "the disk that holds the database is full"),
    "SQLITE_CANTOPEN": (StoreUnavailable, "the database file cannot be opened"),
    "SQLITE_READONLY": (StoreUnavailable, "the database file may not be written"),
    "SQLITE_PERM": (StoreUnavailable, "the database file may not be opened"),
    "SQLITE_IOERR": (StoreUnavailable, "the disk that holds the database does not answer properly"),
    "SQLITE_NOTADB": (StoreForeign, "the file is not a database"),
    "SQLITE_CORRUPT": (StoreForeign, "the database file is damaged"),
    "SQLITE_CONSTRAINT_PRIMARYKEY": (DuplicateKey, "the key is taken already"),
    "SQLITE_CONSTRAINT_UNIQUE": (DuplicateKey, "the key is taken already"),
    "SQLITE_CONSTRAINT_ROWID": (DuplicateKey, "the key is taken already"),
}

# Classes and codes of SQLSTATE as PostgreSQL documents them in its appendix of error codes.
_POSTGRES: tuple[tuple[str, type[StoreError], str], ...] = (
    ("23505", DuplicateKey, "the key is taken already"),
    ("53100", StoreFull, "the disk that holds the database is full"),
    ("57014", StoreBusy, "the database took too long and the statement was given up"),
    ("55P03", StoreBusy, "the database kept a row locked for too long"),
    ("40", StoreBusy, "the database asked to try the change again"),
    ("53", StoreUnavailable, "the database has no room for another connection"),
    ("57", StoreUnavailable, "the database is going down or starting"),
    ("08", StoreUnavailable, "the connection to the database broke"),
    ("28", StoreUnavailable, "the database refused the user name or the password"),
    ("XX001", StoreDamaged, "a page of the database is damaged"),
    ("XX002", StoreDamaged, "an index of the database is damaged"),
    ("3D", StoreUnavailable, "there is no database of that name"),
)


@contextmanager
def translated() -> Iterator[None]:
    """Let errors of ours pass and turn every driver's error into a `StoreError`."""
    try:
        yield
    except HorariumError:
        raise
    except PoolTimeout as error:
        raise StoreBusy("all connections to the database are in use") from error
    except DBAPIError as error:
        raise from_driver(error.orig) from error
    except SQLAlchemyError as error:
        raise StoreError(f"the database layer refused: {type(error).__name__}") from error


def rolled_back(transaction: RootTransaction) -> bool:
    """Take a transaction back; False when even that failed, so that its connection must not be used again."""
    try:
        transaction.rollback()
    except SQLAlchemyError:
        return False
    return True


def from_driver(error: BaseException | None) -> StoreError:
    """Return our error for what sqlite3 or psycopg raised; the driver's own words are kept short at the end."""
    if isinstance(error, StoreError):
        return error
    name = getattr(error, "sqlite_errorname", None)
    if isinstance(name, str):
        return _from_sqlite(name, error)
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return _from_postgres(state)
    if type(error).__name__ in {"OperationalError", "InterfaceError", "ConnectionTimeout"}:
        return StoreUnavailable(_about_connecting(str(error)))
    return StoreError(f"the database layer failed: {type(error).__name__}: {str(error)[:300]}")


def _from_postgres(state: str) -> StoreError:
    for prefix, kind, words in _POSTGRES:
        if state.startswith(prefix):
            return kind(words)
    return StoreError(f"the database refused the statement (SQLSTATE {state})")


def _about_connecting(said: str) -> str:
    # A server that refuses a connection says why in words; the driver hands on no code for it.
    _, refused, why = said.partition("FATAL:")
    if not refused:
        return "the database does not answer"
    return f"the database refused the connection: {why.strip().partition(chr(10))[0][:300] or 'it did not say why'}"


def _from_sqlite(name: str, error: BaseException | None) -> StoreError:
    for prefix, (kind, words) in _SQLITE.items():
        if name.startswith(prefix):
            return kind(words)
    return StoreError(f"the database refused the statement ({name}: {error})")
