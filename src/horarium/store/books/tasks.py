"""Tasks: adding, changing, finding, listing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, insert, or_, select, text, update

from horarium.clock import to_micros
from horarium.records.reach import EVERYTHING, NOWHERE, Place, Reach
from horarium.records.tasks import Parking, Pause, Task, TaskDefinition
from horarium.states import TaskKind
from horarium.store.books.codec import definition_columns, task_of
from horarium.store.books.reach import covered
from horarium.store.hot import Hot
from horarium.store.port import Transaction
from horarium.store.tables import scheduled_tasks as t
from horarium.store.tables import task_executions as runs
from horarium.store.tables.work import HELD

_NEW = (
    *("name", "kind", "target", "spec", "is_local", "schedule", "timezone", "policies", "tags", "description"),
    *("source", "owner_id", "revision", "next_at", "failures_in_row", "created_at", "updated_at"),
    *("project_id", "per_user", "template_id", "for_user_id", "credentials"),
)
_ADD = Hot(insert(t), _NEW)
_ADD_ONE = Hot(insert(t).returning(*t.c), _NEW)
_LIVING = t.c.removed_at.is_(None)
_NAMED = (t.c.name == bindparam("n"), t.c.for_user_id == bindparam("u"), _LIVING)
_ID_BY_NAME = Hot(select(t.c.id).where(*_NAMED), ["n", "u"])
_BY_ID = Hot(select(t).where(t.c.id == bindparam("i")), ["i"])
_BY_NAME = Hot(select(t).where(*_NAMED), ["n", "u"])
_COLUMNS = [column.name for column in t.c]


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks a list shows, of those that `reach` covers.

    `view` is one of all, failing, running, paused, parked. `text` is looked for in name, target and tags. `sort` is
    one of name, next, last, failing. `for_user_id` leaves only what runs for one person, 0 only what runs for nobody in
    particular; `owner_id` and `project_id` leave only what a person owns, what a project holds. `not_others` leaves out
    what runs for other people than this one, `template_id` all but what people have of one task.
    """

    view: str = "all"
    text: str = ""
    tag: str = ""
    kind: str = ""
    sort: str = "name"
    reach: Reach = EVERYTHING
    for_user_id: int | None = None
    owner_id: int | None = None
    project_id: int | None = None
    not_others: int | None = None
    template_id: int | None = None


