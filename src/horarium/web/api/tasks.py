"""Tasks: look at them, run them, pause them, let them go on."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from horarium.accounts.roles import Permission, may_with
from horarium.errors import Denied, RunNotFound
from horarium.records.tasks import Task
from horarium.store.books.history import HistoryBook
from horarium.store.books.tasks import TaskBook, TaskFilter, sort_key
from horarium.web.api.reading import Paged, Words, instant_of, no_such_place
from horarium.web.api.routing import Asking
from horarium.web.api.shapes import RunShape, TaskShape, TasksShape, run_shape, task_shape
from horarium.web.cursors import pack, unpack
from horarium.web.judging import task_for
from horarium.web.visit import Visit

_BODY: Final = ConfigDict(extra="forbid", strict=True)


class TaskQuery(Paged):
    """Which tasks to list, in which order."""

    view: Literal["all", "failing", "running", "paused", "parked"] = "all"
    q: Words = ""
    tag: Annotated[str, Field(max_length=100)] = ""
    kind: Literal["", "python", "command"] = ""
    sort: Literal["name", "next", "last", "failing"] = "name"


class TriggerBody(BaseModel):
    """What to run a task with: `params` replace arguments of its function, for administrators."""

    model_config = _BODY

    params: dict[str, Any] = {}


class PauseBody(BaseModel):
    """Why and until when a task is paused; without `until`, until somebody resumes it."""

    model_config = _BODY

    reason: Annotated[str, Field(max_length=200)] = ""
    until: Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})] | None = None


def list_tasks(visit: Asking, wanted: Annotated[TaskQuery, Query()]) -> TasksShape:
    """List the tasks that the person who asks sees."""
    shown = TaskFilter(
        view=wanted.view, text=wanted.q, tag=wanted.tag, kind=wanted.kind, sort=wanted.sort, reach=visit.reach
    )
    after = unpack(wanted.cursor, str if shown.sort == "name" else int) if wanted.cursor else None
    if wanted.cursor and after is None:
        raise no_such_place(wanted.cursor)
    with visit.house.services.store.reading() as tx:
        found = TaskBook(tx).page(shown, after=after, limit=wanted.limit + 1)
    tasks = found[: wanted.limit]
    following = pack(sort_key(shown, tasks[-1])) if len(found) > len(tasks) else None
    return TasksShape(tasks=[task_shape(each) for each in tasks], next=following)


def get_task(visit: Asking, task_id: int) -> TaskShape:
    """Show one task."""
    return task_shape(_task(visit, task_id, Permission.TASKS_READ))


def trigger_task(visit: Asking, task_id: int, body: TriggerBody | None = None) -> RunShape:
    """Run a task now, once, beside its schedule; answer with the run, which waits for its place."""
    task = _task(visit, task_id, Permission.TASKS_TRIGGER)
    params = body.params if body else {}
    if params and not may_with(visit.identity, Permission.TASKS_DEFINE, task.place):
        raise Denied("this role may not say what a task is run with")
    number = visit.house.services.desk.trigger(task.id, by=visit.actor, params=params)
    with visit.house.services.store.reading() as tx:
        run = HistoryBook(tx).get(number)
    if run is None:
        raise RunNotFound(number)
    return run_shape(run)


def pause_task(visit: Asking, task_id: int, body: PauseBody | None = None) -> TaskShape:
    """Pause a task: no new attempt of its schedule begins after the answer."""
    task = _task(visit, task_id, Permission.TASKS_PAUSE)
    wanted = body or PauseBody()
    until = None if wanted.until is None else instant_of("until", wanted.until)
    paused = visit.house.services.desk.pause(task.id, by=visit.actor, reason=wanted.reason.strip(), until=until)
    return task_shape(paused.task)


def resume_task(visit: Asking, task_id: int) -> TaskShape:
    """Let a paused task go on with its next time; harmless for one that is not paused."""
    task = _task(visit, task_id, Permission.TASKS_PAUSE)
    return task_shape(visit.house.services.desk.resume(task.id, by=visit.actor))


def _task(visit: Visit, task_id: int, permission: Permission) -> Task:
    with visit.house.services.store.reading() as tx:
        return task_for(visit, tx, task_id, permission)
