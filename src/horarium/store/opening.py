"""From a path or an address to an open store with the right schema."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from horarium.clock import Clock
from horarium.errors import InvalidValue, StoreForeign
from horarium.store.port import Store
from horarium.store.schema import prepare
from horarium.store.sqlite import SqliteStore

_ALLOWED = "use a path, sqlite:///path, or postgresql://user:password@host/database"


def connect(where: str | Path, *, clock: Clock | None = None) -> Store:
    """Open the store at `where` as it is, whatever its schema. Raises as `open_store` does."""
    if isinstance(where, Path):
        return SqliteStore(where.absolute(), clock=clock)
    if where in {":memory:", "sqlite://", "sqlite:///:memory:"}:
        return SqliteStore(None, clock=clock)
    if "://" not in where:
        return SqliteStore(Path(where).absolute(), clock=clock)
    try:
        url = make_url(where)
    except ArgumentError:
        raise InvalidValue("DATABASE_URL", "(not shown)", _ALLOWED) from None
    if url.get_backend_name() == "sqlite":
        return SqliteStore(Path(url.database).absolute() if url.database else None, clock=clock)
    if url.get_backend_name() in {"postgresql", "postgres"}:
        from horarium.store.postgres import PostgresStore  # noqa: PLC0415

        return PostgresStore(url)
    raise InvalidValue("DATABASE_URL", f"{url.drivername}://…", _ALLOWED)


def open_store(where: str | Path, *, clock: Clock | None = None, upgrade: bool = True) -> Store:
    """Open the store at `where` and see to its schema.

    `where` is a path, an `sqlite:///` or a `postgresql://` address. A new store gets the schema; an older one is
    upgraded when `upgrade` says so and refused with `StoreOutdated` otherwise; a newer one is refused with
    `StoreNewer`, a foreign one with `StoreForeign`. Raises `StoreUnavailable` when it cannot be opened and
    `InvalidValue` for an address that means nothing.
    """
    try:
        store = connect(where, clock=clock)
        try:
            prepare(store, upgrade=upgrade)
        except BaseException:
            store.close()
            raise
    except StoreForeign as error:
        raise _naming(where, error) from error
    return store


def _naming(where: str | Path, error: StoreForeign) -> StoreForeign:
    """Return the error with the file in it, which is what a person looks for; an address may hold a password."""
    path = str(where).removeprefix("sqlite:///")
    if "://" in path or path in str(error):
        return error
    return StoreForeign(f"{path}: {error}; Horarium leaves it as it is")
