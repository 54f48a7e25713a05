"""What the commands about people and projects share: finding them, their options, and what becomes of tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from horarium.accounts.people import People
from horarium.accounts.projects import Projects
from horarium.cli.workplace import Workplace
from horarium.errors import InvalidValue, NotFound
from horarium.records.people import Project, User
from horarium.scheduling.departures import Fate, Will

Found = TypeVar("Found")
UserName = Annotated[str, typer.Argument(metavar="USER", help="A name or e-mail address, or # and a number.")]
ProjectName = Annotated[str, typer.Argument(metavar="PROJECT", help="The name of the project, or # and its number.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
CancelRuns = Annotated[bool, typer.Option("--cancel-runs", help="End runs under way; else they go on to their end.")]
GiveTo = Annotated[
    str,
    typer.Option(
        "--give-to", metavar="HEIR", help="Who gets tasks and heartbeats: user:NAME, project:NAME, installation."
    ),
]


def find_user(work: Workplace, text: str) -> User:
    """Return the person that somebody names. Raises `NotFound`."""
    people = People(work.store, work.clock)
    return _found(text, "user", people.get, people.find)


def find_project(work: Workplace, text: str) -> Project:
    """Return the project that somebody names. Raises `NotFound`."""
    projects = Projects(work.store, work.clock)
    return _found(text, "project", projects.get, projects.find)


def will_of(work: Workplace, give_to: str, *, remove: bool, cancel_runs: bool) -> Will:
    """Return what the options say about tasks and heartbeats. Raises `InvalidValue`, `NotFound`."""
    if give_to and remove:
        raise InvalidValue("--give-to", give_to, "tasks are given or removed, not both")
    if remove:
        return Will(fate=Fate.REMOVE, cancel_runs=cancel_runs)
    kind, _, name = give_to.partition(":")
    if kind == "user" and name:
        return Will(fate=Fate.PERSON, heir_id=find_user(work, name).id, cancel_runs=cancel_runs)
    if kind == "project" and name:
        return Will(fate=Fate.PROJECT, heir_id=find_project(work, name).id, cancel_runs=cancel_runs)
    if give_to == "installation":
        return Will(fate=Fate.INSTALLATION, cancel_runs=cancel_runs)
    if give_to:
        raise InvalidValue("--give-to", give_to, "use user:NAME, project:NAME or installation")
    return Will(cancel_runs=cancel_runs)


def user_shape(user: User) -> dict[str, Any]:
    """Return a person for JSON."""
    instants = {
        "created_at": user.created_at,
        "last_login_at": user.last_login_at,
        "disabled_at": user.disabled_at,
        "password_changed_at": user.password_changed_at,
    }
    return {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "display_name": user.display_name,
        "role": user.role.value,
        "timezone": user.time_zone,
        "enabled": user.is_enabled,
        **{name: None if at is None else at.isoformat() for name, at in instants.items()},
    }


def project_shape(project: Project, *, members: int, tasks: int) -> dict[str, Any]:
    """Return a project for JSON."""
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "members": members,
        "tasks": tasks,
        "created_at": project.created_at.isoformat(),
    }


def _found(text: str, what: str, by_number: Callable[[int], Found], by_name: Callable[[str], Found | None]) -> Found:
    number = text.removeprefix("#")
    if text.startswith("#") and number.isascii() and number.isdigit() and len(number) < 19:
        return by_number(int(number))
    found = by_name(text)
    if found is None:
        raise NotFound(f"there is no {what} {text!r}")
    return found
