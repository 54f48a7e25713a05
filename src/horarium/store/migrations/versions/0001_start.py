"""The first schema: work, ledger, runs, output, events, nodes and people.

Revision: 0001. A script says by itself what it makes and never looks at today's tables, which go on changing.
"""

from __future__ import annotations

import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# SQLite numbers rows by itself only in a column that is spelled INTEGER.
Wide = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make all tables and indexes, the counter of runs and the name of this installation."""
    for make in _TABLES.values():
        make()
    op.bulk_insert(sa.table("counters", sa.column("name"), sa.column("value")), [{"name": "run", "value": 0}])
    op.bulk_insert(
        sa.table("horarium_meta", sa.column("key"), sa.column("value")),
        [{"key": "instance", "value": secrets.token_hex(8)}],
    )


def downgrade() -> None:
    """Drop all tables with everything in them."""
    for name in reversed(_TABLES):
        op.drop_table(name)


def _only(condition: str) -> dict[str, Any]:
    """Return the option that makes an index partial, in the name of the database at hand."""
    return {f"{op.get_bind().dialect.name}_where": sa.text(condition)}


def _make_horarium_meta() -> None:
    op.create_table(
        "horarium_meta",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_horarium_meta"),
    )


def _make_counters() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", Wide, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )


def _make_scheduled_tasks() -> None:
    op.create_table(
        "scheduled_tasks",
        sa.Column("id", Wide, nullable=False, autoincrement=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("is_local", sa.Boolean(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=True),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("policies", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("owner_id", Wide, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("next_at", Wide, nullable=True),
        sa.Column("paused_at", Wide, nullable=True),
        sa.Column("paused_by", sa.String(200), nullable=True),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("paused_until", Wide, nullable=True),
        sa.Column("parked_at", Wide, nullable=True),
        sa.Column("parked_reason", sa.Text(), nullable=True),
        sa.Column("removed_at", Wide, nullable=True),
        sa.Column("last_state", sa.String(16), nullable=True),
        sa.Column("last_run_id", Wide, nullable=True),
        sa.Column("last_finished_at", Wide, nullable=True),
        sa.Column("failures_in_row", sa.Integer(), nullable=False),
        sa.Column("created_at", Wide, nullable=False),
        sa.Column("updated_at", Wide, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scheduled_tasks"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_scheduled_tasks_failing", "scheduled_tasks", ["last_finished_at"], **_only("failures_in_row > 0")
    )
    op.create_index("ix_scheduled_tasks_next_at", "scheduled_tasks", ["next_at"], **_only("next_at IS NOT NULL"))
    op.create_index(
        "uq_scheduled_tasks_name_living", "scheduled_tasks", ["name"], unique=True, **_only("removed_at IS NULL")
    )


def _make_occurrences() -> None:
    op.create_table(
        "occurrences",
        sa.Column("task_id", Wide, nullable=False, autoincrement=False),
        sa.Column("planned_at", Wide, nullable=False, autoincrement=False),
        sa.Column("run_id", Wide, nullable=True),
        sa.Column("reason", sa.String(16), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("decided_at", Wide, nullable=False),
        sa.PrimaryKeyConstraint("task_id", "planned_at", name="pk_occurrences"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_occurrences_planned_at", "occurrences", ["planned_at"])


def _make_occurrence_spans() -> None:
    op.create_table(
        "occurrence_spans",
        sa.Column("task_id", Wide, nullable=False, autoincrement=False),
        sa.Column("first_at", Wide, nullable=False, autoincrement=False),
        sa.Column("last_at", Wide, nullable=False),
        sa.Column("count", Wide, nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("decided_at", Wide, nullable=False),
        sa.PrimaryKeyConstraint("task_id", "first_at", name="pk_occurrence_spans"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_occurrence_spans_last_at", "occurrence_spans", ["last_at"])


def _make_task_executions() -> None:
    op.create_table(
        "task_executions",
        sa.Column("id", Wide, nullable=False, autoincrement=False),
        sa.Column("task_id", Wide, nullable=False),
        sa.Column("planned_at", Wide, nullable=True),
        sa.Column("triggered_by", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("interruptions", sa.Integer(), nullable=False),
        sa.Column("node_id", Wide, nullable=True),
        sa.Column("actor", sa.String(200), nullable=True),
        sa.Column("params", sa.Text(), nullable=True),
        sa.Column("not_before", Wide, nullable=True),
        sa.Column("created_at", Wide, nullable=False),
        sa.Column("started_at", Wide, nullable=True),
        sa.Column("finished_at", Wide, nullable=True),
        sa.Column("error_type", sa.String(200), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("cancel_asked_by", sa.String(200), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_task_executions"),
    )
    op.create_index(
        "ix_task_executions_failures",
        "task_executions",
        ["id"],
        **_only("state IN ('failed', 'timed_out', 'interrupted')"),
    )
    op.create_index("ix_task_executions_manual", "task_executions", ["id"], **_only("triggered_by = 'manual'"))
    op.create_index(
        "ix_task_executions_open",
        "task_executions",
        ["task_id", "state"],
        **_only("state IN ('queued', 'claimed', 'running', 'retrying')"),
    )
    op.create_index("ix_task_executions_task_id_id", "task_executions", ["task_id", "id"])
    op.create_index(
        "ix_task_executions_waiting",
        "task_executions",
        ["not_before", "id"],
        **_only("state IN ('queued', 'retrying')"),
    )


def _make_task_attempts() -> None:
    op.create_table(
        "task_attempts",
        sa.Column("run_id", Wide, nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("node_id", Wide, nullable=True),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("started_at", Wide, nullable=False),
        sa.Column("finished_at", Wide, nullable=True),
        sa.Column("error_type", sa.String(200), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("traceback", sa.Text(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("output_bytes", Wide, nullable=False),
        sa.Column("dropped_bytes", Wide, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_task_attempts"),
        sqlite_with_rowid=False,
    )


def _make_task_output() -> None:
    op.create_table(
        "task_output",
        sa.Column("run_id", Wide, nullable=False, autoincrement=False),
        sa.Column("attempt", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("first_line", Wide, nullable=False, autoincrement=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "attempt", "first_line", name="pk_task_output"),
        sqlite_with_rowid=False,
    )


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", Wide, nullable=False, autoincrement=True),
        sa.Column("at", Wide, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("task_id", Wide, nullable=True),
        sa.Column("run_id", Wide, nullable=True),
        sa.Column("actor", sa.String(200), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_at", "events", ["at"])


def _make_nodes() -> None:
    op.create_table(
        "nodes",
        sa.Column("id", Wide, nullable=False, autoincrement=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("host", sa.String(200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("workers", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("started_at", Wide, nullable=False),
        sa.Column("seen_at", Wide, nullable=False),
        sa.Column("lease_until", sa.Float(), nullable=False),
        sa.Column("lag_seconds", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_nodes"),
        sqlite_autoincrement=True,
    )


def _make_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", Wide, nullable=False, autoincrement=True),
        sa.Column("name", sa.String(254), nullable=False),
        sa.Column("name_key", sa.String(800), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_key", sa.String(800), nullable=True),
        sa.Column("display_name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("created_at", Wide, nullable=False),
        sa.Column("last_login_at", Wide, nullable=True),
        sa.Column("disabled_at", Wide, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email_key", name="uq_users_email_key"),
        sa.UniqueConstraint("name_key", name="uq_users_name_key"),
        sqlite_autoincrement=True,
    )


def _make_user_sessions() -> None:
    op.create_table(
        "user_sessions",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("user_id", Wide, nullable=False),
        sa.Column("created_at", Wide, nullable=False),
        sa.Column("seen_at", Wide, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_user_sessions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_sessions_user_id", ondelete="CASCADE"),
    )
    op.create_index("ix_user_sessions_seen_at", "user_sessions", ["seen_at"])
    op.create_index("ix_user_sessions_user_id", "user_sessions", ["user_id"])


def _make_login_attempts() -> None:
    op.create_table(
        "login_attempts",
        sa.Column("id", Wide, nullable=False, autoincrement=True),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("at", Wide, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_attempts"),
    )
    op.create_index("ix_login_attempts_at", "login_attempts", ["at"])
    op.create_index("ix_login_attempts_key_at", "login_attempts", ["key", "at"])


_TABLES = {
    "horarium_meta": _make_horarium_meta,
    "counters": _make_counters,
    "scheduled_tasks": _make_scheduled_tasks,
    "occurrences": _make_occurrences,
    "occurrence_spans": _make_occurrence_spans,
    "task_executions": _make_task_executions,
    "task_attempts": _make_task_attempts,
    "task_output": _make_task_output,
    "events": _make_events,
    "nodes": _make_nodes,
    "users": _make_users,
    "user_sessions": _make_user_sessions,
    "login_attempts": _make_login_attempts,
}
