"""Medians, growth, and the tables they end up in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean, median


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target beside what was measured."""

    what: str
    figure: str
    target: str
    is_reached: bool


@dataclass(slots=True)
class Report:
    """What one benchmark found: `how` says in a few sentences what was done, `notes` what else to know."""

    id: str
    title: str
    how: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def judge(self, what: str, figure: str, target: str, *, reached: bool) -> None:
        """Note whether a target is reached."""
        self.verdicts.append(Verdict(what, figure, target, reached))


def middle(values: Sequence[float]) -> float:
    """Return the median."""
    return median(values)


def share(values: Sequence[float], part: float) -> float:
    """Return the value below which `part` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Return how cost grows with size: the slope of the logarithms. 0 is flat, 1 in proportion, 2 its square."""
    logs = [(math.log(size), math.log(cost)) for size, cost in points if size > 0 and cost > 0]
    if len(logs) < 2:
        return math.nan
    mean_x, mean_y = mean(x for x, _ in logs), mean(y for _, y in logs)
    across = sum((x - mean_x) ** 2 for x, _ in logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / across if across else math.nan


def growth(points: Sequence[tuple[float, float]]) -> str:
    """Write the exponent of growth for a table."""
    found = exponent(points)
    return "–" if math.isnan(found) else f"n^{found:.2f}"


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of a straight line through (x, y)."""
    mean_x, mean_y = mean(x for x, _ in points), mean(y for _, y in points)
    across = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / across if across else 0.0