class TaskBook:
    """The table of tasks."""

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def add(
        self,
        definition: TaskDefinition,
        *,
        now: int,
        next_at: int | None,
        place: Place = NOWHERE,
        template_id: int | None = None,
    ) -> Task:
        """Write a new task; return it. Raises `DuplicateKey` when the name is taken."""
        (row,) = self._tx.rows(_ADD_ONE, _new_row(definition, now, next_at, place, template_id))
        return _whole(row)

    def add_many(self, definitions: Iterable[tuple[TaskDefinition, int | None]], *, now: int) -> int:
        """Write many new tasks with their next instants at once; return how many."""
        return self._tx.many(_ADD, [_new_row(definition, now, next_at) for definition, next_at in definitions])

    def add_shares(self, shares: Iterable[tuple[TaskDefinition, int | None, int, int]], *, now: int) -> int:
        """Write what people have of tasks: (definition, next instant, person, template); return how many."""
        rows = [
            _new_row(definition, now, next_at, Place(for_user_id=person), template_id)
            for definition, next_at, person, template_id in shares
        ]
        return self._tx.many(_ADD, rows)

    def templates(self) -> list[Task]:
        """Return the living tasks that are there once for each person, in the order of their numbers."""
        query = select(t).where(t.c.per_user.is_not(None), _LIVING).order_by(t.c.id)
        return [task_of(row) for row in self._tx.execute(query)]

    def shares(self, template_ids: Collection[int], user_ids: Collection[int] | None = None) -> list[Task]:
        """Return what these people (None: all) have of these tasks, living ones, in the order of their numbers."""
        query = select(t).where(t.c.template_id.in_(template_ids), _LIVING).order_by(t.c.id)
        rows = self._tx.execute(query if user_ids is None else query.where(t.c.for_user_id.in_(user_ids)))
        return [task_of(row) for row in rows]

    def share_ids(self, template_ids: Collection[int]) -> list[int]:
        """Return the numbers of what people have, and had, of these tasks."""
        return [row.id for row in self._tx.execute(select(t.c.id).where(t.c.template_id.in_(template_ids)))]

    def imported(self) -> list[tuple[str, str]]:
        """Return name and target of the living tasks whose functions are imported, by name."""
        which = (t.c.kind == TaskKind.PYTHON.value, t.c.is_local.is_(False), t.c.template_id.is_(None))
        query = select(t.c.name, t.c.target).where(*which, _LIVING).order_by(t.c.name)
        return [(row.name, row.target) for row in self._tx.execute(query)]

    def redefine(self, task_id: int, definition: TaskDefinition, *, now: int, next_at: int | None) -> None:
        """Replace the definition of a task; history, pause and outcome stay, parking is lifted."""
        self._change(
            task_id, now, **definition_columns(definition), next_at=next_at, parked_at=None, parked_reason=None
        )

    def id_of(self, name: str, *, for_user_id: int = 0) -> int | None:
        """Return the number of the living task called `name`; of one for each person, that of this one."""
        rows = self._tx.rows(_ID_BY_NAME, (name, for_user_id))
        return int(rows[0][0]) if rows else None

    def id_of_removed(self, name: str, *, for_user_id: int = 0) -> int | None:
        """Return the number of the latest removed task of this name; of one for each person, that of this one."""
        which = (t.c.name == name, t.c.for_user_id == for_user_id, t.c.removed_at.is_not(None))
        query = select(func.max(t.c.id)).where(*which)
        found: int | None = self._tx.execute(query).scalar_one()
        return found

    def get(self, task_id: int, *, lock: bool = False) -> Task | None:
        """Return a task by number, removed ones too; `lock` keeps others from changing it meanwhile."""
        if not lock:
            return self._found(_BY_ID, (task_id,))
        row = self._tx.execute(select(t).where(t.c.id == task_id).with_for_update()).one_or_none()
        return None if row is None else task_of(row)

    def by_name(self, name: str) -> Task | None:
        """Return the living task called `name`."""
        return self._found(_BY_NAME, (name, 0))

    def by_ids(self, ids: Sequence[int]) -> dict[int, Task]:
        """Return tasks by number, removed ones too."""
        found: dict[int, Task] = {}
        for start in range(0, len(ids), 5000):
            rows = self._tx.execute(select(t).where(t.c.id.in_(ids[start : start + 5000])))
            found.update((row.id, task_of(row)) for row in rows)
        return found

    def page(self, wanted: TaskFilter, *, after: tuple[Any, int] | None = None, limit: int = 50) -> list[Task]:
        """Return up to `limit` tasks in the filter's order, those after the key `after` (value, number)."""
        query = select(t).where(_LIVING, *_conditions(wanted))
        key = _SORTS[wanted.sort]
        if after is not None:
            value, number = after
            if wanted.sort == "name":
                # Which letters have a small form is the database's own opinion.
                value = func.lower(value)
            query = query.where(or_(key > value, and_(key == value, t.c.id > number)))
        rows = self._tx.execute(query.order_by(key, t.c.id).limit(limit))
        return [task_of(row) for row in rows]

    def move(self, task_id: int, place: Place, *, now: int) -> None:
        """Give a task another owner or project."""
        self._change(task_id, now, owner_id=place.owner_id, project_id=place.project_id)

    def places(self, ids: Collection[int]) -> dict[int, Place]:
        """Return where tasks belong, removed ones too."""
        query = select(t.c.id, t.c.owner_id, t.c.project_id, t.c.for_user_id).where(t.c.id.in_(ids))
        return {row.id: Place(row.owner_id, row.project_id, row.for_user_id) for row in self._tx.execute(query)}

    def count(self, wanted: TaskFilter) -> int:
        """Return how many tasks the filter lets through."""
        return int(
            self._tx.execute(select(func.count()).select_from(t).where(_LIVING, *_conditions(wanted))).scalar_one()
        )

    def all_tags(self, reach: Reach = EVERYTHING) -> list[str]:
        """Return the distinct stored tag lists of the tasks that `reach` covers, as JSON texts."""
        query = select(t.c.tags).where(_LIVING, t.c.tags != "[]", *covered(reach)).distinct()
        return [str(row[0]) for row in self._tx.execute(query)]

    def pause(self, task_id: int, pause: Pause, *, now: int) -> None:
        """Mark a task as paused."""
        until = None if pause.until is None else to_micros(pause.until)
        self._change(task_id, now, paused_at=now, paused_by=pause.by, paused_reason=pause.reason, paused_until=until)

    def resume(self, task_id: int, *, now: int) -> None:
        """Take the pause away."""
        self._change(task_id, now, paused_at=None, paused_by=None, paused_reason=None, paused_until=None)

    def park(self, task_id: int, parking: Parking | None, *, now: int) -> None:
        """Mark a task as parked, or lift it with None."""
        reason = None if parking is None else parking.reason
        self._change(task_id, now, parked_at=None if parking is None else now, parked_reason=reason)

    def remove(self, task_id: int, *, now: int) -> None:
        """Take a task out of use: its name is free again, its ledger and runs stay."""
        self._change(task_id, now, removed_at=now, next_at=None)

    def _found(self, query: Hot, key: tuple[Any, ...]) -> Task | None:
        rows = self._tx.rows(query, key)
        return _whole(rows[0]) if rows else None

    def _change(self, task_id: int, now: int, **columns: Any) -> None:
        values = {**columns, "updated_at": now, "revision": t.c.revision + 1}
        self._tx.execute(update(t).where(t.c.id == task_id).values(values))


