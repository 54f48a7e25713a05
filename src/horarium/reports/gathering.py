"""Read from a store what a summary is made of: nothing but what its reader may see."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from horarium.accounts.roles import Identity
from horarium.clock import from_micros, to_micros
from horarium.errors import InvalidSchedule
from horarium.records.figures import Group, Key
from horarium.records.people import User
from horarium.records.reach import Reach
from horarium.records.tasks import Task
from horarium.reports.figures import Figures, by, by_tag, by_task, together
from horarium.reports.periods import Period
from horarium.reports.weekly import Coming, DayFigures, House, Line, Summary, pick
from horarium.states import FAILURE_STATES, RunState
from horarium.store.backup.shelf import list_backups
from horarium.store.books.history import HistoryBook
from horarium.store.books.mail import SentBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.projects import ProjectBook
from horarium.store.books.tally import TallyBook
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.store.port import Transaction
from horarium.store.size import size_of
from horarium.triggers import from_text

NO_PROJECT: Final = "(no project)"
NOBODY: Final = "(nobody)"
WAYS: Final = ("task", "tag", "project", "person")
"""By what figures can be broken down."""
_MOST_COMING: Final = 5
_LOOKED_AT: Final = 300
_RARE: Final = timedelta(hours=20)
_MOST_TASKS: Final = 5000
"""More tasks than this are not broken down: reading them all would take longer than a page may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom a summary is made: what they see, and whether they hear about the installation, with its backups."""

    reach: Reach
    is_admin: bool = False
    backups: Path | None = None


def reader_of(tx: Transaction, user: User, backups: Path | None = None) -> Reader:
    """Return a person as a reader, with the rights that they have now."""
    identity = Identity(user, ProjectBook(tx).roles_of(user.id))
    return Reader(reach=identity.reach, is_admin=user.is_admin and user.is_enabled, backups=backups)


def gather(tx: Transaction, reader: Reader, period: Period, now: datetime) -> Summary:
    """Return the summary of a period as one reader sees it at `now`."""
    tally = TallyBook(tx, reader.reach)
    edges, old = _edges(period), _edges(period.before())
    groups, groups_before = tally.sums(*edges), tally.sums(*old)
    figures, before = by_task(groups), by_task(groups_before)
    picked, more = pick(figures, before)
    tasks = TaskBook(tx).by_ids(sorted(picked.task_ids))
    return Summary(
        period=period,
        now=together(groups),
        before=together(groups_before),
        tasks=sum(bool(each.outcomes) for each in figures.values()),
        days=_days(tally, period),
        worst=_named(picked.worst, tasks),
        fresh=_named(picked.fresh, tasks),
        recovered=_named((each for each in picked.recovered if _runs_well(tasks, each)), tasks),
        slower=_named(picked.slower, tasks),
        slowest=_named(picked.slowest, tasks),
        more_failing=more,
        coming=_coming(tx, reader.reach, now, period),
        house=_house(tx, reader, period, now) if reader.is_admin else None,
        projects=_broken_down(tx, groups, "project") if len(figures) <= _MOST_TASKS else (),
    )


def breakdown(tx: Transaction, reach: Reach, period: Period, way: str) -> tuple[tuple[str, Figures], ...]:
    """Return the figures of a period by one of `WAYS`, most runs first."""
    return _broken_down(tx, TallyBook(tx, reach).sums(*_edges(period)), way)


def _broken_down(tx: Transaction, groups: Mapping[Key, Group], way: str) -> tuple[tuple[str, Figures], ...]:
    ids = sorted({key.task_id for key in groups})
    tasks = TaskBook(tx).by_ids(ids)
    if way == "tag":
        found = by_tag(groups, tasks)
    elif way == "project":
        names = {each.id: each.name for each in ProjectBook(tx).every()}
        found = by(groups, lambda task_id: (_project(tasks.get(task_id), names),))
    elif way == "person":
        people = PeopleBook(tx).by_ids({_person(task) for task in tasks.values()})
        words = {each.id: each.words for each in people.values()}
        found = by(groups, lambda task_id: (words.get(_person(tasks.get(task_id)), NOBODY),))
    else:
        found = by(groups, lambda task_id: (tasks[task_id].name if task_id in tasks else f"#{task_id}",))
    return tuple(sorted(found.items(), key=_most_first))


def _most_first(item: tuple[str, Figures]) -> tuple[int, str]:
    return (-item[1].ended, item[0])


def _project(task: Task | None, names: Mapping[int, str]) -> str:
    project_id = None if task is None else task.place.project_id
    return NO_PROJECT if project_id is None else names.get(project_id, NO_PROJECT)


def _person(task: Task | None) -> int:
    """Return whose a task is: the person it runs for, else its owner; 0 for nobody's."""
    return 0 if task is None else task.place.for_user_id or task.place.owner_id or 0


def _edges(period: Period) -> tuple[int, int]:
    return to_micros(period.start), to_micros(period.end)


def _days(tally: TallyBook, period: Period) -> tuple[DayFigures, ...]:
    zone = ZoneInfo(period.zone_key)
    well: dict[object, int] = {}
    failed: dict[object, int] = {}
    for (at, state), many in tally.by_slot(*_edges(period)).items():
        on = from_micros(at).astimezone(zone).date()
        if state == RunState.SUCCEEDED:
            well[on] = well.get(on, 0) + many
        elif state in FAILURE_STATES:
            failed[on] = failed.get(on, 0) + many
    return tuple(DayFigures(on=on, well=well.get(on, 0), failed=failed.get(on, 0)) for on in period.days())


def _named(lines: Iterable[Line], tasks: Mapping[int, Task]) -> tuple[Line, ...]:
    return tuple(
        replace(line, name=tasks[line.task_id].name if line.task_id in tasks else f"task {line.task_id}")
        for line in lines
    )


def _runs_well(tasks: Mapping[int, Task], line: Line) -> bool:
    task = tasks.get(line.task_id)
    return task is not None and task.removed_at is None and not task.is_failing


def _coming(tx: Transaction, reach: Reach, now: datetime, period: Period) -> tuple[Coming, ...]:
    """Return what is planned until about as far ahead as the period reaches back and does not happen every day."""
    until = now + (period.end - period.start)
    found: list[Coming] = []
    for task in TaskBook(tx).page(TaskFilter(sort="next", reach=reach), limit=_LOOKED_AT):
        if task.next_at is None or task.next_at >= until or len(found) == _MOST_COMING:
            break
        if task.next_at > now and not task.is_paused and not task.is_parked and _is_rare(task, task.next_at):
            found.append(Coming(at=task.next_at, words=task.name))
    return tuple(found)


def _is_rare(task: Task, at: datetime) -> bool:
    if task.definition.schedule is None:
        return False
    try:
        following = from_text(task.definition.schedule).next_after(at)
    except InvalidSchedule:
        return False
    return following is None or following - at > _RARE


def _house(tx: Transaction, reader: Reader, period: Period, now: datetime) -> House:
    backups = [] if reader.backups is None else list_backups(reader.backups)
    numbers = HistoryBook(tx).numbers_between(0, to_micros(now))
    return House(
        bytes=size_of(tx),
        runs_kept=numbers[1] - numbers[0],
        free_bytes=_free(reader.backups),
        backup_at=backups[0].made_at if backups else None,
        backup_bytes=backups[0].size if backups else 0,
        backups=len(backups),
        letters_lost=SentBook(tx).count_given_up(period.start),
    )


def _free(place: Path | None) -> int | None:
    there: Collection[Path] = () if place is None else (place, *place.parents)
    for each in there:
        if each.is_dir():
            return shutil.disk_usage(each).free
    return None
