"""The standard maintenance tasks: their names, schedules and functions, and setting them up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from horarium.records.policies import Policies, Retry
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.store.backup import Keep
from horarium.triggers import CronTrigger, to_text
from horarium.upkeep.rules import allow_folder

TAG: Final = "maintenance"
_RETRIES, _RETRY_SECONDS = 2, 300.0


class CronScheduler(Protocol):
    """What the tasks are added to: a `TaskScheduler`."""

    def add_cron_task(
        self,
        name: str,
        func: str,
        expression: str,
        *,
        kwargs: Mapping[str, Any],
        tags: Iterable[str],
        description: str,
        retries: int,
        retry_delay: float,
    ) -> object:
        """Add a task, or give the one of this name its definition; history and pause stay."""
        ...


@dataclass(frozen=True, slots=True)
class StandardTask:
    """One of the standard tasks; its function has the same name."""

    name: str
    expression: str
    description: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """Return the importable function, which any process that shares the store can run."""
        return f"horarium.upkeep:{self.name}"


KEEPING: Final = (
    StandardTask("cleanup", "30 2 * * *", "Removes old runs, output and events, and gives their room back."),
    StandardTask("check_storage", "30 * * * *", "Measures what takes room, judges the disk, looks for damage."),
)
"""What keeps a database from growing for ever: a server has it, a program says so."""


def setup_default_tasks(
    scheduler: CronScheduler,
    *,
    backup_folder: str | Path | None = None,
    keep_backups: int | None = None,
    archive_folder: str | Path | None = None,
    keeping: bool = False,
) -> list[str]:
    """Add the six standard maintenance tasks to `scheduler`; return their names.

    Called again it changes nothing, and what somebody has paused stays paused. `backup_folder` is where backups go
    (default: what the host's settings say, else `backups` beside the database), `keep_backups` how many stay, by which
    alone it then goes; `archive_folder` is where old entries of the audit log go (default: the setting
    `HORARIUM_ARCHIVES`, else `audit-archives` there). With `keeping` come two more: `cleanup` of old runs, and
    `check_storage`. Raises `InvalidValue`.
    """
    tasks = standard_tasks(backup_folder=backup_folder, keep_backups=keep_backups, archive_folder=archive_folder)
    if keeping:
        tasks += KEEPING
    for task in tasks:
        scheduler.add_cron_task(
            task.name,
            task.target,
            task.expression,
            kwargs=task.kwargs,
            tags=(TAG,),
            description=task.description,
            retries=_RETRIES,
            retry_delay=_RETRY_SECONDS,
        )
    return [task.name for task in tasks]


def default_definitions(
    timezone: str = "UTC",
    *,
    backup_folder: str | Path | None = None,
    keep_backups: int | None = None,
    archive_folder: str | Path | None = None,
) -> list[TaskDefinition]:
    """Return all of them as definitions, for whoever keeps tasks without a `TaskScheduler`: a server does."""
    return [
        TaskDefinition(
            name=task.name,
            spec=PythonSpec(task.target, kwargs=task.kwargs),
            schedule=to_text(CronTrigger(task.expression, timezone)),
            timezone=timezone,
            policies=Policies(retry=Retry(attempts=1 + _RETRIES, delay_seconds=_RETRY_SECONDS)),
            tags=(TAG,),
            description=task.description,
        )
        for task in (
            *standard_tasks(backup_folder=backup_folder, keep_backups=keep_backups, archive_folder=archive_folder),
            *KEEPING,
        )
    ]


def standard_tasks(
    *,
    backup_folder: str | Path | None = None,
    keep_backups: int | None = None,
    archive_folder: str | Path | None = None,
) -> list[StandardTask]:
    """Return the six standard tasks; only what differs from the usual is written into them."""
    archives: dict[str, Any] = {}
    if archive_folder is not None:
        archives["folder"] = str(Path(archive_folder).absolute())
    backups: dict[str, Any] = {}
    if backup_folder is not None:
        backups["folder"] = str(Path(backup_folder).absolute())
        # Whoever may edit a task cannot lead its backups elsewhere: this program names the folder itself.
        allow_folder(Path(backup_folder))
    if keep_backups is not None:
        backups["keep"] = Keep(keep_backups).newest
    return [
        StandardTask("cleanup_expired_sessions", "0 * * * *", "Ends and removes expired sessions."),
        StandardTask("aggregate_daily_stats", "0 1 * * *", "Rolls runs up into daily figures."),
        StandardTask(
            "archive_audit_logs", "0 2 * * *", "Moves old entries of the audit log to a verifiable archive.", archives
        ),
        StandardTask(
            "backup_database", "0 3 * * *", "Backs the database up, proves the copy, prunes old ones.", backups
        ),
        StandardTask("cleanup_error_logs", "0 4 * * 0", "Trims old failure output by age and count."),
        StandardTask(
            "cleanup_inactive_credentials",
            "0 5 1 * *",
            "Marks credentials unused for months as inactive, tells their owners, erases them 30 days later.",
        ),
    ]
