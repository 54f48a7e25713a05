"""The page of one task."""

from __future__ import annotations

import json
from functools import partial
from typing import Final

from starlette.responses import Response

from horarium.accounts.roles import Permission, may_with
from horarium.clock import to_micros
from horarium.records.runs import Occurrence, Run
from horarium.records.tasks import CommandSpec, PythonSpec, Task
from horarium.states import FINAL_STATES, RunState
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.store.port import Transaction
from horarium.web.charts.durations import MOST_POINTS, Point
from horarium.web.filters import plural, relative
from horarium.web.frame import shell
from horarium.web.judging import task_for
from horarium.web.pages.policies import policy_facts
from horarium.web.pages.runs import page_of
from horarium.web.pages.timing import schedule_of
from horarium.web.pages.told import rules_of, told_of
from horarium.web.pages.wording import (
    WHY,
    mark_of,
    named,
    outcome_words,
    run_row,
    skip_status,
    status_of,
    task_status,
)
from horarium.web.views.parts import Fact, Pager, Parameter, Tab
from horarium.web.views.status import WORDS
from horarium.web.views.task import Failing, LedgerRow, Parking, Pause, TaskPage
from horarium.web.visit import Visit

_RUNS: Final = 20
_LEDGER: Final = 20
_DRAWN: Final = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.TIMED_OUT, RunState.CANCELLED})
_LONGEST_VALUE: Final = 300


def show(visit: Visit) -> Response:
    """Show one task."""
    task_id = visit.number("task_id")
    only_failed, only_skipped = visit.query.text("runs") == "failed", visit.query.text("times") == "skipped"
    views = rules_of(visit)
    with visit.house.services.store.reading() as tx:
        task = task_for(visit, tx, task_id, Permission.TASKS_READ)
        history = HistoryBook(tx)
        latest = history.latest_of([task.id], each=MOST_POINTS)[task.id]
        wanted = RunFilter(task_id=task.id, view="failed" if only_failed else "all", reach=visit.reach)
        link = partial(_runs_link, visit, task.id, only_failed=only_failed)
        runs, runs_pager = page_of(
            history, wanted, visit.query.number("before"), visit.query.number("after"), link, limit=_RUNS
        )
        ledger, ledger_pager = _ledger(visit, LedgerBook(tx), task.id, only_skipped=only_skipped)
        name = named(task)
        page = TaskPage(
            shell=shell(
                visit, tx, watch=f"task:{task.id}", acts=may_with(visit.identity, Permission.TASKS_TRIGGER, task.place)
            ),
            task=name,
            status=task_status(task),
            status_words=WORDS[task_status(task)],
            target=task.definition.spec.words,
            schedule=schedule_of(task, visit.now, visit.taste.manner),
            tags=task.definition.tags,
            description=task.definition.description,
            failing=_failing(task, latest, visit),
            paused=_paused(task),
            parked=None if task.parking is None else Parking(reason=task.parking.reason, at=task.parking.at),
            points=_points(latest),
            runs=tuple(run_row(run, name, visit.now) for run in runs),
            runs_tabs=_tabs(visit, task.id, "runs", "failed", ("All", "Failed"), on=only_failed),
            runs_pager=runs_pager,
            ledger=ledger,
            ledger_tabs=_tabs(visit, task.id, "times", "skipped", ("All", "Skipped"), on=only_skipped),
            ledger_pager=ledger_pager,
            only_skipped=only_skipped,
            is_for_each=task.definition.per_user is not None,
            policies=policy_facts(task.definition),
            parameters=_parameters(task),
            about=(*_for_whom(tx, task, visit), *_about(task, visit)),
            told=told_of(visit, tx, task, views),
        )
    return visit.show(page)


def _runs_link(
    visit: Visit, task_id: int, *, only_failed: bool, before: int | None = None, after: int | None = None
) -> str:
    runs = "failed" if only_failed else None
    return visit.links.to("task", "runs", task_id=task_id, runs=runs, before=before, after=after)


def _tabs(visit: Visit, task_id: int, name: str, value: str, labels: tuple[str, str], *, on: bool) -> tuple[Tab, ...]:
    first, second = (visit.links.to("task", name, task_id=task_id, **{name: each}) for each in (None, value))
    return (Tab(label=labels[0], href=first, current=not on), Tab(label=labels[1], href=second, current=on))


