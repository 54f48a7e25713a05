"""APScheduler 3 as it is measured: `store` is memory or sqlite. Each function runs in a process of its own."""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

from benchmarks import tasks
from benchmarks.process import cpu_seconds, memory_mib
from benchmarks.waiting import check_in_time, wait_for

FAR = datetime.now(UTC).replace(microsecond=0) + timedelta(days=300)
Call = tuple[Callable[..., object], tuple[object, ...], datetime]


def lateness(place: str, store: str, count: int, gap: float) -> list[float]:
    """Start `count` one-off jobs `gap` seconds apart; return by how many milliseconds each was late."""
    scheduler = _scheduler(place, store)
    first = time.time() + 0.8 + count / 3000
    instants = [datetime.fromtimestamp(first + number * gap, UTC) for number in range(count)]
    _add(scheduler, store, [(tasks.note, (at.timestamp(),), at) for at in instants])
    check_in_time(first)
    wait_for(lambda: len(tasks.CALLS) >= count, until=instants[-1].timestamp() + 60)
    scheduler.shutdown()
    return tasks.CALLS


def steady(place: str, store: str, seconds: float) -> dict[str, list[float]]:
    """Run one job a second and a cron job each minute; return how late each start was, in milliseconds."""
    scheduler = _scheduler(place, store)
    start = datetime.now(UTC) + timedelta(seconds=1.3)
    scheduler.add_job(
        tasks.note_grid, "interval", seconds=1, start_date=start, id="second", args=(start.timestamp(), 1.0)
    )
    scheduler.add_job(note_minute, "cron", minute="*", id="minute")
    time.sleep(seconds)
    scheduler.shutdown()
    return {"second": tasks.CALLS, "minute": MINUTES}


MINUTES: list[float] = []


def note_minute() -> None:
    """Note how many milliseconds after the full minute this was called."""
    MINUTES.append(time.time() % 60 * 1000)


def burst(place: str, store: str, count: int) -> float:
    """Let `count` no-ops fall due at one instant; return the seconds until the last one was called."""
    scheduler = _scheduler(place, store)
    due = datetime.fromtimestamp(time.time() + 0.8 + count / 3000, UTC)
    _add(scheduler, store, [(tasks.nothing, (), due)] * count)
    check_in_time(due.timestamp())
    time.sleep(max(0.0, due.timestamp() - time.time()))
    wait_for(lambda: len(tasks.CALLS) >= count, until=time.time() + 300)
    took = time.time() - due.timestamp()
    scheduler.shutdown()
    return took


def add(place: str, store: str, count: int) -> float:
    """Add `count` far-off jobs; return the seconds."""
    scheduler = _scheduler(place, store)
    begin = time.perf_counter()
    for number in range(count):
        scheduler.add_job(tasks.nothing, DateTrigger(FAR, UTC), id=f"job {number}")
    took = time.perf_counter() - begin
    scheduler.shutdown()
    return took


def hold(place: str, store: str, count: int, seconds: float) -> dict[str, float]:
    """Hold `count` far-off jobs while one job a second runs; return what that costs."""
    if store == "sqlite":
        filler = _scheduler(place, store)
        _add(filler, store, [(tasks.nothing, (), FAR)] * count)
        filler.shutdown()
    begin = time.perf_counter()
    scheduler = _scheduler(place, store)
    if store == "memory":
        for number in range(count):
            scheduler.add_job(tasks.nothing, DateTrigger(FAR, UTC), id=f"job {number}")
    scheduler.add_job(tasks.nothing, "interval", seconds=1, next_run_time=datetime.now(UTC))
    wait_for(lambda: bool(tasks.CALLS), until=time.time() + 60, look=0.002)
    ready = time.perf_counter() - begin
    time.sleep(1.0)
    begun = cpu_seconds()
    time.sleep(seconds)
    found = {"ready": ready, "cpu": cpu_seconds() - begun, "memory": memory_mib(), "runs": float(len(tasks.CALLS))}
    scheduler.shutdown()
    return found


def idle(place: str, store: str, count: int) -> None:
    """Hold `count` jobs that do not fall due; say "ready" and stay until killed."""
    scheduler = _scheduler(place, store)
    for number in range(count):
        scheduler.add_job(tasks.nothing, DateTrigger(FAR, UTC), id=f"job {number}")
    print("ready", flush=True)
    sys.stdin.read()


def crash(place: str, store: str, count: int, seconds: float) -> None:
    """Run `count` jobs that write to a witness file, on a store that may be there already; stay until killed."""
    witness = str(Path(place, "witness"))
    is_new = not Path(witness).exists()
    scheduler = _scheduler(place, store, workers=10 if count <= 1000 else 50)
    if is_new or store == "memory":
        due = datetime.now(UTC) + timedelta(seconds=0.5 + count / 3000)
        numbers = range(count if is_new else 0)
        _add(scheduler, store, [(tasks.witness, (witness, number, seconds), due) for number in numbers])
    print("ready", flush=True)
    sys.stdin.read()


def _scheduler(place: str, store: str, workers: int = 10) -> BackgroundScheduler:
    settings: dict[str, Any] = {"misfire_grace_time": None}
    scheduler = BackgroundScheduler(timezone=UTC, job_defaults=settings)
    scheduler.add_executor("threadpool", max_workers=workers)
    if store == "sqlite":
        scheduler.add_jobstore("sqlalchemy", url=f"sqlite:///{place}/a.db")
    scheduler.start()
    return scheduler


def _add(scheduler: BackgroundScheduler, store: str, calls: Sequence[Call]) -> None:
    """Add one-off jobs: to memory one by one, to SQLite all rows at once, for one by one that takes minutes."""
    if store == "memory":
        for function, args, at in calls:
            scheduler.add_job(function, DateTrigger(at, UTC), args=args)
        return
    jobs: Any = scheduler._jobstores["default"]  # noqa: SLF001 - the peer has no way to add many at once
    rows = []
    for number, (function, args, at) in enumerate(calls):
        job = Job(
            scheduler, id=f"job {number}", func=function, trigger=DateTrigger(at, UTC), executor="default", args=args,
            kwargs={}, name="job", misfire_grace_time=None, coalesce=True, max_instances=1, next_run_time=at,
        )  # fmt: skip
        rows.append({"id": job.id, "next_run_time": at.timestamp(), "job_state": pickle.dumps(job.__getstate__())})
    if rows:
        with jobs.engine.begin() as connection:
            connection.execute(jobs.jobs_t.insert(), rows)
        scheduler.wakeup()
