"""Say what the list of tasks shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from horarium.web.charts.spark import Bar
from horarium.web.views.parts import NO_FILTERS, ONE_PAGE, FilterBar, Pager, Tab, TaskName
from horarium.web.views.shell import Shell
from horarium.web.views.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The newest run of a task: its status, when it started, how long it took, and a remark (`3 failures in a row`)."""

    id: int
    status: Status
    at: datetime
    seconds: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """A task in the list; `since` is when it was paused or parked.

    `zone` is the name of the zone of its times where that is not the reader's; `by_hand` says that it has no times,
    `may_act` whether the reader may run and pause it. `person` is whom it runs for, if that is somebody else.
    """

    task: TaskName
    status: Status
    target: str
    words: str
    expression: str = ""
    tags: tuple[str, ...] = ()
    bars: tuple[Bar, ...] = ()
    last: LastRun | None = None
    next_at: datetime | None = None
    since: datetime | None = None
    zone: str = ""
    by_hand: bool = False
    may_act: bool = True
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order of the list: where it leads, and how the column's header says it (`ascending`, `descending` or none)."""

    key: str
    label: str
    href: str
    current: bool = False
    direction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksPage:
    """The list of tasks in one view; `back` is where an action on it returns to."""

    template: ClassVar[str] = "tasks.html"

    shell: Shell
    rows: tuple[TaskRow, ...] | None
    total: int
    tabs: tuple[Tab, ...] = ()
    filters: FilterBar = NO_FILTERS
    orders: tuple[Order, ...] = ()
    pager: Pager = ONE_PAGE
    back: str = ""

    def order(self, key: str) -> Order | None:
        """Return the order by a column, if the list can be sorted by it."""
        return next((order for order in self.orders if order.key == key), None)
