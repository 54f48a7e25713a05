"""Make sample pages about backups."""

from __future__ import annotations

from datetime import timedelta

from horarium.web.views.backups import (
    BackupRow,
    BackupsPage,
    BackupsSection,
    Held,
    Outcome,
    Restorable,
    RestorePage,
    Work,
)
from horarium.web.views.shell import ViewModel
from tests.web.sample_parts import NOW, shell

GOOD = BackupRow(
    file="horarium-20260514-030000.db.gz",
    made_at=NOW - timedelta(hours=11),
    size=4_100_000_000,
    why="",
    kept="compressed, encrypted",
    checked="restored in a test",
    status="ok",
    checked_at=NOW - timedelta(hours=3),
)
ROWS = (
    GOOD,
    BackupRow(
        file="horarium-20260513-141200.db.gz",
        made_at=NOW - timedelta(days=1),
        size=4_000_000_000,
        why="before a restore",
        kept="compressed",
        checked="checked when it was made",
    ),
    BackupRow(
        file="horarium-20260512-030000.db",
        made_at=NOW - timedelta(days=2),
        size=1_200_000_000,
        why="by hand",
        kept="plain",
        checked="damaged",
        status="failed",
        fault="horarium-20260512-030000.db is damaged: its checksum is not the one in its note",
        checked_at=NOW - timedelta(minutes=5),
        good=False,
    ),
)
RULES = "the newest 14 are kept, one a week for 8 weeks, one a month for 6 months, encrypted"


def section() -> BackupsSection:
    """Return the card with everything on it."""
    outcome = Outcome(status="failed", title="The backup is damaged", text="horarium-20260512-030000.db: cut short.")
    held = Held(since=NOW - timedelta(minutes=12), made_at=NOW - timedelta(hours=11))
    return BackupsSection(
        rows=ROWS, rules=RULES, outcome=outcome, held=held, restorable=Restorable(at=GOOD.made_at, seconds=38.0)
    )


def rich() -> dict[str, ViewModel]:
    """Return the pages with everything on them."""
    work = Work(words="A backup is being made", by="Sven", since=NOW - timedelta(seconds=30), share=63.0)
    return {
        "backups": BackupsPage(shell=shell(), section=section()),
        "backups-busy": BackupsPage(shell=shell(), section=BackupsSection(rows=ROWS, rules=RULES, work=work)),
        "backup-restore": RestorePage(
            shell=shell(),
            row=GOOD,
            seconds=240.0,
            values={"confirm": "restor"},
            errors={"confirm": "Type restore, as it stands above."},
        ),
    }


def empty() -> dict[str, ViewModel]:
    """Return the pages on the first day, and when the folder cannot be read."""
    begun = Work(words="A backup is being made", by="", since=NOW)
    return {
        "backups-none": BackupsPage(shell=shell(), section=BackupsSection(rules=RULES)),
        "backups-first": BackupsPage(shell=shell(), section=BackupsSection(rules=RULES, work=begun)),
        "backups-lost": BackupsPage(shell=shell(), section=BackupsSection(fault="the folder cannot be read")),
        "backup-restore-first": RestorePage(shell=shell(), row=GOOD),
    }
