"""One person as administrators see them: their role, where they are signed in, and what is theirs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

from starlette.responses import Response

from horarium.accounts.people import found_in
from horarium.accounts.roles import ON_TASKS
from horarium.clock import to_micros
from horarium.errors import Conflict, InvalidValue
from horarium.records.audit import AuditFilter
from horarium.records.people import Role, User
from horarium.store.books.audit import AuditBook
from horarium.store.books.history import HistoryBook
from horarium.store.books.projects import ProjectBook
from horarium.store.books.roster import RosterBook
from horarium.store.books.signins import SessionBook
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.store.books.tokens import TokenBook
from horarium.store.port import Transaction
from horarium.web.filters import plural, relative
from horarium.web.frame import ROLE_WORDS, shell
from horarium.web.pages.people import ABILITIES, ROLE_HINTS, steps_words
from horarium.web.pages.settings import session_row
from horarium.web.pages.timing import words_for
from horarium.web.pages.wording import bars_of, named, task_status
from horarium.web.views.parts import Fact
from horarium.web.views.people import Belonging, RoleChoice, TaskLine, UserPage
from horarium.web.views.shell import Notice
from horarium.web.visit import Visit

TASKS: Final = 10
_REFUSALS: Final = timedelta(days=30)


def show(visit: Visit) -> Response:
    """Show one person."""
    user_id = visit.number("user_id")
    with visit.house.services.store.reading() as tx:
        user = found_in(tx, user_id)
        wanted = TaskFilter(owner_id=user_id, reach=visit.reach)
        sessions = SessionBook(tx).of_user(user_id)
        mine = visit.signed_in.session.key if visit.signed_in else ""
        page = UserPage(
            shell=shell(visit, tx),
            id=user.id,
            name=user.words,
            login=user.name,
            email=user.email,
            zone=user.time_zone,
            role=ROLE_WORDS[user.role],
            since=user.created_at,
            closed_at=user.disabled_at,
            is_me=user.id == visit.user.id,
            locked=_locked(user, visit),
            roles=role_choices(user.role),
            can=tuple((permission in ON_TASKS[user.role], words) for words, permission in ABILITIES),
            signin=_signin(tx, user, visit),
            sessions=tuple(session_row(session, mine) for session in sessions),
            tasks=task_lines(tx, wanted, visit, limit=TASKS),
            owned=TaskBook(tx).count(wanted),
            projects=_projects(tx, user_id),
        )
    return visit.show(page)


def send_role(visit: Visit) -> Response:
    """Give somebody another role; nobody takes their own away, so that one who may do so stays."""
    user = _user(visit)
    role = role_of(visit.form.text("role"))
    if user.id == visit.user.id:
        return _back(visit, user, "failed", "Your own role stays", "Another administrator can change it.")
    try:
        changed = visit.house.users.change_role(user.id, role, actor=visit.actor)
    except Conflict as error:
        return _back(visit, user, "failed", f"{user.words} stays {ROLE_WORDS[user.role]}", _sentence(error))
    if changed.role is user.role:
        return _back(visit, user, "ok", f"{user.words} is {ROLE_WORDS[role]} already")
    text = "Their sessions ended; they sign in again with the new role."
    return _back(visit, user, "ok", f"{user.words} is {ROLE_WORDS[role]} now", text)


def end_session(visit: Visit) -> Response:
    """End one session of somebody; one that has ended already is as good."""
    user = _user(visit)
    key = visit.form.text("session")
    if visit.signed_in and key == visit.signed_in.session.key:
        return _back(visit, user, "failed", "This is the session you are in", "Sign out instead.")
    ended = visit.house.sessions.end_one(user, key, actor=visit.actor)
    return _back(visit, user, "ok", "The session ended" if ended else "It had ended already")


def end_sessions(visit: Visit) -> Response:
    """End all sessions of somebody; of one's own, all but the present one."""
    user = _user(visit)
    keep = visit.signed_in.session.key if visit.signed_in and user.id == visit.user.id else None
    ended = visit.house.sessions.end_all(user, actor=visit.actor, keep=keep)
    title = f"{plural(ended, 'session')} of {user.words} ended" if ended else f"{user.words} is signed in nowhere else"
    return visit.back(visit.links.to("user", user_id=user.id), notice=Notice(status="ok", title=title))


