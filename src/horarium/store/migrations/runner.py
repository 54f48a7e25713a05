"""Run the numbered scripts of `versions/` on an open store: all of them in one transaction, or none.

The connection and the transaction are the store's own. A program killed in the middle leaves the schema as it was,
and two programs that upgrade at once stand in line: the second one finds the work done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from horarium.errors import InvalidValue, StoreForeign, StoreNewer
from horarium.store.failures import translated
from horarium.store.migrations.aside import copy_aside
from horarium.store.port import Store, Transaction
from horarium.store.schema import refuse_foreign, revision_in

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import Script, ScriptDirectory

FOLDER: Final = Path(__file__).parent
BASE: Final = "base"
"""The revision below the first: a store without tables."""


def upgrade_to_newest(store: Store) -> list[str]:
    """Bring `store` to the newest revision; return the revisions that were applied, oldest first.

    A SQLite file with a schema is copied beside itself before, to `<name>.before-<revision>`. Raises `StoreNewer`
    when a newer release wrote it, `StoreFull` when there is no room; whatever goes wrong, it stays as it was.
    """
    scripts = _scripts()
    if not pending(store):
        return []
    with store.transaction() as tx:
        _stand_in_line(tx)
        # Another program may have done it while this one waited for the lock.
        found = revision_in(tx)
        todo = _lacking(scripts, found, store.location)
        if found is None:
            refuse_foreign(tx, store.location)
        elif todo:
            copy_aside(store, todo[-1].revision)
        with _operating(tx) as context:
            for script in todo:
                script.module.upgrade()
                context.stamp(_directory(), script.revision)
    return [script.revision for script in todo]


def downgrade(store: Store, revision: str) -> list[str]:
    """Take `store` back to `revision`, or to `base`, which is no tables at all; return what was undone, newest first.

    What only newer revisions can hold is lost; a SQLite file is copied beside itself before. Raises `InvalidValue`
    for a revision that does not lie behind the store, `StoreNewer` when a newer release wrote it.
    """
    scripts = _scripts()
    with store.transaction() as tx:
        _stand_in_line(tx)
        lacking = len(_lacking(scripts, revision_in(tx), store.location))
        done = scripts[: len(scripts) - lacking]
        behind = [BASE, *(script.revision for script in done)]
        if revision not in behind:
            raise InvalidValue("revision", revision, f"use one of {', '.join(behind)}")
        undo = done[behind.index(revision) :][::-1]
        if undo:
            copy_aside(store, revision)
        with _operating(tx) as context:
            for script in undo:
                script.module.downgrade()
                context.stamp(_directory(), behind[behind.index(script.revision) - 1])
            if revision == BASE:
                # A table of versions without a version would look like another program's.
                tx.execute(text("DROP TABLE IF EXISTS alembic_version"))
    return [script.revision for script in undo]


def bring(tx: Transaction, found: str | None, revision: str | None = None) -> None:
    """Bring the schema that `tx` sees from revision `found` (None: no tables) to `revision` (None: the newest).

    No copy is made and no line is stood in: for a store that nobody else has, or that the caller holds. Raises
    `StoreNewer`, `StoreForeign` for a revision that is not known.
    """
    scripts = _scripts()
    todo = _lacking(scripts, found, "the backup")
    if revision is not None:
        after = _lacking(scripts, revision, "the backup")
        todo = todo[: len(todo) - len(after)]
    with _operating(tx) as context:
        for script in todo:
            script.module.upgrade()
            context.stamp(_directory(), script.revision)


def known_revisions() -> list[str]:
    """Return every revision that this release knows, oldest first."""
    return [script.revision for script in _scripts()]


def pending(store: Store) -> list[str]:
    """Return the revisions that `store` still lacks, oldest first. Raises `StoreNewer`, `StoreForeign`."""
    with store.reading() as tx:
        return [script.revision for script in _lacking(_scripts(), revision_in(tx), store.location)]


def _directory() -> ScriptDirectory:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - dear to import

    return ScriptDirectory(FOLDER)


def _scripts() -> list[Script]:
    """Return all scripts, oldest first: they form one line."""
    return list(_directory().walk_revisions())[::-1]


def _lacking(scripts: Sequence[Script], found: str | None, location: str) -> list[Script]:
    if found is None:
        return list(scripts)
    known = [script.revision for script in scripts]
    if found in known:
        return list(scripts[known.index(found) + 1 :])
    if found > known[-1]:
        raise StoreNewer(f"{location} was written by a newer release (schema {found}, this one knows {known[-1]})")
    raise StoreForeign(f"{location} says that it has schema {found}, which no release ever had")


def _stand_in_line(tx: Transaction) -> None:
    if tx.capabilities.skips_locked:
        # The same number as where a first schema is made: both change the tables.
        tx.execute(text("SELECT pg_advisory_xact_lock(1213157953)"))
        # A million rows may take longer than any statement of daily work.
        tx.execute(text("SET LOCAL statement_timeout = 0"))


@contextmanager
def _operating(tx: Transaction) -> Iterator[MigrationContext]:
    """Let `alembic.op` work on this transaction; it leaves the commit to us, since the transaction is not its own."""
    from alembic.operations import Operations  # noqa: PLC0415 - dear to import
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    context = MigrationContext.configure(tx.connection)
    with translated(), Operations.context(context):
        yield context
