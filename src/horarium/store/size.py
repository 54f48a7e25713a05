"""Say how much room a database takes."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

from horarium.store.port import Transaction

_SQLITE: Final = text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
_POSTGRES: Final = text("SELECT pg_database_size(current_database())")


def size_of(tx: Transaction) -> int:
    """Return the bytes that the database takes on disk."""
    statement = _SQLITE if tx.capabilities.name == "sqlite" else _POSTGRES
    return int(tx.execute(statement).scalar_one())
