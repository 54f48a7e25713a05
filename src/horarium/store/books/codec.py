"""How a task's definition is written into columns, and read back."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from horarium.clock import from_micros
from horarium.errors import StoreForeign
from horarium.records.policies import USUAL, Policies
from horarium.records.reach import Place
from horarium.records.tasks import CommandSpec, Parking, Pause, PerUser, PythonSpec, Task, TaskDefinition
from horarium.states import Isolation, RunState, TaskKind


def dump(value: Any) -> str:
    """Write plain data as compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def spec_text(spec: PythonSpec | CommandSpec) -> str:
    """Write what a task does as JSON; only what differs from the defaults is kept."""
    if isinstance(spec, PythonSpec):
        if not spec.args and not spec.kwargs and spec.isolation is Isolation.THREAD:
            return "{}"
        return dump({"args": list(spec.args), "kwargs": dict(spec.kwargs), "isolation": spec.isolation})
    plain: dict[str, Any] = {"argv": list(spec.argv), "shell": spec.shell, "cwd": spec.cwd, "env": dict(spec.env)}
    plain |= {"user": spec.user, "stdin": spec.stdin, "success_codes": list(spec.success_codes)}
    return dump({key: value for key, value in plain.items() if value not in (None, False, {}, [0])})


def policies_text(policies: Policies) -> str:
    """Write policies as JSON; the usual ones are an empty object."""
    return "{}" if policies is USUAL or policies == USUAL else dump(policies.to_json())


def definition_columns(definition: TaskDefinition) -> dict[str, Any]:
    """Return the columns that hold a definition."""
    spec = definition.spec
    return {
        "name": definition.name,
        "kind": definition.kind.value,
        "target": spec.target if isinstance(spec, PythonSpec) else spec.words,
        "spec": spec_text(spec),
        "is_local": definition.is_local,
        "schedule": definition.schedule,
        "timezone": definition.timezone,
        "policies": policies_text(definition.policies),
        "tags": dump(list(definition.tags)) if definition.tags else "[]",
        "description": definition.description,
        "source": definition.source,
        "per_user": None if definition.per_user is None else dump(asdict(definition.per_user)),
        "credentials": dump(list(definition.credentials)) if definition.credentials else None,
    }


def definition_of(row: Any) -> TaskDefinition:
    """Rebuild a definition from a row that has all its columns."""
    return TaskDefinition(
        name=row.name,
        spec=_spec(row.kind, row.target, row.spec, bool(row.is_local)),
        schedule=row.schedule,
        timezone=row.timezone,
        policies=_policies(row.policies),
        tags=_tags(row.tags),
        description=row.description,
        source=row.source,
        credentials=_tags(row.credentials) if row.credentials else (),
        per_user=PerUser(**json.loads(row.per_user)) if row.per_user else None,
    )


def task_of(row: Any) -> Task:
    """Rebuild a task record from a full row."""
    pause = None
    if row.paused_at is not None:
        until = None if row.paused_until is None else from_micros(row.paused_until)
        pause = Pause(from_micros(row.paused_at), row.paused_by or "", row.paused_reason or "", until)
    return Task(
        id=row.id,
        definition=definition_of(row),
        revision=row.revision,
        created_at=from_micros(row.created_at),
        updated_at=from_micros(row.updated_at),
        next_at=maybe_instant(row.next_at),
        pause=pause,
        parking=None if row.parked_at is None else Parking(from_micros(row.parked_at), row.parked_reason or ""),
        removed_at=maybe_instant(row.removed_at),
        last_state=None if row.last_state is None else RunState(row.last_state),
        last_run_id=row.last_run_id,
        last_finished_at=maybe_instant(row.last_finished_at),
        failures_in_row=row.failures_in_row,
        place=Place(row.owner_id, row.project_id, row.for_user_id),
        template_id=row.template_id,
    )


def maybe_instant(micros: int | None) -> Any:
    """Return an aware instant, or None for None."""
    return None if micros is None else from_micros(micros)


def _spec(kind: str, target: str, text: str, local: bool) -> PythonSpec | CommandSpec:  # noqa: FBT001 - a column
    if kind == TaskKind.PYTHON:
        if text == "{}":
            return PythonSpec(target, local=local)
        plain = json.loads(text)
        return PythonSpec(
            target, tuple(plain.get("args", ())), plain.get("kwargs", {}), Isolation(plain["isolation"]), local
        )
    if kind == TaskKind.COMMAND:
        plain = json.loads(text)
        plain["argv"] = tuple(plain["argv"])
        plain["success_codes"] = tuple(plain.get("success_codes", (0,)))
        return CommandSpec(**plain)
    raise StoreForeign(f"a task has the kind {kind!r}, which this release does not know")


@lru_cache(maxsize=256)
def _policies(text: str) -> Policies:
    return USUAL if text == "{}" else Policies.from_json(json.loads(text))


@lru_cache(maxsize=256)
def _tags(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))
