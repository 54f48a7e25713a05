"""The table of what is to be told to people: written with the change itself, sent later."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from horarium.store.tables.base import Wide, instant, metadata

outbox = Table(
    "outbox",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    # What it is about; never a secret: links are made when it is sent.
    Column("kind", String(32), nullable=False),
    Column("user_id", Wide),
    Column("address", String(254), nullable=False),
    Column("body", Text, nullable=False),
    Column("message_id", String(64), nullable=False),
    instant("created_at", nullable=False),
    instant("not_before", nullable=False),
    Column("tries", Integer, nullable=False),
    instant("sent_at"),
    instant("given_up_at"),
    Column("last_error", Text),
    sqlite_autoincrement=True,
)
Index(
    "ix_outbox_waiting",
    outbox.c.not_before,
    info={"where": "sent_at IS NULL AND given_up_at IS NULL"},
)
Index("ix_outbox_created_at", outbox.c.created_at)
