"""P5: the next fire time, as a report."""

from __future__ import annotations

from benchmarks.figures import Report, growth
from benchmarks.options import Options
from benchmarks.p5_next_times import COUNT, SIZES
from benchmarks.p5_next_times import measure as measure_rows

TARGETS = {"UTC": 3.0, "Europe/Berlin": 8.0}
MAIN = 1


def measure(options: Options) -> Report:
    """Step through the expressions with each engine."""
    sizes = options.sizes(*SIZES)
    report = Report(
        "P5",
        "The next fire time",
        f"{COUNT} varied cron expressions, stepped through in UTC and in a zone with summer time. Wrong: the engine "
        "refuses the expression, or differs from a slow reference in the days around the changes of the clock.",
        ("engine", "zone", "steps", "p50 µs", "p95 µs", "wrong", "growth of the whole"),
    )
    rows = measure_rows(sizes, options.pick(COUNT, COUNT, 5))
    for row in rows:
        same = [each for each in rows if (each["engine"], each["zone"]) == (row["engine"], row["zone"])]
        grown = growth([(each["steps"], each["p50_ns"] * each["steps"]) for each in same])
        figures = (f"{row['p50_ns'] / 1000:.2f}", f"{row['p95_ns'] / 1000:.2f}", f"{row['wrong']} of {row['of']}")
        report.rows.append((row["engine"], row["zone"], str(row["steps"]), *figures, grown))
    for row in rows:
        if row["engine"] == "horarium" and row["steps"] == sizes[MAIN]:
            cost, most = row["p50_ns"] / 1000, TARGETS[row["zone"]]
            report.judge(f"p50 in {row['zone']}", f"{cost:.2f} µs", f"≤ {most:g} µs", reached=cost <= most)
            report.judge(f"wrong in {row['zone']}", str(row["wrong"]), "0", reached=row["wrong"] == 0)
    return report
