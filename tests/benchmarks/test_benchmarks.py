"""Each benchmark still runs, at a size at which its figures mean nothing; and what they are made of adds up."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.__main__ import BENCHMARKS
from benchmarks.figures import Report, exponent, share, slope
from benchmarks.options import Options

SLOW = {"P1b", "P3", "P4", "P6", "P7"}
"""Even at their smallest these wait for time to pass."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] if name in SLOW else []) for name in BENCHMARKS]
)
def test_a_benchmark_runs_and_judges(name: str) -> None:
    report = BENCHMARKS[name](Options("tiny"))
    assert report.id == name
    assert report.verdicts
    assert all(len(row) == len(report.head) for row in report.rows)
    assert name in page.as_text(report)


def test_what_grows_with_its_size_has_the_exponent_one() -> None:
    assert exponent([(10, 5.0), (100, 50.0), (1000, 500.0)]) == pytest.approx(1)
    assert exponent([(10, 5.0), (100, 5.0), (1000, 5.0)]) == pytest.approx(0)
    assert exponent([(10, 1.0), (100, 100.0)]) == pytest.approx(2)
    assert math.isnan(exponent([(10, 1.0)]))


def test_a_share_is_one_of_the_values() -> None:
    assert share([3.0, 1.0, 2.0], 0.5) == 2.0
    assert share([3.0, 1.0, 2.0], 0.99) == 3.0


def test_a_line_has_its_slope() -> None:
    assert slope([(0, 1.0), (1, 3.0), (2, 5.0)]) == pytest.approx(2)


def test_a_new_table_takes_the_place_of_the_old_one_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
    page.write([_report("P12", "old"), _report("P2", "kept"), _report("P1b", "kept")], "full")
    page.write([_report("P12", "new")], "quick")
    text = page.PAGE.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## P1b kept", "## P2 kept", "## P12 new"]
    assert text.count("A quick run") == 1


def _report(number: str, title: str) -> Report:
    report = Report(number, title, "How.", ("what", "figure"), [("this", "1")])
    report.judge("it", "1", "≤ 2", reached=True)
    return report
