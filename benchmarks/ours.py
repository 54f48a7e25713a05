"""Horarium as it is measured: each function runs in a process of its own and imports nothing of the peers."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import tasks
from benchmarks.process import cpu_seconds, memory_mib
from benchmarks.waiting import check_in_time, wait_for
from horarium.library import TaskScheduler
from horarium.triggers import DateTrigger

FAR = datetime.now(UTC).replace(microsecond=0) + timedelta(days=300)
_OPEN = "SELECT 1 FROM task_executions WHERE state IN ('queued', 'claimed', 'running', 'retrying') LIMIT 1"
_AHEAD = "SELECT 1 FROM scheduled_tasks WHERE next_at IS NOT NULL LIMIT 1"
_DONE = "SELECT count(*) FROM task_executions WHERE state = 'succeeded'"


def lateness(place: str, count: int, gap: float) -> list[float]:
    """Start `count` one-off jobs `gap` seconds apart; return by how many milliseconds each was late."""
    scheduler = TaskScheduler(Path(place, "h.db"))
    first = time.time() + 0.8 + count / 3000
    instants = [datetime.fromtimestamp(first + number * gap, UTC) for number in range(count)]
    scheduler.add_tasks(
        scheduler.definition(f"job {number}", _named(tasks.note, number), DateTrigger(at), args=(at.timestamp(),))
        for number, at in enumerate(instants)
    )
    with scheduler:
        wait_for(lambda: len(tasks.CALLS) >= count, until=instants[-1].timestamp() + 60)
    return tasks.CALLS


def steady(place: str, seconds: float) -> dict[str, list[float]]:
    """Run one job a second and a cron job each minute; return how late each start was, in milliseconds."""
    scheduler = TaskScheduler(Path(place, "h.db"))
    with scheduler:
        scheduler.add_interval_task("second", tasks.nothing, 1, start=datetime.now(UTC) + timedelta(seconds=1.3))
        scheduler.add_cron_task("minute", tasks.nothing, "* * * * *")
        time.sleep(seconds)
    rows = _read(place, "SELECT name, (started_at - planned_at) / 1000.0 FROM task_executions r JOIN scheduled_tasks t"
                        " ON t.id = r.task_id WHERE started_at IS NOT NULL ORDER BY r.id")  # fmt: skip
    return {name: [late for found, late in rows if found == name] for name in ("second", "minute")}


def burst(place: str, count: int) -> float:
    """Let `count` no-ops fall due at one instant; return the seconds until the last run is recorded."""
    scheduler = TaskScheduler(Path(place, "h.db"))
    due = datetime.fromtimestamp(time.time() + 0.8 + count / 3000, UTC)
    scheduler.add_tasks(_no_ops(scheduler, count, due))
    with scheduler:
        check_in_time(due.timestamp())
        reader = sqlite3.connect(Path(place, "h.db"), isolation_level=None)
        time.sleep(max(0.0, due.timestamp() - time.time()))
        wait_for(lambda: len(tasks.CALLS) >= count and not _any(reader, _OPEN, _AHEAD), until=time.time() + 300)
        took = time.time() - due.timestamp()
        if reader.execute(_DONE).fetchone()[0] != count:
            raise RuntimeError("not every run is recorded as a success")
    return took


def add(place: str, within: str, count: int, singly: int) -> dict[str, float]:
    """Add `count` far-off schedules at once and `singly` more one by one; return the seconds of each."""
    del place
    Path(within).mkdir(exist_ok=True)
    scheduler = TaskScheduler(Path(within, "h.db"))
    begin = time.perf_counter()
    scheduler.add_tasks(_no_ops(scheduler, count, FAR))
    bulk = time.perf_counter() - begin
    begin = time.perf_counter()
    for number in range(singly):
        scheduler.add_date_task(f"single {number}", tasks.nothing, FAR)
    one_by_one = time.perf_counter() - begin
    scheduler.close()
    return {"bulk": bulk, "singly": one_by_one}


def hold(place: str, within: str, seconds: float) -> dict[str, float]:
    """Start on what `add` left, run one job a second for a while; return what that costs."""
    del place
    begin = time.perf_counter()
    scheduler = TaskScheduler(Path(within, "h.db"))
    scheduler.add_interval_task("each second", tasks.nothing, 1)
    scheduler.start()
    scheduler.trigger_task_now("each second")
    wait_for(lambda: bool(tasks.CALLS), until=time.time() + 60, look=0.002)
    ready = time.perf_counter() - begin
    time.sleep(1.0)
    begun = cpu_seconds()
    time.sleep(seconds)
    found = {"ready": ready, "cpu": cpu_seconds() - begun, "memory": memory_mib(), "runs": float(len(tasks.CALLS))}
    scheduler.close()
    return found


def idle(place: str, count: int) -> None:
    """Hold `count` schedules that do not fall due; say "ready" and stay until killed."""
    scheduler = TaskScheduler(Path(place, "h.db"))
    scheduler.add_tasks(_no_ops(scheduler, count, FAR))
    scheduler.start()
    print("ready", flush=True)
    sys.stdin.read()


def crash(place: str, count: int, seconds: float) -> None:
    """Run `count` jobs that write to a witness file, on a store that may be there already; stay until killed."""
    witness = str(Path(place, "witness"))
    is_new = not Path(place, "h.db").exists()
    scheduler = TaskScheduler(Path(place, "h.db"), max_workers=10 if count <= 1000 else 50)
    if is_new:
        due = DateTrigger(datetime.now(UTC) + timedelta(seconds=0.5 + count / 4000))
        scheduler.add_tasks(
            scheduler.definition(f"job {number}", "benchmarks.tasks:witness", due, args=(witness, number, seconds))
            for number in range(count)
        )
    scheduler.start()
    print("ready", flush=True)
    sys.stdin.read()


def sustain(place: str, count: int) -> None:
    """Run `count` no-ops a second, spread over it evenly, until killed."""
    scheduler = TaskScheduler(Path(place, "h.db"))
    first = datetime.now(UTC) + timedelta(seconds=2 + count / 1000)
    for number in range(count):
        scheduler.add_interval_task(
            f"job {number}", _named(tasks.nothing_at_all, number), 1, start=first + timedelta(seconds=number / count)
        )
    scheduler.start()
    print("ready", flush=True)
    sys.stdin.read()


def _no_ops(scheduler: TaskScheduler, count: int, due: datetime) -> Iterator[Any]:
    trigger = DateTrigger(due)
    return (scheduler.definition(f"job {number}", _named(tasks.nothing, number), trigger) for number in range(count))


def _named(function: Callable[..., object], number: int) -> Callable[..., object] | str:
    """Return the function itself for even numbers and its name for odd ones: both ways of saying it are measured."""
    return f"{function.__module__}:{function.__qualname__}" if number % 2 else function


def _any(reader: sqlite3.Connection, *queries: str) -> bool:
    return any(reader.execute(query).fetchone() for query in queries)


def _read(place: str, query: str) -> list[Any]:
    with sqlite3.connect(Path(place, "h.db")) as connection:
        return connection.execute(query).fetchall()
