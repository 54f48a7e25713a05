"""Heartbeats: make them, look at them, change, pause, resume and remove them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from horarium.accounts.roles import IN_PROJECT, Permission
from horarium.clock import EPOCH
from horarium.errors import Denied, InvalidValue
from horarium.records.checks import CheckWish, HeartbeatCheck
from horarium.records.people import Role
from horarium.records.reach import NOWHERE, Place
from horarium.store.books.checks import CallBook, CheckBook
from horarium.store.books.projects import ProjectBook
from horarium.triggers import CronTrigger, IntervalTrigger, from_text, to_text
from horarium.web.api.reading import Paged, number_cursor
from horarium.web.api.routing import Asking
from horarium.web.api.shapes import Shape
from horarium.web.judging_checks import check_for, may_edit, require_edit, require_pause
from horarium.web.pages.checks import address_of
from horarium.web.visit import Visit

_SHOWN_CALLS: Final = 20


class CallShape(Shape):
    """A call that came; `kind` is done, start or fail."""

    at: datetime
    kind: str
    exit_code: int | None
    seconds: float | None
    address: str
    agent: str


class HeartbeatShape(Shape):
    """A heartbeat, expected by `every_seconds` or `cron`; `address` is what to call, for whoever may change it."""

    id: int
    name: str
    description: str
    state: str
    every_seconds: int | None
    cron: str | None
    timezone: str
    grace_seconds: int
    owner_id: int | None
    project_id: int | None
    last_at: datetime | None
    due_at: datetime | None
    down_at: datetime | None
    misses: int
    address: str | None


class HeartbeatsShape(Shape):
    """A page of heartbeats; `next` is where to go on, null at the end."""

    heartbeats: list[HeartbeatShape]
    next: str | None


class HeartbeatWithCallsShape(HeartbeatShape):
    """A heartbeat with its newest calls, newest first."""

    calls: list[CallShape]


class HeartbeatBody(BaseModel):
    """What a heartbeat is to be: expected `every_seconds`, counted from each call, or at the times of `cron`.

    It belongs to whoever makes it, or to `project_id`; for administrators also to the `installation`.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(max_length=400)] = "Heartbeat"
    description: Annotated[str, Field(max_length=4000)] = ""
    every_seconds: Annotated[int, Field(ge=60, le=31_622_400)] | None = None
    cron: Annotated[str, Field(max_length=200)] | None = None
    timezone: Annotated[str, Field(max_length=64)] = "UTC"
    grace_seconds: Annotated[int, Field(ge=30, le=2_592_000)] = 300
    project_id: Annotated[int, Field(ge=1, lt=1 << 63)] | None = None
    installation: bool = False


