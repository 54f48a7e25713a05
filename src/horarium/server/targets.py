"""Whose functions tasks may name on this host."""

from __future__ import annotations

from horarium.config import Config
from horarium.runs.targets import Targets
from horarium.upkeep.defaults import KEEPING, standard_tasks


def targets_of(config: Config) -> Targets:
    """Return what the settings allow, and the functions of the maintenance tasks that a server has."""
    return Targets(config.task_modules, always=[task.target for task in (*standard_tasks(), *KEEPING)])