def open_again(visit: Visit) -> Response:
    """Open a closed account again."""
    user = _user(visit)
    resumed = visit.house.departures.open_again(user.id, actor=visit.actor)
    if resumed is None:
        return _back(visit, user, "ok", f"{user.words} is active already")
    text = f"{plural(resumed, 'task goes', 'tasks go')} on." if resumed else ""
    return _back(visit, user, "ok", f"{user.words} is active again", text)


def task_lines(tx: Transaction, wanted: TaskFilter, visit: Visit, *, limit: int) -> tuple[TaskLine, ...]:
    """Return the first tasks of a list by name, each in a line."""
    tasks = TaskBook(tx).page(wanted, limit=limit)
    latest = HistoryBook(tx).latest_of([task.id for task in tasks], each=20)
    return tuple(
        TaskLine(
            task=named(task),
            words=words_for(task.definition),
            status=task_status(task),
            bars=bars_of(latest.get(task.id, []), visit.now),
        )
        for task in tasks
    )


def role_choices(current: Role | None, *, of_project: bool = False) -> tuple[RoleChoice, ...]:
    """Return the roles that can be given, the one that gives least first."""
    return tuple(
        RoleChoice(value=role.value, label=ROLE_WORDS[role], hint=ROLE_HINTS[role], current=role is current)
        for role in Role
        if role is not Role.USER or not of_project
    )


def role_of(text: str) -> Role:
    """Return the role that a form names. Raises `InvalidValue`."""
    try:
        return Role(text)
    except ValueError:
        raise InvalidValue("role", text, f"use one of {', '.join(Role)}") from None


def _user(visit: Visit) -> User:
    return visit.house.users.get(visit.number("user_id"))


def _locked(user: User, visit: Visit) -> str:
    return "Another administrator can change your role" if user.id == visit.user.id else ""


def _signin(tx: Transaction, user: User, visit: Visit) -> tuple[Fact, ...]:
    tokens = [token for token in TokenBook(tx).of_user(user.id) if not token.is_over(visit.now)]
    used = max((token.last_used_at for token in tokens if token.last_used_at), default=None)
    words = str(len(tokens)) if tokens else "none"
    since = to_micros(visit.now - _REFUSALS)
    refused = AuditFilter(actions=("person.refused",), kinds=("user",), object_id=user.id, since=since)
    last = AuditBook(tx).page(refused, limit=1)
    changed = user.password_changed_at
    return (
        Fact(label="Password", text=f"changed {_ago(changed, visit)}" if changed else "none set"),
        Fact(label="Two-step", text=steps_words(RosterBook(tx).presence([user.id])[user.id]) or "off"),
        Fact(label="API tokens", text=f"{words}, used {_ago(used, visit)}" if used else words),
        Fact(label="Last sign-in", text=_ago(user.last_login_at, visit) if user.last_login_at else "never"),
        Fact(label="Last failed", text=_ago(last[0].at, visit) if last else "none in 30 d"),
    )


def _ago(at: datetime, visit: Visit) -> str:
    return relative(at, visit.zone, visit.now)


def _projects(tx: Transaction, user_id: int) -> tuple[Belonging, ...]:
    roles = ProjectBook(tx).roles_of(user_id)
    return tuple(
        Belonging(id=project.id, name=project.name, role=ROLE_WORDS[roles[project.id]])
        for project in ProjectBook(tx).every(roles)
    )


def _back(visit: Visit, user: User, status: Literal["ok", "failed"], title: str, text: str = "") -> Response:
    notice = Notice(status=status, title=title, text=text)
    return visit.go(visit.links.to("user", user_id=user.id), notice=notice)


def _sentence(error: Exception) -> str:
    words = str(error)
    return f"{words[:1].upper()}{words[1:]}."
