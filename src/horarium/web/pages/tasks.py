"""The list of tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.responses import Response

from horarium.accounts.roles import Permission, may_with
from horarium.records.runs import Run
from horarium.records.tasks import Task
from horarium.store.books.history import HistoryBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.tasks import TaskBook, TaskFilter, sort_key
from horarium.store.port import Transaction
from horarium.web import cursors
from horarium.web.filters import plural
from horarium.web.frame import shell
from horarium.web.pages.timing import expression_for, words_of
from horarium.web.pages.wording import bars_of, moment_of, named, seconds_of, status_of, task_status
from horarium.web.views.parts import Chip, FilterBar, Pager, Tab
from horarium.web.views.tasks import LastRun, Order, TaskRow, TasksPage
from horarium.web.visit import Visit

_VIEWS: Final = {
    "all": "All",
    "failing": "Failing",
    "running": "Running",
    "paused": "Paused",
    "parked": "Parked",
}
_ORDERS: Final = {"name": "Name", "last": "Last run", "next": "Next run"}


def show(visit: Visit) -> Response:
    """Show the tasks of one view."""
    wanted = _wanted(visit)
    # A broken cursor begins at the start.
    after = cursors.unpack(visit.query.text("after", most=cursors.MOST), str if wanted.sort == "name" else int)
    limit = visit.taste.page_size
    with visit.house.services.store.reading() as tx:
        book = TaskBook(tx)
        found = book.page(wanted, after=after, limit=limit + 1)
        tasks = found[:limit]
        rows = _rows(tx, tasks, visit)
        page = TasksPage(
            shell=shell(visit, tx, acts=any(row.may_act for row in rows)),
            rows=rows,
            total=book.count(wanted),
            tabs=_tabs(book, wanted, visit),
            filters=_filters(wanted, visit),
            orders=_orders(wanted, visit),
            pager=_pager(wanted, visit, tasks[-1] if len(found) > limit else None, is_first=after is None),
            back=_link(visit, wanted),
        )
    return visit.show(page)


def _wanted(visit: Visit) -> TaskFilter:
    view, sort = visit.query.text("view", "all"), visit.query.text("sort", "name")
    tags = visit.query.many("tag")
    template_id = visit.query.number("of")
    return TaskFilter(
        view=view if view in _VIEWS else "all",
        text=visit.query.text("q"),
        tag=tags[0][:100] if tags else "",
        sort=sort if sort in _ORDERS else "name",
        reach=visit.reach,
        not_others=visit.user.id if template_id is None else None,
        template_id=template_id,
    )


def _of(wanted: TaskFilter) -> str | None:
    return None if wanted.template_id is None else str(wanted.template_id)


def _rows(tx: Transaction, tasks: list[Task], visit: Visit) -> tuple[TaskRow, ...]:
    latest = HistoryBook(tx).latest_of([task.id for task in tasks], each=20)
    people = {task.place.for_user_id for task in tasks} - {0, visit.user.id}
    names = {user.id: user.words for user in PeopleBook(tx).by_ids(people).values()} if people else {}
    return tuple(_row(task, latest.get(task.id, []), visit, names.get(task.place.for_user_id, "")) for task in tasks)


def _row(task: Task, runs: list[Run], visit: Visit, person: str) -> TaskRow:
    held = task.parking or task.pause
    expression, zone = expression_for(task.definition), task.definition.timezone
    return TaskRow(
        task=named(task),
        status=task_status(task),
        target=task.definition.spec.words,
        words=words_of(task),
        expression=expression,
        zone=zone if expression and zone != visit.zone.key else "",
        by_hand=task.definition.schedule is None or task.definition.per_user is not None,
        person=person,
        tags=task.definition.tags,
        bars=bars_of(runs, visit.now),
        last=_last(task, runs[0], visit) if runs else None,
        next_at=task.next_at,
        since=held.at if held else None,
        may_act=task.definition.per_user is None and may_with(visit.identity, Permission.TASKS_TRIGGER, task.place),
    )


def _last(task: Task, run: Run, visit: Visit) -> LastRun:
    row = task.failures_in_row
    note = f"{plural(row, 'failure')} in a row" if row > 1 and not run.is_open else ""
    seconds = seconds_of(run, visit.now)
    return LastRun(id=run.id, status=status_of(run), at=moment_of(run), seconds=seconds, note=note)


def _link(visit: Visit, wanted: TaskFilter, **changed: str | None) -> str:
    values: dict[str, str | None] = {"view": wanted.view, "q": wanted.text, "tag": wanted.tag, "sort": wanted.sort}
    values["of"] = _of(wanted)
    values |= changed
    usual = {"view": "all", "sort": "name"}
    kept = {key: value for key, value in values.items() if value and usual.get(key) != value}
    return visit.links.to("tasks", **kept)


def _tabs(book: TaskBook, wanted: TaskFilter, visit: Visit) -> tuple[Tab, ...]:
    return tuple(
        Tab(
            label=label,
            href=visit.links.to("tasks", view=None if view == "all" else view, of=_of(wanted)),
            count=book.count(replace(wanted, view=view, text="", tag="")),
            current=view == wanted.view,
        )
        for view, label in _VIEWS.items()
    )


def _filters(wanted: TaskFilter, visit: Visit) -> FilterBar:
    chips = [Chip(label=f"Tag: {wanted.tag}", href=_link(visit, wanted, tag=None))] if wanted.tag else []
    if wanted.template_id is not None:
        chips.append(Chip(label=f"What people have of task {wanted.template_id}", href=_link(visit, wanted, of=None)))
    kept = {"view": wanted.view, "sort": wanted.sort, "tag": wanted.tag, "of": _of(wanted)}
    usual = {"view": "all", "sort": "name"}
    return FilterBar(
        text=wanted.text,
        chips=tuple(chips),
        clear=visit.links.to("tasks", view=None if wanted.view == "all" else wanted.view),
        kept=tuple((name, value) for name, value in kept.items() if value and usual.get(name) != value),
    )


def _orders(wanted: TaskFilter, visit: Visit) -> tuple[Order, ...]:
    return tuple(
        Order(
            key=key,
            label=label,
            href=_link(visit, wanted, sort=key),
            current=key == wanted.sort,
            direction=("descending" if key == "last" else "ascending") if key == wanted.sort else "",
        )
        for key, label in _ORDERS.items()
    )


def _pager(wanted: TaskFilter, visit: Visit, last: Task | None, *, is_first: bool) -> Pager:
    older = None
    if last is not None:
        older = _link(visit, wanted, after=cursors.pack(sort_key(wanted, last)))
    return Pager(newer=None if is_first else _link(visit, wanted), older=older)
