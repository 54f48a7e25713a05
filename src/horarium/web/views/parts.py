"""Hold the small things that several pages show: a task's name, a row of a run, tabs, filters, pagers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from horarium.web.views.status import Status

Kind = Literal["python", "command", "http", "sync"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskName:
    """A task as it is named everywhere: its number, its name and its kind."""

    id: int
    name: str
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who started something: a person's name, `by the schedule`, or a token's name."""

    words: str
    person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run in a list; `words` says more than the status does (`Retrying, 2 of 3`), `outcome` what came of it."""

    id: int
    task: TaskName
    status: Status
    at: datetime
    by: By
    words: str = ""
    waited: float | None = None
    seconds: float | None = None
    attempts: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A view of a list: where it leads and how much is in it."""

    label: str
    href: str
    count: int | None = None
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value that a filter offers."""

    value: str
    label: str
    count: int | None = None
    on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterMenu:
    """A menu of values of one field; `name` is the query parameter, repeated for each value that is on."""

    label: str
    name: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A filter that is on, and the address without it."""

    label: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterBar:
    """What a list is filtered by: the text, the menus, and the chips of what is on.

    `kept` are the other query parameters that the filter's form sends along (the view, the order).
    """

    text: str = ""
    menus: tuple[FilterMenu, ...] = ()
    chips: tuple[Chip, ...] = ()
    clear: str = ""
    kept: tuple[tuple[str, str], ...] = ()

    @property
    def is_on(self) -> bool:
        """Whether anything is filtered out."""
        return bool(self.text or self.chips)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager:
    """Where newer and older entries are; None at an end."""

    newer: str | None = None
    older: str | None = None


NO_FILTERS: Final = FilterBar()
"""A list that cannot be filtered."""
ONE_PAGE: Final = Pager()
"""A list that fits on one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A label with its value in words; `code` is set in a fixed pitch, `href` makes it a link."""

    label: str
    text: str
    code: bool = False
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a task or run as text; `usual` is the task's own value where the run has another."""

    name: str
    value: str
    usual: str | None = None
