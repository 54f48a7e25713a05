"""The page about the system, maintenance mode, and the support file."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.responses import Response

from horarium.accounts.roles import Permission, may, may_with
from horarium.audit.actions import Action
from horarium.audit.trail import About
from horarium.errors import InvalidValue
from horarium.records.runs import Event, Node
from horarium.scheduling.hold import Maintenance, held
from horarium.scheduling.hold_desk import REASON_LIMIT
from horarium.server.health import Health, Report
from horarium.states import EventKind, NodeState
from horarium.store.books.events import EventBook
from horarium.store.books.nodes import NodeBook
from horarium.store.books.samples import SampleBook
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.store.port import Transaction
from horarium.upkeep.defaults import TAG
from horarium.web.filters import rough
from horarium.web.frame import shell
from horarium.web.pages.backups import backups_section
from horarium.web.pages.health import report_of
from horarium.web.pages.storage import storage_section
from horarium.web.pages.support import support_file
from horarium.web.pages.system_figures import figures_of
from horarium.web.pages.wording import task_status
from horarium.web.views.shell import Notice
from horarium.web.views.status import Status
from horarium.web.views.system import Happening, Part, SystemPage, UpkeepRow, WorkerRow
from horarium.web.visit import Visit

HAPPENINGS: Final = 12
LOST_FOR: Final = timedelta(days=1)
"""How long a node that went silent stays on the page."""
_STATUS: Final[dict[Health, Status]] = {Health.OK: "ok", Health.WARN: "late", Health.BAD: "failed"}
_WORDS: Final = {Health.OK: "All parts answer", Health.WARN: "Something needs a look", Health.BAD: "Something is wrong"}
_ENGINES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_TOLD: Final[dict[str, tuple[Status, str]]] = {
    EventKind.NODE_STARTED: ("ok", "A scheduler started"),
    EventKind.NODE_STOPPED: ("ended", "A scheduler stopped"),
    EventKind.NODE_DEAD: ("missed", "A scheduler went silent; its runs were taken over"),
    EventKind.CLOCK_JUMPED: ("late", "The clock of a machine was set"),
    EventKind.SCHEDULER_SILENT: ("failed", "The scheduler fell silent"),
    EventKind.SCHEDULER_BACK: ("ok", "The scheduler works again"),
    EventKind.HEARTBEAT_MISSED: ("missed", "A heartbeat was missed"),
    EventKind.HEARTBEAT_BACK: ("ok", "A heartbeat is back"),
    EventKind.MAINTENANCE_ON: ("paused", "Maintenance mode began"),
    EventKind.MAINTENANCE_OFF: ("ok", "Maintenance mode ended"),
}


def show(visit: Visit) -> Response:
    """Show how the system does."""
    report = report_of(visit)
    storage = storage_section(visit)
    with visit.house.services.store.reading() as tx:
        state = held(tx).maintenance
        page = SystemPage(
            shell=shell(visit, tx),
            status=_STATUS[report.worst],
            words=_WORDS[report.worst],
            facts=_facts(visit, tx),
            parts=_parts(report),
            figures=figures_of(tx, visit.now, visit.zone, report),
            workers=_workers(visit, tx, state),
            upkeep=_upkeep(visit, tx),
            happenings=tuple(_happening(each) for each in EventBook(tx).newest(most=HAPPENINGS, kinds=_KINDS)),
            storage=storage,
            backups=backups_section(visit, tx),
            may_manage=may(visit.identity, Permission.SYSTEM_MANAGE),
            held_by="" if state is None else state.by,
            held_since=None if state is None else state.since,
        )
    return visit.show(page)


def send_maintenance(visit: Visit) -> Response:
    """Switch maintenance mode on or off."""
    wanted = visit.form.text("do")
    if wanted not in {"begin", "end"}:
        raise InvalidValue("do", wanted, "use begin or end")
    if wanted == "begin":
        reason = visit.form.text("reason", most=REASON_LIMIT)
        did = visit.house.holds.begin_maintenance(actor=visit.actor, reason=reason)
        title, text = "Maintenance mode is on", "What falls due waits; what runs goes on to its end."
    else:
        did = visit.house.holds.end_maintenance(actor=visit.actor)
        title, text = "Maintenance mode is off", "What waited starts now."
    notice = Notice(status="ok", title=title, text=text if did else "It was so already.")
    return visit.go(visit.links.to("system"), notice=notice)


def send_support(visit: Visit) -> Response:
    """Send the support file; that it was made is an entry of the audit log."""
    octets = support_file(visit)
    visit.house.trail.note_alone(visit.actor, Action.EXPORT_MADE, About("support file"))
    return Response(
        octets,
        media_type="application/zip",
        # A day alone: no text of anybody's gets into a header.
        headers={"Content-Disposition": f'attachment; filename="horarium-support-{visit.now:%Y-%m-%d}.zip"'},
    )


_KINDS: Final = tuple(EventKind(kind) for kind in _TOLD)


def _facts(visit: Visit, tx: Transaction) -> str:
    services = visit.house.services
    found = [f"Horarium {services.settings.version}".strip()]
    if services.started_at is not None:
        found.append(f"up {rough((visit.now - services.started_at).total_seconds())}")
    found.append(_ENGINES.get(tx.dialect.name, tx.dialect.name))
    return ", ".join(found)


def _parts(report: Report) -> tuple[Part, ...]:
    return tuple(
        Part(name=check.name.capitalize(), status=_STATUS[check.health], sentence=check.sentence)
        for check in report.checks
    )


def _workers(visit: Visit, tx: Transaction, state: Maintenance | None) -> tuple[WorkerRow, ...]:
    lease_now, busy = visit.house.services.store.lease_now(tx), SampleBook(tx).busy_by_node()
    leases = {number: until for number, until, _, _ in NodeBook(tx).living()}
    alive = NodeBook(tx).all()
    lost = [node for node in NodeBook(tx).all(states=(NodeState.DEAD,)) if visit.now - node.seen_at < LOST_FOR]
    rows = []
    for node in [*sorted(alive, key=lambda each: each.name), *lost]:
        is_silent = node.state != NodeState.ALIVE or leases.get(node.id, 0.0) <= lease_now
        rows.append(_worker(visit, node, busy.get(node.id, 0), is_silent=is_silent, is_held=state is not None))
    return tuple(rows)


def _worker(visit: Visit, node: Node, busy: int, *, is_silent: bool, is_held: bool) -> WorkerRow:
    status: Status
    if is_silent:
        status, words = "missed", f"Silent since {node.seen_at.astimezone(visit.zone):%H:%M}"
    elif node.draining_at is not None:
        status, words = "paused", f"Draining, {busy} left"
    elif is_held:
        status, words = "paused", "Waiting: maintenance"
    else:
        status, words = "active", "Ready"
    return WorkerRow(
        name=node.name,
        host=node.host,
        status=status,
        words=words,
        busy=busy,
        slots=node.workers,
        seen=node.seen_at,
        version=node.version,
        is_silent=is_silent,
    )


def _upkeep(visit: Visit, tx: Transaction) -> tuple[UpkeepRow, ...]:
    found = TaskBook(tx).page(TaskFilter(tag=TAG, reach=visit.reach), limit=50)
    return tuple(
        UpkeepRow(
            id=task.id,
            name=task.name,
            status=task_status(task),
            last=task.last_finished_at,
            next=None if task.is_paused else task.next_at,
            may_run=may_with(visit.identity, Permission.TASKS_TRIGGER, task.place),
        )
        for task in found
    )


def _happening(event: Event) -> Happening:
    status, words = _TOLD[event.kind]
    name = event.body.get("name")
    if name:
        words = f"{words}: {name}"
    return Happening(at=event.at, status=status, words=words)
