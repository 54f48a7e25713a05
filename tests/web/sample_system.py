"""Make sample pages of heartbeats and of the system."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import sin

from horarium.web.views.backups import BackupsSection
from horarium.web.views.checks import Belonging, CallLine, CheckFormPage, CheckPage, CheckRow, ChecksPage, Example
from horarium.web.views.parts import Fact
from horarium.web.views.shell import ViewModel
from horarium.web.views.status import Status
from horarium.web.views.system import Figure, Happening, Part, SystemPage, UpkeepRow, WorkerRow
from tests.web import sample_backups, sample_storage
from tests.web.sample_parts import BERLIN, NOW, shell

ADDRESS = "https://horarium.tidewater.example/ping/" + "Zx81Lq" * 4


def checks() -> ChecksPage:
    """Return the list with one in each state."""
    hour = timedelta(hours=1)
    rows: tuple[tuple[str, Status, str, datetime | None, datetime | None], ...] = (
        ("Nightly copy of the shop", "failed", "Down", NOW - 30 * hour, None),
        ("Warehouse sensor gateway", "late", "Late", NOW - hour, NOW - timedelta(minutes=2)),
        ("Tax report", "queued", "Waiting for the first call", None, None),
        ("Mail relay", "ok", "Up", NOW - timedelta(minutes=3), NOW + timedelta(minutes=7)),
        ("Old exporter", "paused", "Paused", NOW - 900 * hour, None),
    )
    return ChecksPage(
        shell=shell(system=True),
        rows=tuple(
            CheckRow(
                id=place + 1,
                name=name,
                status=status,
                words=words,
                schedule="Every hour",
                whose="you",
                last=last,
                due=due,
            )
            for place, (name, status, words, last, due) in enumerate(rows)
        ),
        more=3,
    )


def check() -> CheckPage:
    """Return one that is down, for somebody who may edit it."""
    calls = (
        CallLine(
            at=NOW - timedelta(minutes=4),
            status="failed",
            words="Exit code 3",
            address="10.2.0.7",
            agent="curl/8.5.0",
            seconds=74.0,
        ),
        CallLine(
            at=NOW - timedelta(minutes=5), status="running", words="Began", address="10.2.0.7", agent="curl/8.5.0"
        ),
        CallLine(at=NOW - timedelta(days=1), status="ok", words="Went well", address="2001:db8::7", agent=""),
    )
    return CheckPage(
        shell=shell(),
        id=4,
        name="Nightly copy of the shop",
        description="Runs on db-2, asks for the copy of the evening.",
        status="failed",
        words="Down",
        facts=(Fact(label="Expected", text="Every day at 03:30 (Europe/Berlin)"), Fact(label="Grace", text="1h 00m")),
        calls=calls,
        address=ADDRESS,
        examples=(
            Example(key="curl", label="When it went well", text=f"curl -fsS -m 10 --retry 5 -o /dev/null {ADDRESS}"),
            Example(
                key="python", label="From Python", text=f'import urllib.request\n\nurllib.request.urlopen("{ADDRESS}")'
            ),
        ),
        down=NOW - timedelta(minutes=4),
        may_edit=True,
        may_pause=True,
    )


def check_quiet() -> CheckPage:
    """Return one that nobody has called, for somebody who only looks."""
    return CheckPage(
        shell=shell(),
        id=5,
        name="Tax report",
        description="",
        status="queued",
        words="Waiting for the first call",
        facts=(Fact(label="Expected", text="Every day"),),
        calls=(),
    )


BELONGINGS = (Belonging(value="me", label="You", on=True), Belonging(value="project:3", label="Finance"))


def form() -> CheckFormPage:
    """Return the form after a try that was refused."""
    return CheckFormPage(
        shell=shell(),
        id=4,
        name="Nightly copy of the shop",
        belongings=BELONGINGS,
        values={"name": "", "kind": "cron", "cron": "61 * * * *", "timezone": "Europe/Berlin", "grace": "x"},
        errors={
            "name": "Use 1 to 100 printable characters.",
            "cron": "Minute 61 is not allowed.",
            "grace": "Use a number.",
        },
    )


def form_new() -> CheckFormPage:
    """Return the form for a new one."""
    return CheckFormPage(
        shell=shell(),
        id=None,
        name="",
        belongings=BELONGINGS,
        values={"kind": "cron", "cron": "30 3 * * *", "timezone": "Europe/Berlin", "grace": "1", "grace_unit": "hours"},
        fires=(NOW, NOW + timedelta(days=1)),
        fires_zone=BERLIN,
    )


def system() -> SystemPage:
    """Return the system with a silent worker, in maintenance mode."""
    points = tuple(0.3 + abs(sin(each / 9)) for each in range(288))
    figures = (
        Figure(
            label="Scheduler lag",
            value="0.3",
            unit="s",
            delta="p95 0.6 s, worst 1.1 s at 04:00",
            points=points,
            spoken="Scheduler lag over 24 hours, worst 1.1 seconds at 04:00",
            tone="lapis",
        ),
        Figure(
            label="Waiting in queue", value="2", unit="", delta="most 19 at 04:02", points=points, spoken="Runs waiting"
        ),
        Figure(
            label="Worker slots busy",
            value="5",
            unit=" of 20",
            delta="4 of 5 workers answer",
            points=points,
            spoken="Busy",
        ),
        Figure(
            label="Database",
            value="18.4",
            unit="GB",
            delta="grows 92.0 MB a day, disk full in 270 d",
            points=points,
            spoken="Database size",
            tone="ok",
            low=None,
        ),
    )
    seen = {"seen": NOW - timedelta(seconds=3), "host": "db-1", "version": "1.0.0"}
    workers = (
        WorkerRow(name="worker-1", status="active", words="Ready", busy=1, slots=4, **seen),  # type: ignore[arg-type]
        WorkerRow(name="worker-3", status="paused", words="Draining, 1 left", busy=1, slots=32, **seen),  # type: ignore[arg-type]
        WorkerRow(
            name="worker-5",
            host="db-2",
            status="missed",
            words="Silent since 13:51",
            busy=0,
            slots=4,
            seen=NOW - timedelta(minutes=41),
            version="1.0.0",
            is_silent=True,
        ),
    )
    upkeep = (
        UpkeepRow(id=7, name="backup_database", status="ok", last=NOW - timedelta(hours=9), next=NOW, may_run=True),
        UpkeepRow(id=8, name="archive_audit_logs", status="paused"),
    )
    return SystemPage(
        shell=shell(system=True, maintenance="Moving to the new disk"),
        status="late",
        words="Something needs a look",
        facts="Horarium 1.0.0, up 12 d, PostgreSQL",
        parts=(
            Part(name="Database", status="ok", sentence="it answers"),
            Part(name="Disk", status="late", sentence="4.1 GB of 120.0 GB are free"),
        ),
        figures=figures,
        workers=workers,
        upkeep=upkeep,
        storage=sample_storage.section(),
        backups=sample_backups.section(),
        happenings=(
            Happening(at=NOW - timedelta(minutes=41), status="missed", words="A heartbeat was missed: Nightly copy"),
            Happening(at=NOW - timedelta(hours=3), status="ok", words="A scheduler started"),
        ),
        may_manage=True,
        held_by="Inês Carvalho",
        held_since=NOW - timedelta(minutes=7),
    )


def system_new() -> SystemPage:
    """Return the system on its first day, without a scheduler."""
    figures = tuple(
        Figure(label=label, value="0", unit="", delta="", points=(0.0,), spoken=label)
        for label in ("Scheduler lag", "Waiting in queue", "Worker slots busy", "Database")
    )
    return SystemPage(
        shell=shell(system=True),
        status="failed",
        words="Something is wrong",
        facts="Horarium 1.0.0, SQLite",
        parts=(Part(name="Scheduler", status="failed", sentence="no scheduler gives a sign of life: nothing starts"),),
        figures=figures,
        workers=(),
        upkeep=(),
        storage=sample_storage.section(),
        backups=BackupsSection(),
        happenings=(),
        may_manage=True,
    )


def rich_system() -> dict[str, ViewModel]:
    """Return these pages with everything on them."""
    return {"checks": checks(), "check": check(), "check-form": form(), "system": system()}


def empty_system() -> dict[str, ViewModel]:
    """Return these pages with nothing on them."""
    return {
        "checks-first": ChecksPage(shell=shell(), rows=()),
        "check-quiet": check_quiet(),
        "check-new": form_new(),
        "system-new": system_new(),
    }
