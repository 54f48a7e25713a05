"""Build a store anew out of a SQLite copy: our own tables, and of the copy nothing but its rows.

A copy may come from anywhere. Its schema has to be exactly one that a release of ours had, and even then none of it is
taken over: no trigger, view, default or condition of the copy ever comes to be in a store that is used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, Inspector, column, delete, func, insert, inspect, or_, select, table, text
from sqlalchemy.sql import TableClause

from horarium.errors import StoreForeign
from horarium.store.backup.sqlite_copy import engine_of, reading_copy
from horarium.store.failures import translated
from horarium.store.migrations.runner import bring
from horarium.store.port import Transaction
from horarium.store.sqlite import APPLICATION_ID, CAPABILITIES

_HEADER: Final = b"SQLite format 3\x00"
_OURS: Final = re.compile(r"CREATE (TABLE|(UNIQUE )?INDEX) ", re.IGNORECASE)
_VERSIONS: Final = "alembic_version"
_MASTER: Final = text("SELECT type, name, tbl_name, sql FROM sqlite_master")
_SEQUENCES: Final = table("sqlite_sequence", column("name"), column("seq"))
_COPIED_SEQUENCES: Final = table("sqlite_sequence", column("name"), column("seq"), schema="copied")
_HIDDEN: Final = text("SELECT count(*) FROM pragma_table_xinfo(:name) WHERE hidden <> 0")
_PAGE_SIZES: Final = {2**power: "PRAGMA page_size = " + str(2**power) for power in range(9, 17)}
_SAID_VERSION: Final = select(table(_VERSIONS, column("version_num"), schema="copied").c.version_num)
_NUMBERS: Final = re.compile(r"INT|BOOL", re.IGNORECASE)
_REALS: Final = re.compile(r"FLOAT|REAL|DOUBLE", re.IGNORECASE)


def rebuild(plain: Path, target: Path, revision: str, *, page_size: int, go_on: Callable[[], None]) -> dict[str, int]:
    """Make the new file `target` with the schema of `revision` and the rows of `plain`; return how many of each table.

    Raises `StoreForeign` for a copy that is damaged, of another program, or has anything that no release made.
    """
    refuse_foreign_file(plain)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    engine = engine_of(f"file:{quote(str(target.absolute()))}")
    with translated(), engine.connect() as connection:
        for pragma in ("PRAGMA synchronous = OFF", "PRAGMA journal_mode = MEMORY", "PRAGMA trusted_schema = OFF"):
            connection.exec_driver_sql(pragma)
        # A database takes over only what has pages of its own size; a pragma has no parameters.
        connection.exec_driver_sql(_PAGE_SIZES[page_size])
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        bring(Transaction(connection, CAPABILITIES, writes=True), None, revision)
        go_on()
        connection.exec_driver_sql("ATTACH DATABASE ? AS copied", (f"file:{quote(str(plain.absolute()))}?mode=ro",))
        refuse_other_schema(connection)
        if connection.execute(_SAID_VERSION).scalars().all() != [revision]:
            raise StoreForeign(f"the backup does not have schema {revision}, as its note says")
        return _copied(connection, go_on)


def refuse_foreign_file(plain: Path) -> None:
    """Raise `StoreForeign` unless the file is a sound SQLite database of ours with nothing in it that could act."""
    with plain.open("rb") as file:
        if file.read(len(_HEADER)) != _HEADER:
            raise StoreForeign("the backup is no SQLite database")
    with reading_copy(plain) as connection:
        findings = [str(row[0]) for row in connection.execute(text("PRAGMA quick_check(5)"))]
        if findings != ["ok"]:
            raise StoreForeign(f"the backup is damaged: {findings[0]}")
        if connection.execute(text("PRAGMA application_id")).scalar_one() != APPLICATION_ID:
            raise StoreForeign("the backup is a database of another program")
        for kind, name, _table, sql in connection.execute(_MASTER):
            if kind not in {"table", "index"} or (sql is not None and not _OURS.match(str(sql))):
                raise StoreForeign(f"the backup has a {kind} {name!r} that no release of Horarium ever made")


def refuse_other_schema(connection: Connection) -> None:
    """Raise `StoreForeign` if the attached copy differs in anything from the tables of its revision."""
    ours, theirs = _Described(connection, "main"), _Described(connection, "copied")
    for kind, name in sorted(ours.things ^ theirs.things):
        lacks = "lacks" if (kind, name) in ours.things else "has"
        raise StoreForeign(f"the backup {lacks} the {kind} {name!r}: its schema is not the one that its version had")
    for name, said in ours.indexes.items():
        if theirs.indexes[name] != said:
            raise StoreForeign(f"index {name!r} of the backup is not the one that its version had")
    for name in ours.tables:
        if connection.execute(_HIDDEN, {"name": name}).scalar_one() or ours.of(name) != theirs.of(name):
            raise StoreForeign(f"table {name!r} of the backup is not the one that its version had")


class _Described:
    """What one of the attached databases says about its tables, in a form that can be compared."""

    def __init__(self, connection: Connection, schema: str) -> None:
        self._schema = schema
        self._inspector: Inspector = inspect(connection)
        master = table("sqlite_master", column("type"), column("name"), column("sql"), schema=schema)
        # What SQLite keeps for itself comes and goes with what is done.
        found = [row for row in connection.execute(select(*master.c)) if not str(row[1]).startswith("sqlite_")]
        self.things = {(str(kind), str(name)) for kind, name, _sql in found}
        # Of an index its text says everything, and no change of a table ever touches it.
        self.indexes = {str(name): " ".join(str(sql).split()) for kind, name, sql in found if kind == "index"}
        self.tables = sorted(name for kind, name in self.things if kind == "table")

    def of(self, name: str) -> tuple[Any, ...]:
        look, schema = self._inspector, self._schema
        columns = {
            each["name"]: (str(each["type"]), each["nullable"], each["default"], each.get("computed"))
            for each in look.get_columns(name, schema)
        }
        foreign = sorted(
            (each["constrained_columns"], each["referred_table"], each["referred_columns"], str(each["options"]))
            for each in look.get_foreign_keys(name, schema)
        )
        key = look.get_pk_constraint(name, schema)["constrained_columns"]
        uniques = sorted(each["column_names"] for each in look.get_unique_constraints(name, schema))
        return columns, key, uniques, foreign, look.get_check_constraints(name, schema)


def _copied(connection: Connection, go_on: Callable[[], None]) -> dict[str, int]:
    rows: dict[str, int] = {}
    look = inspect(connection)
    for name in sorted(look.get_table_names()):
        kinds = {str(each["name"]): str(each["type"]) for each in look.get_columns(name)}
        # The version is our own; what a first start puts into a table is replaced by what the copy has.
        if name != _VERSIONS:
            rows[name] = _copy_table(connection, name, kinds)
            go_on()
    _refuse_loose(connection)
    _copy_sequences(connection)
    return rows


def _copy_table(connection: Connection, name: str, kinds: Mapping[str, str]) -> int:
    here = table(name, *(column(each) for each in kinds))
    there = table(name, *(column(each) for each in kinds), schema="copied")
    _refuse_odd_values(connection, there, kinds)
    connection.execute(delete(here))
    connection.execute(insert(here).from_select(list(kinds), select(*there.c)))
    return int(connection.execute(select(func.count()).select_from(here)).scalar_one())


def _refuse_odd_values(connection: Connection, there: TableClause, kinds: Mapping[str, str]) -> None:
    """Raise `StoreForeign` for a value of a kind that its column never holds: SQLite itself takes anything."""
    odd = [func.typeof(there.c[name]).not_in(["null", *_held_by(kind)]) for name, kind in kinds.items()]
    if connection.execute(select(func.count()).select_from(there).where(or_(*odd))).scalar_one():
        raise StoreForeign(f"table {there.name!r} of the backup holds values of a wrong kind")


def _held_by(kind: str) -> list[str]:
    if _REALS.search(kind):
        return ["real", "integer"]
    return ["integer"] if _NUMBERS.search(kind) else ["text"]


def _refuse_loose(connection: Connection) -> None:
    loose = connection.execute(text("PRAGMA main.foreign_key_check")).first()
    if loose is not None:
        raise StoreForeign(f"the backup is damaged: row {loose[1]} of {loose[0]} points to nothing")


def _copy_sequences(connection: Connection) -> None:
    """Let numbers go on where they were: what was deleted before the backup never gets its number again."""
    found = connection.execute(select(_COPIED_SEQUENCES.c.name, func.max(_COPIED_SEQUENCES.c.seq)).group_by("name"))
    connection.execute(delete(_SEQUENCES))
    values = [{"name": name, "seq": seq} for name, seq in found]
    if values:
        connection.execute(insert(_SEQUENCES), values)