def _failing(task: Task, latest: list[Run], visit: Visit) -> Failing | None:
    failed = next((run for run in latest if run.failure is not None or run.state in FINAL_STATES), None)
    if not task.is_failing or failed is None:
        return None
    times = task.failures_in_row
    title = f"It failed {plural(times, 'time')} in a row." if times > 1 else "The last run failed."
    when = relative(failed.finished_at or failed.created_at, visit.zone, visit.now)
    return Failing(title=title, text=f"{outcome_words(failed) or WORDS[status_of(failed)]}, {when}.", run_id=failed.id)


def _paused(task: Task) -> Pause | None:
    if task.pause is None:
        return None
    return Pause(by=task.pause.by or "somebody", at=task.pause.at, reason=task.pause.reason)


def _points(latest: list[Run]) -> tuple[Point, ...]:
    return tuple(
        Point(run.id, run.started_at, run.duration.total_seconds(), mark_of(run))
        for run in reversed(latest)
        if run.started_at is not None and run.duration is not None and run.state in _DRAWN
    )


def _ledger(visit: Visit, book: LedgerBook, task_id: int, *, only_skipped: bool) -> tuple[tuple[LedgerRow, ...], Pager]:
    before = visit.query.number("planned_before")
    found = book.page(task_id, before=before, skipped_only=only_skipped, limit=_LEDGER + 1)
    rows = found[:_LEDGER]
    times = "skipped" if only_skipped else None
    link = partial(visit.links.to, "task", "times", task_id=task_id, times=times)
    older = link(planned_before=to_micros(rows[-1].planned_at)) if len(found) > _LEDGER else None
    return tuple(_ledger_row(each) for each in rows), Pager(newer=link() if before is not None else None, older=older)


def _ledger_row(each: Occurrence) -> LedgerRow:
    if each.reason is None:
        return LedgerRow(planned_at=each.planned_at, status="ok", words="Ran", reason="", run_id=each.run_id)
    why = WHY[each.reason]
    return LedgerRow(
        planned_at=each.planned_at,
        status=skip_status(each),
        reason=f"{why} {each.detail}".strip(),
        count=each.count,
        last_planned_at=each.last_planned_at if each.count > 1 else None,
    )


def _parameters(task: Task) -> tuple[Parameter, ...]:
    spec = task.definition.spec
    if isinstance(spec, CommandSpec):
        # Only the names: what is in a variable may be nobody's business.
        return tuple(Parameter(name=name, value="(set)") for name in spec.env)
    given = [(str(place), value) for place, value in enumerate(spec.args, 1)] + list(spec.kwargs.items())
    return tuple(Parameter(name=name, value=json.dumps(value, default=str)[:_LONGEST_VALUE]) for name, value in given)


def _for_whom(tx: Transaction, task: Task, visit: Visit) -> tuple[Fact, ...]:
    """Return what is to be said of a task for each person, or of what one person has of it."""
    if task.definition.per_user is not None:
        count = TaskBook(tx).count(TaskFilter(template_id=task.id, reach=visit.reach))
        href = visit.links.to("tasks", of=task.id)
        return (Fact(label="For", text=f"each person: {plural(count, 'has', 'have')} it", href=href),)
    if task.template_id is None:
        return ()
    user = PeopleBook(tx).by_id(task.place.for_user_id)
    facts = [] if user is None else [Fact(label="For", text=user.words)]
    template = TaskBook(tx).get(task.template_id)
    if template is not None and visit.reach.covers(template.place):
        href = visit.links.to("task", task_id=template.id)
        facts.append(Fact(label="From", text="the task for each person", href=href))
    return tuple(facts)


def _about(task: Task, visit: Visit) -> tuple[Fact, ...]:
    spec = task.definition.spec
    facts = [
        Fact(label="Number", text=str(task.id)),
        Fact(label="Defined by", text=task.definition.source),
        Fact(label="Added", text=relative(task.created_at, visit.zone, visit.now)),
        Fact(label="Changed", text=relative(task.updated_at, visit.zone, visit.now)),
    ]
    if isinstance(spec, PythonSpec):
        where = "in the program that defined it" if spec.local else f"in a {spec.isolation.value}"
        facts.append(Fact(label="Runs", text=where))
    elif spec.cwd:
        facts.append(Fact(label="Folder", text=spec.cwd, code=True))
    return tuple(facts)
