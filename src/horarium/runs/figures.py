"""Count what this process performs, as runs end: a few additions each, nothing that is ever read from the store."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from horarium.runs.launch import Assignment, Completion
from horarium.states import RunState

LATENESS_BOUNDS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0)
DURATION_BOUNDS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0)
MOST_TASKS: Final = 200
OTHER_TASKS: Final = "(others)"
_SECOND: Final = 1_000_000


@dataclass(slots=True)
class Spread:
    """How many values fell below each of some bounds, and their sum."""

    bounds: tuple[float, ...]
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """Return the counts at or below each bound, as Prometheus reads them, `+Inf` last."""
        found, so_far = [], 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            so_far += count
            found.append(("+Inf" if bound == float("inf") else f"{bound:g}", float(so_far)))
        return found


@dataclass(slots=True)
class RunFigures:
    """What has ended in this process since it started."""

    outcomes: Counter[str] = field(default_factory=Counter)
    of_tasks: Counter[tuple[str, str]] = field(default_factory=Counter)
    lateness: Spread = field(default_factory=lambda: Spread(LATENESS_BOUNDS))
    durations: Spread = field(default_factory=lambda: Spread(DURATION_BOUNDS))
    counts_tasks: bool = False
    _names: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def note(self, ended: Sequence[tuple[Assignment, Completion, RunState]]) -> None:
        """Count attempts that ended and are recorded, with where that leaves their runs."""
        with self._lock:
            for assignment, completion, state in ended:
                self.durations.add((completion.finished_at - completion.started_at) / _SECOND)
                if assignment.planned_at is not None and assignment.attempt == 1:
                    self.lateness.add(max(completion.started_at - assignment.planned_at, 0) / _SECOND)
                if state is RunState.RETRYING:
                    continue
                self.outcomes[state.value] += 1
                if self.counts_tasks:
                    self.of_tasks[self._name(assignment.definition.name), state.value] += 1

    def _name(self, task: str) -> str:
        """Return the name to count under: only so many are told apart, so that labels stay few."""
        if task not in self._names and len(self._names) >= MOST_TASKS:
            return OTHER_TASKS
        self._names.add(task)
        return task
