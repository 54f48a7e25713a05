"""The four figures of the system, with how they went over the last day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

from horarium.clock import from_micros, to_micros
from horarium.server.health import Report
from horarium.store.books.samples import Sample, SampleBook
from horarium.store.port import Transaction
from horarium.web.filters import clock_time, plural, rough, size
from horarium.web.views.system import Figure

SHOWN: Final = timedelta(days=1)
GROWTH: Final = timedelta(days=7)
_DAY_SECONDS: Final = 86_400
_P95: Final = 0.95


def figures_of(tx: Transaction, now: datetime, zone: tzinfo, report: Report) -> tuple[Figure, ...]:
    """Return lag, queue, places and database as they are, with their last day."""
    book = SampleBook(tx)
    here = book.look(to_micros(now))
    week = book.since(to_micros(now - GROWTH))
    day = [each for each in week if each.at >= to_micros(now - SHOWN)] + [here]
    return (
        _lag(day, here, zone),
        _queue(day, here, book.due_waiting(here.at)[1], zone),
        _places(day, here, report),
        _database(day, week, here, report),
    )


def _lag(day: Sequence[Sample], here: Sample, zone: tzinfo) -> Figure:
    worst = max(day, key=lambda each: each.lag_seconds)
    values = sorted(each.lag_seconds for each in day)
    p95 = values[min(len(values) - 1, int(len(values) * _P95))]
    when = clock_time(from_micros(worst.at), zone)
    return Figure(
        label="Scheduler lag",
        value=f"{here.lag_seconds:.1f}",
        unit="s",
        delta=f"p95 {p95:.1f} s, worst {worst.lag_seconds:.1f} s at {when}",
        points=tuple(each.lag_seconds for each in day),
        spoken=f"Scheduler lag over 24 hours, worst {worst.lag_seconds:.1f} seconds at {when}",
        tone="lapis",
    )


def _queue(day: Sequence[Sample], here: Sample, oldest: int | None, zone: tzinfo) -> Figure:
    most = max(day, key=lambda each: each.waiting)
    waited = "" if oldest is None else f"oldest {rough(max(0, here.at - oldest) / 1_000_000)}, "
    return Figure(
        label="Waiting in queue",
        value=f"{here.waiting:,}",
        unit="",
        delta=f"{waited}most {most.waiting:,} at {clock_time(from_micros(most.at), zone)}",
        points=tuple(float(each.waiting) for each in day),
        spoken=f"Runs waiting over 24 hours, most {most.waiting:,}",
    )


def _places(day: Sequence[Sample], here: Sample, report: Report) -> Figure:
    return Figure(
        label="Worker slots busy",
        value=f"{here.busy:,}",
        unit=f" of {here.slots:,}",
        delta=f"{report.nodes} of {plural(here.nodes, 'worker answers', 'workers answer')}",
        points=tuple(float(each.busy) for each in day),
        spoken=f"Busy worker slots over 24 hours, most {max(each.busy for each in day):,}",
    )


def _database(day: Sequence[Sample], week: Sequence[Sample], here: Sample, report: Report) -> Figure:
    value, unit = size(here.store_bytes).split(" ")
    return Figure(
        label="Database",
        value=value,
        unit=unit,
        delta=_growth(week, here, report),
        points=tuple(float(each.store_bytes) for each in day),
        spoken=f"Database size over 24 hours, from {size(day[0].store_bytes)} to {size(here.store_bytes)}",
        tone="ok",
        low=None,
    )


def _growth(week: Sequence[Sample], here: Sample, report: Report) -> str:
    """Say how much it grows, and when the disk is full if that goes on."""
    first = week[0] if week else here
    days = (here.at - first.at) / 1_000_000 / _DAY_SECONDS
    if days < 1:
        return "its growth is known after a day" if report.room is None else f"{size(report.room[0])} free on its disk"
    daily = (here.store_bytes - first.store_bytes) / days
    if daily < 1:
        return "does not grow"
    left = "" if report.room is None else f", disk full in {rough(report.room[0] / daily * _DAY_SECONDS)}"
    return f"grows {size(round(daily))} a day{left}"
