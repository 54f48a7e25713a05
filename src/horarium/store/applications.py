"""The SQLite database of an application that moves in: look through it, hold it, give its rows an owner.

It stays the application's own: of what it holds nothing is changed but one column. Only SQLite opens the live file,
but for the byte copies, which are taken while no connection of this process is open.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from alembic.ddl.base import AddColumn
from sqlalchemy import (
    BindParameter,
    Column,
    Connection,
    Integer,
    bindparam,
    column,
    create_engine,
    func,
    select,
    table,
    text,
    update,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from horarium.errors import Conflict, HorariumError, StoreBusy, StoreForeign, StoreUnavailable
from horarium.store.failures import translated
from horarium.store.sqlite import APPLICATION_ID

WAIT_SECONDS: Final = 2.0
BATCH_ROWS: Final = 2000
SCHEMA: Final = "(schema)"
"""The name under which the digest of everything that is no table stands."""

_MAGIC: Final = b"SQLite format 3\0"
_HOT: Final = bytes.fromhex("d9d505f920a163d7")
_WAL_VERSION: Final = 2
_ROWIDS: Final = ("rowid", "oid", "_rowid_")
_ON_UPDATE: Final = re.compile(r"\bUPDATE\b(?:\s+OF\s+(?P<columns>.*?))?\s+ON\b", re.IGNORECASE | re.DOTALL)
_NOW: Final = text("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY type, name")


@dataclass(frozen=True, slots=True)
class TableLook:
    """One table: how many rows it has, how many of them without an owner, and a digest of all but the owners.

    `owner_column` is None where there is no such column yet. `hinder` says why its rows cannot be given an owner.
    """

    name: str
    rows: int
    unowned: int
    owner_column: str | None
    digest: str
    hinder: str = ""


def side_files(path: Path) -> tuple[Path, ...]:
    """Return the files that SQLite may keep beside a database."""
    return tuple(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", "-journal"))


def refuse_unfit(path: Path, *, may_be_halfway: bool = False) -> None:
    """Refuse what is no SQLite database of another program, or was left in the middle of a change.

    With `may_be_halfway` the change may be ours. Raises `StoreForeign`, `StoreUnavailable`, `Conflict`.
    """
    try:
        head, journal = _head_of(path), side_files(path)[2]
        is_hot = journal.exists() and _head_of(journal).startswith(_HOT)
    except OSError as error:
        raise StoreUnavailable(f"the database {path} cannot be read: {error.strerror}") from error
    if not head.startswith(_MAGIC):
        raise StoreForeign(f"{path} is no SQLite database")
    if int.from_bytes(head[68:72]) == APPLICATION_ID:
        raise StoreForeign(f"{path} is a database of Horarium itself, not of an application")
    if is_hot and not may_be_halfway:
        raise Conflict(
            f"{path} was left in the middle of a change: stop the application, or, if it has crashed, start it once and"
            " stop it, so that SQLite can take that change back"
        )


@contextmanager
def looking(path: Path) -> Iterator[ApplicationDatabase]:
    """Open the database for reading, and leave not a byte and no file behind. Raises as `refuse_unfit`, `StoreBusy`."""
    refuse_unfit(path)
    log = side_files(path)[0]
    if log.exists() and log.stat().st_size:
        # What an application wrote last stands in the log, and reading that may change files: it is read in a copy.
        with tempfile.TemporaryDirectory(prefix="horarium-") as folder, translated():
            copy, before = Path(folder) / "copy.db", (_state_of(path), _state_of(log))
            copy_bytes(path, copy)
            copy_bytes(log, side_files(copy)[0])
            if (_state_of(path), _state_of(log)) != before:
                raise StoreBusy(f"{path} is in use by another program: stop the application and try again")
            with _connected(quote(str(copy)), path) as connection:
                yield ApplicationDatabase(connection, path)
        return
    is_logged = _head_of(path)[18] == _WAL_VERSION
    # Without a log there is nothing beside the file; SQLite would make one to read it.
    mode = "immutable=1" if is_logged else "mode=ro"
    with _connected(f"{quote(str(path))}?{mode}", path) as connection:
        yield ApplicationDatabase(connection, path)


@contextmanager
def holding(path: Path, *, may_be_halfway: bool = False) -> Iterator[ApplicationDatabase]:
    """Open the database for change, for nobody else meanwhile; when it is let go, nothing stands beside the file.

    With `may_be_halfway` a change that was broken off is taken back first. Raises as `refuse_unfit`, and `StoreBusy`
    while another program has it in use.
    """
    refuse_unfit(path, may_be_halfway=may_be_halfway)
    with _connected(quote(str(path)), path) as connection:
        with _own_words(path):
            for pragma in ("PRAGMA locking_mode = EXCLUSIVE", "PRAGMA synchronous = FULL"):
                connection.exec_driver_sql(pragma)
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
            connection.exec_driver_sql("COMMIT")
        yield ApplicationDatabase(connection, path)
        with _own_words(path):
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def copy_bytes(source: Path, target: Path) -> None:
    """Copy a file byte by byte into a new one for its owner alone; nothing of it is kept when that fails."""
    try:
        target.touch(mode=0o600, exist_ok=False)
        shutil.copyfile(source, target)
    except OSError:
        target.unlink(missing_ok=True)
        raise


class ApplicationDatabase:
    """An open database of an application."""

    def __init__(self, connection: Connection, path: Path) -> None:
        """Work on an open `connection`."""
        self._connection = connection
        self._path = path

    def check(self) -> None:
        """Refuse a damaged database, raising `StoreForeign`."""
        with _own_words(self._path):
            found = [str(row[0]) for row in self._connection.execute(text("PRAGMA quick_check(1)"))]
        if found != ["ok"]:
            raise StoreForeign(f"{self._path} is damaged: {' '.join(found[0].split())[:200]}")

    def look(self, owner_column: str) -> list[TableLook]:
        """Return what its tables hold, by name; those that SQLite keeps for itself are left out."""
        with _own_words(self._path):
            return [self._look_at(name, owner_column) for name in self._tables()]

    def schema_digest(self) -> str:
        """Return a digest of everything that is no table: indexes, views, triggers."""
        with _own_words(self._path):
            rows = [tuple(row) for row in self._connection.execute(_NOW) if row[0] != "table"]
        return _digest_of(rows)

    def give_owner(self, name: str, owner_column: str, owner: int) -> int:
        """Give the rows of a table that have none an owner, batch by batch; return how many.

        It may be stopped at any moment and called again.
        """
        with _own_words(self._path):
            found = self._owner_column(name, owner_column)
            if found is None:
                self._connection.execute(AddColumn(name, Column(owner_column, Integer)))
                found = owner_column
            return sum(self._batches(name, found, owner))

    def owners(self, name: str, owner_column: str) -> Mapping[Any, int]:
        """Return how many rows of a table each owner has; None counts those without one."""
        with _own_words(self._path):
            found = self._owner_column(name, owner_column)
            if found is None:
                return {}
            owner: Any = column(found)
            rows = self._connection.execute(select(owner, func.count()).select_from(table(name)).group_by(owner))
            return {row[0]: int(row[1]) for row in rows}

    def _batches(self, name: str, owner_column: str, owner: int) -> Iterator[int]:
        number = self._rowid(name)
        whom: Any = column(owner_column, Integer)
        change = update(table(name, whom)).where(whom.is_(None)).values({owner_column: owner})
        if number is None:
            yield int(self._connection.execute(change).rowcount)
            return
        low: int | None = None
        while True:
            page = select(number.label("number")).select_from(table(name)).order_by(number).limit(BATCH_ROWS)
            page = page if low is None else page.where(number > low)
            high = self._connection.execute(select(func.max(page.subquery().c.number))).scalar_one()
            if high is None:
                return
            within = change.where(number <= high)
            done = int(self._connection.execute(within if low is None else within.where(number > low)).rowcount)
            low = int(high)
            yield done

    def _tables(self) -> list[str]:
        rows = [row for row in self._connection.execute(_NOW) if row[0] == "table"]
        virtual = [str(row[1]) for row in rows if re.match(r"\s*CREATE\s+VIRTUAL\s", str(row[3]), re.IGNORECASE)]
        of_virtual = tuple(f"{name}_" for name in virtual)
        names = [str(row[1]) for row in rows if not str(row[1]).startswith("sqlite_")]
        return [name for name in names if name not in virtual and not name.startswith(of_virtual)]

    def _look_at(self, name: str, owner_column: str) -> TableLook:
        found = self._owner_column(name, owner_column)
        fields: list[Any] = [column(each) for each in self._columns(name) if each != found]
        source = table(name)
        number = self._rowid(name)
        query = select(*(fields or [text("1")])).select_from(source)
        digest, rows = hashlib.sha256(repr([each.name for each in fields]).encode("utf-8", "replace")), 0
        for row in self._connection.execute(query if number is None else query.order_by(number)):
            digest.update(repr(tuple(row)).encode("utf-8", "backslashreplace"))
            rows += 1
        unowned = rows
        if found is not None:
            owner: Any = column(found)
            counting = select(func.count()).select_from(source).where(owner.is_(None))
            unowned = int(self._connection.execute(counting).scalar_one())
        return TableLook(name, rows, unowned, found, digest.hexdigest(), self._hinder(name, owner_column))

    def _hinder(self, name: str, owner_column: str) -> str:
        for kind, trigger, of_table, sql in self._connection.execute(_NOW):
            if kind != "trigger" or str(of_table).casefold() != name.casefold():
                continue
            told = _ON_UPDATE.search(str(sql))
            if told and (told["columns"] is None or owner_column.casefold() in told["columns"].casefold()):
                return f"its trigger {trigger} would run for each row"
        return ""

    def _columns(self, name: str) -> list[str]:
        about = func.pragma_table_info(_named(name)).table_valued("name")
        return [str(row[0]) for row in self._connection.execute(select(about.c.name))]

    def _owner_column(self, name: str, wanted: str) -> str | None:
        return next((each for each in self._columns(name) if each.casefold() == wanted.casefold()), None)

    def _rowid(self, name: str) -> Any:
        """Return the column by which SQLite numbers the rows of a table, None where there is none to be had."""
        taken = {each.casefold() for each in self._columns(name)}
        found = next((each for each in _ROWIDS if each not in taken), None)
        if found is None:
            return None
        number: Any = column(found, Integer)
        try:
            self._connection.execute(select(number).select_from(table(name)).limit(0))
        except OperationalError:
            # A table WITHOUT ROWID.
            return None
        return number


def changed_tables(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the names under which two sets of digests differ."""
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def digests(database: ApplicationDatabase, owner_column: str) -> dict[str, str]:
    """Return a digest of each table and of what is no table; owners are not part of them."""
    found = {each.name: f"{each.rows}:{each.digest}" for each in database.look(owner_column)}
    return {**found, SCHEMA: database.schema_digest()}


def _state_of(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(100)


def _named(name: str) -> BindParameter[str]:
    return bindparam(None, name, unique=True)


def _digest_of(rows: list[tuple[Any, ...]]) -> str:
    return hashlib.sha256(repr(rows).encode("utf-8", "backslashreplace")).hexdigest()


@contextmanager
def _connected(target: str, path: Path) -> Iterator[Connection]:
    def connect() -> sqlite3.Connection:
        made = sqlite3.connect(f"file:{target}", uri=True, timeout=WAIT_SECONDS, isolation_level=None)
        # Applications store what they like: text that is no UTF-8 is to survive being looked at.
        made.text_factory = _text
        made.execute("PRAGMA trusted_schema = OFF")
        return made

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with _own_words(path):
        connection = engine.connect()
    try:
        yield connection
    finally:
        connection.close()
        engine.dispose()


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")


@contextmanager
def _own_words(path: Path) -> Iterator[None]:
    """Name the file in what the database layer refuses: it speaks of ours else."""
    try:
        with translated():
            yield
    except StoreBusy as error:
        raise StoreBusy(f"{path} is in use by another program: stop the application and try again") from error
    except HorariumError as error:
        raise error if str(path) in str(error) else type(error)(f"{path}: {error}") from error
