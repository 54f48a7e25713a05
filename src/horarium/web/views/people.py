"""Say what the pages about people show: the list, the roles, one person, and the form by which somebody leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from horarium.web.charts.spark import Bar
from horarium.web.views.parts import NO_FILTERS, ONE_PAGE, Fact, FilterBar, Pager, Tab, TaskName
from horarium.web.views.settings import SessionRow
from horarium.web.views.shell import Shell
from horarium.web.views.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """A person in the list; `steps` are their second steps in words, `here` says that they are looking right now."""

    id: int
    name: str
    login: str
    email: str
    role: str
    steps: str
    tasks: int
    sessions: int
    seen: datetime | None = None
    here: bool = False
    is_me: bool = False
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersPage:
    """The list of people in one view, open accounts or closed ones; `back` is where an action on it returns to."""

    template: ClassVar[str] = "users.html"

    shell: Shell
    rows: tuple[PersonRow, ...]
    total: int
    tabs: tuple[Tab, ...] = ()
    filters: FilterBar = NO_FILTERS
    pager: Pager = ONE_PAGE
    closed: bool = False
    back: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """One thing that roles give or do not give, in words, with a yes or no for each role in order."""

    words: str
    given: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesPage:
    """What each role may do: `roles` are their names and what they are for, in the order of the abilities' answers."""

    template: ClassVar[str] = "roles.html"

    shell: Shell
    tabs: tuple[Tab, ...]
    roles: tuple[tuple[str, str], ...]
    abilities: tuple[Ability, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChoice:
    """A role that can be given: its value, its name, what it is for, and whether it is the present one."""

    value: str
    label: str
    hint: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLine:
    """A task in a short list: its name, when it runs in words, its last runs and how it stands."""

    task: TaskName
    words: str
    status: Status
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """A project that a person belongs to, with their role in it."""

    id: int
    name: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPage:
    """One person as administrators see them; `locked` says why their role cannot be changed here, empty if it can.

    `can` are abilities in words, each with whether the role gives it; `signin` are facts about how they sign in.
    """

    template: ClassVar[str] = "user.html"

    shell: Shell
    id: int
    name: str
    login: str
    email: str
    zone: str
    role: str
    since: datetime
    closed_at: datetime | None
    is_me: bool
    locked: str
    roles: tuple[RoleChoice, ...]
    can: tuple[tuple[bool, str], ...]
    signin: tuple[Fact, ...]
    sessions: tuple[SessionRow, ...]
    tasks: tuple[TaskLine, ...]
    owned: int
    projects: tuple[Belonging, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heir:
    """Somebody or some project that could take over what is left."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavePage:
    """The form by which an account is closed or deleted.

    Fields: act (close, delete), fate, heir, project, runs (finish, cancel), confirm. `word` has to be typed;
    `is_closed` leaves only deleting. `values` are what was sent, `errors` what was wrong with it, by field.
    """

    template: ClassVar[str] = "leave.html"

    shell: Shell
    id: int
    name: str
    word: str
    tasks: int
    own_shares: int
    credentials: int
    is_closed: bool
    people: tuple[Heir, ...]
    projects: tuple[Heir, ...]
    checks: int = 0
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
