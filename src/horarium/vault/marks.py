"""Mark what a task executes and whose it is, so that a grant to it ends when that changes."""

from __future__ import annotations

import hashlib
import json

from horarium.records.reach import Place
from horarium.records.tasks import CommandSpec, TaskDefinition


def target_mark(definition: TaskDefinition, place: Place) -> str:
    """Return a mark of what a task executes, its function with arguments or its command with all around it, and whose.

    When it runs, how often it is tried again and what is said about it may change without it.
    """
    spec = definition.spec
    if isinstance(spec, CommandSpec):
        told = ["command", list(spec.argv), spec.shell, spec.cwd, sorted(spec.env.items()), spec.user, spec.stdin]
    else:
        told = ["python", spec.target, list(spec.args), sorted(spec.kwargs.items()), spec.local]
    # Whoever owns the task sees what it shows and starts it: another owner was not the one who was let.
    if (place.owner_id, place.project_id) != (None, None):
        told += [place.owner_id, place.project_id]
    text = json.dumps(told, ensure_ascii=True, separators=(",", ":"), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