def _whole(row: tuple[Any, ...]) -> Task:
    return task_of(SimpleNamespace(**dict(zip(_COLUMNS, row, strict=True))))


def _new_row(
    definition: TaskDefinition,
    now: int,
    next_at: int | None,
    place: Place = NOWHERE,
    template_id: int | None = None,
) -> tuple[Any, ...]:
    columns = definition_columns(definition)
    per_user, credentials = columns.pop("per_user"), columns.pop("credentials")
    head = (*columns.values(), place.owner_id, 1, next_at, 0, now, now)
    return (*head, place.project_id, per_user, template_id, place.for_user_id, credentials)


def _conditions(wanted: TaskFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [*covered(wanted.reach)]
    exact = {
        t.c.for_user_id: wanted.for_user_id,
        t.c.owner_id: wanted.owner_id,
        t.c.project_id: wanted.project_id,
        t.c.template_id: wanted.template_id,
    }
    found.extend(column == value for column, value in exact.items() if value is not None)
    if wanted.not_others is not None:
        found.append(t.c.for_user_id.in_((0, wanted.not_others)))
    if wanted.view == "failing":
        found.append(t.c.failures_in_row > 0)
    elif wanted.view == "paused":
        found.append(t.c.paused_at.is_not(None))
    elif wanted.view == "parked":
        found.append(t.c.parked_at.is_not(None))
    elif wanted.view == "running":
        found.append(t.c.id.in_(select(runs.c.task_id).where(text(HELD))))
    if wanted.kind:
        found.append(t.c.kind == wanted.kind)
    if wanted.tag:
        found.append(t.c.tags.contains(f'"{wanted.tag}"', autoescape=True))
    columns = (t.c.name, t.c.target, t.c.tags)
    words = wanted.text.split()[:8]
    found.extend(or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in words)
    return found


_NEVER = 1 << 62
_SORTS: dict[str, ColumnElement[Any]] = {
    "name": func.lower(t.c.name),
    "next": func.coalesce(t.c.next_at, _NEVER),
    "last": -func.coalesce(t.c.last_finished_at, 0),
    "failing": -t.c.failures_in_row,
}


def sort_key(wanted: TaskFilter, task: Task) -> tuple[Any, int]:
    """Return the key of `task` in the filter's order, for asking for what comes after it."""
    if wanted.sort == "next":
        return (_NEVER if task.next_at is None else to_micros(task.next_at), task.id)
    if wanted.sort == "last":
        return (0 if task.last_finished_at is None else -to_micros(task.last_finished_at), task.id)
    if wanted.sort == "failing":
        return (-task.failures_in_row, task.id)
    return (task.name, task.id)
