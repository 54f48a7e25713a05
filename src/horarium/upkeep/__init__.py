"""The installation looks after itself: maintenance as ordinary tasks, and as functions for code.

Each public name is loaded when it is first asked for: a command that only names the standard tasks needs none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from horarium.store.backup import Backup, list_backups, verify_backup
    from horarium.upkeep.archiving import archive_audit_logs
    from horarium.upkeep.backups import backup_database
    from horarium.upkeep.cleaning import cleanup, cleanup_error_logs, cleanup_expired_sessions
    from horarium.upkeep.credentials import cleanup_inactive_credentials
    from horarium.upkeep.defaults import default_definitions, setup_default_tasks
    from horarium.upkeep.statistics import aggregate_daily_stats
    from horarium.upkeep.storage import check_storage

_HOMES = {
    "Backup": "horarium.store.backup",
    "aggregate_daily_stats": "horarium.upkeep.statistics",
    "archive_audit_logs": "horarium.upkeep.archiving",
    "backup_database": "horarium.upkeep.backups",
    "check_storage": "horarium.upkeep.storage",
    "cleanup": "horarium.upkeep.cleaning",
    "cleanup_error_logs": "horarium.upkeep.cleaning",
    "cleanup_expired_sessions": "horarium.upkeep.cleaning",
    "cleanup_inactive_credentials": "horarium.upkeep.credentials",
    "default_definitions": "horarium.upkeep.defaults",
    "list_backups": "horarium.store.backup",
    "setup_default_tasks": "horarium.upkeep.defaults",
    "verify_backup": "horarium.store.backup",
}

__all__ = [
    "Backup",
    "aggregate_daily_stats",
    "archive_audit_logs",
    "backup_database",
    "check_storage",
    "cleanup",
    "cleanup_error_logs",
    "cleanup_expired_sessions",
    "cleanup_inactive_credentials",
    "default_definitions",
    "list_backups",
    "setup_default_tasks",
    "verify_backup",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
