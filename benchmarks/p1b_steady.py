"""P1b: how late a job each second and a cron job each minute start, and whether they drift."""

from __future__ import annotations

from benchmarks.children import call
from benchmarks.figures import Report, middle, share
from benchmarks.options import Options

ENGINES = {
    "Horarium": ("benchmarks.ours:steady", {}),
    "APScheduler memory": ("benchmarks.peers:steady", {"store": "memory"}),
}


def measure(options: Options) -> Report:
    """Let each engine tick for a while."""
    report = Report(
        "P1b",
        "A job each second, a cron job each minute",
        "Both in one process that does nothing else. Lateness as above; ours is read from the recorded starts. Drift "
        "is how much later the job of each second starts from one start to the next.",
        ("engine", "job", "starts", "p50 ms", "p99 ms", "drift ms a start"),
    )
    seconds = options.pick(130, 65, 3)
    found = {name: call(what, seconds=seconds, **values) for name, (what, values) in ENGINES.items()}
    for name, jobs in found.items():
        for job, late in jobs.items():
            if late:
                cells = (f"{middle(late):.2f}", f"{share(late, 0.99):.2f}", f"{_drift(late):+.4f}")
                report.rows.append((name, f"each {job}", str(len(late)), *cells))
    second, minute = found["Horarium"]["second"], found["Horarium"]["minute"]
    report.judge("one a second, p50", f"{middle(second):.2f} ms", "≤ 0.6 ms", reached=middle(second) <= 0.6)
    if minute:
        report.judge("each minute, p50", f"{middle(minute):.2f} ms", "≤ 3 ms", reached=middle(minute) <= 3)
    drift = _drift(second)
    report.judge("drift", f"{drift:+.4f} ms a start", "none", reached=abs(drift) < 0.01)
    return report


def _drift(late: list[float]) -> float:
    """Return how much later starts became from one to the next: the middle of the last third against the first's."""
    third = len(late) // 3
    return (middle(late[-third:]) - middle(late[:third])) / (len(late) - third) if third else 0.0
