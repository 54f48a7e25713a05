"""Make the frame around a page: who looks, how the scheduler does, how much there is."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from horarium.accounts.roles import Permission, may
from horarium.records.people import Role
from horarium.scheduling.hold import Hold, held
from horarium.store.books.events import EventBook
from horarium.store.books.history import HistoryBook, RunFilter
from horarium.store.books.nodes import NodeBook
from horarium.store.books.projects import ProjectBook
from horarium.store.books.roster import RosterBook, RosterFilter
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.store.port import Store, Transaction
from horarium.upkeep.damage import damage_of
from horarium.web.live.streams import HEARTBEAT_SECONDS
from horarium.web.views.shell import Health, Porch, Shell, Viewer
from horarium.web.visit import Visit

LATE_SECONDS = 1.0
ROLE_WORDS = {
    Role.USER: "Member",
    Role.VIEWER: "Viewer",
    Role.OPERATOR: "Operator",
    Role.EDITOR: "Editor",
    Role.ADMIN: "Administrator",
}


def shell(
    visit: Visit, tx: Transaction, *, watch: str = "*", stream: str | None = None, acts: bool | None = None
) -> Shell:
    """Return the frame for somebody signed in; `stream` replaces the usual stream of events.

    `acts` says whether something on this very page may be run or paused; else it is asked whether anything might.
    """
    hold = held(tx)
    return Shell(
        links=visit.links,
        viewer=viewer(visit, acts),
        now=visit.now,
        csrf=visit.token,
        health=health(visit.house.services.store, tx, hold),
        team=visit.house.team(tx),
        tasks=TaskBook(tx).count(TaskFilter(reach=visit.reach, not_others=visit.user.id)),
        running=HistoryBook(tx).count(RunFilter(view="running", reach=visit.reach)),
        projects=_projects(visit, tx),
        people=RosterBook(tx).count(RosterFilter()) if may(visit.identity, Permission.USERS_MANAGE) else None,
        audit=may(visit.identity, Permission.AUDIT_READ),
        system=may(visit.identity, Permission.SYSTEM_READ),
        maintenance=None if hold.maintenance is None else hold.maintenance.reason,
        sends_mail=visit.house.settings.sends_mail,
        may_set_mail=may(visit.identity, Permission.SYSTEM_MANAGE),
        notices=visit.notices,
        stream=None if visit.is_held else stream or visit.links.to("events", after=EventBook(tx).settled_id()),
        watch=watch,
        heartbeat_seconds=int(HEARTBEAT_SECONDS),
    )


def bare_shell(visit: Visit) -> Shell:
    """Return a frame that needs nothing from the store, for pages about errors."""
    return Shell(
        links=visit.links,
        viewer=viewer(visit),
        now=visit.now,
        csrf=visit.token,
        health=Health(status="queued", words="Not looked at"),
        team=visit.house.settings.team,
        notices=visit.notices,
    )


def porch(visit: Visit, *, team: str = "") -> Porch:
    """Return the frame for somebody who is not signed in."""
    settings = visit.house.settings
    return Porch(
        links=visit.links,
        csrf=visit.token,
        now=visit.now,
        zone=ZoneInfo(settings.time_zone),
        zone_key=settings.time_zone,
        team=team or settings.team,
    )


def viewer(visit: Visit, acts: bool | None = None) -> Viewer:  # noqa: FBT001 - None is a third answer
    """Return the person who looks, as pages show them."""
    user = visit.user
    return Viewer(
        name=user.words,
        role=ROLE_WORDS[user.role],
        zone=visit.zone,
        zone_key=user.time_zone,
        look=visit.taste.look,
        may_act=may(visit.identity, Permission.TASKS_TRIGGER) if acts is None else acts,
    )


def _projects(visit: Visit, tx: Transaction) -> int | None:
    """Return how many projects somebody sees, None where there is no page about them to show."""
    if may(visit.identity, Permission.PROJECTS_MANAGE):
        return ProjectBook(tx).count()
    return len(visit.identity.projects) or None


def is_alive(store: Store, tx: Transaction) -> bool:
    """Tell whether a scheduler renews its lease."""
    now = store.lease_now(tx)
    return any(lease_until > now for _, lease_until, _, _ in NodeBook(tx).living())


def health(store: Store, tx: Transaction, hold: Hold) -> Health:
    """Return how the scheduler does, in a few words."""
    if damage_of(store):
        return Health(status="failed", words="Database is damaged", detail="Nothing is written")
    if hold.restored is not None:
        return Health(status="paused", words="Schedules are held", detail="after a restore")
    if not is_alive(store, tx):
        return Health(status="failed", words="Scheduler is not running")
    lag = NodeBook(tx).lag() or 0.0
    if lag > LATE_SECONDS:
        return Health(status="late", words="Scheduler is late", detail=f"{lag:.1f} s lag")
    return Health(status="ok", words="Scheduler on time", detail=f"{lag:.1f} s lag")
