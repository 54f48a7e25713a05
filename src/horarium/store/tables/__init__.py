"""The schema, once, for both databases. Here are the tables for the work; `everything` loads those for people, too."""

from __future__ import annotations

from horarium.store.tables.base import SCHEMA_REVISION, metadata
from horarium.store.tables.work import (
    counters,
    events,
    meta,
    nodes,
    occurrence_spans,
    occurrences,
    scheduled_tasks,
    task_attempts,
    task_executions,
    task_output,
)

__all__ = [
    "SCHEMA_REVISION",
    "counters",
    "events",
    "meta",
    "metadata",
    "nodes",
    "occurrence_spans",
    "occurrences",
    "scheduled_tasks",
    "task_attempts",
    "task_executions",
    "task_output",
]
