"""The installation looks after itself: maintenance as ordinary tasks, and as functions for code."""

from __future__ import annotations

from horarium.store.backup import Backup, list_backups, verify_backup
from horarium.upkeep.archiving import archive_audit_logs
from horarium.upkeep.backups import backup_database
from horarium.upkeep.cleaning import cleanup, cleanup_error_logs, cleanup_expired_sessions
from horarium.upkeep.credentials import cleanup_inactive_credentials
from horarium.upkeep.defaults import default_definitions, setup_default_tasks
from horarium.upkeep.statistics import aggregate_daily_stats
from horarium.upkeep.storage import check_storage

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
