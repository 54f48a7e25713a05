"""P1: how late jobs start, 1,000 of them 10 ms apart."""

from __future__ import annotations

from benchmarks.children import call
from benchmarks.figures import Report, growth, middle, share
from benchmarks.options import Options

ENGINES = {
    "Horarium": ("benchmarks.ours:lateness", {}),
    "APScheduler memory": ("benchmarks.peers:lateness", {"store": "memory"}),
    "APScheduler SQLite": ("benchmarks.peers:lateness", {"store": "sqlite"}),
}
GAPS = (0.01, 0.01, 0.001)
MAIN = 1


def measure(options: Options) -> Report:
    """Run the engines in turns and compare their medians."""
    sizes = options.sizes(100, 1_000, 10_000)
    report = Report(
        "P1",
        "Start lateness",
        "One-off jobs that fall due 10 ms apart (1 ms at the largest size); how long after its instant each one's "
        "function is entered. p50, p99 and the worst are medians over the rounds. The SQLite store of APScheduler is "
        "left out at the largest size, which it is too slow for.",
        ("engine", "jobs", "p50 ms", "p99 ms", "worst ms", "early", "growth of p50"),
    )
    rounds = options.pick(5, 2, 1)
    found: dict[tuple[str, int], list[list[float]]] = {}
    for place, (size, gap) in enumerate(zip(sizes, GAPS, strict=True)):
        for _ in range(rounds if place == MAIN else min(rounds, 3)):
            for name, (what, values) in ENGINES.items():
                if place < 2 or values.get("store") != "sqlite":
                    late = call(what, count=size, gap=gap, **values)
                    found.setdefault((name, size), []).append(late)
    for name in ENGINES:
        points = [(size, _median_share(found[name, size], 0.5)) for size in sizes if (name, size) in found]
        for size, p50 in points:
            late = found[name, size]
            worst = middle([max(each) for each in late])
            early = sum(value < 0 for each in late for value in each)
            cells = (f"{p50:.2f}", f"{_median_share(late, 0.99):.2f}", f"{worst:.1f}", str(early))
            report.rows.append((name, f"{size:,}", *cells, growth(points)))
    _judge(report, found[("Horarium", sizes[MAIN])], found[("APScheduler memory", sizes[MAIN])])
    return report


def _judge(report: Report, ours: list[list[float]], memory: list[list[float]]) -> None:
    p50, p99, theirs = _median_share(ours, 0.5), _median_share(ours, 0.99), _median_share(memory, 0.99)
    early = sum(value < 0 for each in ours for value in each)
    report.judge("p50", f"{p50:.2f} ms", "≤ 1.0 ms", reached=p50 <= 1.0)
    report.judge("p99", f"{p99:.2f} ms", f"≤ APScheduler memory's {theirs:.2f} ms", reached=p99 <= theirs)
    report.judge("early starts", str(early), "0", reached=early == 0)


def _median_share(rounds: list[list[float]], part: float) -> float:
    return middle([share(each, part) for each in rounds])
