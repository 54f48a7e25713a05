"""Imports that are timed inside a fresh process."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any


def sqlalchemy(place: str) -> dict[str, float]:
    """Import SQLAlchemy and nothing else."""
    del place
    begin = perf_counter()
    import_module("sqlalchemy")
    return {"ms": (perf_counter() - begin) * 1000}


def apscheduler(place: str) -> dict[str, float]:
    """Import APScheduler with its store for databases and open that store on a new file."""
    begin = perf_counter()
    scheduler = import_module("apscheduler.schedulers.background").BackgroundScheduler()
    scheduler.add_jobstore("sqlalchemy", url=f"sqlite:///{place}/a.db")
    scheduler.start()
    took = (perf_counter() - begin) * 1000
    scheduler.shutdown()
    return {"ms": took}


def horarium(place: str, within: str, unwanted: list[str]) -> dict[str, Any]:
    """Import Horarium and open a scheduler on a file; tell which of the `unwanted` packages came along."""
    del place
    begin = perf_counter()
    scheduler = import_module("horarium").TaskScheduler(Path(within, "h.db"))
    took = (perf_counter() - begin) * 1000
    loaded = [name for name in unwanted if name in sys.modules]
    scheduler.close()
    return {"ms": took, "loaded": loaded}
