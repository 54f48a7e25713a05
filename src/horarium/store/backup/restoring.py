"""Restore a backup into the live store, or into a scratch one for a drill: all of it or nothing, nothing unproved.

SQLite: the store is built anew beside the backup and then taken over by SQLite's own backup, which is one commit.
PostgreSQL: dropping, building and filling is one transaction. Killed at any moment, the store is the old one or the
new one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from sqlalchemy import text
from sqlalchemy.schema import CreateSchema

from horarium.errors import InvalidValue, StoreError, StoreForeign, StoreNewer, StoreUnavailable
from horarium.store.backup import rebuild_sqlite
from horarium.store.backup.making import compare, plain_copy
from horarium.store.backup.packing import GoOn, Seal, check_room
from horarium.store.backup.shelf import Backup
from horarium.store.damage import KEY
from horarium.store.migrations.runner import bring, known_revisions
from horarium.store.port import Store, Transaction
from horarium.store.postgres import PostgresStore
from horarium.store.schema import drop_meta
from horarium.store.sqlite import SqliteStore

Within = Callable[[Transaction], None]
"""What is done with the restored content before anybody else sees it, in its transaction."""
LOCK_SECONDS: Final = 20
_PATIENCE: Final = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'",
    # The number of schema changes: nobody upgrades meanwhile.
    "SELECT pg_advisory_xact_lock(1213157953)",
)
_PAGE_SIZE: Final = text("PRAGMA page_size")
_USE: Final = text("SELECT set_config('search_path', :name, true)")


class _DrillIsOver(Exception):
    """End the transaction of a drill, so that nothing of it stays."""


def restore(store: Store, backup: Backup, *, seal: Seal | None, within: Within, go_on: GoOn) -> None:
    """Put what `backup` holds in the place of everything in `store`, after `within` has had its say.

    Nobody else may schedule in the store meanwhile. Raises `StoreForeign` for a backup that is damaged or not one of
    ours, `StoreNewer` for one of a newer release, `StoreFull`, `StoreBusy`, `StoreUnavailable`, and whatever `within`
    and `go_on` raise; then the store is as it was.
    """
    refuse_unfit(store, backup)
    with plain_copy(backup, seal, go_on) as plain:
        if isinstance(store, SqliteStore):
            rebuilt = _rebuilt(store, backup, plain, within, go_on)
            store.take_over(rebuilt, go_on)
            return
        with cast("PostgresStore", store).replacing() as tx:
            for words in _PATIENCE:
                tx.execute(text(words))
            _fill_postgres(tx, backup, plain, within, go_on, instead=True)


def drill(store: Store, backup: Backup, *, seal: Seal | None, within: Within, go_on: GoOn) -> None:
    """Restore `backup` into a scratch store, let `within` look at it, and throw it away; `store` stays as it is.

    Raises as `restore` does.
    """
    refuse_unfit(store, backup)
    with plain_copy(backup, seal, go_on) as plain:
        if isinstance(store, SqliteStore):
            _rebuilt(store, backup, plain, within, go_on)
            return
        with suppress(_DrillIsOver), cast("PostgresStore", store).replacing() as tx:
            for words in _PATIENCE[:-1]:
                tx.execute(text(words))
            name = f"horarium_drill_{secrets.token_hex(6)}"
            try:
                tx.execute(CreateSchema(name))
            except StoreError as error:
                raise StoreUnavailable("a drill needs the right to create a schema in this database") from error
            tx.execute(_USE, {"name": name})
            _fill_postgres(tx, backup, plain, within, go_on)
            raise _DrillIsOver


def refuse_unfit(store: Store, backup: Backup) -> None:
    """Raise for a backup that this store cannot be made of: another database, or a schema that is not known."""
    if isinstance(store, SqliteStore) and store.path is None:
        raise InvalidValue("store", store.location, "only a database in a file or on a server can be restored")
    if backup.engine != store.capabilities.name:
        names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
        raise StoreForeign(
            f"{backup.name} is a backup of {names[backup.engine]}, and this store is {names[store.capabilities.name]}"
        )
    known = known_revisions()
    if backup.schema > known[-1]:
        raise StoreNewer(
            f"{backup.name} was made by a newer release ({backup.release}, schema {backup.schema}; this one knows"
            f" {known[-1]}): install that release"
        )
    if backup.schema not in known:
        raise StoreForeign(f"{backup.name} says that it has schema {backup.schema}, which no release ever had")


def _rebuilt(store: SqliteStore, backup: Backup, plain: Path, within: Within, go_on: GoOn) -> Path:
    """Build the restored store beside its copy, bring it to the newest schema, and return its file."""
    target = plain.with_name("store.db")
    check_room(plain.parent, 2 * backup.plain_size, "restoring the backup")
    with store.reading() as tx:
        page_size = int(tx.execute(_PAGE_SIZE).scalar_one())
    rows = rebuild_sqlite.rebuild(plain, target, backup.schema, page_size=page_size, go_on=go_on)
    compare(backup.rows, rows, backup.path)
    built = SqliteStore(target)
    try:
        with built.transaction() as tx:
            bring(tx, backup.schema)
            within(tx)
        damage = next(iter(built.check()), None)
    finally:
        built.close()
    if damage is not None:
        raise StoreForeign(f"what {backup.name} was restored to is damaged: {damage}")
    go_on()
    return target


def _fill_postgres(
    tx: Transaction, backup: Backup, plain: Path, within: Within, go_on: GoOn, *, instead: bool = False
) -> None:
    from horarium.store.backup import rebuild_postgres  # noqa: PLC0415 - its driver is only there with PostgreSQL

    if instead:
        rebuild_postgres.drop_all(tx)
    rows = rebuild_postgres.rebuild(tx, plain, backup.schema, go_on=go_on, name=backup.name)
    compare(backup.rows, rows, backup.path)
    bring(tx, backup.schema)
    # Made of a database in which damage was found already, it would bind the restored one, too.
    drop_meta(tx, KEY)
    within(tx)
    go_on()
