"""Say what the pages about projects show: the list, one project, and the form by which it is removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from horarium.web.views.people import Heir, RoleChoice, TaskLine
from horarium.web.views.shell import Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRow:
    """A project in the list, with the reader's role in it, empty for an administrator who is no member."""

    id: int
    name: str
    description: str
    members: int
    tasks: int
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectsPage:
    """The projects that somebody sees; with `may_make` also the form for a new one. Fields: name, description."""

    template: ClassVar[str] = "projects.html"

    shell: Shell
    rows: tuple[ProjectRow, ...]
    may_make: bool = False
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """A member: their name, the name they sign in with, their role in words and the roles they could have."""

    id: int
    name: str
    login: str
    role: str
    roles: tuple[RoleChoice, ...]
    is_me: bool = False
    is_closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectPage:
    """One project. `may_manage` shows the forms for its members and name, `may_remove` the way to removing it.

    Fields: who and role for a member, name and description for the project. `errors` is by field.
    """

    template: ClassVar[str] = "project.html"

    shell: Shell
    id: int
    name: str
    description: str
    members: tuple[MemberRow, ...]
    tasks: tuple[TaskLine, ...]
    held: int
    roles: tuple[RoleChoice, ...]
    may_manage: bool = False
    may_remove: bool = False
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRemovalPage:
    """The form by which a project is removed.

    Fields: fate, heir, project, runs, confirm. `loose` is how many tasks have no owner and need a word about them,
    `owned` how many stay with their owners; `checks` counts heartbeats without an owner. `word` has to be typed.
    """

    template: ClassVar[str] = "project_remove.html"

    shell: Shell
    id: int
    name: str
    word: str
    loose: int
    owned: int
    people: tuple[Heir, ...]
    projects: tuple[Heir, ...]
    checks: int = 0
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
