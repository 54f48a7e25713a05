"""The audit log, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from horarium.audit.actions import Action, Result
from horarium.errors import InvalidValue
from horarium.records.actors import Source
from horarium.records.audit import AuditFilter
from horarium.web.api.reading import Paged, Words, number_cursor
from horarium.web.api.routing import Asking
from horarium.web.api.shapes import AuditPageShape, audit_shape


class AuditQuery(Paged):
    """Which entries to list; `action` is a whole action, or a kind with its dot: `task.`."""

    q: Words = ""
    action: Annotated[str, Field(max_length=60)] = ""
    source: Source | None = None
    result: Result | None = None


def list_audit(visit: Asking, wanted: Annotated[AuditQuery, Query()]) -> AuditPageShape:
    """List entries of the audit log, the newest first."""
    shown = AuditFilter(
        text=wanted.q,
        actions=(_checked(wanted.action),) if wanted.action else (),
        sources=(wanted.source.value,) if wanted.source else (),
        results=(wanted.result.value,) if wanted.result else (),
    )
    before = number_cursor(wanted.cursor)
    found = visit.house.trail.page(shown, before=before, limit=wanted.limit + 1)
    entries = found[: wanted.limit]
    following = str(entries[-1].id) if len(found) > len(entries) else None
    return AuditPageShape(entries=[audit_shape(each) for each in entries], next=following)


def _checked(action: str) -> str:
    if any(each.value == action or (action.endswith(".") and each.value.startswith(action)) for each in Action):
        return action
    raise InvalidValue("action", action, "use an action, such as task.paused, or a kind with its dot, such as task.")
