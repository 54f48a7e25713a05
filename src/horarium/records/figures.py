"""What runs add up to: counts, and how long they took, in a form of which any two can be put together."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

QUARTER: Final = 900_000_000
"""A quarter of an hour in microseconds: what figures are kept by, since every zone's days begin on one."""
DAY: Final = 96 * QUARTER
"""A day of UTC in microseconds."""
ALL_TASKS: Final = 0
"""What stands for all tasks together where figures are kept by task."""
EVER: Final = 1 << 62
"""A slot that holds every instant."""
SKIPPED_TIME: Final = "skip:"
"""What the outcome of planned times that became no run begins with; the reason follows."""

_STEP: Final = 0.05
_FINEST: Final = 1000
ERROR: Final = math.exp(_STEP / 2) - 1
"""How far a percentile may be from the true one: 2.6 percent, and half a millisecond below one millisecond."""


@dataclass(slots=True)
class Spread:
    """Lengths of time in microseconds: their sum and the longest one exactly, percentiles to within `ERROR`.

    Each length is counted in the bucket that its logarithm falls into; all buckets are as wide, in percent.
    """

    sum: int = 0
    most: int = 0
    buckets: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, lengths: Iterable[int]) -> Spread:
        """Return the spread of some lengths."""
        found = cls()
        for each in lengths:
            found.add(each)
        return found

    @classmethod
    def from_text(cls, total: int, most: int, text: str | None) -> Spread:
        """Read what `to_text` wrote."""
        return cls(total, most, dict(_pairs(text)) if text else {})

    def to_text(self) -> str | None:
        """Return the buckets as text, None without any."""
        flat = [part for pair in sorted(self.buckets.items()) for part in pair]
        return json.dumps(flat, separators=(",", ":")) if flat else None

    @property
    def many(self) -> int:
        """Return how many lengths there are."""
        return sum(self.buckets.values())

    @property
    def mean(self) -> float | None:
        """Return the mean, None without any length."""
        many = self.many
        return self.sum / many if many else None

    def add(self, length: int) -> None:
        """Count one more length; a negative one, by a clock that was set back, counts as none."""
        bucket = 0
        if length >= _FINEST:
            bucket = 1 + int(math.log(length / _FINEST) / _STEP)
        elif length < 0:
            length = 0
        self.sum += length
        self.most = max(self.most, length)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    def merge(self, other: Spread) -> None:
        """Count all lengths of another spread, too."""
        self.sum += other.sum
        self.most = max(self.most, other.most)
        mine = self.buckets
        for bucket, many in other.buckets.items():
            mine[bucket] = mine.get(bucket, 0) + many

    def merge_text(self, total: int, most: int, text: str | None) -> None:
        """Count all lengths of a spread that `to_text` wrote, too."""
        if not text:
            return
        self.sum += total
        self.most = max(self.most, most)
        mine = self.buckets
        for bucket, many in _pairs(text):
            mine[bucket] = mine.get(bucket, 0) + many

    def percentile(self, percent: float) -> float | None:
        """Return the length that `percent` of all do not exceed, None without any length."""
        place = math.ceil(self.many * percent / 100)
        for bucket in sorted(self.buckets):
            place -= self.buckets[bucket]
            if place <= 0:
                middle = _FINEST / 2 if bucket == 0 else _FINEST * math.exp((bucket - 0.5) * _STEP)
                return float(min(middle, self.most))
        return None


@lru_cache(maxsize=50_000)
def _pairs(text: str) -> tuple[tuple[int, int], ...]:
    """Return the buckets of a text with their counts. Most are short, and the same ones come again and again."""
    flat = json.loads(text)
    return tuple(zip(flat[::2], flat[1::2], strict=True))


class Key(NamedTuple):
    """What is counted together: a task, how it came out, whether it took more than one attempt, and when.

    `at` is the beginning of the quarter of an hour, or day of UTC, that they belong to. `outcome` is the state of runs,
    or `skip:` and the reason for planned times that became none.
    """

    at: int
    task_id: int
    outcome: str
    is_retried: bool


@dataclass(slots=True)
class Group:
    """Runs or skipped times that are counted together. Times in microseconds.

    The first and the last of them began at `first_at` and `last_at`; `ended_at` is the latest end known and `newest`
    the highest number, of runs. `took` is how long they took, `late` how late those that their schedule started began.
    """

    many: int = 0
    first_at: int = 0
    last_at: int = 0
    ended_at: int | None = None
    newest: int | None = None
    took: Spread = field(default_factory=Spread)
    late: Spread = field(default_factory=Spread)

    def merge_row(self, row: Sequence[Any]) -> None:
        """Count all of a group that was kept as a row, too: in the order of the fields, each spread as three values."""
        many, first_at, last_at, ended_at, newest = row[:5]
        self.first_at = min(self.first_at, first_at) if self.many else first_at
        self.last_at = max(self.last_at, last_at)
        self.many += many
        self.ended_at = _later(self.ended_at, ended_at)
        self.newest = _later(self.newest, newest)
        self.took.merge_text(*row[5:8])
        self.late.merge_text(*row[8:11])

    def merge(self, other: Group) -> None:
        """Count all of another group, too."""
        self.first_at = min(self.first_at, other.first_at) if self.many else other.first_at
        self.last_at = max(self.last_at, other.last_at) if self.many else other.last_at
        self.many += other.many
        self.ended_at = _later(self.ended_at, other.ended_at)
        self.newest = _later(self.newest, other.newest)
        self.took.merge(other.took)
        self.late.merge(other.late)


class RawRun(NamedTuple):
    """A run as far as it is counted. Times in microseconds."""

    id: int
    task_id: int
    state: str
    attempt: int
    triggered_by: str
    planned_at: int | None
    created_at: int
    started_at: int | None
    finished_at: int | None

    @property
    def belongs_at(self) -> int:
        """Return the instant by which it belongs to a day, which never changes: when it was made.

        What falls due is claimed a moment ahead: then it is the planned instant.
        """
        return max(self.created_at, self.planned_at or 0)


def grouped(runs: Iterable[RawRun], width: int = QUARTER) -> dict[Key, Group]:
    """Count runs, each in the slot of so many microseconds that it belongs to; all in one with a width of `EVER`."""
    found: dict[Key, Group] = {}
    for run in runs:
        key = Key(run.belongs_at // width * width, run.task_id, run.state, run.attempt > 1)
        group = found.get(key)
        if group is None:
            group = found[key] = Group()
        began = run.started_at or run.planned_at or run.created_at
        ended = run.finished_at or began
        group.first_at = min(group.first_at, began) if group.many else began
        group.last_at = max(group.last_at, began)
        group.ended_at = _later(group.ended_at, ended)
        group.newest = _later(group.newest, run.id)
        group.many += 1
        if run.started_at is not None and run.finished_at is not None:
            group.took.add(run.finished_at - run.started_at)
            if run.triggered_by == "schedule" and run.planned_at is not None:
                group.late.add(run.started_at - run.planned_at)
    return found


def widened(groups: dict[Key, Group], width: int = DAY) -> dict[Key, Group]:
    """Put groups together by wider slots; theirs stay as they are."""
    found: dict[Key, Group] = {}
    for key, group in groups.items():
        found.setdefault(key._replace(at=key.at // width * width), Group()).merge(group)
    return found


def with_totals(groups: dict[Key, Group]) -> dict[Key, Group]:
    """Add what they come to over all tasks."""
    totals: dict[Key, Group] = {}
    for key, group in groups.items():
        totals.setdefault(key._replace(task_id=ALL_TASKS), Group()).merge(group)
    return groups | totals


def _later(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