class ChangeBody(BaseModel):
    """What of a heartbeat is to be different; what is left out stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(max_length=400)] | None = None
    description: Annotated[str, Field(max_length=4000)] | None = None
    every_seconds: Annotated[int, Field(ge=60, le=31_622_400)] | None = None
    cron: Annotated[str, Field(max_length=200)] | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None
    grace_seconds: Annotated[int, Field(ge=30, le=2_592_000)] | None = None


def list_heartbeats(visit: Asking, wanted: Annotated[Paged, Query()]) -> HeartbeatsShape:
    """List the heartbeats that the person who asks sees."""
    after = number_cursor(wanted.cursor) or 0
    with visit.house.services.store.reading() as tx:
        found = CheckBook(tx).page(visit.reach, after=after, most=wanted.limit + 1)
    shown = found[: wanted.limit]
    following = str(shown[-1].id) if len(found) > len(shown) else None
    return HeartbeatsShape(heartbeats=[HeartbeatShape(**_values(visit, each)) for each in shown], next=following)


def make_heartbeat(visit: Asking, body: HeartbeatBody | None = None) -> HeartbeatShape:
    """Make a heartbeat; the answer holds the address to call."""
    wanted = body or HeartbeatBody()
    every = 86_400 if wanted.every_seconds is None and wanted.cron is None else wanted.every_seconds
    wish = CheckWish(
        name=wanted.name,
        description=wanted.description,
        schedule=_schedule(every, wanted.cron, wanted.timezone),
        timezone=wanted.timezone if wanted.cron is not None else "UTC",
        grace_seconds=wanted.grace_seconds,
        place=_place(visit, wanted),
    )
    return HeartbeatShape(**_values(visit, visit.house.checks.add(wish, actor=visit.actor)))


def get_heartbeat(visit: Asking, check_id: int) -> HeartbeatWithCallsShape:
    """Show one heartbeat with its newest calls."""
    with visit.house.services.store.reading() as tx:
        check = check_for(visit, tx, check_id)
        calls = CallBook(tx).newest(check.id, most=_SHOWN_CALLS)
    names = ("at", "exit_code", "seconds", "address", "agent")
    told = [CallShape(kind=call.kind.value, **{name: getattr(call, name) for name in names}) for call in calls]
    return HeartbeatWithCallsShape(**_values(visit, check), calls=told)


def change_heartbeat(visit: Asking, check_id: int, body: ChangeBody | None = None) -> HeartbeatShape:
    """Change what a heartbeat is called and when it is expected."""
    check = _edited(visit, check_id)
    before, wanted = check.wish, body or ChangeBody()
    zone = before.timezone if wanted.timezone is None else wanted.timezone
    schedule = before.schedule
    if wanted.every_seconds is not None or wanted.cron is not None or wanted.timezone is not None:
        old = from_text(schedule)
        cron = wanted.cron
        if cron is None and wanted.every_seconds is None and isinstance(old, CronTrigger):
            cron = old.expression.text
        schedule = (
            schedule if cron is None and wanted.every_seconds is None else _schedule(wanted.every_seconds, cron, zone)
        )
    wish = CheckWish(
        name=before.name if wanted.name is None else wanted.name,
        description=before.description if wanted.description is None else wanted.description,
        schedule=schedule,
        timezone=zone,
        grace_seconds=before.grace_seconds if wanted.grace_seconds is None else wanted.grace_seconds,
        place=before.place,
    )
    return HeartbeatShape(**_values(visit, visit.house.checks.change(check.id, wish, actor=visit.actor)))


def remove_heartbeat(visit: Asking, check_id: int) -> None:
    """Remove a heartbeat with its calls."""
    visit.house.checks.remove(_edited(visit, check_id).id, actor=visit.actor)


def pause_heartbeat(visit: Asking, check_id: int) -> HeartbeatShape:
    """Pause a heartbeat: nobody is told anything about it."""
    check = _held(visit, check_id)
    return HeartbeatShape(**_values(visit, visit.house.checks.pause(check.id, actor=visit.actor)))


def resume_heartbeat(visit: Asking, check_id: int) -> HeartbeatShape:
    """Let a heartbeat wait for calls again."""
    check = _held(visit, check_id)
    return HeartbeatShape(**_values(visit, visit.house.checks.resume(check.id, actor=visit.actor)))


def _schedule(every: int | None, cron: str | None, zone: str) -> str:
    if (every is None) is (cron is None):
        raise InvalidValue("every_seconds", every, "give every_seconds or cron, one of them")
    return to_text(IntervalTrigger(every or 0, EPOCH) if cron is None else CronTrigger(cron, zone))


def _place(visit: Visit, wanted: HeartbeatBody) -> Place:
    """Return to whom it is to belong. Raises `Denied`, `InvalidValue`."""
    if wanted.installation:
        if not visit.user.is_admin:
            raise Denied("only administrators make heartbeats of the installation")
        return NOWHERE
    if wanted.project_id is None:
        return Place(owner_id=visit.user.id)
    role = visit.identity.projects.get(wanted.project_id, Role.USER)
    with visit.house.services.store.reading() as tx:
        is_there = ProjectBook(tx).get(wanted.project_id) is not None
    if not (is_there and (visit.user.is_admin or Permission.TASKS_EDIT in IN_PROJECT[role])):
        raise InvalidValue("project_id", wanted.project_id, "use a project in which you may edit")
    return Place(project_id=wanted.project_id)


def _values(visit: Visit, check: HeartbeatCheck) -> dict[str, Any]:
    trigger = from_text(check.wish.schedule)
    return {
        "id": check.id,
        "name": check.name,
        "description": check.wish.description,
        "state": check.state_at(visit.now).value,
        "every_seconds": round(trigger.every.total_seconds()) if isinstance(trigger, IntervalTrigger) else None,
        "cron": trigger.expression.text if isinstance(trigger, CronTrigger) else None,
        "timezone": check.wish.timezone,
        "grace_seconds": check.wish.grace_seconds,
        "owner_id": check.place.owner_id,
        "project_id": check.place.project_id,
        "last_at": check.last_at,
        "due_at": check.due_at,
        "down_at": check.down_at,
        "misses": check.misses,
        "address": address_of(visit, check) if may_edit(visit, check) else None,
    }


def _edited(visit: Visit, check_id: int) -> HeartbeatCheck:
    with visit.house.services.store.reading() as tx:
        check = check_for(visit, tx, check_id)
    require_edit(visit, check)
    return check


def _held(visit: Visit, check_id: int) -> HeartbeatCheck:
    with visit.house.services.store.reading() as tx:
        check = check_for(visit, tx, check_id)
    require_pause(visit, check)
    return check
