"""Make a backup, and look through one that is there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from horarium._version import __version__
from horarium.clock import Clock, SystemClock
from horarium.errors import InvalidValue, StoreForeign, StoreFull, StoreUnavailable
from horarium.store.backup import postgres_dump, sqlite_copy
from horarium.store.backup.packing import (
    GoOn,
    Seal,
    check_room,
    checksum_of,
    pack,
    plain_checksum,
    refuse_bomb,
    unpack,
)
from horarium.store.backup.shelf import (
    GZIP,
    Backup,
    locked,
    new_name,
    new_partial,
    read_backup,
    scratch,
    shelve,
)
from horarium.store.failures import from_driver
from horarium.store.port import Store
from horarium.store.postgres import PostgresStore
from horarium.store.schema import revision_of
from horarium.store.sqlite import SqliteStore

Marks = Mapping[str, str]
"""The numbers of the vault's keys that a copy holds, each with its check value."""


@dataclass(frozen=True, slots=True)
class Wrapping:
    """How a backup is kept: compressed, sealed, and why it is made.

    `judge` is told the marks of the vault's keys that stand in the copy and answers with the word for the note.
    """

    compress: bool = False
    seal: Seal | None = None
    origin: str = "hand"
    judge: Callable[[Marks], str] | None = None


def make_backup(
    store: Store,
    folder: Path,
    *,
    clock: Clock | None = None,
    go_on: GoOn | None = None,
    wrapping: Wrapping | None = None,
) -> Backup:
    """Copy `store` into `folder` while it is in use, look through the copy, and return it.

    Sessions, tries to sign in and an open set-up code are not in it. `go_on` is called now and then and may raise to
    give up. Whatever goes wrong, nothing half done is ever listed. Raises `StoreFull`, `StoreUnavailable`,
    `StoreForeign` for a copy that is not what it should be, `Conflict` while another one is made there.
    """
    watch, how, step = clock or SystemClock(), wrapping or Wrapping(), go_on or _nothing
    if isinstance(store, SqliteStore) and store.path is None:
        raise InvalidValue("store", store.location, "only a database in a file or on a server can be backed up")
    began = watch.monotonic()
    with locked(folder):
        check_room(folder, room_wanted(store))
        path = new_name(folder, watch.now(), _suffix(store, how))
        partial, plain = new_partial(folder, path.name), new_partial(folder, f"plain-{path.name}")
        try:
            with _explained(folder):
                rows, marks = _copy(store, plain, step)
                backup = _wrapped(store, path, (plain, partial), how, step)
                backup = replace(
                    backup,
                    made_at=watch.now(),
                    rows=rows,
                    seconds=watch.monotonic() - began,
                    vault="" if how.judge is None else how.judge(marks),
                )
                shelve(backup, partial)
        finally:
            partial.unlink(missing_ok=True)
            plain.unlink(missing_ok=True)
    return backup


def verify_backup(path: Path, *, seal: Seal | None = None, go_on: GoOn | None = None) -> Backup:
    """Look through a backup: checksum, integrity, rows of each table.

    A packed one is unpacked into a scratch folder beside it. Raises `StoreForeign` if anything differs, `StoreFull`.
    """
    backup = read_backup(path)
    with plain_copy(backup, seal, go_on or _nothing) as plain:
        compare(backup.rows, look_through(backup, plain, go_on or _nothing), path)
    return backup


@contextmanager
def plain_copy(backup: Backup, seal: Seal | None, go_on: GoOn) -> Iterator[Path]:
    """Give what a backup holds as a file of its own in a scratch folder, after its checksums were looked at.

    Raises `StoreForeign`, `StoreFull`, `StoreUnavailable`.
    """
    refuse_bomb(backup)
    if checksum_of(backup.path) != backup.sha256:
        raise StoreForeign(f"{backup.name} is damaged: its checksum is not the one in its note")
    with scratch(backup.path.parent) as place:
        plain = place / "plain"
        try:
            found = unpack(backup, plain, seal, go_on)
        except OSError as error:
            raise StoreUnavailable(f"{backup.path.name} could not be unpacked: {error.strerror}") from error
        if found != backup.plain_sha256:
            raise StoreForeign(f"{backup.name} is damaged: what it holds has another checksum than its note says")
        yield plain


