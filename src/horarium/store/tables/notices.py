"""Tables for telling people: channels, rules, what is to be told, the messages that tell it, and what is held back."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from horarium.store.tables.base import Wide, instant, metadata

channels = Table(
    "channels",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    # 0 is the installation itself.
    Column("owner_id", Wide, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("name", String(100), nullable=False),
    Column("name_key", String(400), nullable=False),
    # The values that are no secrets, as JSON; the others are a credential's.
    Column("open_values", Text, nullable=False),
    Column("credential_id", Wide),
    Column("most_per_hour", Integer),
    Column("most_per_day", Integer),
    instant("created_at", nullable=False),
    Column("created_by", String(200), nullable=False),
    instant("updated_at", nullable=False),
    instant("paused_at"),
    Column("paused_by", String(200)),
    instant("disabled_at"),
    Column("disabled_reason", Text),
    # How many messages in a row were refused for good, and what came of the last one.
    Column("failures", Integer, nullable=False),
    instant("last_sent_at"),
    instant("last_failed_at"),
    Column("last_answer", Text),
    sqlite_autoincrement=True,
)
Index("uq_channels_owner_id_name_key", channels.c.owner_id, channels.c.name_key, unique=True)
Index("ix_channels_credential_id", channels.c.credential_id, info={"where": "credential_id IS NOT NULL"})

notice_rules = Table(
    "notice_rules",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("owner_id", Wide, nullable=False),
    # The name of one that every installation begins with.
    Column("standard", String(32)),
    Column("position", Integer, nullable=False),
    Column("scope", String(16), nullable=False),
    Column("scope_id", Wide, nullable=False),
    Column("tag", String(50), nullable=False),
    Column("kinds", Text, nullable=False),
    Column("after_failures", Integer, nullable=False),
    Column("after_seconds", Integer),
    Column("frequency", String(16), nullable=False),
    Column("every_seconds", Integer),
    Column("recipients", Text, nullable=False),
    Column("goes_on", Boolean, nullable=False),
    Column("is_on", Boolean, nullable=False),
    instant("created_at", nullable=False),
    Column("created_by", String(200), nullable=False),
    instant("updated_at", nullable=False),
    # The tasks and checks while whose failing it tells no trouble, as JSON; nothing where there are none.
    Column("mute_while", Text),
    sqlite_autoincrement=True,
)
Index("ix_notice_rules_owner_id_position", notice_rules.c.owner_id, notice_rules.c.position)

# One row for what one target is told of one subject under one rule; what happens again before it was told is counted.
notices = Table(
    "notices",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("rule_id", Wide, nullable=False),
    # Either a channel, or a person by mail; the other one is 0.
    Column("channel_id", Wide, nullable=False),
    Column("user_id", Wide, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", String(200), nullable=False),
    # What of the subject it was, where the same is found more than once: a run, a planned instant.
    Column("mark", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("words", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("path", String(200), nullable=False),
    Column("task_id", Wide),
    Column("run_id", Wide),
    Column("many", Integer, nullable=False),
    instant("first_at", nullable=False),
    instant("last_at", nullable=False),
    instant("created_at", nullable=False),
    # From when on it may be told; nothing while it waits for something other than time.
    instant("not_before"),
    Column("delivery_id", Wide),
    instant("told_at"),
    # When what it tells of was over.
    instant("closed_at"),
    # The task or check that its rule names and that was failing, and since when that no longer mutes it.
    Column("muted_while", String(32)),
    instant("freed_at"),
    sqlite_autoincrement=True,
)
Index(
    "ix_notices_waiting",
    notices.c.channel_id,
    notices.c.user_id,
    notices.c.not_before,
    info={"where": "delivery_id IS NULL"},
)
Index("ix_notices_open", notices.c.subject, notices.c.kind, info={"where": "closed_at IS NULL"})
Index("ix_notices_delivery_id", notices.c.delivery_id, info={"where": "delivery_id IS NOT NULL"})
Index("ix_notices_rule_id_created_at", notices.c.rule_id, notices.c.created_at)
Index("ix_notices_created_at", notices.c.created_at)
Index(
    "ix_notices_muted",
    notices.c.closed_at,
    info={"where": "muted_while IS NOT NULL AND delivery_id IS NULL"},
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("message_id", String(32), nullable=False),
    Column("channel_id", Wide, nullable=False),
    Column("user_id", Wide, nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("summary", String(200), nullable=False),
    Column("topics", Integer, nullable=False),
    # What is told, as JSON, masked; the same over all tries.
    Column("body", Text, nullable=False),
    instant("created_at", nullable=False),
    # From when on it is tried, and how long it is tried again.
    instant("not_before", nullable=False),
    instant("try_until", nullable=False),
    Column("tries", Integer, nullable=False),
    instant("sent_at"),
    instant("given_up_at"),
    Column("answer", Text, nullable=False),
    # The last few tries with their answers, as JSON, masked.
    Column("log", Text, nullable=False),
    sqlite_autoincrement=True,
)
Index(
    "ix_deliveries_waiting",
    deliveries.c.not_before,
    info={"where": "sent_at IS NULL AND given_up_at IS NULL"},
)
Index("ix_deliveries_target", deliveries.c.channel_id, deliveries.c.user_id, deliveries.c.id)
Index("ix_deliveries_created_at", deliveries.c.created_at)

# How far somebody who reads on has come: whoever moves a mark on names where it stood.
notice_marks = Table(
    "notice_marks",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("value", Wide, nullable=False),
)

# Which tasks are failing now, and since when: counted by what the events say.
notice_streaks = Table(
    "notice_streaks",
    metadata,
    Column("task_id", Wide, primary_key=True, autoincrement=False),
    Column("many", Integer, nullable=False),
    instant("first_at", nullable=False),
    instant("last_at", nullable=False),
)

notice_snoozes = Table(
    "notice_snoozes",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    # Who is not told: a person, or with 0 everybody.
    Column("user_id", Wide, nullable=False),
    # What of: 0 leaves it open.
    Column("task_id", Wide, nullable=False),
    Column("rule_id", Wide, nullable=False),
    Column("channel_id", Wide, nullable=False),
    instant("until", nullable=False),
    Column("reason", Text, nullable=False),
    instant("created_at", nullable=False),
    Column("created_by", String(200), nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_notice_snoozes_until", notice_snoozes.c.until)
