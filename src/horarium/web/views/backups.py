"""Say what the pages about backups show."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from horarium.web.views.shell import Shell
from horarium.web.views.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRow:
    """A backup: its file, when it was made and why, how far it is proved, how it is kept.

    `status` is None where nothing was looked at since it was made; `fault` says what a look found. One that is not
    `good` cannot be restored.
    """

    file: str
    made_at: datetime
    size: int
    why: str
    kept: str
    checked: str
    status: Status | None = None
    checked_at: datetime | None = None
    fault: str = ""
    good: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is being done with backups: in words, by whom, since when; `share` in percent where that can be told."""

    words: str
    by: str
    since: datetime
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of what was done last."""

    status: Status
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """That schedules are held, since when, and of when the backup is that was restored."""

    since: datetime
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Restorable:
    """The newest backup that is good: when it was made, and how many seconds restoring it took when it was tried."""

    at: datetime
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupsSection:
    """The card about backups, for a page of its own or as a part of another.

    `rules` says in words how they are kept; `fault` why they cannot be listed.
    """

    rows: tuple[BackupRow, ...] = ()
    rules: str = ""
    work: Work | None = None
    outcome: Outcome | None = None
    held: Held | None = None
    restorable: Restorable | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupsPage:
    """The page about backups."""

    template: ClassVar[str] = "backups.html"

    shell: Shell
    section: BackupsSection


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePage:
    """The question whether a backup is to be restored; `word` is what has to be typed."""

    template: ClassVar[str] = "backup_restore.html"

    shell: Shell
    row: BackupRow
    seconds: float | None = None
    word: str = "restore"
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
