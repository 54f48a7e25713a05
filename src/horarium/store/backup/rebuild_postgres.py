"""Build tables anew out of a PostgreSQL archive, within one transaction: our own tables, and of the archive its rows.

No SQL of an archive is ever executed. `pg_restore` writes it as text, of which nothing is read but the rows, and those
go into tables that our own migrations made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from psycopg import Error as PostgresError
from psycopg import sql
from sqlalchemy import delete, func, inspect, select, table, text

from horarium.errors import StoreBusy, StoreForeign, StoreFull, StoreUnavailable
from horarium.store.backup.postgres_dump import END, copied_table, reading_archive
from horarium.store.failures import from_driver
from horarium.store.migrations.runner import bring
from horarium.store.port import Transaction
from horarium.store.tables.everything import metadata

_KINDS: Final = (
    *("TABLE DATA", "TABLE", "SEQUENCE OWNED BY", "SEQUENCE SET", "SEQUENCE", "DEFAULT"),
    *("FK CONSTRAINT", "CONSTRAINT", "INDEX", "SCHEMA", "COMMENT"),
)
_ENTRY: Final = re.compile(rf"\d+; \d+ \d+ ({'|'.join(_KINDS)}) (\S+) (\S+)")
_COPY: Final = re.compile(r'COPY (?:"?\w+"?\.)?"?(\w+)"? \(([\w", ]+)\) FROM stdin;\n')
_SETVAL: Final = re.compile(r"SELECT pg_catalog\.setval\('(?:\w+\.)?(\w+)', (\d+), (true|false)\);\n")
_VERSIONS: Final = "alembic_version"
_TABLES: Final = text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
_COLUMNS: Final = text(
    "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = :name"
)
_SET: Final = text("SELECT setval(to_regclass(:name), :value, :called)")
_SPOOL: Final = 256 * 1024


def rebuild(
    tx: Transaction, archive: Path, revision: str, *, go_on: Callable[[], None], name: str = ""
) -> dict[str, int]:
    """Make the tables of `revision` where `tx` makes tables, and fill them; return how many rows each has.

    Raises `StoreForeign` for an archive that is damaged or holds anything but tables of ours.
    """
    refuse_foreign_archive(archive, name)
    bring(tx, None, revision)
    there = {str(row[0]) for row in tx.execute(_TABLES)} - {_VERSIONS}
    # Rows that others point to come first.
    ordered = [each.name for each in metadata.sorted_tables if each.name in there]
    ordered += sorted(there.difference(ordered))
    for each in reversed(ordered):
        tx.execute(delete(table(each)))
    rows: dict[str, int] = {}
    for each in ordered:
        columns = {str(row[0]) for row in tx.execute(_COLUMNS, {"name": each})}
        with reading_archive(archive, "--data-only", f"--table={each}", name=name) as lines:
            _fill(tx, lines, each, columns, go_on)
        rows[each] = int(tx.execute(select(func.count()).select_from(table(each))).scalar_one())
    _go_on_counting(tx, archive, set(ordered), name)
    return rows


def drop_all(tx: Transaction) -> None:
    """Drop our tables; everything happens in `tx`, and nobody sees it before its commit."""
    there = set(inspect(tx.connection).get_table_names())
    metadata.drop_all(tx.connection, tables=[each for each in metadata.sorted_tables if each.name in there])
    tx.execute(text("DROP TABLE IF EXISTS alembic_version"))


def refuse_foreign_archive(archive: Path, name: str = "") -> None:
    """Raise `StoreForeign` for an archive with anything in it that is no table, key, index or number of one."""
    with archive.open("rb") as file:
        if file.read(5) != b"PGDMP":
            raise StoreForeign(f"the backup {name} is no archive of PostgreSQL".replace("  ", " "))
    with reading_archive(archive, "--list", name=name) as lines:
        for line in lines:
            entry = line.decode("utf-8", "replace").strip()
            if entry and not entry.startswith(";") and not _ENTRY.match(entry):
                raise StoreForeign(f"the backup has something in it that no release ever made: {entry[:100]}")


def _fill(tx: Transaction, lines: Iterator[bytes], name: str, columns: set[str], go_on: Callable[[], None]) -> None:
    for line in lines:
        if not copied_table(line):
            continue
        found = _COPY.fullmatch(line.decode("utf-8", "replace"))
        named = [] if found is None else [each.strip().strip('"') for each in found[2].split(",")]
        if found is None or found[1] != name or set(named) != columns or len(named) != len(columns):
            raise StoreForeign(f"table {name!r} of the backup is not the one that its version had")
        _copy(tx, name, named, lines, go_on)


def _copy(tx: Transaction, name: str, columns: list[str], lines: Iterator[bytes], go_on: Callable[[], None]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    driver: Any = tx.connection.connection.driver_connection
    held = bytearray()
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for line in lines:
                if line == END:
                    break
                held += line
                if len(held) >= _SPOOL:
                    copy.write(bytes(held))
                    held.clear()
                    go_on()
            copy.write(bytes(held))
    except PostgresError as error:
        found = from_driver(error)
        if isinstance(found, StoreBusy | StoreFull | StoreUnavailable):
            raise found from error
        raise StoreForeign(f"table {name!r} of the backup does not fit: {found}") from error
    go_on()


def _go_on_counting(tx: Transaction, archive: Path, tables: set[str], name: str) -> None:
    """Let numbers go on where they were: what was deleted before the backup never gets its number again."""
    with reading_archive(archive, "--data-only", "--section=data", name=name) as lines:
        for line in lines:
            found = _SETVAL.fullmatch(line.decode("utf-8", "replace")) if line.startswith(b"SELECT ") else None
            if found is not None and found[1].removesuffix("_id_seq") in tables:
                tx.execute(_SET, {"name": found[1], "value": int(found[2]), "called": found[3] == "true"})
