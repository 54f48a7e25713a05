"""Tables for the work: tasks, the ledger of occurrences, runs, attempts, output, events, nodes."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table, Text

from horarium.store.tables.base import Wide, instant, metadata

meta = Table(
    "horarium_meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Wide, nullable=False),
)

scheduled_tasks = Table(
    "scheduled_tasks",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("name", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("target", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("is_local", Boolean, nullable=False),
    Column("schedule", Text),
    Column("timezone", String(64), nullable=False),
    Column("policies", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("source", String(32), nullable=False),
    Column("owner_id", Wide),
    Column("revision", Integer, nullable=False),
    instant("next_at"),
    instant("paused_at"),
    Column("paused_by", String(200)),
    Column("paused_reason", Text),
    instant("paused_until"),
    instant("parked_at"),
    Column("parked_reason", Text),
    instant("removed_at"),
    Column("last_state", String(16)),
    Column("last_run_id", Wide),
    instant("last_finished_at"),
    Column("failures_in_row", Integer, nullable=False),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    Column("project_id", Wide),
    # A task for each person: the definition they share has `per_user`; each person's own is one more row that names
    # it and the person. 0 stands for nobody in particular, so that the key below holds for it too.
    Column("per_user", Text),
    Column("template_id", Wide),
    Column("for_user_id", Wide, nullable=False, server_default="0"),
    # The names under which its code may ask for credentials, as JSON.
    Column("credentials", Text),
    sqlite_autoincrement=True,
)
Index(
    "uq_scheduled_tasks_name_for_living",
    scheduled_tasks.c.name,
    scheduled_tasks.c.for_user_id,
    unique=True,
    info={"where": "removed_at IS NULL"},
)
Index(
    "ix_scheduled_tasks_owner_id",
    scheduled_tasks.c.owner_id,
    info={"where": "owner_id IS NOT NULL"},
)
Index(
    "ix_scheduled_tasks_project_id",
    scheduled_tasks.c.project_id,
    info={"where": "project_id IS NOT NULL"},
)
Index(
    "ix_scheduled_tasks_template_id_for_user_id",
    scheduled_tasks.c.template_id,
    scheduled_tasks.c.for_user_id,
    info={"where": "template_id IS NOT NULL"},
)
Index(
    "ix_scheduled_tasks_per_user",
    scheduled_tasks.c.id,
    info={"where": "per_user IS NOT NULL"},
)
Index(
    "ix_scheduled_tasks_for_user_id",
    scheduled_tasks.c.for_user_id,
    info={"where": "for_user_id > 0"},
)
Index(
    "ix_scheduled_tasks_next_at",
    scheduled_tasks.c.next_at,
    info={"where": "next_at IS NOT NULL"},
)
Index(
    "ix_scheduled_tasks_failing",
    scheduled_tasks.c.last_finished_at,
    info={"where": "failures_in_row > 0"},
)

# The promise "one run per occurrence" is this primary key; its rows outlive the runs they name.
occurrences = Table(
    "occurrences",
    metadata,
    Column("task_id", Wide, primary_key=True, autoincrement=False),
    instant("planned_at", nullable=False, primary_key=True, autoincrement=False),
    Column("run_id", Wide),
    Column("reason", String(16)),
    Column("detail", Text),
    instant("decided_at", nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_occurrences_planned_at", occurrences.c.planned_at)

# Long stretches of one outcome (a month of missed seconds) are one row here instead of millions there.
occurrence_spans = Table(
    "occurrence_spans",
    metadata,
    Column("task_id", Wide, primary_key=True, autoincrement=False),
    instant("first_at", nullable=False, primary_key=True, autoincrement=False),
    instant("last_at", nullable=False),
    Column("count", Wide, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("detail", Text),
    instant("decided_at", nullable=False),
    sqlite_with_rowid=False,
)

Index("ix_occurrence_spans_last_at", occurrence_spans.c.last_at)

# Queries repeat these conditions to the letter: only then does either planner take the partial index.
OPEN = "state IN ('queued', 'claimed', 'running', 'retrying')"
WAITING = "state IN ('queued', 'retrying')"
HELD = f"{OPEN} AND state IN ('claimed', 'running')"
FAILURES = "state IN ('failed', 'timed_out', 'interrupted')"

task_executions = Table(
    "task_executions",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=False),
    Column("task_id", Wide, nullable=False),
    instant("planned_at"),
    Column("triggered_by", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("interruptions", Integer, nullable=False),
    Column("node_id", Wide),
    Column("actor", String(200)),
    Column("params", Text),
    instant("not_before"),
    instant("created_at", nullable=False),
    instant("started_at"),
    instant("finished_at"),
    Column("error_type", String(200)),
    Column("error_message", Text),
    Column("result", Text),
    Column("reason", Text),
    Column("cancel_asked_by", String(200)),
)
Index("ix_task_executions_task_id_id", task_executions.c.task_id, task_executions.c.id)
Index(
    "ix_task_executions_open",
    task_executions.c.task_id,
    task_executions.c.state,
    info={"where": OPEN},
)
Index(
    "ix_task_executions_waiting",
    task_executions.c.not_before,
    task_executions.c.id,
    info={"where": WAITING},
)
Index(
    "ix_task_executions_failures",
    task_executions.c.id,
    info={"where": FAILURES},
)
Index(
    "ix_task_executions_manual",
    task_executions.c.id,
    info={"where": "triggered_by = 'manual'"},
)

task_attempts = Table(
    "task_attempts",
    metadata,
    Column("run_id", Wide, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("node_id", Wide),
    Column("pid", Integer),
    instant("started_at", nullable=False),
    instant("finished_at"),
    Column("error_type", String(200)),
    Column("error_message", Text),
    Column("traceback", Text),
    Column("exit_code", Integer),
    Column("cause", Text),
    Column("output_bytes", Wide, nullable=False),
    Column("dropped_bytes", Wide, nullable=False),
    sqlite_with_rowid=False,
)

task_output = Table(
    "task_output",
    metadata,
    Column("run_id", Wide, primary_key=True, autoincrement=False),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("first_line", Wide, primary_key=True, autoincrement=False),
    Column("lines", Integer, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    instant("at", nullable=False),
    Column("kind", String(32), nullable=False),
    Column("task_id", Wide),
    Column("run_id", Wide),
    Column("actor", String(200)),
    Column("body", Text),
    sqlite_autoincrement=True,
)
Index("ix_events_at", events.c.at)

nodes = Table(
    "nodes",
    metadata,
    Column("id", Wide, primary_key=True, autoincrement=True),
    Column("name", String(200), nullable=False),
    Column("host", String(200), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("workers", Integer, nullable=False),
    Column("version", String(32), nullable=False),
    instant("started_at", nullable=False),
    instant("seen_at", nullable=False),
    # Lease time is the store's own: the database's clock, or the machine's steady clock for a file.
    Column("lease_until", Float, nullable=False),
    Column("lag_seconds", Float),
    # Since when it takes nothing new because it was told to stop.
    instant("draining_at"),
    sqlite_autoincrement=True,
)
