"""Tasks and runs as JSON: the same names everywhere, instants in UTC."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from horarium.errors import InvalidSchedule
from horarium.records.audit import AuditRow
from horarium.records.people import User
from horarium.records.runs import Attempt, Line, Run
from horarium.records.tasks import Task, TaskDefinition
from horarium.store.books.tokens import Token
from horarium.triggers import from_text


def schedule_words(definition: TaskDefinition) -> str:
    """Return when a task runs, in words."""
    if definition.schedule is None:
        return "Only by hand" if definition.per_user is None else "For each person"
    try:
        return from_text(definition.schedule).description
    except InvalidSchedule as error:
        return f"Not understood: {error}"


def condition_of(task: Task) -> str:
    """Return one word for the condition of a task."""
    if task.is_parked:
        return "parked"
    return "paused" if task.is_paused else "active"


def task_shape(task: Task) -> dict[str, Any]:
    """Return a task for JSON."""
    definition = task.definition
    return {
        "id": task.id,
        "name": task.name,
        "kind": definition.kind.value,
        "target": definition.spec.words,
        "spec": asdict(definition.spec),
        "schedule": schedule_words(definition),
        "trigger": definition.schedule,
        "timezone": definition.timezone,
        "condition": condition_of(task),
        "pause": None
        if task.pause is None
        else {**asdict(task.pause), **_instants(at=task.pause.at, until=task.pause.until)},
        "parking": None if task.parking is None else {"at": task.parking.at.isoformat(), "reason": task.parking.reason},
        "policies": definition.policies.to_json(),
        "tags": list(definition.tags),
        "credentials": list(definition.credentials),
        "description": definition.description,
        "source": definition.source,
        "user": task.place.for_user_id or None,
        "per_user": None if definition.per_user is None else asdict(definition.per_user),
        "revision": task.revision,
        "last_state": None if task.last_state is None else task.last_state.value,
        "last_run_id": task.last_run_id,
        "failures_in_row": task.failures_in_row,
        **_instants(
            next_at=task.next_at,
            last_finished_at=task.last_finished_at,
            created_at=task.created_at,
            updated_at=task.updated_at,
        ),
    }


def run_shape(run: Run) -> dict[str, Any]:
    """Return a run for JSON."""
    return {
        "id": run.id,
        "task_id": run.task_id,
        "task": run.task_name,
        "state": run.state.value,
        "triggered_by": run.triggered_by.value,
        "actor": run.actor,
        "attempt": run.attempt,
        "params": dict(run.params),
        "failure": None if run.failure is None else asdict(run.failure),
        "result": run.result,
        "reason": run.reason,
        "duration_seconds": None if run.duration is None else run.duration.total_seconds(),
        **_instants(
            planned_at=run.planned_at,
            created_at=run.created_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
        ),
    }


def attempt_shape(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt for JSON."""
    return {
        "number": attempt.number,
        "state": attempt.state.value,
        "pid": attempt.pid,
        "failure": None if attempt.failure is None else asdict(attempt.failure),
        "exit_code": attempt.exit_code,
        "cause": attempt.cause,
        "output_bytes": attempt.output_bytes,
        "dropped_bytes": attempt.dropped_bytes,
        **_instants(started_at=attempt.started_at, finished_at=attempt.finished_at),
    }


def line_shape(line: Line) -> dict[str, Any]:
    """Return a line of output for JSON."""
    return {"number": line.number, "at": line.at.isoformat(), "stream": line.stream.value, "text": line.text}


def token_shape(token: Token, owner: User) -> dict[str, Any]:
    """Return what is known of a token for JSON; the token itself is not."""
    return {
        "id": token.id,
        "name": token.name,
        "hint": token.hint,
        "user_id": owner.id,
        "user": owner.name,
        "scopes": list(token.scopes),
        "last_address": token.last_address,
        **_instants(created_at=token.created_at, expires_at=token.expires_at, last_used_at=token.last_used_at),
    }


def audit_shape(entry: AuditRow) -> dict[str, Any]:
    """Return an entry of the audit log for JSON."""
    return {**asdict(entry), "at": entry.at.isoformat()}


def _instants(**instants: datetime | None) -> dict[str, str | None]:
    return {name: None if instant is None else instant.isoformat() for name, instant in instants.items()}
