"""The overview: one day as a timetable, and what runs, needs a look and comes next."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from starlette.responses import Response

from horarium.accounts.roles import Permission, may
from horarium.errors import InvalidValue
from horarium.records.reach import Reach
from horarium.records.runs import Run
from horarium.records.tasks import Task
from horarium.states import FINAL_STATES
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.store.port import Transaction
from horarium.web.charts.day import Day
from horarium.web.frame import shell
from horarium.web.pages.backups import restorable
from horarium.web.pages.daybook import counts_of, read_day, strip_of
from horarium.web.pages.figures import figures_of
from horarium.web.pages.wording import (
    bars_of,
    cut,
    moment_of,
    named,
    names_of,
    outcome_words,
    run_row,
    starter,
    status_of,
    usual_seconds,
)
from horarium.web.views.overview import AttentionRow, NextRow, OverviewPage, RunningRow
from horarium.web.views.parts import RunRow
from horarium.web.views.shell import Shell
from horarium.web.visit import Visit

_SHORT: Final = 8
_RECENT_OF: Final = 40
_REACH: Final = timedelta(days=3660)


def show(visit: Visit) -> Response:
    """Show the day that was asked for, today if none was."""
    today = visit.now.astimezone(visit.zone).date()
    day = Day.of(_asked(visit, today), visit.zone)
    with visit.house.services.store.reading() as tx:
        frame = shell(visit, tx)
        page = _page(visit, tx, frame, day, today) if frame.tasks else _first_page(visit, frame, day)
    return visit.show(page)


def _asked(visit: Visit, today: date) -> date:
    text = visit.query.text("day", most=10)
    if not text:
        return today
    try:
        asked = date.fromisoformat(text)
    except ValueError:
        asked = None
    if asked is None or not today - _REACH < asked < today + _REACH:
        raise InvalidValue("day", text, "use a day such as 2026-05-14, within ten years")
    return asked


def _first_page(visit: Visit, frame: Shell, day: Day) -> OverviewPage:
    there = visit.links.to("overview")
    return OverviewPage(shell=frame, day=day, has_tasks=False, previous=there, next=there, today=there)


def _page(visit: Visit, tx: Transaction, frame: Shell, day: Day, today: date) -> OverviewPage:
    read = read_day(tx, day, visit.now, visit.reach)
    running = _running_runs(tx, visit.reach)
    return OverviewPage(
        shell=frame,
        day=day,
        has_tasks=True,
        previous=visit.links.to("overview", day=day.on - timedelta(days=1)),
        next=visit.links.to("overview", day=day.on + timedelta(days=1)),
        today=visit.links.to("overview"),
        counts=counts_of(read, len(running) if day.on == today else 0),
        strip=strip_of(read, visit.links),
        figures=figures_of(tx, visit.now, visit.reach),
        running=_running(tx, running),
        attention=_attention(visit, tx),
        last_failure=_last_failure(tx, visit.reach),
        next_up=_next_up(tx, visit.reach),
        recent=_recent(visit, tx),
        sees_backups=may(visit.identity, Permission.SYSTEM_MANAGE),
        restorable=restorable(visit) if may(visit.identity, Permission.SYSTEM_MANAGE) else None,
    )


def _running_runs(tx: Transaction, reach: Reach) -> list[Run]:
    return HistoryBook(tx).page(RunFilter(view="running", reach=reach), limit=20)


def _running(tx: Transaction, runs: list[Run]) -> tuple[RunningRow, ...]:
    names = names_of(tx, runs)
    latest = HistoryBook(tx).latest_of(sorted({run.task_id for run in runs}))
    return tuple(
        RunningRow(
            id=run.id,
            task=names[run.task_id],
            note=starter(run).words,
            since=moment_of(run),
            usual=usual_seconds(latest[run.task_id]),
            status=status_of(run),
        )
        for run in runs
    )


def _attention(visit: Visit, tx: Transaction) -> tuple[AttentionRow, ...]:
    book = TaskBook(tx)
    failing = book.page(TaskFilter(view="failing", sort="failing", reach=visit.reach), limit=_SHORT)
    parked = book.page(TaskFilter(view="parked", reach=visit.reach), limit=_SHORT)
    latest = HistoryBook(tx).latest_of([task.id for task in failing])
    rows = [_parked_row(visit, task) for task in parked]
    rows += [_failing_row(visit, task, latest[task.id]) for task in failing if not task.is_parked]
    return tuple(rows)


def _parked_row(visit: Visit, task: Task) -> AttentionRow:
    reason = task.parking.reason if task.parking else ""
    href = visit.links.to("task", task_id=task.id)
    return AttentionRow(
        task=named(task), status="parked", what="is parked and does not run", why=cut(reason), href=href
    )


def _failing_row(visit: Visit, task: Task, runs: list[Run]) -> AttentionRow:
    last = next((run for run in runs if run.state in FINAL_STATES), None)
    times = task.failures_in_row
    what = f"failed {times} times in a row" if times > 1 else "failed the last time"
    return AttentionRow(
        task=named(task),
        status="failed" if last is None else status_of(last),
        what=what,
        why=outcome_words(last) if last else "",
        href=visit.links.to("run", run_id=last.id) if last else visit.links.to("task", task_id=task.id),
        bars=bars_of(runs, visit.now),
    )


def _last_failure(tx: Transaction, reach: Reach) -> datetime | None:
    found = HistoryBook(tx).page(RunFilter(view="failed", reach=reach), limit=1)
    return moment_of(found[0]) if found else None


def _next_up(tx: Transaction, reach: Reach) -> tuple[NextRow, ...]:
    tasks = TaskBook(tx).page(TaskFilter(sort="next", reach=reach), limit=4 * _SHORT)
    due = [task for task in tasks if task.next_at is not None and not task.is_paused and not task.is_parked]
    return tuple(NextRow(at=task.next_at, task=named(task)) for task in due[:_SHORT] if task.next_at is not None)


def _recent(visit: Visit, tx: Transaction) -> tuple[RunRow, ...]:
    runs = [run for run in HistoryBook(tx).page(RunFilter(reach=visit.reach), limit=_RECENT_OF) if not run.is_open][
        :_SHORT
    ]
    names = names_of(tx, runs)
    return tuple(run_row(run, names[run.task_id], visit.now) for run in runs)
