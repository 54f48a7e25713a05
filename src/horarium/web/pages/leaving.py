"""The forms by which people and projects go: what becomes of what they own is asked before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from horarium.accounts.people import found_in
from horarium.errors import Conflict, InvalidValue
from horarium.records.people import User
from horarium.scheduling.departures import Departed, Fate, Will
from horarium.store.books.people import PeopleBook
from horarium.store.books.projects import ProjectBook
from horarium.store.port import Transaction
from horarium.web.filters import plural
from horarium.web.forms import as_number
from horarium.web.frame import shell
from horarium.web.views.people import Heir, LeavePage
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

ACTS: Final = ("close", "delete")
RUNS: Final = ("finish", "cancel")
_FIELDS: Final = {"owner": "heir", "heir": "heir", "project": "project"}
"""The field of the form that a refused value came from."""


def show(visit: Visit) -> Response:
    """Show the form by which an account is closed or deleted."""
    return _page(visit, {}, {})


def send(visit: Visit) -> Response:
    """Close or delete an account."""
    user = visit.house.users.get(visit.number("user_id"))
    values = {name: visit.form.text(name) for name in ("act", "fate", "heir", "project", "runs", "confirm")}
    if user.id == visit.user.id:
        notice = Notice(status="failed", title="Your own account stays", text="Another administrator can close it.")
        return visit.go(visit.links.to("user", user_id=user.id), notice=notice)
    errors: dict[str, str] = {}
    if values["act"] not in ACTS:
        errors["act"] = "Choose what happens to the account."
    will = will_of(values, errors, needs_fate=values["act"] == "delete" and _needs_fate(visit, user))
    if values["confirm"].strip() != user.name:
        errors["confirm"] = f"Type {user.name} exactly as it stands here."
    if errors or will is None:
        return _page(visit, values, errors)
    try:
        return _done(visit, user, will, deletes=values["act"] == "delete")
    except (Conflict, InvalidValue) as error:
        words = str(error)
        field = _FIELDS.get(error.field, "fate") if isinstance(error, InvalidValue) else "act"
        return _page(visit, values, {field: f"{words[:1].upper()}{words[1:]}."})


def will_of(values: Mapping[str, str], errors: dict[str, str], *, needs_fate: bool) -> Will | None:
    """Return what a form says about what is left; what is wrong with it goes into `errors`, and None is returned."""
    fate = values["fate"] or Fate.KEEP.value
    if fate not in set(Fate) or (needs_fate and fate == Fate.KEEP.value):
        errors["fate"] = "Choose what becomes of them."
        return None
    if values["runs"] not in {*RUNS, ""}:
        errors["runs"] = "Choose what becomes of running runs."
        return None
    heir_id = None
    for wanted, name, words in ((Fate.PERSON, "heir", "Choose who"), (Fate.PROJECT, "project", "Choose which project")):
        if fate == wanted:
            try:
                heir_id = as_number(name, values[name])
            except InvalidValue:
                errors[name] = f"{words} takes them over."
                return None
    return Will(fate=Fate(fate), heir_id=heir_id, cancel_runs=values["runs"] == "cancel")


def heirs_of(tx: Transaction, *, without_user: int = 0, without_project: int = 0) -> tuple[tuple[Heir, ...], ...]:
    """Return the people and the projects that could take tasks over."""
    people = tuple(
        Heir(id=user.id, name=user.words)
        for user in PeopleBook(tx).everyone()
        if user.is_enabled and user.id != without_user
    )
    projects = tuple(
        Heir(id=project.id, name=project.name) for project in ProjectBook(tx).every() if project.id != without_project
    )
    return people, projects


def _needs_fate(visit: Visit, user: User) -> bool:
    return visit.house.departures.left_by(user.id).needs_fate


def _done(visit: Visit, user: User, will: Will, *, deletes: bool) -> Response:
    departures = visit.house.departures
    if deletes:
        departed: Departed | None = departures.delete(user.id, will, actor=visit.actor)
        where, done = visit.links.to("users"), "deleted"
    else:
        departed = departures.close(user.id, will, actor=visit.actor)
        where, done = visit.links.to("user", user_id=user.id), "deactivated"
    if departed is None:
        return visit.go(where, notice=Notice(status="ok", title=f"{user.words} is deactivated already"))
    words = []
    if departed.tasks:
        words.append(f"{plural(departed.tasks, 'task has', 'tasks have')} stopped.")
    if departed.checks:
        words.append(f"{plural(departed.checks, 'heartbeat has', 'heartbeats have')} stopped.")
    if departed.under_way:
        ends = (
            ("is asked to end", "are asked to end")
            if will.cancel_runs
            else ("goes on to its end", "go on to their end")
        )
        words.append(f"{plural(len(departed.under_way), f'run {ends[0]}', f'runs {ends[1]}')}.")
    return visit.go(where, notice=Notice(status="ok", title=f"{user.words} is {done}", text=" ".join(words)))


def _page(visit: Visit, values: Mapping[str, str], errors: Mapping[str, str]) -> Response:
    user_id = visit.number("user_id")
    left = visit.house.departures.left_by(user_id)
    with visit.house.services.store.reading() as tx:
        user = found_in(tx, user_id)
        people, projects = heirs_of(tx, without_user=user_id)
        page = LeavePage(
            shell=shell(visit, tx),
            id=user.id,
            name=user.words,
            word=user.name,
            tasks=left.tasks,
            own_shares=left.own_shares,
            checks=left.checks,
            credentials=left.credentials,
            is_closed=not user.is_enabled,
            people=people,
            projects=projects,
            values=values,
            errors=errors,
        )
    return visit.show(page, status=422 if errors else 200)
