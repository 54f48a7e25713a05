"""Tasks and runs as plain values for programs: dictionaries of texts, numbers and aware datetimes."""

from __future__ import annotations

import json
from typing import Any

from horarium.records.runs import Run
from horarium.records.tasks import PythonSpec, Task


def task_status(task: Task, last: Run | None) -> dict[str, Any]:
    """Return what a task is and how it stands. `status` is one of active, paused, parked, running, finished."""
    definition = task.definition
    return {
        "id": task.id,
        "name": task.name,
        "status": _status(task, last),
        "kind": definition.kind.value,
        "target": definition.spec.target if isinstance(definition.spec, PythonSpec) else definition.spec.words,
        "schedule": definition.schedule,
        "timezone": definition.timezone,
        "user": task.place.for_user_id or None,
        "description": definition.description,
        "tags": list(definition.tags),
        "credentials": list(definition.credentials),
        "next_run": task.next_at,
        "paused": task.is_paused,
        "parked": task.parking.reason if task.parking else None,
        "failures_in_row": task.failures_in_row,
        "last_run": None if last is None else history_entry(last),
        "created_at": task.created_at,
    }


def history_entry(run: Run) -> dict[str, Any]:
    """Return what became of one run."""
    duration = run.duration
    return {
        "id": run.id,
        "task": run.task_name,
        "status": run.state.value,
        "triggered_by": run.triggered_by.value,
        "planned_at": run.planned_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "duration_seconds": None if duration is None else duration.total_seconds(),
        "attempts": run.attempt,
        "error": None if run.failure is None else f"{run.failure.type}: {run.failure.message}",
        "result": None if run.result is None else json.loads(run.result),
        "reason": run.reason,
    }


def _status(task: Task, last: Run | None) -> str:
    if task.is_parked:
        return "parked"
    if task.is_paused:
        return "paused"
    if last is not None and last.is_open:
        return "running"
    return "active" if task.next_at is not None or task.definition.schedule is None else "finished"
