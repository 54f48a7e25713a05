"""P6: kill -9 in the middle of the work, start again, and count what was lost or done twice."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.children import folder, living, settle
from benchmarks.figures import Report, growth
from benchmarks.options import Options

ENGINES: dict[str, tuple[str, dict[str, Any]]] = {
    "Horarium": ("benchmarks.ours:crash", {}),
    "APScheduler memory": ("benchmarks.peers:crash", {"store": "memory"}),
    "APScheduler SQLite": ("benchmarks.peers:crash", {"store": "sqlite"}),
}
JOB_SECONDS = 0.05
QUIET_SECONDS = 2.0
MAIN = 1
_ACCOUNTED = "SELECT count(*) FROM occurrences WHERE run_id IS NOT NULL OR reason IS NOT NULL"
_OPEN = "SELECT count(*) FROM task_executions WHERE state IN ('queued', 'claimed', 'running', 'retrying')"
_MARKED = (
    "SELECT t.name FROM task_attempts a JOIN task_executions r ON r.id = a.run_id JOIN scheduled_tasks t"
    " ON t.id = r.task_id WHERE a.state = 'interrupted'"
)


@dataclass(frozen=True, slots=True)
class Round:
    """What one kill led to. `going_on` is seconds from the second start of the process to its first job."""

    lost: int
    twice: int
    unmarked: int
    unaccounted: int
    going_on: float


def measure(options: Options) -> Report:
    """Kill each engine in the middle, several times."""
    sizes = options.sizes(100, 1_000, 10_000)
    report = Report(
        "P6",
        "Killed in the middle",
        "Jobs of 50 ms that all fall due at once, on 10 threads (50 at the largest size); each writes a line to a "
        "witness file when it begins and when it ends. The process is killed with signal 9 when half of them have "
        "ended, and started again. Sums over all rounds; going on is the median time from starting the process, "
        "interpreter and imports included, until its first job begins.",
        ("engine", "jobs", "rounds", "lost", "twice", "not marked", "unaccounted", "going on s", "growth"),
    )
    rounds = (options.pick(5, 2, 1), options.pick(20, 3, 1), 1)
    ours: list[Round] = []
    for name, (what, values) in ENGINES.items():
        is_ours = name == "Horarium"
        found = {
            size: [_round(what, values, size) for _ in range(times if is_ours else 1)]
            for size, times in zip(sizes, rounds, strict=True)
            if is_ours or size != sizes[2]
        }
        ours = ours or found[sizes[MAIN]]
        grown = growth([(size, median(each.going_on for each in turns)) for size, turns in found.items()])
        report.rows += [(name, f"{size:,}", *_cells(turns), grown) for size, turns in found.items()]
    _judge(report, ours)
    return report


def _round(what: str, values: dict[str, Any], count: int) -> Round:
    with folder() as place:
        witness = place / "witness"
        with living(what, place=str(place), count=count, seconds=JOB_SECONDS, **values):
            _wait(lambda: len(_ended(witness)) >= count // 2, seconds=120)
        before = len(_lines(witness))
        begun = time.time()
        with living(what, place=str(place), count=count, seconds=JOB_SECONDS, **values):
            _wait(lambda: len(_ended(witness)) >= count, seconds=120, quiet=witness)
            is_ours = (place / "h.db").exists()
            if is_ours:
                _wait(lambda: _number(place, _OPEN) == 0, seconds=10)
        first = [float(at) for _, word, _, at in _lines(witness)[before:] if word == "began"][:1]
        starts = Counter(number for number, word, *_ in _lines(witness) if word == "began")
        twice = [number for number, times in starts.items() if times > 1]
        marked = _marked(place) if is_ours else set()
        return Round(
            lost=count - len(_ended(witness)),
            twice=len(twice),
            unmarked=len([number for number in twice if f"job {number}" not in marked]),
            unaccounted=count - _number(place, _ACCOUNTED) + _number(place, _OPEN) if is_ours else 0,
            going_on=first[0] - begun if first else 0.0,
        )


def _lines(witness: Path) -> list[list[str]]:
    return [line.split() for line in witness.read_text(encoding="ascii").splitlines()] if witness.exists() else []


def _ended(witness: Path) -> set[str]:
    return {number for number, word, *_ in _lines(witness) if word == "ended"}


def _wait(done: Callable[[], bool], *, seconds: float, quiet: Path | None = None) -> None:
    """Wait until `done`; give up after `seconds`, or when nothing was written to `quiet` for a while."""
    until = time.time() + seconds
    while not done() and time.time() < until:
        if quiet is not None and time.time() - quiet.stat().st_mtime > QUIET_SECONDS + JOB_SECONDS:
            return
        settle(0.03)


def _number(place: Path, query: str) -> int:
    connection = sqlite3.connect(place / "h.db", isolation_level=None)
    try:
        return int(connection.execute(query).fetchone()[0])
    finally:
        connection.close()


def _marked(place: Path) -> set[str]:
    connection = sqlite3.connect(place / "h.db", isolation_level=None)
    try:
        return {row[0] for row in connection.execute(_MARKED)}
    finally:
        connection.close()


def _cells(turns: list[Round]) -> tuple[str, ...]:
    sums = [sum(getattr(each, name) for each in turns) for name in ("lost", "twice", "unmarked", "unaccounted")]
    going_on = median(each.going_on for each in turns)
    return (str(len(turns)), *map(str, sums), f"{going_on:.2f}" if going_on else "–")


def _judge(report: Report, turns: list[Round]) -> None:
    what = f"in {len(turns)} rounds"
    for name, words in (("lost", "lost"), ("unaccounted", "unaccounted"), ("unmarked", "run twice and not marked")):
        count = sum(getattr(each, name) for each in turns)
        report.judge(f"{words} {what}", str(count), "0", reached=count == 0)
    worst, usual = max(each.going_on for each in turns), median(each.going_on for each in turns)
    report.judge("going on", f"{usual:.2f} s, at worst {worst:.2f} s", "≤ 1 s", reached=usual <= 1.0)
