"""The records of people, of where they are signed in, and of the projects they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """What a person may do, on the whole installation or in one project; `accounts.roles` says what that is."""

    USER = "user"
    """Has only what is their own, and what projects give them."""
    VIEWER = "viewer"
    """Sees tasks, runs and reports."""
    OPERATOR = "operator"
    """Also runs, pauses and stops tasks."""
    EDITOR = "editor"
    """Also makes tasks and edits their own."""
    ADMIN = "admin"
    """May do everything."""


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account, as it stands in the store; the password's hash never leaves the store with it."""

    id: int
    name: str
    email: str
    display_name: str
    role: Role
    time_zone: str
    created_at: datetime
    last_login_at: datetime | None = None
    disabled_at: datetime | None = None
    password_changed_at: datetime | None = None
    email_confirmed_at: datetime | None = None
    epoch: int = 0

    @property
    def words(self) -> str:
        """Return the name by which people know this person."""
        return self.display_name or self.name

    @property
    def is_enabled(self) -> bool:
        """Tell whether this person may sign in."""
        return self.disabled_at is None

    @property
    def is_admin(self) -> bool:
        """Tell whether this person may do everything."""
        return self.role is Role.ADMIN


@dataclass(frozen=True, slots=True)
class RunUser:
    """The person whom a run is for, as the task's code sees them."""

    id: int
    name: str
    display_name: str
    email: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Persona:
    """Whom a run is for, and what their settings come to at its start."""

    user: RunUser
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Session:
    """One place where a person is signed in. `key` is the hash under which the store knows it, never the id itself."""

    key: str
    user_id: int
    created_at: datetime
    seen_at: datetime
    address: str
    agent: str
    proved_at: datetime | None = None
    method: str = "password"
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Project:
    """A folder of tasks with members of its own."""

    id: int
    name: str
    description: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    """The role of a person in a project."""

    project_id: int
    user_id: int
    role: Role
    added_at: datetime
