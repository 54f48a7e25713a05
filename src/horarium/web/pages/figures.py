"""Put the runs of the last 24 hours into four figures, each beside that of the 24 hours before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from horarium.clock import to_micros
from horarium.records.reach import Reach
from horarium.store.books.tally import Ended, TallyBook
from horarium.store.port import Transaction
from horarium.web.filters import count, duration, percent, plural
from horarium.web.views.overview import Figure

_DAY: Final = timedelta(days=1)
_SECOND: Final = 1_000_000


def figures_of(tx: Transaction, now: datetime, reach: Reach) -> tuple[Figure, ...]:
    """Return the figures; none when nothing has ended in the last 24 hours."""
    tally = TallyBook(tx, reach)
    # One more microsecond: what was made at this very instant counts.
    edges = [to_micros(now - ago * _DAY) + 1 for ago in (2, 1, 0)]
    new = tally.ended(edges[1], edges[2])
    if not new.runs:
        return ()
    old = tally.ended(edges[0], edges[1])
    return (
        _rate(new, old),
        _number(new, old),
        _length("Median duration", new.took, old.took, "nothing to measure"),
        _length("Start delay", new.late, old.late, "no run was started by its schedule"),
    )


def _rate(new: Ended, old: Ended) -> Figure:
    number, unit = percent(1 - new.failed / new.runs).split(" ")
    before = f"{percent(1 - old.failed / old.runs)} the day before" if old.runs else "last 24 h"
    worse = bool(old.runs) and new.failed / new.runs > old.failed / old.runs
    return Figure(label="Success rate", parts=((number, unit),), delta=before, delta_bad=worse)


def _number(new: Ended, old: Ended) -> Figure:
    before = f"{plural(new.failed, 'failure')}, {plural(old.runs, 'run')} the day before"
    return Figure(label="Runs", parts=((count(new.runs), ""),), delta=before)


def _length(label: str, new: float | None, old: float | None, nothing: str) -> Figure:
    if new is None:
        return Figure(label=label, parts=_parts(None), delta=nothing)
    words = "median of the last 24 h" if old is None else f"{duration(old / _SECOND)} the day before"
    return Figure(label=label, parts=_parts(new / _SECOND), delta=words)


def _parts(seconds: float | None) -> tuple[tuple[str, str], ...]:
    """Return a length of time as pairs of figure and unit: `4m 12s` is (4, m), (12, s)."""
    found = []
    words = duration(seconds).split(" ")
    if len(words) == 2 and words[1].isalpha():
        return ((words[0], words[1]),)
    for word in words:
        number = word.rstrip("dhms")
        found.append((number or word, word[len(number) :]))
    return tuple(found)
