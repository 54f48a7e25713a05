"""`horarium project`: folders of tasks, and who belongs to them."""

from __future__ import annotations

from typing import Annotated

import typer

from horarium.accounts.projects import Projects
from horarium.cli.asking import Command, Json, TaskName, new_app
from horarium.cli.exits import ExitCode
from horarium.cli.people import (
    CancelRuns,
    GiveTo,
    ProjectName,
    UserName,
    Yes,
    find_project,
    find_user,
    project_shape,
    will_of,
)
from horarium.cli.tables import say_table
from horarium.cli.terminal import say, say_json
from horarium.cli.words import both
from horarium.cli.workplace import workplace
from horarium.records.people import Role
from horarium.records.reach import Place
from horarium.scheduling.departures import Departures
from horarium.store.books.projects import ProjectBook

app = new_app("Make projects and say who belongs to them.")


@app.callback()
def project() -> None:
    """Make projects and say who belongs to them."""


@app.command("list", cls=Command)
def list_projects(context: typer.Context, *, as_json: Json = False) -> None:
    """List projects by name.

    Example:
      horarium project list
    """
    with workplace(context) as work:
        with work.store.reading() as tx:
            book = ProjectBook(tx)
            found, members, tasks = book.every(), book.member_counts(), book.task_counts()
        if as_json:
            shapes = (
                project_shape(each, members=members.get(each.id, 0), tasks=tasks.get(each.id, 0)) for each in found
            )
            say_json(list(shapes))
        elif not found:
            say("No projects.")
        else:
            rows = [
                (str(each.id), each.name, str(members.get(each.id, 0)), str(tasks.get(each.id, 0)), each.description)
                for each in found
            ]
            say_table(("#", "name", "members", "tasks", "description"), rows)


@app.command(cls=Command)
def make(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Make a project.

    Example:
      horarium project make Night --description "What runs at night"
    """
    with workplace(context) as work:
        made = Projects(work.store, work.clock).add(name, actor=work.actor, description=description)
        if as_json:
            say_json(project_shape(made, members=0, tasks=0))
        else:
            say(f"Made the project {made.name}.")


@app.command(cls=Command)
def members(context: typer.Context, name: ProjectName, *, as_json: Json = False) -> None:
    """List who belongs to a project, with their roles there.

    Example:
      horarium project members Night
    """
    with workplace(context) as work:
        found = find_project(work, name)
        with work.store.reading() as tx:
            people = ProjectBook(tx).members(found.id)
        if as_json:
            say_json(
                [
                    {"id": user.id, "name": user.name, "role": each.role.value, "added_at": each.added_at.isoformat()}
                    for each, user in people
                ]
            )
        elif not people:
            say("Nobody.")
        else:
            rows = [
                (str(user.id), user.name, each.role.value, both(each.added_at, work.now, work.zone))
                for each, user in people
            ]
            say_table(("#", "name", "role", "since"), rows)


@app.command("add-member", cls=Command)
def add_member(
    context: typer.Context,
    name: ProjectName,
    user: UserName,
    role: Annotated[Role, typer.Option("--role", help="Their role in the project.")] = Role.VIEWER,
    *,
    as_json: Json = False,
) -> None:
    """Take somebody into a project, or give a member another role.

    Example:
      horarium project add-member Night ana --role operator
    """
    with workplace(context) as work:
        found, person = find_project(work, name), find_user(work, user)
        Projects(work.store, work.clock).put_member(found.id, person.id, role, actor=work.actor)
        if as_json:
            say_json({"project": found.name, "name": person.name, "role": role.value})
        else:
            say(f"{person.name} is {role.value} in {found.name}.")


@app.command("remove-member", cls=Command)
def remove_member(context: typer.Context, name: ProjectName, user: UserName, *, as_json: Json = False) -> None:
    """Take somebody out of a project.

    Example:
      horarium project remove-member Night ana
    """
    with workplace(context) as work:
        found, person = find_project(work, name), find_user(work, user)
        gone = Projects(work.store, work.clock).drop_member(found.id, person.id, actor=work.actor)
        if as_json:
            say_json({"project": found.name, "name": person.name, "removed": gone})
        else:
            say(f"{person.name} {'left' if gone else 'was no member of'} {found.name}.")


@app.command("take-task", cls=Command)
def take_task(context: typer.Context, name: ProjectName, task: TaskName, *, as_json: Json = False) -> None:
    """Give a task to a project; whoever owns it stays its owner.

    Example:
      horarium project take-task Night backup
    """
    with workplace(context) as work:
        found, wanted = find_project(work, name), work.find_task(task)
        place = Place(owner_id=wanted.place.owner_id, project_id=found.id)
        work.desk.give(wanted.id, place, by=work.actor)
        if as_json:
            say_json({"project": found.name, "task": wanted.name})
        else:
            say(f"{wanted.name!r} is in {found.name}.")


@app.command(cls=Command)
def remove(
    context: typer.Context,
    name: ProjectName,
    give_to: GiveTo = "",
    *,
    remove_tasks: Annotated[
        bool, typer.Option("--remove-tasks", help="Remove the tasks and heartbeats only it holds.")
    ] = False,
    cancel_runs: CancelRuns = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Remove a project. Tasks and heartbeats with an owner stay theirs; for the others, say what becomes of them.

    Examples:
      horarium project remove Night --give-to installation --yes
      horarium project remove Night --remove-tasks
    """
    with workplace(context) as work:
        found = find_project(work, name)
        will = will_of(work, give_to, remove=remove_tasks, cancel_runs=cancel_runs)
        if not (yes or as_json) and not typer.confirm(f"Remove the project {found.name!r}?", err=True):
            raise typer.Exit(ExitCode.REFUSED)
        Departures(work.desk).remove_project(found.id, will, actor=work.actor)
        if as_json:
            say_json({"id": found.id, "name": found.name, "removed": True})
        else:
            say(f"Removed the project {found.name}.")
