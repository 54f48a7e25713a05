"""The list of people and their roles, for administrators."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from starlette.responses import Response

from horarium.accounts.roles import ON_TASKS, Permission
from horarium.records.people import Role, User
from horarium.store.books.roster import Presence, RosterBook, RosterFilter
from horarium.store.port import Transaction
from horarium.web.frame import ROLE_WORDS, shell
from horarium.web.views.parts import Chip, Choice, FilterBar, FilterMenu, Pager, Tab
from horarium.web.views.people import Ability, PersonRow, RolesPage, UsersPage
from horarium.web.visit import Visit

LIMIT: Final = 100
HERE: Final = timedelta(minutes=2)
"""For how long after their last request somebody counts as looking right now; uses are noted once a minute."""
ROLE_HINTS: Final = {
    Role.USER: "has only what is their own, and what projects give them",
    Role.VIEWER: "sees tasks, runs, reports",
    Role.OPERATOR: "also runs and pauses tasks",
    Role.EDITOR: "also edits their own tasks",
    Role.ADMIN: "also users, system, audit log",
}
ABILITIES: Final = (
    ("See tasks, runs and reports", Permission.TASKS_READ),
    ("Run, pause and stop tasks", Permission.TASKS_TRIGGER),
    ("Edit tasks of their own", Permission.TASKS_EDIT),
    ("Manage users and system", Permission.USERS_MANAGE),
)
"""What roles give on what belongs to the installation, in words."""


def show(visit: Visit) -> Response:
    """Show people, or what their roles mean."""
    view = visit.query.text("view", "people")
    return _show_roles(visit) if view == "roles" else _show_people(visit, closed=view == "closed")


def steps_words(presence: Presence) -> str:
    """Return the second steps of somebody in words, empty where there are none."""
    return " and ".join(words for words, has in (("app", presence.has_app), ("passkey", presence.has_passkey)) if has)


def last_seen(user: User, presence: Presence) -> datetime | None:
    """Return when somebody was last seen: their latest session's last use, else when they signed in."""
    found = [at for at in (presence.seen_at, user.last_login_at) if at is not None]
    return max(found, default=None)


def _show_people(visit: Visit, *, closed: bool) -> Response:
    chosen = {Role(each) for each in visit.query.many("role") if each in set(Role)}
    wanted = RosterFilter(
        text=visit.query.text("q"), roles=tuple(role for role in Role if role in chosen), closed=closed
    )
    after = visit.query.number("after")
    with visit.house.services.store.reading() as tx:
        book = RosterBook(tx)
        found = book.page(wanted, after=after, limit=LIMIT + 1)
        people = found[:LIMIT]
        presences = book.presence([user.id for user in people])
        more = _link(visit, wanted, after=people[-1].id) if len(found) > LIMIT else None
        page = UsersPage(
            shell=shell(visit, tx),
            rows=tuple(_row(user, presences[user.id], visit) for user in people),
            total=book.count(wanted),
            tabs=_tabs(tx, visit, "closed" if closed else "people"),
            filters=_filters(visit, wanted, book.by_role(closed=closed)),
            pager=Pager(newer=None if after is None else _link(visit, wanted), older=more),
            closed=closed,
            back=_link(visit, wanted),
        )
    return visit.show(page)


def _show_roles(visit: Visit) -> Response:
    abilities = tuple(
        Ability(words=words, given=tuple(permission in ON_TASKS[role] for role in Role))
        for words, permission in ABILITIES
    )
    with visit.house.services.store.reading() as tx:
        page = RolesPage(
            shell=shell(visit, tx),
            tabs=_tabs(tx, visit, "roles"),
            roles=tuple((ROLE_WORDS[role], ROLE_HINTS[role]) for role in Role),
            abilities=abilities,
        )
    return visit.show(page)


def _row(user: User, presence: Presence, visit: Visit) -> PersonRow:
    seen = last_seen(user, presence)
    return PersonRow(
        id=user.id,
        name=user.words,
        login=user.name,
        email=user.email,
        role=ROLE_WORDS[user.role],
        steps=steps_words(presence),
        tasks=presence.tasks,
        sessions=presence.sessions,
        seen=seen,
        here=presence.seen_at is not None and visit.now - presence.seen_at < HERE,
        is_me=user.id == visit.user.id,
        closed_at=user.disabled_at,
    )


def _tabs(tx: Transaction, visit: Visit, current: str) -> tuple[Tab, ...]:
    book = RosterBook(tx)
    tabs = (
        ("people", "People", book.count(RosterFilter())),
        ("roles", "Roles", len(Role)),
        ("closed", "Deactivated", book.count(RosterFilter(closed=True))),
    )
    found = tuple(
        Tab(
            label=label,
            href=visit.links.to("users", view=None if view == "people" else view),
            count=count,
            current=view == current,
        )
        for view, label, count in tabs
    )
    return (*found, Tab(label="Invitations", href=visit.links.to("invitations")))


def _filters(visit: Visit, wanted: RosterFilter, counts: dict[Role, int]) -> FilterBar:
    choices = tuple(
        Choice(value=role.value, label=ROLE_WORDS[role], count=counts.get(role, 0), on=role in wanted.roles)
        for role in reversed(Role)
    )
    chips = tuple(
        Chip(
            label=f"Role: {ROLE_WORDS[role]}",
            href=_link(visit, wanted, role=[each.value for each in wanted.roles if each is not role]),
        )
        for role in wanted.roles
    )
    return FilterBar(
        text=wanted.text,
        menus=(FilterMenu(label="Role", name="role", choices=choices),),
        chips=chips,
        clear=visit.links.to("users", view="closed" if wanted.closed else None),
        kept=(("view", "closed"),) if wanted.closed else (),
    )


def _link(visit: Visit, wanted: RosterFilter, *, after: int | None = None, role: list[str] | None = None) -> str:
    return visit.links.to(
        "users",
        view="closed" if wanted.closed else None,
        q=wanted.text or None,
        role=[each.value for each in wanted.roles] if role is None else role,
        after=after,
    )
