"""Make a summary out of the figures of a period and of the one before: pure, for a day, a week or a month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from horarium.reports.figures import Figures
from horarium.reports.periods import Period

MOST: Final = 8
"""Lines that a part of a summary has at most; the rest is counted."""
_SLOWER: Final = 1.25
_LEAST_SECONDS: Final = 1.0
_LEAST_RUNS: Final = 3
_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A task with its figures: of `ended` runs so many `failed`; rate, and usual and longest seconds.

    `before` are the usual seconds in the period before. Its name comes with it only where it is shown.
    """

    task_id: int
    name: str = ""
    ended: int = 0
    failed: int = 0
    rate: float | None = None
    usual: float | None = None
    longest: float | None = None
    before: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """A day of the period: how many runs ended well, how many failed, and all that were made."""

    on: date
    well: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """Something that lies ahead."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """How the installation does, for its administrators: what is stored, the newest backup, letters given up."""

    bytes: int
    runs_kept: int
    free_bytes: int | None = None
    backup_at: datetime | None = None
    backup_bytes: int = 0
    backups: int = 0
    letters_lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """Which tasks stand out, by number, each kind in its order."""

    worst: tuple[Line, ...]
    fresh: tuple[Line, ...]
    recovered: tuple[Line, ...]
    slower: tuple[Line, ...]
    slowest: tuple[Line, ...]

    @property
    def task_ids(self) -> set[int]:
        """Return the numbers of all of them."""
        parts = (self.worst, self.fresh, self.recovered, self.slower, self.slowest)
        return {line.task_id for part in parts for line in part}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a period came to, for one person: `now` and `before` it, day by day, and which tasks stand out.

    `worst` come first by their rate, `fresh` did not fail in the period before, `recovered` did and run well again,
    `slower` take clearly longer than before, `slowest` take the longest of all. `house` is there for administrators.
    """

    period: Period
    now: Figures
    before: Figures
    tasks: int
    days: tuple[DayFigures, ...] = ()
    worst: tuple[Line, ...] = ()
    fresh: tuple[Line, ...] = ()
    recovered: tuple[Line, ...] = ()
    slower: tuple[Line, ...] = ()
    slowest: tuple[Line, ...] = ()
    more_failing: int = 0
    coming: tuple[Coming, ...] = ()
    house: House | None = None
    projects: tuple[tuple[str, Figures], ...] = field(default=())
    tags: tuple[tuple[str, Figures], ...] = field(default=())

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing ran and nothing was skipped: then there is nothing to tell."""
        return not self.now.outcomes and not self.now.skips

    @property
    def points(self) -> float | None:
        """Return by how many percentage points the success rate has changed, None where there is nothing to compare."""
        if self.now.rate is None or self.before.rate is None:
            return None
        return (self.now.rate - self.before.rate) * 100

    @property
    def failing(self) -> int:
        """Return how many tasks failed at least once."""
        return len(self.worst) + self.more_failing


def pick(now: Mapping[int, Figures], before: Mapping[int, Figures]) -> tuple[Picked, int]:
    """Return which tasks stand out, and how many more failed than are shown."""
    lines = {task_id: line_of(task_id, figures, before.get(task_id)) for task_id, figures in now.items()}
    failing = sorted((each for each in lines.values() if each.failed), key=_worst_first)
    fresh = [each for each in failing if not (each.task_id in before and before[each.task_id].failed)]
    recovered = [
        line
        for task_id, line in lines.items()
        if not line.failed and line.ended and task_id in before and before[task_id].failed
    ]
    timed = [each for each in lines.values() if each.usual is not None]
    slower = sorted((each for each in timed if _is_slower(each, before)), key=_by_growth)
    slowest = sorted(timed, key=_slowest_first)
    picked = Picked(
        worst=tuple(failing[:MOST]),
        fresh=tuple(fresh[:MOST]),
        recovered=tuple(sorted(recovered, key=_by_size)[:MOST]),
        slower=tuple(slower[:MOST]),
        slowest=tuple(slowest[:5]),
    )
    return picked, len(failing) - len(picked.worst)


def line_of(task_id: int, figures: Figures, before: Figures | None = None, name: str = "") -> Line:
    """Return the line of a task."""
    return Line(
        task_id=task_id,
        name=name,
        ended=figures.ended,
        failed=figures.failed,
        rate=figures.rate,
        usual=_seconds(figures.well.percentile(50)),
        longest=_seconds(figures.well.percentile(95)),
        before=None if before is None else _seconds(before.well.percentile(50)),
    )


def _seconds(micros: float | None) -> float | None:
    return None if micros is None else micros / _SECOND


def _is_slower(line: Line, before: Mapping[int, Figures]) -> bool:
    """Tell whether a task takes clearly longer: a few slow runs, or a moment more, are no news."""
    old = before.get(line.task_id)
    if old is None or line.before is None or line.usual is None:
        return False
    enough = min(old.well.many, line.ended - line.failed) >= _LEAST_RUNS
    return enough and line.usual >= line.before * _SLOWER and line.usual - line.before >= _LEAST_SECONDS


def _worst_first(line: Line) -> tuple[float, int, int]:
    return (1.0 if line.rate is None else line.rate, -line.failed, line.task_id)


def _by_size(line: Line) -> tuple[int, int]:
    return (-line.ended, line.task_id)


def _by_growth(line: Line) -> tuple[float, int]:
    return (-(line.usual or 0) / max(line.before or 0, 1e-6), line.task_id)


def _slowest_first(line: Line) -> tuple[float, int]:
    return (-(line.longest or 0), line.task_id)
