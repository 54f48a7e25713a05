"""What a definition must keep to, and the first instant that it gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from horarium.clock import from_micros
from horarium.errors import InvalidSchedule, InvalidValue
from horarium.records.tasks import DESCRIPTION_LIMIT, NAME_LIMIT, TAG_LIMIT, CommandSpec, PythonSpec, TaskDefinition
from horarium.scheduling.compiled import trigger_of
from horarium.scheduling.decisions import next_micros
from horarium.store.books.codec import dump

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CREDENTIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")
MOST_PARAMS = 65_536
MOST_CREDENTIALS = 50


def check_definition(definition: TaskDefinition) -> None:
    """Refuse a definition whose name, description or tags cannot be kept, raising `InvalidValue`."""
    name = definition.name
    if not name.strip() or name != name.strip():
        raise InvalidValue("name", name, "use a text that neither is empty nor begins or ends with a blank")
    if len(name) > NAME_LIMIT:
        raise InvalidValue("name", name, f"use at most {NAME_LIMIT} characters")
    if _CONTROL.search(name):
        raise InvalidValue("name", name, "use no control characters or line breaks")
    if len(definition.description) > DESCRIPTION_LIMIT:
        raise InvalidValue("description", definition.description, f"use at most {DESCRIPTION_LIMIT} characters")
    for tag in definition.tags:
        if not tag.strip() or len(tag) > TAG_LIMIT or _CONTROL.search(tag) or '"' in tag:
            raise InvalidValue("tag", tag, f"use 1 to {TAG_LIMIT} characters, without quotes and control characters")
    if len(definition.credentials) > MOST_CREDENTIALS:
        raise InvalidValue("credentials", len(definition.credentials), f"name at most {MOST_CREDENTIALS}")
    for credential in definition.credentials:
        if not _CREDENTIAL.fullmatch(credential):
            raise InvalidValue("credentials", credential, "use letters, figures, blanks, dots, dashes and underscores")


def first_instant(definition: TaskDefinition, now: int, *, late_ok: bool = False) -> int | None:
    """Return the first instant of a definition after `now` (microseconds); None for one that only runs by hand.

    Raises `InvalidSchedule` when nothing lies ahead, for example for a date that has passed, unless `late_ok`: then
    the latest date that has passed counts and is due at once.
    """
    if definition.schedule is None or definition.per_user is not None:
        return None
    trigger = trigger_of(definition.schedule)
    found = next_micros(trigger, now)
    if found is not None:
        return found
    passed = next_micros(trigger, 0)
    if passed is not None and late_ok:
        return passed
    when = "never" if passed is None else from_micros(passed).isoformat()
    raise InvalidSchedule("schedule", when, "use a time that lies ahead, or say that it may run now if it is late")


def params_text(params: Mapping[str, Any] | None, spec: PythonSpec | CommandSpec) -> str | None:
    """Return the parameters of one run as they are kept, None for none. Raises `InvalidValue`.

    A program takes only those that its task has variables for: with any other, `PATH` say, it would be another program.
    """
    if not params:
        return None
    if isinstance(spec, CommandSpec):
        unknown = next((name for name in params if name not in spec.env), None)
        if unknown is not None:
            raise InvalidValue("params", unknown, f"use variables that the task sets itself: {_names(spec.env)}")
    try:
        text = dump(dict(params))
    except (TypeError, ValueError):
        raise InvalidValue("params", params, "use plain JSON values") from None
    if len(text) > MOST_PARAMS:
        raise InvalidValue("params", f"{len(text)} characters", f"use at most {MOST_PARAMS}")
    return text


def _names(variables: Mapping[str, str]) -> str:
    return ", ".join(sorted(variables)) or "this one sets none"


def shown(definition: TaskDefinition) -> dict[str, Any]:
    """Return a definition as an audit entry shows it: of environment and input that they are there, never what."""
    spec = definition.spec
    values: dict[str, Any] = {
        "kind": definition.kind.value,
        "target": spec.words,
        "schedule": definition.schedule,
        "timezone": definition.timezone,
        "tags": definition.tags,
        "description": definition.description,
        "credentials": definition.credentials,
        "per_user": definition.per_user and asdict(definition.per_user),
        **{f"policies.{name}": value for name, value in definition.policies.to_json().items()},
    }
    if isinstance(spec, CommandSpec):
        values |= {"env": sorted(spec.env), "cwd": spec.cwd, "user": spec.user, "stdin": spec.stdin is not None}
    else:
        values |= {"arguments": [f"{len(spec.args)} in order", *sorted(spec.kwargs)], "isolation": spec.isolation.value}
    return {name: value for name, value in values.items() if value not in (None, (), [], "")}
