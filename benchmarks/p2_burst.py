"""P2: a burst of no-ops due at one instant, until the last run is recorded."""

from __future__ import annotations

from benchmarks.children import call
from benchmarks.figures import Report, growth, middle
from benchmarks.options import Options

ENGINES = {
    "Horarium": ("benchmarks.ours:burst", {}),
    "APScheduler memory (records nothing)": ("benchmarks.peers:burst", {"store": "memory"}),
    "APScheduler SQLite (no history)": ("benchmarks.peers:burst", {"store": "sqlite"}),
}
LIMITS = [("FULL", 1, 2_000), ("NORMAL", 1, 20_000), ("FULL", 100, 100_000), ("NORMAL", 100, 100_000)]
MAIN = 1


def measure(options: Options) -> Report:
    """Run the engines in turns, and SQLite alone beside them."""
    sizes = options.sizes(500, 5_000, 50_000)
    report = Report(
        "P2",
        "A burst",
        "No-ops that all fall due at one instant; runs a second from that instant until the last run stands in the "
        "store with its outcome (for APScheduler, which keeps none: until the last function was called). The SQLite "
        "store of APScheduler is left out at the largest size, which takes it minutes. Below: what "
        "SQLite alone does on this disk with one short row a run.",
        ("engine", "jobs", "runs/s", "growth of the time"),
    )
    rounds = options.pick(5, 3, 1)
    found: dict[tuple[str, int], list[float]] = {}
    for place, size in enumerate(sizes):
        for _ in range(rounds if place == MAIN else min(rounds, 3)):
            for name, (what, values) in ENGINES.items():
                if place < 2 or values.get("store") != "sqlite":
                    found.setdefault((name, size), []).append(call(what, count=size, **values))
    for name in ENGINES:
        points = [(size, middle(found[name, size])) for size in sizes if (name, size) in found]
        report.rows += [(name, f"{size:,}", f"{size / took:,.0f}", growth(points)) for size, took in points]
    for synchronous, each, rows in LIMITS:
        raw = [
            call("benchmarks.raw:commits", synchronous=synchronous, each=each, rows=rows // options.pick(1, 1, 50))
            for _ in range(rounds)
        ]
        report.rows.append((f"SQLite alone, {synchronous}, {each} a commit", "", f"{middle(raw):,.0f}", ""))
    rates = {name: sizes[MAIN] / middle(found[name, sizes[MAIN]]) for name in ENGINES}
    ours, memory, sqlite = rates.values()
    report.judge(f"{sizes[MAIN]:,} at once", f"{ours:,.0f} runs/s", "≥ 10,000 runs/s", reached=ours >= 10_000)
    report.judge("beside APScheduler SQLite", f"{ours / sqlite:.1f} ×", "≥ 20 ×", reached=ours >= 20 * sqlite)
    report.notes.append(f"Beside APScheduler in memory, which records nothing: {ours / memory:.2f} times as fast.")
    return report
