"""Puts reports on the terminal and into `docs/performance.md`."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.children import ROOT
from benchmarks.figures import Report, Verdict

PAGE = ROOT / "docs" / "performance.md"
_INTRODUCTION = """\
# Performance

Every figure here was written by `script/bench --write`, and a figure that this command does not give again is quoted
nowhere. Machines differ and are busy: read a figure beside those of the peers in the same table, which were measured
in the same run, in turns. Each measurement is a fresh process. What is measured is what is shipped: the history of
every run kept, durable commits (`synchronous=FULL`), output captured. "Growth" is the exponent with which the cost
grows with the size: n^0 is flat, n^1 in proportion.
"""
_SECTION = re.compile(r"^## (?P<id>P\d+b?) .*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def machine() -> str:
    """Return what the figures were taken on, and when."""
    cores = len(os.sched_getaffinity(0))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores, {platform.system()} {platform.machine()}, "
        f"{platform.python_implementation()} {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def as_text(report: Report) -> str:
    """Return a report for the terminal."""
    lines = ["", f"{report.id}  {report.title}", *_aligned([report.head, *report.rows])]
    lines += [f"  {_word(each):8} {each.what}: {each.figure} (target {each.target})" for each in report.verdicts]
    return "\n".join([*lines, *(f"  {note}" for note in report.notes)])


def write(reports: Sequence[Report], effort: str) -> None:
    """Put the reports into the page, in the place of older ones of the same number."""
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    sections = {found["id"]: found[0].strip() for found in _SECTION.finditer(old)}
    sections |= {report.id: _section(report, effort) for report in reports}
    ordered = [sections[name] for name in sorted(sections, key=_place)]
    PAGE.write_text("\n\n".join([_INTRODUCTION.strip(), *ordered]) + "\n", encoding="utf-8")


def _section(report: Report, effort: str) -> str:
    parts = [f"## {report.id} {report.title}", report.how, _table(report.head, report.rows)]
    if report.verdicts:
        rows = [(each.what, each.figure, each.target, _word(each)) for each in report.verdicts]
        parts.append(_table(("what", "measured", "target", ""), rows))
    parts += report.notes
    asked = "" if effort == "full" else f" A {effort} run: fewer rounds."
    parts.append(f"Taken {machine()}.{asked}")
    return "\n\n".join(parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---"] + ["--:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *rows])


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  " + "  ".join(f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}" for place, (cell, width) in numbered)
        for numbered in ([*enumerate(zip(row, widths, strict=True))] for row in rows)
    ]


def _word(verdict: Verdict) -> str:
    return "reached" if verdict.is_reached else "MISSED"


def _place(name: str) -> tuple[int, str]:
    return int(re.sub(r"\D", "", name)), name
