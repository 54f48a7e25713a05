"""Tell by the time that things take whether they can be told apart: measured in turn, compared by their ranks."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

CHANCE = 0.01
SPAN_SECONDS = 0.005
SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Compared:
    """Two series of times, in seconds."""

    one: Sequence[float]
    other: Sequence[float]

    @property
    def gap(self) -> float:
        """Return how far apart the medians are."""
        return abs(median(self.one) - median(self.other))

    @property
    def is_wide(self) -> bool:
        """Tell whether somebody far away could see the gap."""
        return self.gap >= SPAN_SECONDS or self.gap >= SHARE * min(median(self.one), median(self.other))

    @property
    def chance(self) -> float:
        """Return how likely ranks as uneven as these are where there is no difference (Mann and Whitney)."""
        first, second = len(self.one), len(self.other)
        marked = sorted([(each, True) for each in self.one] + [(each, False) for each in self.other])
        ranks = sum(place for place, (_, is_first) in enumerate(marked, 1) if is_first)
        spread = math.sqrt(first * second * (first + second + 1) / 12)
        score = (ranks - first * (first + 1) / 2 - first * second / 2) / spread
        return math.erfc(abs(score) / math.sqrt(2))

    def __repr__(self) -> str:
        medians = ", ".join(f"{1000 * median(each):.3f} ms" for each in (self.one, self.other))
        return f"{medians}, chance {self.chance:.4f}"


def compare(
    one: Callable[[], object], other: Callable[[], object], times: int, *, before: Callable[[], object]
) -> Compared:
    """Do both so many times, in pairs of random order with `before` ahead of each; the first few do not count."""
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(times + 5):
        before()
        acts = [(one, taken[0]), (other, taken[1])]
        if secrets.randbelow(2):
            acts.reverse()
        for act, times_taken in acts:
            began = perf_counter()
            act()
            if number >= 5:
                times_taken.append(perf_counter() - began)
    return Compared(*taken)