def look_through(backup: Backup, plain: Path, go_on: GoOn) -> Mapping[str, int]:
    """Read what a backup holds to its end; return the rows of each table. Raises `StoreForeign`."""
    if backup.engine == "sqlite":
        return sqlite_copy.look_through(plain, name=backup.name, tables=list(backup.rows))
    return postgres_dump.look_through(plain, go_on, tables=list(backup.rows), name=backup.name).rows


def compare(wanted: Mapping[str, int], found: Mapping[str, int], path: Path) -> None:
    """Raise `StoreForeign` if the copy at `path` has other tables or other numbers of rows than it should."""
    for table in sorted({*wanted, *found}):
        if wanted.get(table) != found.get(table):
            counts = f"{found.get(table, 'no')} rows instead of {wanted.get(table, 'none')}"
            raise StoreForeign(f"the copy {path.name} is not whole: table {table} has {counts}")


def room_wanted(store: Store) -> int:
    """Return how many bytes a backup needs while it is made, beside what must stay free."""
    if isinstance(store, SqliteStore):
        return sqlite_copy.room_wanted(store)
    return postgres_dump.room_wanted(_postgres(store))


def _copy(store: Store, plain: Path, go_on: GoOn) -> tuple[Mapping[str, int], Marks]:
    if isinstance(store, SqliteStore):
        wanted = sqlite_copy.copy(store, plain, go_on)
        found = sqlite_copy.look_through(plain)
        marks = sqlite_copy.marks(plain)
    else:
        wanted = postgres_dump.dump(_postgres(store), plain, go_on)
        content = postgres_dump.look_through(plain, go_on)
        found, marks = content.rows, content.marks
    compare(wanted, found, plain)
    return found, marks


def _wrapped(store: Store, path: Path, files: tuple[Path, Path], how: Wrapping, go_on: GoOn) -> Backup:
    """Bring the first of two files into the form it is kept in, as the second, and prove that it comes out again."""
    plain, partial = files
    packed = GZIP if how.compress and isinstance(store, SqliteStore) else ""
    size, digest = plain.stat().st_size, checksum_of(plain)
    if packed or how.seal is not None:
        pack(plain, partial, compress=bool(packed), seal=how.seal, go_on=go_on)
    else:
        plain.replace(partial)
    backup = Backup(
        path=path,
        made_at=SystemClock().now(),
        engine=store.capabilities.name,
        schema=revision_of(store) or "",
        release=__version__,
        size=partial.stat().st_size,
        sha256=checksum_of(partial),
        rows={},
        plain_size=size,
        plain_sha256=digest,
        packed=packed,
        sealed="" if how.seal is None else how.seal.id,
        origin=how.origin,
    )
    if (packed or how.seal is not None) and plain_checksum(backup, partial, how.seal, go_on) != digest:
        raise StoreForeign(f"the copy {path.name} does not come out of its packing as it went in")
    return backup


def _suffix(store: Store, how: Wrapping) -> str:
    is_file = isinstance(store, SqliteStore)
    # The dump program packs by itself.
    return f"{'db' if is_file else 'dump'}{'.gz' if is_file and how.compress else ''}{'.sealed' if how.seal else ''}"


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _about_copy(error, folder) from error
    except StoreFull as error:
        raise StoreFull(f"there is no room left for the backup in {folder}") from error
    except OSError as error:
        raise StoreUnavailable(f"the backup in {folder} could not be written: {error.strerror}") from error


def _postgres(store: Store) -> PostgresStore:
    if not isinstance(store, PostgresStore):
        raise InvalidValue("store", type(store).__name__, "of this kind no backup can be made")
    return store


def _about_copy(error: sqlite3.Error, folder: Path) -> Exception:
    found = from_driver(error)
    if isinstance(found, StoreFull):
        return StoreFull(f"there is no room left for the backup in {folder}")
    return type(found)(f"the backup in {folder} could not be made: {found}")


def _nothing() -> None:
    return None
