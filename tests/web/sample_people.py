"""Make the pages about people, projects and the audit log."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from horarium.web.views.audit import AuditPage, Detail, Difference, EntryDay, EntryRow
from horarium.web.views.parts import Chip, Choice, Fact, FilterBar, FilterMenu, Pager, Tab
from horarium.web.views.people import (
    Ability,
    Belonging,
    Heir,
    LeavePage,
    PersonRow,
    RoleChoice,
    RolesPage,
    TaskLine,
    UserPage,
    UsersPage,
)
from horarium.web.views.projects import MemberRow, ProjectPage, ProjectRemovalPage, ProjectRow, ProjectsPage
from horarium.web.views.settings import SessionRow
from horarium.web.views.shell import Shell, ViewModel
from tests.web.sample_parts import LINKS, NOW, PAYMENTS, RATES, bars, shell

TABS = (
    Tab(label="People", href="/users", count=7, current=True),
    Tab(label="Roles", href="/users?view=roles", count=5),
    Tab(label="Deactivated", href="/users?view=closed", count=1),
)
ROLES = (
    RoleChoice(value="viewer", label="Viewer", hint="sees tasks, runs, reports"),
    RoleChoice(value="operator", label="Operator", hint="also runs and pauses tasks", current=True),
    RoleChoice(value="admin", label="Administrator", hint="also users, system, audit log"),
)
LINES = (
    TaskLine(task=PAYMENTS, words="Weekdays at 06:00", status="failed", bars=bars("333x33x3333x33x33xxx")),
    TaskLine(task=RATES, words="Every hour at :05", status="paused", bars=bars("444445444s444444ssss")),
)
HEIRS = (Heir(id=4, name="Tomasz Wróbel"), Heir(id=1, name="Inês Carvalho"))
FOLDERS = (Heir(id=2, name="Night shift"),)


def admin_shell() -> Shell:
    return shell(projects=2, people=7, audit=True)


def rich_people() -> dict[str, ViewModel]:
    """Return each page with everything on it."""
    return {
        "users": users(),
        "users-closed": closed(),
        "roles": RolesPage(
            shell=admin_shell(),
            tabs=TABS,
            roles=(("Viewer", "sees tasks, runs, reports"), ("Administrator", "also users, system, audit log")),
            abilities=(
                Ability(words="See tasks, runs and reports", given=(True, True)),
                Ability(words="Manage users and system", given=(False, True)),
            ),
        ),
        "user": user(),
        "leave": leave(),
        "projects": ProjectsPage(
            shell=admin_shell(),
            rows=(
                ProjectRow(id=2, name="Night shift", description="What runs at night", members=3, tasks=12),
                ProjectRow(id=3, name="Customs", description="", members=1, tasks=0, role="Operator"),
            ),
            may_make=True,
            values={"name": "Night Shift", "description": "Again"},
            errors={"name": "There is a project of this name."},
        ),
        "project": project(),
        "project-remove": ProjectRemovalPage(
            shell=admin_shell(),
            id=2,
            name="Night shift",
            word="Night shift",
            loose=3,
            owned=1,
            people=HEIRS,
            projects=FOLDERS,
            values={"fate": "person", "runs": "cancel", "confirm": "night"},
            errors={"heir": "Choose who takes them over.", "confirm": "Type Night shift exactly as it stands here."},
        ),
        "audit": audit(),
    }


def empty_people() -> dict[str, ViewModel]:
    """Return the same with nothing on them, and as others see them."""
    blank = dataclasses.replace(user(), sessions=(), tasks=(), owned=0, projects=(), email="")
    return {
        "users-no-match": dataclasses.replace(users(), rows=(), total=0),
        "users-none-closed": dataclasses.replace(closed(), rows=(), total=0),
        "user-me": dataclasses.replace(blank, is_me=True, locked="Another administrator can change your role"),
        "user-closed": dataclasses.replace(blank, closed_at=NOW - timedelta(days=3)),
        "leave-heartbeats": dataclasses.replace(leave(), tasks=0, own_shares=0, checks=1, values={}, errors={}),
        "leave-nothing": dataclasses.replace(
            leave(), tasks=0, own_shares=0, checks=0, is_closed=True, values={}, errors={}
        ),
        "projects-first": ProjectsPage(shell=admin_shell(), rows=(), may_make=True),
        "projects-none": ProjectsPage(shell=shell(), rows=()),
        "project-member": dataclasses.replace(
            project(), shell=shell(projects=1), may_manage=False, may_remove=False, values={}, errors={}
        ),
        "project-empty": dataclasses.replace(project(), members=(), tasks=(), held=0, values={}, errors={}),
        "project-remove-empty": ProjectRemovalPage(
            shell=admin_shell(), id=2, name="Night", word="Night", loose=0, owned=0, people=(), projects=()
        ),
        "audit-first": dataclasses.replace(audit(), days=(), shown=0, total=0, filters=FilterBar()),
        "audit-no-match": dataclasses.replace(audit(), days=(), shown=0, total=0),
    }


def users() -> UsersPage:
    people = (
        ("Inês Carvalho", "ines", "Administrator", "passkey", 11, 2),
        ("Sven Lindqvist", "sven", "Administrator", "app and passkey", 7, 1),
        ("Leïla Haddad", "leila", "Operator", "", 1204, 0),
    )
    rows = tuple(
        PersonRow(
            id=number,
            name=name,
            login=login,
            email=f"{login}@tidewater.example" if number < 3 else "",
            role=role,
            steps=steps,
            tasks=tasks,
            sessions=sessions,
            seen=NOW - timedelta(hours=number) if number < 3 else None,
            here=number == 1,
            is_me=number == 1,
        )
        for number, (name, login, role, steps, tasks, sessions) in enumerate(people, 1)
    )
    roles = FilterMenu(
        label="Role", name="role", choices=(Choice(value="admin", label="Administrator", count=2, on=True),)
    )
    return UsersPage(
        shell=admin_shell(),
        rows=rows,
        total=204,
        tabs=TABS,
        filters=FilterBar(
            text="i", menus=(roles,), chips=(Chip(label="Role: Administrator", href="/users"),), clear="/users"
        ),
        pager=Pager(newer="/users", older="/users?after=3"),
        back="/users",
    )


def closed() -> UsersPage:
    (row, *_rest) = users().rows
    gone = dataclasses.replace(row, is_me=False, here=False, closed_at=NOW - timedelta(days=40))
    return dataclasses.replace(users(), rows=(gone,), total=1, closed=True, filters=FilterBar(), pager=Pager())


def user() -> UserPage:
    return UserPage(
        shell=admin_shell(),
        id=3,
        name="Leïla Haddad",
        login="leila.haddad",
        email="leila.haddad@tidewater.example",
        zone="Europe/Paris",
        role="Operator",
        since=NOW - timedelta(days=600),
        closed_at=None,
        is_me=False,
        locked="",
        roles=ROLES,
        can=((True, "See tasks, runs and reports"), (False, "Manage users and system")),
        signin=(Fact(label="Password", text="changed 64 d ago"), Fact(label="Two-step", text="off")),
        sessions=(
            SessionRow(
                key="k1",
                device="Firefox on Windows",
                icon="desktop",
                address="10.20.4.18",
                since=NOW - timedelta(days=4),
                seen=NOW - timedelta(hours=20),
            ),
            SessionRow(
                key="k2",
                device="Safari on iPhone",
                icon="phone",
                address="10.20.9.2",
                since=NOW - timedelta(days=11),
                seen=NOW,
                current=True,
            ),
        ),
        tasks=LINES,
        owned=5,
        projects=(Belonging(id=2, name="Night shift", role="Editor"),),
    )


def leave() -> LeavePage:
    return LeavePage(
        shell=admin_shell(),
        id=3,
        name="Leïla Haddad",
        word="leila.haddad",
        tasks=5,
        own_shares=1,
        checks=2,
        credentials=1,
        is_closed=False,
        people=HEIRS,
        projects=FOLDERS,
        values={"act": "delete", "fate": "person", "heir": "4", "runs": "cancel", "confirm": "leila"},
        errors={
            "act": "Choose what happens to the account.",
            "fate": "Choose what becomes of them.",
            "heir": "Choose who takes them over.",
            "confirm": "Type leila.haddad exactly as it stands here.",
        },
    )


def project() -> ProjectPage:
    return ProjectPage(
        shell=admin_shell(),
        id=2,
        name="Night shift",
        description="What runs at night",
        members=(
            MemberRow(id=3, name="Leïla Haddad", login="leila", role="Operator", roles=ROLES),
            MemberRow(id=1, name="Inês Carvalho", login="ines", role="Viewer", roles=ROLES, is_me=True, is_closed=True),
        ),
        tasks=LINES,
        held=60,
        roles=ROLES,
        may_manage=True,
        may_remove=True,
        values={"who": "nobody@tidewater.example", "role": "viewer"},
        errors={"who": "Nobody signs in with this name or address."},
    )


def _entry(number: int, who: str, did: str, name: str, **rest: object) -> EntryRow:
    usual: dict[str, object] = {
        "person": True,
        "icon": "edit",
        "kind": "task",
        "there": "/tasks/7",
        "address": "10.20.4.31",
        "result": "done",
    }
    moment = NOW - timedelta(hours=60 - number)
    values = {**usual, **rest}
    return EntryRow(id=number, at=moment, who=who, did=did, name=name, href=f"/audit?open={number}", **values)  # type: ignore[arg-type]


def audit() -> AuditPage:
    detail = Detail(
        facts=(
            Fact(label="Entry", text="58"),
            Fact(label="Request", text="req_01HX9R4K4T2", code=True),
            Fact(label="Reason", text="inventory"),
        ),
        changes=(
            Difference(name="schedule", was="0 */4 * * *", now="24 */2 * * *"),
            Difference(name="retries", was=None, now="3"),
            Difference(name="description", was="", now=None),
        ),
    )
    return AuditPage(
        shell=admin_shell(),
        days=(
            EntryDay(
                label="Today, Thursday 14 May",
                rows=(
                    _entry(58, "Priya Raman", "edited", "Catalogue feed", detail=detail),
                    _entry(57, "Command line", "paused", "Old feed", person=False, address="", there=""),
                ),
            ),
            EntryDay(
                label="Wednesday 13 May",
                rows=(
                    _entry(9, "Leïla Haddad", "was refused", "Old stock feed", result="refused", icon="alert"),
                    _entry(8, "Inês Carvalho", "signed in", "", kind="", there="", icon="user"),
                ),
            ),
        ),
        shown=4,
        total=10_000,
        counted=10_000,
        filters=FilterBar(
            text="feed",
            menus=(FilterMenu(label="Result", name="result", choices=(Choice(value="refused", label="Refused"),)),),
            chips=(Chip(label="From 2026-05-08", href="/audit"),),
            clear="/audit",
        ),
        since="2026-05-08",
        until="2026-05-14",
        sent=(("q", "feed"), ("result", "refused")),
        pager=Pager(newer=LINKS.to("audit"), older=LINKS.to("audit", before=8)),
    )
