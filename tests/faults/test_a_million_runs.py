"""A million runs: rolled up they equal a recount, and a summary of them is made in good time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from horarium.clock import to_micros
from horarium.records.figures import DAY
from horarium.records.reach import EVERYTHING
from horarium.reports.daily import Bookkeeper
from horarium.reports.drawing import Letter, draw
from horarium.reports.gathering import Reader, gather
from horarium.reports.paper import draw_paper
from horarium.reports.periods import Period, Span, latest
from horarium.reports.weekly import Summary
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.reports.model import Model
from tests.store.work import add_task
from tests.support.people import START, SetClock

RUNS = 1_000_000
DAYS = 28
TASKS = 200
_STATES = {3: "failed", 11: "timed_out", 17: "interrupted", 23: "cancelled"}
_AT_ONCE = 50_000


def made(store: Store, reader: Reader, period: Period) -> tuple[Summary, Letter, float]:
    """Make a summary as it is mailed; return it, its letter, and the seconds that took."""
    begun = time.perf_counter()
    with store.reading() as tx:
        summary = gather(tx, reader, period, START)
    letter = draw(summary, base_url="https://horarium.test")
    return summary, letter, time.perf_counter() - begun


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("where", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_rp26_a_million_runs_equal_a_recount_and_are_summed_up_in_two_seconds(
    request: pytest.FixtureRequest, tmp_path: Path, where: str
) -> None:
    store = open_store(request.getfixturevalue("postgres_url") if where == "postgres" else tmp_path / "horarium.db")
    clock, model = SetClock(), Model(store)
    tasks = [add_task(store, f"task {number}", tags=(f"tag {number % 9}",)) for number in range(TASKS)]
    first = to_micros(START) - DAYS * DAY
    step = DAYS * DAY // RUNS
    for begin in range(0, RUNS, _AT_ONCE):
        model.add_many(
            (
                tasks[place % TASKS],
                first + place * step,
                _STATES.get(place % 500, "succeeded"),
                2 if place % 101 == 50 else 1,
                10_000 + place % 7919,
                20_000 + place % 104_729 * 40,
            )
            for place in range(begin, begin + _AT_ONCE)
        )
    found = Bookkeeper(store, clock).run()
    assert found.runs == RUNS
    period = latest(Span.WEEKLY, START, "Europe/Berlin")
    edges = to_micros(period.start), to_micros(period.end)
    assert model.figures(*edges) == model.recount(*edges)
    assert model.figures(first, to_micros(START)) == model.recount(first, to_micros(START))
    reader = Reader(reach=EVERYTHING, is_admin=True, backups=tmp_path)
    # The first one also reads the tables into memory.
    summary, letter, _ = made(store, reader, period)
    taken = [made(store, reader, period)[2] for _ in range(5)]
    assert min(taken) <= 2, taken
    assert summary.now.ended == sum(edges[0] <= run.made_at < edges[1] for run in model.runs.values())
    assert len(letter.html) < 100_000
    assert draw_paper(summary).startswith(b"%PDF-")
    # What was deleted since changes nothing.
    assert model.delete_counted() == RUNS
    assert model.figures(*edges) == model.recount(*edges)
    store.close()
