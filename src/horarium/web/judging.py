"""Find a task or run for a visitor: what they do not see is not there, what they may not do is refused."""

from __future__ import annotations

from horarium.accounts.roles import Permission, may_with
from horarium.audit.trail import About
from horarium.errors import Denied, RunNotFound, TaskNotFound
from horarium.records.runs import Run
from horarium.records.tasks import Task
from horarium.store.books.history import HistoryBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Transaction
from horarium.web.visit import Visit


def task_for(visit: Visit, tx: Transaction, task_id: int, permission: Permission) -> Task:
    """Return a living task that a visitor sees and may do this with.

    One that they do not see is answered like one that is not there. Raises `TaskNotFound`, `Denied`.
    """
    task = TaskBook(tx).get(task_id)
    if task is None or task.removed_at is not None:
        raise TaskNotFound(task_id)
    if not visit.reach.covers(task.place):
        visit.foreign = About("task", task.id, task.name)
        raise TaskNotFound(task_id)
    _judge(visit, task, permission)
    return task


def run_for(visit: Visit, tx: Transaction, run_id: int, permission: Permission) -> tuple[Run, Task]:
    """Return a run of a task, removed ones too, that a visitor sees and may do this with, and that task.

    Raises `RunNotFound`, `Denied`.
    """
    run = HistoryBook(tx).get(run_id)
    task = None if run is None else TaskBook(tx).get(run.task_id)
    if run is None or task is None:
        raise RunNotFound(run_id)
    if not visit.reach.covers(task.place):
        visit.foreign = About("run", run.id, task.name)
        raise RunNotFound(run_id)
    _judge(visit, task, permission)
    return run, task


def _judge(visit: Visit, task: Task, permission: Permission) -> None:
    if not may_with(visit.identity, permission, task.place):
        raise Denied(f"this role may not do this with {task.name!r}")
