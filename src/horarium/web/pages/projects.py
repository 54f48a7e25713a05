"""Projects: the list, one of them with its members and tasks, and what those who look after it do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from horarium.accounts.projects import DESCRIPTION_LIMIT, about, project_in
from horarium.accounts.roles import Permission, may, may_manage
from horarium.errors import Denied, InvalidValue, NotFound
from horarium.records.people import Project, Role
from horarium.store.books.checks import CheckBook
from horarium.store.books.leaving import LeavingBook
from horarium.store.books.projects import ProjectBook
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.store.port import Transaction
from horarium.web.filters import plural
from horarium.web.frame import ROLE_WORDS, shell
from horarium.web.pages.leaving import heirs_of, will_of
from horarium.web.pages.person import role_choices, role_of, task_lines
from horarium.web.views.projects import MemberRow, ProjectPage, ProjectRemovalPage, ProjectRow, ProjectsPage
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

TASKS: Final = 50


def project_for(visit: Visit, tx: Transaction, *, manages: bool = False) -> Project:
    """Return the project of the address, for a member or an administrator.

    For everybody else it is not there. Raises `NotFound`, and with `manages` `Denied` for a member who only sees it.
    """
    project_id = visit.number("project_id")
    project = project_in(tx, project_id)
    if project_id not in visit.identity.projects and not may(visit.identity, Permission.PROJECTS_MANAGE):
        visit.foreign = about(project)
        raise NotFound(f"there is no project {project_id}")
    if manages and not may_manage(visit.identity, project_id):
        raise Denied("this role may not do this in this project")
    return project


def show_all(visit: Visit) -> Response:
    """Show the projects that somebody belongs to, and to administrators all of them."""
    return _list(visit, {}, {})


def send_new(visit: Visit) -> Response:
    """Make a project."""
    values = _texts(visit)
    try:
        made = visit.house.projects.add(values["name"], actor=visit.actor, description=values["description"])
    except InvalidValue as error:
        return _list(visit, values, {error.field: _sentence(error)})
    notice = Notice(status="ok", title=f"{made.name} is made", text="Take people in, so that somebody sees it.")
    return visit.go(visit.links.to("project", project_id=made.id), notice=notice)


def show(visit: Visit) -> Response:
    """Show one project."""
    return _project(visit, {}, {})


def send_change(visit: Visit) -> Response:
    """Give a project another name or description."""
    project = _managed(visit)
    values = _texts(visit)
    try:
        changed = visit.house.projects.change(project.id, actor=visit.actor, **values)
    except InvalidValue as error:
        return _project(visit, values, {error.field: _sentence(error)})
    return _to(visit, project.id, f"{changed.name} is changed" if changed != project else "Nothing was changed")


def send_member(visit: Visit) -> Response:
    """Take somebody in by their name or address, or give a member another role."""
    project = _managed(visit)
    values = {"who": visit.form.text("who", most=254).strip(), "role": visit.form.text("role")}
    found = visit.house.users.find(values["who"]) if values["who"] else None
    if found is None or not found.is_enabled:
        words = "Nobody signs in with this name or address." if values["who"] else "Fill this in."
        return _project(visit, values, {"who": words})
    visit.house.projects.put_member(project.id, found.id, role_of(values["role"]), actor=visit.actor)
    return _to(visit, project.id, f"{found.words} is {ROLE_WORDS[role_of(values['role'])]} in {project.name}")


def drop_member(visit: Visit) -> Response:
    """Take somebody out; one who is not in it is as good."""
    project = _managed(visit)
    user_id = visit.form.number("user") or 0
    with visit.house.services.store.reading() as tx:
        names = {user.id: user.words for _, user in ProjectBook(tx).members(project.id)}
    if user_id not in names:
        return _to(visit, project.id, "They were no member")
    visit.house.projects.drop_member(project.id, user_id, actor=visit.actor)
    if user_id == visit.user.id and not may(visit.identity, Permission.PROJECTS_MANAGE):
        notice = Notice(status="ok", title=f"You left {project.name}")
        return visit.go(visit.links.to("projects"), notice=notice)
    return _to(visit, project.id, f"{names[user_id]} left {project.name}")


def show_removal(visit: Visit) -> Response:
    """Show the form by which a project is removed."""
    return _removal(visit, {}, {})


def send_removal(visit: Visit) -> Response:
    """Remove a project, with a word about what only it holds."""
    project = _removable(visit)
    values = {name: visit.form.text(name) for name in ("fate", "heir", "project", "runs", "confirm")}
    errors: dict[str, str] = {}
    loose, _owned, checks = _held(visit, project.id)
    will = will_of(values, errors, needs_fate=bool(loose or checks))
    if values["confirm"].strip() != project.name:
        errors["confirm"] = f"Type {project.name} exactly as it stands here."
    if errors or will is None:
        return _removal(visit, values, errors)
    try:
        visit.house.departures.remove_project(project.id, will, actor=visit.actor)
    except InvalidValue as error:
        return _removal(visit, values, {"fate": _sentence(error)})
    said = [plural(loose, "task")] if loose else []
    said += [plural(checks, "heartbeat")] if checks else []
    text = f"{' and '.join(said)} {'was' if loose + checks == 1 else 'were'} settled as you said." if said else ""
    return visit.go(visit.links.to("projects"), notice=Notice(status="ok", title=f"{project.name} is gone", text=text))


def _texts(visit: Visit) -> dict[str, str]:
    description = visit.form.text("description", most=DESCRIPTION_LIMIT)
    return {"name": visit.form.text("name"), "description": description.strip()}


def _managed(visit: Visit) -> Project:
    with visit.house.services.store.reading() as tx:
        return project_for(visit, tx, manages=True)


def _removable(visit: Visit) -> Project:
    with visit.house.services.store.reading() as tx:
        project = project_for(visit, tx)
    visit.require(Permission.PROJECTS_MANAGE)
    return project


def _held(visit: Visit, project_id: int) -> tuple[int, int, int]:
    """Return how many tasks only the project holds, how many have an owner besides, and how many heartbeats it holds.

    Only heartbeats without an owner count.
    """
    with visit.house.services.store.reading() as tx:
        places = TaskBook(tx).places(LeavingBook(tx).tasks_in(project_id)).values()
        checks = [CheckBook(tx).get(each) for each in LeavingBook(tx).checks_in(project_id)]
    owned = sum(place.owner_id is not None for place in places)
    loose_checks = sum(check is not None and check.place.owner_id is None for check in checks)
    return len(places) - owned, owned, loose_checks


def _list(visit: Visit, values: Mapping[str, str], errors: Mapping[str, str]) -> Response:
    manages = may(visit.identity, Permission.PROJECTS_MANAGE)
    with visit.house.services.store.reading() as tx:
        book = ProjectBook(tx)
        found = book.every(None if manages else visit.identity.projects)
        tasks, members = book.task_counts(), book.member_counts()
        rows = tuple(
            ProjectRow(
                id=project.id,
                name=project.name,
                description=project.description,
                members=members.get(project.id, 0),
                tasks=tasks.get(project.id, 0),
                role=_role_words(visit, project.id),
            )
            for project in found
        )
        page = ProjectsPage(shell=shell(visit, tx), rows=rows, may_make=manages, values=values, errors=errors)
    return visit.show(page, status=422 if errors else 200)


def _project(visit: Visit, values: Mapping[str, str], errors: Mapping[str, str]) -> Response:
    with visit.house.services.store.reading() as tx:
        project = project_for(visit, tx)
        wanted = TaskFilter(project_id=project.id, reach=visit.reach)
        page = ProjectPage(
            shell=shell(visit, tx),
            id=project.id,
            name=project.name,
            description=project.description,
            members=tuple(
                MemberRow(
                    id=user.id,
                    name=user.words,
                    login=user.name,
                    role=ROLE_WORDS[membership.role],
                    roles=role_choices(membership.role, of_project=True),
                    is_me=user.id == visit.user.id,
                    is_closed=not user.is_enabled,
                )
                for membership, user in ProjectBook(tx).members(project.id)
            ),
            tasks=task_lines(tx, wanted, visit, limit=TASKS),
            held=TaskBook(tx).count(wanted),
            roles=role_choices(_chosen(values), of_project=True),
            may_manage=may_manage(visit.identity, project.id),
            may_remove=may(visit.identity, Permission.PROJECTS_MANAGE),
            values=values,
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)


def _removal(visit: Visit, values: Mapping[str, str], errors: Mapping[str, str]) -> Response:
    project = _removable(visit)
    loose, owned, checks = _held(visit, project.id)
    with visit.house.services.store.reading() as tx:
        people, projects = heirs_of(tx, without_project=project.id)
        page = ProjectRemovalPage(
            shell=shell(visit, tx),
            id=project.id,
            name=project.name,
            word=project.name,
            loose=loose,
            owned=owned,
            checks=checks,
            people=people,
            projects=projects,
            values=values,
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)


def _role_words(visit: Visit, project_id: int) -> str:
    role = visit.identity.projects.get(project_id)
    return "" if role is None else ROLE_WORDS[role]


def _chosen(values: Mapping[str, str]) -> Role:
    return Role(values["role"]) if values.get("role") in set(Role) else Role.VIEWER


def _to(visit: Visit, project_id: int, title: str) -> Response:
    return visit.go(visit.links.to("project", project_id=project_id), notice=Notice(status="ok", title=title))


def _sentence(error: Exception) -> str:
    words = str(error)
    return f"{words[:1].upper()}{words[1:]}."
