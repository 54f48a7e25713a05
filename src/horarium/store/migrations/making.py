"""Make tables from a script: the few forms that columns and keys have in all of them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

# SQLite numbers rows by itself only in a column that is spelled INTEGER.
Wide = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def only(condition: str) -> dict[str, Any]:
    """Return the option that makes an index partial, in the name of the database at hand."""
    return {f"{op.get_bind().dialect.name}_where": sa.text(condition)}


def number(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    """Return a column for a whole number or an instant."""
    return sa.Column(name, Wide, nullable=nullable)


def text(name: str, length: int = 0, *, nullable: bool = False) -> sa.Column[Any]:
    """Return a column for text, of any length unless one is given."""
    return sa.Column(name, sa.String(length) if length else sa.Text(), nullable=nullable)


def of(name: str, table: str, column: str, *, nullable: bool = False, in_key: bool = False) -> list[Any]:
    """Return a column of the table `name` that refers to another table's number; its row goes with that one."""
    options: dict[str, Any] = {"autoincrement": False} if in_key else {}
    return [
        sa.Column(column, Wide, nullable=nullable, **options),
        sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_{name}_{column}", ondelete="CASCADE"),
    ]


def make(name: str, *parts: Any, numbered: bool = True, key: tuple[str, ...] = ("id",)) -> None:
    """Make a table out of columns and constraints; the rows of a `numbered` one have numbers that never come again."""
    flat = [each for part in parts for each in (part if isinstance(part, list) else [part])]
    first = [sa.Column("id", Wide, nullable=False, autoincrement=True)] if numbered else []
    op.create_table(
        name,
        *first,
        *flat,
        sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"),
        **({"sqlite_autoincrement": True} if numbered else {}),
    )
