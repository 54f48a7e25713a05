"""The scheduler inside a program: store, scheduling and execution in one process."""

from __future__ import annotations

from horarium.library.scheduler import TaskScheduler

__all__ = ["TaskScheduler"]
