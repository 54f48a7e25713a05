"""Copy a PostgreSQL store with its own dump program, out of a snapshot whose rows were counted, and read it back.

The archive is read through to its end and the rows of each table are counted in it: a dump that was cut off or damaged
does not count as a backup. The password goes to the programs in their environment, never among their arguments.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from sqlalchemy import func, select, text

from horarium.errors import StoreForeign, StoreUnavailable
from horarium.store.backup.sqlite_copy import LEFT_EMPTY, OPEN_SETUP, counted
from horarium.store.port import Transaction
from horarium.store.postgres import PostgresStore
from horarium.store.tables import meta
from horarium.store.tables.everything import metadata
from horarium.store.tables.vault import vault_keys

_LOOK_SECONDS: Final = 0.2
_KEPT: Final = ("HOME", "PATH", "TMPDIR")
END: Final = b"\\.\n"
"""The line after the last row of a table."""
_NAMES: Final = frozenset(table.name for table in metadata.sorted_tables)


def dump(store: PostgresStore, target: Path, go_on: Callable[[], None]) -> Mapping[str, int]:
    """Dump `store` into the empty file `target`; return the rows that the archive must have."""
    program = _program("pg_dump")
    address, environment = store.for_programs()
    with store.reading() as tx:
        snapshot = _begin_snapshot(tx)
        rows, left_out = _expected(tx)
        command = [program, f"--dbname={address}", f"--snapshot={snapshot}", "--format=custom", "--no-owner"]
        command += ["--no-privileges", "--no-password", "--lock-wait-timeout=60000"]
        command += [f"--exclude-table-data={name}" for name in left_out]
        with target.open("wb") as file:
            _wait_for(command, environment, file, go_on)
    return rows


@dataclass(slots=True)
class Content:
    """What an archive holds: the rows of each table, and the marks of the vault's keys."""

    rows: dict[str, int]
    marks: dict[str, str] = field(default_factory=dict)


def look_through(
    path: Path, go_on: Callable[[], None] | None = None, *, tables: Sequence[str] | None = None, name: str = ""
) -> Content:
    """Read an archive to its end and return what it holds for each of `tables`. Raises `StoreForeign`.

    All tables of this release are counted if none are named; `name` is what people call the archive.
    """
    content = Content(dict.fromkeys(_NAMES if tables is None else tables, 0))
    with reading_archive(path, "--data-only", name=name) as lines:
        table = ""
        for number, line in enumerate(lines):
            if go_on is not None and number % 10_000 == 0:
                go_on()
            if not table:
                table = copied_table(line)
            elif line == END:
                table = ""
            elif table in content.rows:
                content.rows[table] += 1
                if table == vault_keys.name:
                    # Numbers and base64: nothing in them is written otherwise in an archive.
                    number_of, value = line.decode().split("\t", 2)[:2]
                    content.marks[number_of] = value
        if table:
            raise StoreForeign(f"the copy {name or path.name} cannot be read: it ends within table {table}")
    return content


@contextmanager
def reading_archive(path: Path, *options: str, name: str = "") -> Iterator[Iterator[bytes]]:
    """Give the lines that `pg_restore` makes of an archive; nothing of them is executed by anybody.

    Raises `StoreForeign` at the end of the block when the archive could not be read to its end.
    """
    command = [_program("pg_restore"), *options, "--file=-", str(path)]
    with _running(command, {}, subprocess.PIPE) as (process, complaints):
        yield iter(process.stdout or ())
        if process.wait() != 0:
            raise StoreForeign(f"the copy {name or path.name} cannot be read: {_first_line(complaints)}")


def room_wanted(store: PostgresStore) -> int:
    """Return the bytes that an archive needs; it is packed, and indexes are not in it."""
    with store.reading() as tx:
        return int(tx.execute(text("SELECT pg_database_size(current_database()) / 2")).scalar_one())


def _begin_snapshot(tx: Transaction) -> str:
    for words in (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        # The connection waits while the dump runs, which may take long.
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL idle_in_transaction_session_timeout = 0",
    ):
        tx.execute(text(words))
    return str(tx.execute(text("SELECT pg_export_snapshot()")).scalar_one())


def _expected(tx: Transaction) -> tuple[dict[str, int], list[str]]:
    """Return the rows that the archive must have, and the tables whose rows are left out."""
    rows = counted(tx)
    left_out = [table.name for table in LEFT_EMPTY]
    if tx.execute(select(func.count()).select_from(meta).where(OPEN_SETUP)).scalar_one():
        # The dump program takes or leaves whole tables. Before the first account nothing in this one is missed.
        left_out.append(meta.name)
    return rows | dict.fromkeys(left_out, 0), left_out


def copied_table(line: bytes) -> str:
    """Return the table whose rows follow after `line`, empty when none do."""
    if not line.startswith(b"COPY "):
        return ""
    return line.split(b" ", 2)[1].decode().rpartition(".")[2].strip('"')


def _wait_for(command: list[str], environment: Mapping[str, str], output: IO[bytes], go_on: Callable[[], None]) -> None:
    with _running(command, environment, output) as (process, complaints):
        while not _has_ended(process):
            go_on()
        if process.returncode != 0:
            raise StoreUnavailable(f"pg_dump gave up: {_first_line(complaints)}")


@contextmanager
def _running(
    command: list[str], environment: Mapping[str, str], output: IO[bytes] | int
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Run a program; it is ended when the block is left for whatever reason."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("PG")}
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=complaints,
            env={**kept, "LC_ALL": "C", **environment},
        )
        with process:
            try:
                yield process, complaints
            finally:
                process.kill()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(timeout=_LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _first_line(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    line = complaints.read(500).decode("utf-8", "replace").strip().partition("\n")[0]
    return line or "it did not say why"


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise StoreUnavailable(
            f"a backup of PostgreSQL needs its program {name}: install it, on Debian from the package postgresql-client"
        )
    return found
