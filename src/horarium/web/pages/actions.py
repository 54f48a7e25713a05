"""What administrators do to tasks and runs: run, pause, resume, stop; the answer leads back to where they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from starlette.responses import Response

from horarium.accounts.roles import Permission
from horarium.errors import Conflict, HorariumError, InvalidSchedule, InvalidValue, StoreError
from horarium.records.runs import Run
from horarium.records.tasks import Task
from horarium.web.filters import plural
from horarium.web.forms import as_number
from horarium.web.judging import run_for, task_for
from horarium.web.views.shell import Notice, Undo
from horarium.web.visit import Visit

MOST_AT_ONCE = 200


def run_task(visit: Visit) -> Response:
    """Run a task now and show the run; from a list, stay there."""
    task = _task(visit, visit.number("task_id"), Permission.TASKS_TRIGGER)
    run_id = visit.house.services.desk.trigger(task.id, by=visit.actor)
    notice = Notice(status="ok", title=f"{task.name} starts", text=f"It is run {run_id}.")
    if visit.form.whole("back"):
        return visit.back(visit.links.to("tasks"), notice=notice)
    return visit.lead(visit.links.to("run", run_id=run_id), notice=notice)


def pause_task(visit: Visit) -> Response:
    """Pause a task."""
    task_id = _task(visit, visit.number("task_id"), Permission.TASKS_PAUSE).id
    reason = visit.form.text("reason", most=200).strip()
    paused = visit.house.services.desk.pause(task_id, by=visit.actor, reason=reason)
    going = f" {plural(len(paused.under_way), 'run goes', 'runs go')} on." if paused.under_way else ""
    notice = Notice(
        status="ok",
        title=f"{paused.task.name} is paused",
        text=f"Its times are recorded as skipped.{going}",
        undo=Undo(label="Undo", href=visit.links.to("task_resume", task_id=task_id)),
    )
    return visit.back(visit.links.to("task", task_id=task_id), notice=notice)


def resume_task(visit: Visit) -> Response:
    """Let a paused task go on."""
    task_id = _task(visit, visit.number("task_id"), Permission.TASKS_PAUSE).id
    task = visit.house.services.desk.resume(task_id, by=visit.actor)
    notice = Notice(status="ok", title=f"{task.name} goes on", text="Its next time counts again.")
    return visit.back(visit.links.to("task", task_id=task_id), notice=notice)


def unpark_task(visit: Visit) -> Response:
    """Try a parked task again."""
    task_id = _task(visit, visit.number("task_id"), Permission.TASKS_PAUSE).id
    here = visit.links.to("task", task_id=task_id)
    try:
        task = visit.house.services.desk.unpark(task_id, by=visit.actor)
    except InvalidSchedule as error:
        told = Notice(status="failed", title="It stays parked: its schedule still cannot be followed", text=f"{error}.")
        return visit.back(here, notice=told)
    text = "Its target is looked up at the next run; if it is not there, the task is parked again."
    return visit.back(here, notice=Notice(status="ok", title=f"{task.name} is tried again", text=text))


def act_on_tasks(visit: Visit) -> Response:
    """Do one thing to several tasks, each by itself: one that cannot does not keep the others from it."""
    act, words, permission = _act(visit)
    visit.require(permission)
    numbers = [as_number("id", text) for text in visit.form.many("id")]
    if len(numbers) > MOST_AT_ONCE:
        raise InvalidValue("id", len(numbers), f"choose at most {MOST_AT_ONCE} tasks at once")
    failed = []
    for number in dict.fromkeys(numbers):
        try:
            act(_task(visit, number, permission).id)
        except StoreError:
            raise
        except HorariumError as error:
            failed.append(str(error))
    done = len(set(numbers)) - len(failed)
    title = f"{plural(done, 'task')} {words}" if numbers else "No task was selected"
    status: Literal["ok", "failed"] = "failed" if failed or not numbers else "ok"
    text = f"{plural(len(failed), 'task')} could not: {failed[0]}." if failed else ""
    return visit.back(visit.links.to("tasks"), notice=Notice(status=status, title=title, text=text))


def stop_run(visit: Visit) -> Response:
    """Ask a run to end."""
    run_id = _run(visit, Permission.RUNS_CANCEL).id
    here = visit.links.to("run", run_id=run_id)
    try:
        run = visit.house.services.desk.cancel(run_id, by=visit.actor)
    except Conflict as error:
        # It ended in the meantime, as one does: that is news, no error.
        return visit.back(here, notice=Notice(status="failed", title="There was nothing to stop", text=f"{error}."))
    title = f"Run {run_id} is asked to stop" if run.is_open else f"Run {run_id} is cancelled"
    return visit.back(here, notice=Notice(status="ok", title=title))


def run_again(visit: Visit) -> Response:
    """Start a new run with the parameters of an old one."""
    old = _run(visit, Permission.TASKS_TRIGGER)
    new = visit.house.services.desk.trigger(old.task_id, by=visit.actor, params=dict(old.params))
    notice = Notice(status="ok", title=f"{old.task_name} starts again", text=f"It is run {new}.")
    return visit.lead(visit.links.to("run", run_id=new), notice=notice)


def _act(visit: Visit) -> tuple[Callable[[int], object], str, Permission]:
    desk, who = visit.house.services.desk, visit.actor
    acts: dict[str, tuple[Callable[[int], object], str, Permission]] = {
        "run": (lambda number: desk.trigger(number, by=who), "started", Permission.TASKS_TRIGGER),
        "pause": (lambda number: desk.pause(number, by=who), "paused", Permission.TASKS_PAUSE),
        "resume": (lambda number: desk.resume(number, by=who), "resumed", Permission.TASKS_PAUSE),
    }
    wanted = visit.form.text("action")
    if wanted not in acts:
        raise InvalidValue("action", wanted, f"use one of {', '.join(acts)}")
    return acts[wanted]


def _task(visit: Visit, task_id: int, permission: Permission) -> Task:
    with visit.house.services.store.reading() as tx:
        return task_for(visit, tx, task_id, permission)


def _run(visit: Visit, permission: Permission) -> Run:
    with visit.house.services.store.reading() as tx:
        return run_for(visit, tx, visit.number("run_id"), permission)[0]
