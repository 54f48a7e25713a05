"""Write the statements that make a new SQLite store from the definitions of its tables.

`script/docs` calls this; a test fails when the file no longer says what the tables say.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_mock_engine
from sqlalchemy.schema import ExecutableDDLElement

from horarium.store.tables.everything import metadata

PATH = Path(__file__).parents[2] / "src" / "horarium" / "store" / "tables.sql"
HEAD = "-- What a new SQLite store is made with. Written by script/docs from horarium.store.tables.\n"


def schema_text() -> str:
    """Return all statements, each ended by a semicolon at the end of its line."""
    said: list[str] = []

    def take(statement: ExecutableDDLElement, *_values: object, **_options: object) -> None:
        lines = str(statement.compile(dialect=engine.dialect)).strip().splitlines()
        said.append("\n".join(line.rstrip().replace("\t", "    ") for line in lines if line.strip()))

    engine = create_mock_engine("sqlite://", take)
    # Neither the order in which tables were loaded nor that of a table's indexes, a set, says anything.
    for table in metadata.sorted_tables:
        metadata.create_all(engine, tables=[table], checkfirst=False)
    tables = [each for each in said if each.startswith("CREATE TABLE ")]
    return HEAD + "".join(f"\n{each};\n" for each in (*tables, *sorted(set(said) - set(tables))))


def write() -> None:
    """Write the file anew."""
    PATH.write_text(schema_text(), encoding="utf-8")
