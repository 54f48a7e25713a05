"""P7: no-ops at a steady rate for minutes."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.children import folder, living, settle
from benchmarks.figures import Report, growth, share, slope
from benchmarks.options import Options
from benchmarks.process import memory_mib

MAIN = 1
WARM_UP = 0.5
_STARTS = (
    "SELECT started_at - planned_at FROM task_executions WHERE planned_at BETWEEN ? AND ? AND finished_at IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Load:
    """What one rate led to; lateness in milliseconds, memory in MiB a minute, the log in MiB."""

    rate: float
    p50: float
    p99: float
    grows: float
    log: float


def measure(options: Options) -> Report:
    """Offer three rates, one after the other."""
    rates = options.sizes(100, 1_000, 3_000)
    report = Report(
        "P7",
        "Sustained load",
        f"Interval tasks of one second each, spread evenly, for {options.minutes:g} minutes (half of that for the "
        "other two rates). Lateness is read from the recorded starts; the first half, in which the database's cache "
        "fills, is left out.",
        ("offered runs/s", "recorded runs/s", "p50 ms", "p99 ms", "memory MB/min", "largest WAL MiB", "growth of p50"),
    )
    minutes = options.minutes if options.effort != "tiny" else 0.03
    found = {rate: _load(rate, minutes * 60 / (1 if rate == rates[MAIN] else 2)) for rate in rates}
    grown = growth([(rate, load.p50) for rate, load in found.items()])
    for rate, load in found.items():
        cells = (f"{load.rate:,.0f}", f"{load.p50:.2f}", f"{load.p99:.1f}", f"{load.grows:+.2f}", f"{load.log:.1f}")
        report.rows.append((f"{rate:,}", *cells, grown))
    load, offered = found[rates[MAIN]], rates[MAIN]
    report.judge(f"at {offered:,} a second", f"{load.rate:,.0f} runs/s", "all", reached=load.rate >= 0.995 * offered)
    report.judge("p99 lateness", f"{load.p99:.1f} ms", "≤ 100 ms", reached=load.p99 <= 100)
    report.judge("memory", f"{load.grows:+.2f} MB/min", "≤ 1 MB/min", reached=load.grows <= 1)
    report.judge("write-ahead log", f"{load.log:.1f} MiB", "≤ 64 MiB", reached=load.log <= 64)
    return report


def _load(rate: int, seconds: float) -> Load:
    with folder() as place:
        memory: list[tuple[float, float]] = []
        log = 0.0
        with living("benchmarks.ours:sustain", place=str(place), count=rate) as child:
            settle(2 + rate / 1000)
            begin = time.time()
            while time.time() < begin + seconds:
                settle(0.5)
                memory.append(((time.time() - begin) / 60, memory_mib(child.pid) * 1.048576))
                log = max(log, Path(place, "h.db-wal").stat().st_size / 2**20)
            end = time.time()
            settle(1.0)
        start = begin + seconds * WARM_UP
        late = sorted(value / 1000 for value in _starts(place, start, end))
        steady = [point for point in memory if point[0] * 60 >= seconds * WARM_UP]
        grows = slope(steady)
    return Load(len(late) / (end - start), share(late, 0.5), share(late, 0.99), grows, log)


def _starts(place: Path, start: float, end: float) -> list[int]:
    connection = sqlite3.connect(place / "h.db", isolation_level=None)
    try:
        return [row[0] for row in connection.execute(_STARTS, (int(start * 1e6), int(end * 1e6)))]
    finally:
        connection.close()
