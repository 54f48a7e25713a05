"""Tables for looking after the house itself: silences of the scheduler, checks that wait to be called, samples."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text

from horarium.store.tables.base import Wide, instant, metadata

# A stretch in which nothing was started that should have been. One is open at a time, by the unique key below,
# however many watchers look on.
silences = Table(
    "silences",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("what", String(16), nullable=False),
    Column("cause", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    instant("began_at", nullable=False),
    instant("noticed_at", nullable=False),
    instant("ended_at"),
    # Until when one watcher has it in hand to tell people, and when that was done.
    instant("telling_until"),
    instant("told_at"),
    instant("told_back_at"),
    sqlite_autoincrement=True,
)
Index("uq_silences_open", silences.c.what, unique=True, info={"where": "ended_at IS NULL"})

checks = Table(
    "heartbeat_checks",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("name", String(200), nullable=False),
    Column("description", Text, nullable=False),
    Column("schedule", Text, nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("grace_seconds", Integer, nullable=False),
    Column("owner_id", Wide),
    Column("project_id", Wide),
    # Shown again to whoever may edit the check: it opens nothing but the report "I was there".
    Column("token", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    instant("last_at"),
    instant("began_at"),
    # When the next call is expected, and when its absence is told of.
    instant("due_at"),
    instant("alarm_at"),
    instant("down_at"),
    Column("misses", Integer, nullable=False),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    sqlite_autoincrement=True,
)
Index("uq_heartbeat_checks_token", checks.c.token, unique=True)
Index("ix_heartbeat_checks_alarm_at", checks.c.alarm_at, info={"where": "alarm_at IS NOT NULL"})

calls = Table(
    "heartbeat_calls",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("check_id", Wide, nullable=False),
    instant("at", nullable=False),
    Column("kind", String(16), nullable=False),
    Column("exit_code", Integer),
    Column("address", String(64), nullable=False),
    Column("agent", String(200), nullable=False),
    Column("seconds", Float),
    sqlite_autoincrement=True,
)
Index("ix_heartbeat_calls_check_id_id", calls.c.check_id, calls.c.id)

samples = Table(
    "system_samples",
    metadata,
    instant("at", nullable=False, primary_key=True, autoincrement=False),
    Column("lag_seconds", Float, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("busy", Integer, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("nodes", Integer, nullable=False),
    Column("store_bytes", Wide, nullable=False),
    sqlite_with_rowid=False,
)
