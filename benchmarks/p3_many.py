"""P3: many far-off schedules: adding them, starting with them, holding them."""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks.children import call, folder
from benchmarks.figures import Report, growth
from benchmarks.options import Options

NAMES = ("Horarium", "APScheduler memory", "APScheduler SQLite")


def measure(options: Options) -> Report:
    """Add, start and hold at three sizes, in turns with the peer."""
    sizes = options.sizes(1_000, 10_000, 100_000)
    report = Report(
        "P3",
        "Many far-off schedules",
        "Schedules that fall due in months. Added all at once and, on top of those, one by one (a sample of 1,000; "
        "APScheduler only adds one by one); then a fresh process starts on the store, runs one job at once (ready: "
        "from after the imports until its function is called) and one a second for 15 seconds. The rows of the SQLite "
        "store of APScheduler are written at once, since adding 100,000 one by one takes minutes.",
        ("engine", "schedules", "add all s", "singly/s", "ready s", "CPU s in 15 s", "MiB", "growth of MiB"),
    )
    rounds = options.pick(5, 2, 1)
    seconds, singly = options.pick(15, 15, 1), options.pick(1_000, 500, 10)
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    for place, size in enumerate(sizes):
        for turn in range(rounds if place != 1 else 1):
            found.setdefault((NAMES[0], size), []).append(_ours(size, singly, seconds))
            if turn == 0:
                found.setdefault((NAMES[1], size), []).append(_peer("memory", size, singly, seconds))
                found.setdefault((NAMES[2], size), []).append(_peer("sqlite", size, singly, seconds))
    raw = [call("benchmarks.raw:commits", synchronous="FULL", each=1, rows=singly) for _ in range(rounds)]
    figures = {key: {name: median(each[name] for each in turns) for name in turns[0]} for key, turns in found.items()}
    for name in NAMES:
        grown = growth([(size, figures[name, size]["memory"]) for size in sizes])
        for size in sizes:
            report.rows.append((name, f"{size:,}", *_cells(figures[name, size]), grown))
    _judge(report, figures[NAMES[0], sizes[0]], figures[NAMES[0], sizes[2]])
    report.notes.append(
        f"Each single addition is a durable commit. SQLite alone made {median(raw):,.0f} of one row a second on this "
        "disk in the same run."
    )
    return report


def _ours(size: int, singly: int, seconds: int) -> dict[str, float]:
    with folder() as place:
        added = call("benchmarks.ours:add", within=str(place), count=size, singly=singly)
        held: dict[str, float] = call("benchmarks.ours:hold", within=str(place), seconds=seconds)
    return {"bulk": added["bulk"], "singly": singly / added["singly"], **held}


def _peer(store: str, size: int, singly: int, seconds: int) -> dict[str, float]:
    sample = singly if store == "sqlite" else size
    took: float = call("benchmarks.peers:add", store=store, count=sample)
    held: dict[str, Any] = call("benchmarks.peers:hold", store=store, count=size, seconds=seconds)
    return {"singly": sample / took, **held}


def _cells(figures: dict[str, float]) -> tuple[str, ...]:
    bulk = f"{figures['bulk']:.2f}" if "bulk" in figures else "–"
    rest = (f"{figures['ready']:.2f}", f"{figures['cpu']:.3f}", f"{figures['memory']:.1f}")
    return (bulk, f"{figures['singly']:,.0f}", *rest)


def _judge(report: Report, small: dict[str, float], large: dict[str, float]) -> None:
    ratio = large["memory"] / small["memory"]
    report.judge("add all", f"{large['bulk']:.2f} s", "≤ 4 s", reached=large["bulk"] <= 4)
    report.judge("add singly", f"{large['singly']:,.0f} a second", "≥ 2,000", reached=large["singly"] >= 2_000)
    report.judge("ready", f"{large['ready']:.2f} s", "≤ 1 s", reached=large["ready"] <= 1)
    report.judge("memory against the smallest", f"{ratio:.2f} ×", "≤ 1.2 ×", reached=ratio <= 1.2)
    report.judge("CPU in 15 s", f"{large['cpu']:.3f} s", "≤ 0.05 s", reached=large["cpu"] <= 0.05)
