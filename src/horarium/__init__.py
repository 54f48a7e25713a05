"""Horarium: a scheduler for a team's recurring work.

Importing the package costs next to nothing: each public name is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from horarium._version import __version__
    from horarium.accounts.passwords import validate_password
    from horarium.errors import HorariumError, InvalidSchedule, InvalidValue, RunNotFound, TaskNotFound
    from horarium.execution.context import RunContext, current_run
    from horarium.library import TaskScheduler
    from horarium.library.acting import acting_as, current_user, require_admin, require_auth, require_self_or_admin
    from horarium.library.notes import check_rate_limit, get_audit_log, log_audit
    from horarium.library.settings import UserSettings
    from horarium.library.users import UserManager
    from horarium.notify.service import NotificationService
    from horarium.preferences.setting import Setting, SettingType
    from horarium.records.people import RunUser
    from horarium.records.tasks import PerUser
    from horarium.triggers import next_times
    from horarium.upkeep import (
        aggregate_daily_stats,
        archive_audit_logs,
        backup_database,
        check_storage,
        cleanup,
        cleanup_error_logs,
        cleanup_expired_sessions,
        cleanup_inactive_credentials,
        setup_default_tasks,
    )
    from horarium.vault.manager import CredentialManager

_HOMES = {
    "CredentialManager": "horarium.vault.manager",
    "HorariumError": "horarium.errors",
    "InvalidSchedule": "horarium.errors",
    "InvalidValue": "horarium.errors",
    "NotificationService": "horarium.notify.service",
    "PerUser": "horarium.records.tasks",
    "RunContext": "horarium.execution.context",
    "RunNotFound": "horarium.errors",
    "RunUser": "horarium.records.people",
    "Setting": "horarium.preferences.setting",
    "SettingType": "horarium.preferences.setting",
    "TaskNotFound": "horarium.errors",
    "TaskScheduler": "horarium.library",
    "UserManager": "horarium.library.users",
    "UserSettings": "horarium.library.settings",
    "__version__": "horarium._version",
    "acting_as": "horarium.library.acting",
    "aggregate_daily_stats": "horarium.upkeep",
    "archive_audit_logs": "horarium.upkeep",
    "backup_database": "horarium.upkeep",
    "check_rate_limit": "horarium.library.notes",
    "check_storage": "horarium.upkeep",
    "cleanup": "horarium.upkeep",
    "cleanup_error_logs": "horarium.upkeep",
    "cleanup_expired_sessions": "horarium.upkeep",
    "cleanup_inactive_credentials": "horarium.upkeep",
    "current_run": "horarium.execution.context",
    "current_user": "horarium.library.acting",
    "get_audit_log": "horarium.library.notes",
    "log_audit": "horarium.library.notes",
    "next_times": "horarium.triggers",
    "require_admin": "horarium.library.acting",
    "require_auth": "horarium.library.acting",
    "require_self_or_admin": "horarium.library.acting",
    "setup_default_tasks": "horarium.upkeep",
    "validate_password": "horarium.accounts.passwords",
}

__all__ = [
    "CredentialManager",
    "HorariumError",
    "InvalidSchedule",
    "InvalidValue",
    "NotificationService",
    "PerUser",
    "RunContext",
    "RunNotFound",
    "RunUser",
    "Setting",
    "SettingType",
    "TaskNotFound",
    "TaskScheduler",
    "UserManager",
    "UserSettings",
    "__version__",
    "acting_as",
    "aggregate_daily_stats",
    "archive_audit_logs",
    "backup_database",
    "check_rate_limit",
    "check_storage",
    "cleanup",
    "cleanup_error_logs",
    "cleanup_expired_sessions",
    "cleanup_inactive_credentials",
    "current_run",
    "current_user",
    "get_audit_log",
    "log_audit",
    "next_times",
    "require_admin",
    "require_auth",
    "require_self_or_admin",
    "setup_default_tasks",
    "validate_password",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its room."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'horarium' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    """List the public names without loading them."""
    return sorted(__all__)
