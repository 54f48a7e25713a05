"""Say what the API answers: tasks, runs, tokens and entries of the audit log as JSON, instants in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from horarium.accounts.roles import Permission, may
from horarium.records.audit import AuditRow
from horarium.records.runs import Attempt, Failure, Line, Run
from horarium.records.tasks import Task
from horarium.store.books.tokens import Token
from horarium.web.pages.timing import expression_for, words_for
from horarium.web.visit import Visit


class Shape(BaseModel):
    """What all answers share: nothing is put into one that it does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ErrorShape(Shape):
    """What went wrong: a stable code, a sentence for people, and the number of the request in the server's log."""

    code: str
    message: str
    request: str


class Problem(Shape):
    """The answer to every request that is refused."""

    error: ErrorShape


class PersonShape(Shape):
    """A person with an account."""

    id: int
    name: str
    display_name: str
    email: str
    role: str
    time_zone: str


class TokenShape(Shape):
    """What is known of a token; `hint` are its last characters. The token itself is never shown again."""

    id: int
    name: str
    hint: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    last_address: str


class NewTokenShape(TokenShape):
    """A token that was made a moment ago, with the whole of it in `token`, this once."""

    token: str


class TokensShape(Shape):
    """All tokens of the person who asks, the newest first."""

    tokens: list[TokenShape]


class MeShape(Shape):
    """Who asks, with which token, and what they may do with it."""

    user: PersonShape
    token: TokenShape
    permissions: list[str]


class PauseShape(Shape):
    """Who paused a task, when, why, and until when (null: until somebody resumes it)."""

    at: datetime
    by: str
    reason: str
    until: datetime | None


class ParkingShape(Shape):
    """Since when and why a task is parked."""

    at: datetime
    reason: str


class LastRunShape(Shape):
    """How the last run of a task ended, or stands."""

    id: int
    state: str | None
    finished_at: datetime | None


class TaskShape(Shape):
    """A task; `condition` is one of active, paused, parked, `cron` the text of its expression where it has one."""

    id: int
    name: str
    kind: str
    target: str
    description: str
    tags: list[str]
    schedule: str
    cron: str | None
    timezone: str
    next_at: datetime | None
    condition: str
    pause: PauseShape | None
    parking: ParkingShape | None
    last_run: LastRunShape | None
    failures_in_row: int
    created_at: datetime
    updated_at: datetime


class TasksShape(Shape):
    """Some tasks; `next` is the cursor of those that follow, null at the end."""

    tasks: list[TaskShape]
    next: str | None


class TaskNameShape(Shape):
    """Which task a run is of."""

    id: int
    name: str


class FailureShape(Shape):
    """What went wrong in a run."""

    type: str
    message: str
    traceback: str


class RunShape(Shape):
    """A run."""

    id: int
    task: TaskNameShape
    state: str
    reason: str
    triggered_by: str
    by: str
    attempt: int
    params: Mapping[str, Any]
    result: str | None
    failure: FailureShape | None
    planned_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    duration_seconds: float | None


class AttemptShape(Shape):
    """One execution of a run."""

    number: int
    state: str
    started_at: datetime
    finished_at: datetime | None
    exit_code: int | None
    cause: str
    failure: FailureShape | None
    output_bytes: int
    dropped_bytes: int


class RunWithAttemptsShape(RunShape):
    """A run with all its attempts, first to last."""

    attempts: list[AttemptShape]


class RunsShape(Shape):
    """Some runs, the newest first; `next` is the cursor of those that follow, null at the end."""

    runs: list[RunShape]
    next: str | None


class LineShape(Shape):
    """One line of output, numbered from 1 within its attempt."""

    number: int
    at: datetime
    stream: str
    text: str


class ThingShape(Shape):
    """What an entry of the audit log is about."""

    kind: str
    id: int | None
    name: str


class AuditShape(Shape):
    """An entry of the audit log; `hash` covers it and `previous`, which is the hash of the entry before."""

    id: int
    at: datetime
    actor: str
    actor_id: int | None
    source: str
    address: str
    request: str
    action: str
    result: str
    about: ThingShape | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    details: Mapping[str, Any]
    previous: str
    hash: str


class AuditPageShape(Shape):
    """Some entries, the newest first; `next` is the cursor of those that follow, null at the end."""

    entries: list[AuditShape]
    next: str | None


