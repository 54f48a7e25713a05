"""The names people import: there, cheap until used, and never lost again."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

# Every name that `horarium` gives out. Taking one away breaks somebody's program.
PUBLIC_NAMES = (
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
    "backup_database",
    "check_rate_limit",
    "archive_audit_logs",
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
)
SCHEDULER_METHODS = (
    "add_cron_task",
    "add_date_task",
    "add_interval_task",
    "get_all_tasks",
    "get_task_history",
    "get_task_status",
    "is_running",
    "pause_task",
    "remove_task",
    "resume_task",
    "start",
    "stop",
    "trigger_task_now",
)
# A program that only schedules must not pay for these.
SERVER_PACKAGES = {
    "alembic",
    "argon2",
    "click",
    "cryptography",
    "email_validator",
    "fastapi",
    "jinja2",
    "opentelemetry",
    "psutil",
    "pwdlib",
    "pydantic",
    "requests",
    "rich",
    "starlette",
    "structlog",
    "typer",
    "uvicorn",
}


def modules_after(program: str) -> set[str]:
    """Return what a fresh interpreter has loaded after a program."""
    listing = f"{program}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout))


def test_the_root_names_exactly_the_public_names() -> None:
    root = importlib.import_module("horarium")
    assert sorted(root.__all__) == sorted(PUBLIC_NAMES)
    assert sorted(dir(root)) == sorted(PUBLIC_NAMES)


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_the_name_can_be_imported(name: str) -> None:
    assert getattr(importlib.import_module("horarium"), name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = importlib.import_module("horarium").no_such_name


def test_the_scheduler_has_the_methods_people_know() -> None:
    scheduler = importlib.import_module("horarium").TaskScheduler
    assert [name for name in SCHEDULER_METHODS if not hasattr(scheduler, name)] == []


def test_importing_the_package_loads_nothing_of_it() -> None:
    loaded = modules_after("import horarium")
    assert {name for name in loaded if name.startswith("horarium")} == {"horarium"}
    assert not loaded & {"sqlalchemy", "sqlite3", "zoneinfo", *SERVER_PACKAGES}


def test_a_program_that_schedules_loads_nothing_of_the_server() -> None:
    program = "from horarium import TaskScheduler, next_times, setup_default_tasks"
    assert not modules_after(program) & SERVER_PACKAGES
