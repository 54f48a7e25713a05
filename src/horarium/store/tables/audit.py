"""Tables for the audit log: its rows, each with the hash of the one before it, where the chain ends, its archives."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from horarium.store.tables.base import Wide, instant, metadata

audit_log = Table(
    "audit_log",
    metadata,
    # Numbered without gaps in the order of the commits: `audit_head` gives the numbers out.
    Column("id", Wide, primary_key=True, autoincrement=False),
    instant("at", nullable=False),
    Column("actor", String(200), nullable=False),
    Column("actor_id", Wide),
    Column("source", String(16), nullable=False),
    Column("address", String(64), nullable=False),
    Column("request", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("result", String(16), nullable=False),
    Column("kind", String(32)),
    Column("object_id", Wide),
    Column("object_name", String(254)),
    Column("before", Text),
    Column("after", Text),
    Column("details", Text),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
Index("ix_audit_log_at", audit_log.c.at)
Index("ix_audit_log_actor_id_id", audit_log.c.actor_id, audit_log.c.id)
Index("ix_audit_log_kind_object_id_id", audit_log.c.kind, audit_log.c.object_id, audit_log.c.id)

# One row. Whoever appends holds it until the commit, so that the chain has one order; and rows cut off at the end of
# the log are missed.
audit_head = Table(
    "audit_head",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("last_id", Wide, nullable=False),
    Column("last_hash", String(64), nullable=False),
)

# What was moved out of the log: each row here stands for one file, and its entries are in no other place. Together
# they are the chain from its first entry to the one before the oldest in the log.
audit_archives = Table(
    "audit_archives",
    metadata,
    Column("first_id", Wide, primary_key=True, autoincrement=False),
    Column("last_id", Wide, nullable=False),
    instant("first_at", nullable=False),
    instant("last_at", nullable=False),
    Column("previous", String(64), nullable=False),
    Column("last_hash", String(64), nullable=False),
    Column("file", String(120), nullable=False),
    Column("size", Wide, nullable=False),
    Column("sha256", String(64), nullable=False),
    instant("made_at", nullable=False),
)
