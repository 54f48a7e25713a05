"""The clerk of a server: figures every few minutes, summaries when they are due, and a stop that does not wait."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from horarium.clock import to_micros
from horarium.errors import StoreUnavailable
from horarium.reports.sending import Summaries
from horarium.server.clerk import COUNT_EVERY, Clerk
from horarium.store.books.figures import RUNS, FiguresBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.reports.model import Model
from tests.support.people import START, SetClock


def counted(store: Store) -> int:
    with store.reading() as tx:
        return FiguresBook(tx).mark(RUNS)


def test_figures_are_kept_every_few_minutes_also_after_the_clock_was_set_back(data_folder: Path) -> None:
    store, clock = open_store(data_folder / "horarium.db"), SetClock()
    model, clerk = Model(store), Clerk(store, clock, None)
    first = model.add(1, to_micros(START) - 5, "succeeded")
    clerk.step()
    assert counted(store) == first
    second = model.add(1, to_micros(START) - 4, "succeeded")
    clerk.step()
    assert counted(store) == first
    clock.move(COUNT_EVERY)
    clerk.step()
    assert counted(store) == second
    third = model.add(1, to_micros(START) - 10**12, "failed")
    clock.move(-timedelta(days=3))
    clerk.step()
    # Made "later" than now: it waits until the clock says so.
    clock.move(timedelta(days=3))
    clerk.step()
    assert counted(store) == third
    store.close()


def test_a_fault_of_the_store_does_not_end_it_and_it_stops_at_once(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store, clock = open_store(data_folder / "horarium.db"), SetClock()
    clerk = Clerk(store, clock, Summaries(store, clock))

    def gone(_self: Summaries) -> int:
        raise StoreUnavailable("the disk is away")

    with monkeypatch.context() as patch:
        patch.setattr(Summaries, "step", gone)
        clerk._try(clerk.step)
    assert "the disk is away" in caplog.text
    clerk.start()
    clerk.stop()
    assert clerk._thread is None
    store.close()
