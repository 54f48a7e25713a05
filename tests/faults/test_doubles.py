"""Several processes on one store: each occurrence runs once, whoever takes it."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.place import Place
from tests.faults.witness import START


def share(place: Place, processes: int, occurrences: int, tasks: int) -> None:
    """Let processes that all declare the same tasks work side by side until so many occurrences have run."""
    # All are due at one instant, many times more than one process has slots: the others have to take part.
    work = [place.task(f"task {n}", seconds=0.05, overlap="queue", overlap_limit=100) for n in range(tasks)]
    plan = {"tasks": work, "slots": 8}
    drivers = [place.launch(**plan) for _ in range(processes)]
    for driver in drivers:
        driver.await_line("ready")
    place.await_marks(occurrences, within=60 + 3 * occurrences / tasks)
    history = place.judge()
    assert len(history.ledger) >= occurrences
    assert {row["reason"] for row in history.ledger} == {None}
    # A run that was waiting at the end has no attempt yet.
    assert {row["attempt"] for row in history.runs} <= {0, 1}
    shares = Counter(mark.pid for mark in history.marks if mark.what == START)
    # How the work is shared is nobody's promise; that all of them took part shows that there was a race.
    assert len(shares) == processes, shares


@pytest.mark.long
def test_rp1_two_processes_on_one_postgresql_double_nothing(postgres_place: Place) -> None:
    share(postgres_place, 2, occurrences=2_000, tasks=150)


def test_rp1_four_processes_on_one_file_double_nothing(sqlite_place: Place) -> None:
    share(sqlite_place, 4, occurrences=2_000, tasks=150)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_rp1_two_processes_on_one_postgresql_double_nothing_in_ten_thousand(postgres_place: Place) -> None:
    share(postgres_place, 2, occurrences=10_000, tasks=200)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_rp1_four_processes_on_one_file_double_nothing_in_ten_thousand(sqlite_place: Place) -> None:
    share(sqlite_place, 4, occurrences=10_000, tasks=200)
