"""The metadata that all tables hang on, and the column kinds that both databases share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, event, text

SCHEMA_REVISION = "0010"
"""The newest migration; a store that says anything else is older, newer, or not ours."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Wide = BigInteger().with_variant(Integer(), "sqlite")
"""64-bit integer on both; SQLite only numbers rows by itself in a column spelled INTEGER."""


def instant(name: str, *, nullable: bool = True, **options: Any) -> Column[int]:
    """Return a column for an instant: microseconds since the epoch, UTC."""
    return Column(name, Wide, nullable=nullable, **options)


@event.listens_for(metadata, "before_create")
def _limit_partial_indexes(schema: MetaData, connection: Connection, **_options: Any) -> None:
    """Give the partial indexes their conditions, kept in `info`, in the words of the database at hand.

    Naming a database where an index is defined loads its whole dialect, in programs too that never use it.
    """
    for table in schema.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_options[connection.dialect.name]["where"] = text(index.info["where"])
