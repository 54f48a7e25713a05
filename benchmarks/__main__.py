"""The command: `python -m benchmarks [P1 P2 …] [--quick] [--write]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from benchmarks import (
    p1_lateness,
    p1b_steady,
    p2_burst,
    p3_many,
    p4_idle,
    p5_report,
    p6_kill,
    p7_sustained,
    p12_import,
    page,
)
from benchmarks.figures import Report
from benchmarks.options import Options

BENCHMARKS: dict[str, Callable[[Options], Report]] = {
    "P1": p1_lateness.measure,
    "P1b": p1b_steady.measure,
    "P2": p2_burst.measure,
    "P3": p3_many.measure,
    "P4": p4_idle.measure,
    "P5": p5_report.measure,
    "P6": p6_kill.measure,
    "P7": p7_sustained.measure,
    "P12": p12_import.measure,
}


def main() -> int:
    """Run what was asked for; return 1 when a target was missed."""
    asked = _arguments()
    effort = "tiny" if asked.tiny else "quick" if asked.quick else "full"
    options = Options(effort, asked.minutes)
    wanted = [name for name in BENCHMARKS if not asked.names or name.lower() in {each.lower() for each in asked.names}]
    reports = []
    for name in wanted:
        begin = time.monotonic()
        reports.append(BENCHMARKS[name](options))
        print(page.as_text(reports[-1]))
        print(f"  took {time.monotonic() - begin:.0f} s", flush=True)
        if asked.write:
            page.write(reports[-1:], effort)
    missed = [f"{report.id} {each.what}" for report in reports for each in report.verdicts if not each.is_reached]
    print(f"\nMissed: {'; '.join(missed)}" if missed else "\nEvery target is reached.")
    return 1 if missed and effort != "tiny" else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description="Measure Horarium beside its peers.")
    parser.add_argument("names", nargs="*", metavar="P1", help=f"which ones: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--tiny", action="store_true", help="only show that everything works; figures mean nothing")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument("--minutes", type=float, default=6.0, help="how long the sustained load of P7 lasts")
    asked = parser.parse_args()
    known = {name.lower() for name in BENCHMARKS}
    unknown = [name for name in asked.names if name.lower() not in known]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    return asked


if __name__ == "__main__":
    sys.exit(main())
