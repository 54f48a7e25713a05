"""What a lane of the horarium shows of many runs."""

from __future__ import annotations

from datetime import UTC, date, timedelta

import pytest

from horarium.clock import to_micros
from horarium.web.charts.day import Day
from horarium.web.charts.lanes import MOST_MARKS, MOST_RAILS, Bunch, lane_of
from horarium.web.charts.parts import Outcome
from horarium.web.charts.strip import Lane, draw_lane

DAY = Day.of(date(2026, 5, 14), UTC)
START = to_micros(DAY.start)
MINUTE = 60_000_000


def bunch(minute: float, outcome: Outcome = "ok", task: int = 1, *, many: int = 1, to: float | None = None) -> Bunch:
    at, last = (START + round(each * MINUTE) for each in (minute, minute if to is None else to))
    return Bunch(task, outcome, many, at, last, last + MINUTE, 7)


def lane(*bunches: Bunch) -> Lane:
    return lane_of(bunches, DAY, lambda number: f"task {number}", lambda each: f"/runs/{each.run_id}")


def test_a_frequent_task_becomes_a_rail_and_its_failures_stay() -> None:
    often = [
        bunch(5 * n, "bad" if n == 40 else "retry" if n == 50 else "ok" if n < 170 else "plan") for n in range(288)
    ]
    shown = lane(*often, bunch(60, task=2))
    assert [(rail.task, rail.start) for rail in shown.rails] == [("task 1", DAY.start)]
    assert [(one.task, one.outcome) for one in shown.marks] == [
        ("task 2", "ok"),
        ("task 1", "bad"),
        ("task 1", "retry"),
    ]


def test_counted_runs_are_as_frequent_as_single_ones() -> None:
    assert lane(*(bunch(15 * n, many=15, to=15 * n + 14) for n in range(8))).rails
    assert not lane(*(bunch(60 * n, many=2, to=60 * n + 1) for n in range(24))).rails
    assert not lane(bunch(0, many=11, to=1)).rails


def test_a_long_silence_interrupts_a_rail() -> None:
    early = [bunch(n) for n in range(120)]
    late = [bunch(1200 + n) for n in range(120)]
    shown = lane(*early, *late)
    hours = [
        ((rail.start - DAY.start) / timedelta(hours=1), (rail.end - DAY.start) // timedelta(hours=1))
        for rail in shown.rails
    ]
    assert hours == [(0, 2), (20, 22)]


def test_very_many_rails_are_one_that_says_how_many() -> None:
    shown = lane(*(bunch(10 * n, task=task) for task in range(MOST_RAILS + 1) for n in range(140)))
    (rail,) = shown.rails
    assert rail.many == MOST_RAILS + 1
    assert f"and {MOST_RAILS} more, run often" in draw_lane(shown, DAY, DAY.end)


@pytest.mark.parametrize("count", [0, 1, 120, 121, 10_000])
def test_a_lane_never_shows_more_than_its_cap_and_loses_no_failure(count: int) -> None:
    marks = [bunch(n * 1440 / max(count, 1), "bad" if n % 17 == 0 else "ok", n) for n in range(count)]
    shown = lane(*marks)
    assert len(shown.marks) <= MOST_MARKS
    assert sum(one.many for one in shown.marks) == count
    assert len(draw_lane(shown, DAY, DAY.end)) < 80_000
    if count > MOST_MARKS:
        assert all(one.outcome == "bad" for one in shown.marks if one.many >= 17)


def test_what_lasted_is_as_long_as_it_lasted_and_leads_to_its_run() -> None:
    (mark,) = lane(Bunch(3, "run", 1, START + MINUTE, START + MINUTE, START + 31 * MINUTE, 9)).marks
    assert (mark.length, mark.href, mark.start) == (timedelta(minutes=30), "/runs/9", DAY.start + timedelta(minutes=1))