def me_shape(visit: Visit, token: Token) -> MeShape:
    """Return who asks."""
    user = visit.user
    person = PersonShape(
        id=user.id,
        name=user.name,
        display_name=user.display_name,
        email=user.email,
        role=user.role.value,
        time_zone=user.time_zone,
    )
    allowed = [each.value for each in Permission if may(visit.identity, each)]
    return MeShape(user=person, token=token_shape(token), permissions=allowed)


def token_shape(token: Token) -> TokenShape:
    """Return what may be told of a token."""
    return TokenShape(**_of_token(token))


def new_token_shape(token: Token, text: str) -> NewTokenShape:
    """Return a new token with the whole of it."""
    return NewTokenShape(**_of_token(token), token=text)


def _of_token(token: Token) -> dict[str, Any]:
    names = ("id", "name", "hint", "created_at", "expires_at", "last_used_at", "last_address")
    return {name: getattr(token, name) for name in names} | {"scopes": list(token.scopes)}


def task_shape(task: Task) -> TaskShape:
    """Return a task: of what it executes only what its page shows, never environment, input or arguments."""
    definition, pause, parking = task.definition, task.pause, task.parking
    last = None
    if task.last_run_id is not None:
        state = None if task.last_state is None else task.last_state.value
        last = LastRunShape(id=task.last_run_id, state=state, finished_at=task.last_finished_at)
    return TaskShape(
        id=task.id,
        name=task.name,
        kind=definition.kind.value,
        target=definition.spec.words,
        description=definition.description,
        tags=list(definition.tags),
        schedule=words_for(definition),
        cron=expression_for(definition) or None,
        timezone=definition.timezone,
        next_at=task.next_at,
        condition="parked" if parking else "paused" if pause else "active",
        pause=None if pause is None else PauseShape(**asdict(pause)),
        parking=None if parking is None else ParkingShape(**asdict(parking)),
        last_run=last,
        failures_in_row=task.failures_in_row,
        created_at=task.created_at,
        updated_at=task.updated_at,
    )


def run_shape(run: Run) -> RunShape:
    """Return a run."""
    return RunShape(**_of_run(run))


def run_with_attempts(run: Run, attempts: list[Attempt]) -> RunWithAttemptsShape:
    """Return a run with its attempts."""
    return RunWithAttemptsShape(**_of_run(run), attempts=[_attempt_shape(each) for each in attempts])


def _of_run(run: Run) -> dict[str, Any]:
    names = ("id", "reason", "attempt", "result", "planned_at", "created_at", "started_at", "finished_at")
    return {name: getattr(run, name) for name in names} | {
        "task": TaskNameShape(id=run.task_id, name=run.task_name),
        "state": run.state.value,
        "triggered_by": run.triggered_by.value,
        "by": run.actor,
        "params": dict(run.params),
        "failure": _failure_shape(run.failure),
        "duration_seconds": None if run.duration is None else run.duration.total_seconds(),
    }


def _attempt_shape(attempt: Attempt) -> AttemptShape:
    return AttemptShape(
        number=attempt.number,
        state=attempt.state.value,
        started_at=attempt.started_at,
        finished_at=attempt.finished_at,
        exit_code=attempt.exit_code,
        cause=attempt.cause,
        failure=_failure_shape(attempt.failure),
        output_bytes=attempt.output_bytes,
        dropped_bytes=attempt.dropped_bytes,
    )


def _failure_shape(failure: Failure | None) -> FailureShape | None:
    if failure is None:
        return None
    return FailureShape(**asdict(failure))


def line_shape(line: Line) -> LineShape:
    """Return a line of output."""
    return LineShape(number=line.number, at=line.at, stream=line.stream.value, text=line.text)


def audit_shape(entry: AuditRow) -> AuditShape:
    """Return an entry of the audit log."""
    names = ("id", "at", "actor", "actor_id", "source", "address", "request", "action", "result")
    about = None
    if entry.kind is not None:
        about = ThingShape(kind=entry.kind, id=entry.object_id, name=entry.object_name or "")
    return AuditShape(
        **{name: getattr(entry, name) for name in names},
        about=about,
        before=entry.before,
        after=entry.after,
        details=entry.details,
        previous=entry.previous,
        hash=entry.hash,
    )
