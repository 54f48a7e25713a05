"""Occurrences that nobody was there for: each has its outcome, by the task's policy."""

from __future__ import annotations

from datetime import timedelta

import pytest

from horarium.records.policies import Misfire, Overlap, Policies
from horarium.scheduling.decisions import SPAN_FROM
from horarium.states import MisfirePolicy, OverlapPolicy, Reason, RunState, TriggeredBy
from horarium.testing import ManualScheduler
from horarium.triggers import DateTrigger, IntervalTrigger

HOUR = timedelta(hours=1)


def policy(kind: MisfirePolicy, **rest: float) -> Policies:
    return Policies(misfire=Misfire(kind, **rest))  # type: ignore[arg-type]


def test_the_usual_policy_runs_the_latest_missed_one_and_records_the_others(world: ManualScheduler) -> None:
    start = world.clock.now()
    world.add("every ten", "5-55/10 * * * *")
    world.sleep_through(HOUR)
    assert world.run_due() == 1
    (run,) = world.runs("every ten")
    assert run.triggered_by is TriggeredBy.CATCH_UP
    assert run.planned_at == start + timedelta(minutes=55)
    assert world.totals("every ten", start, world.clock.now()) == {"runs": 1, "missed": 5}


def test_the_latest_missed_one_is_left_out_when_a_newer_one_is_on_time(world: ManualScheduler) -> None:
    start = world.clock.now()
    world.add("hourly", "0 * * * *")
    world.sleep_through(3 * HOUR + timedelta(seconds=30))
    world.run_due()
    assert [(run.planned_at, run.triggered_by) for run in world.runs("hourly")] == [
        (start + 3 * HOUR, TriggeredBy.SCHEDULE)
    ]
    assert world.totals("hourly", start + HOUR, world.clock.now()) == {"runs": 1, "missed": 2}


def test_skip_leaves_all_missed_ones_out(small: ManualScheduler) -> None:
    start = small.clock.now()
    small.add("t", "5-55/10 * * * *", policies=policy(MisfirePolicy.SKIP))
    small.sleep_through(HOUR)
    assert small.run_due() == 0
    assert small.totals("t", start, small.clock.now()) == {"missed": 6}


def test_all_runs_each_missed_one_in_order_one_after_the_other(world: ManualScheduler) -> None:
    start = world.clock.now()
    world.add("t", "5-55/10 * * * *", policies=policy(MisfirePolicy.ALL))
    world.sleep_through(HOUR)
    assert world.run_due() == 6
    runs = world.runs("t")
    assert [run.planned_at for run in runs] == [start + timedelta(minutes=5 + 10 * i) for i in range(6)]
    assert {run.triggered_by for run in runs} == {TriggeredBy.CATCH_UP}


def test_all_reaches_back_no_further_than_its_window_and_takes_no_more_than_its_cap(small: ManualScheduler) -> None:
    start = small.clock.now()
    small.add("window", "* * * * *", policies=policy(MisfirePolicy.ALL, window_seconds=600))
    small.add("cap", "* * * * *", policies=policy(MisfirePolicy.ALL, cap=5))
    small.sleep_through(timedelta(minutes=30, seconds=30))
    small.run_due()
    window = small.totals("window", start, small.clock.now())
    assert window == {"runs": 10, "window": 20}
    assert small.totals("cap", start, small.clock.now()) == {"runs": 6, "cap": 24}


def test_what_is_on_time_is_not_pushed_out_by_its_own_catch_up(small: ManualScheduler) -> None:
    start = small.clock.now()
    small.add("t", "*/10 * * * *", policies=policy(MisfirePolicy.ALL))
    small.sleep_through(HOUR + timedelta(seconds=5))
    small.run_due()
    assert small.totals("t", start + timedelta(seconds=1), small.clock.now()) == {"runs": 6}


def test_a_long_outage_is_kept_as_stretches_and_counted_to_the_instant(small: ManualScheduler) -> None:
    start = small.clock.now()
    small.add("second", IntervalTrigger(timedelta(seconds=1), start + timedelta(seconds=1)))
    small.sleep_through(timedelta(hours=8))
    assert small.run_due() >= 1
    rows = small.ledger("second")
    assert len(rows) < 100
    assert sum(row.count for row in rows) == 8 * 3600
    assert max(row.count for row in rows) > SPAN_FROM


def test_a_stretch_that_is_looked_at_in_parts_makes_up_only_its_very_last_instant(small: ManualScheduler) -> None:
    start = small.clock.now()
    small.add("odd", IntervalTrigger(timedelta(seconds=7), start + timedelta(seconds=7)))
    small.sleep_through(timedelta(hours=30, seconds=65))
    small.run_due()
    made_up = [run for run in small.runs("odd") if run.triggered_by is TriggeredBy.CATCH_UP]
    assert len(made_up) <= 1
    totals = small.totals("odd", start, small.clock.now())
    assert sum(totals.values()) == (30 * 3600 + 65) // 7


def test_time_14_a_date_that_was_missed_runs_late_and_once(world: ManualScheduler) -> None:
    world.add("once", DateTrigger(world.clock.now() + timedelta(minutes=1)))
    world.sleep_through(HOUR)
    assert world.run_due() == 1
    world.sleep_through(HOUR)
    assert world.run_due() == 0
    assert world.desk.find("once").next_at is None


def test_late_by_a_second_is_not_dropped(small: ManualScheduler) -> None:
    small.add("once", DateTrigger(small.clock.now() + timedelta(seconds=1)), policies=policy(MisfirePolicy.SKIP))
    small.sleep_through(timedelta(seconds=10))
    assert small.run_due() == 1


@pytest.mark.parametrize("kind", list(MisfirePolicy))
def test_nothing_runs_twice_however_often_one_looks(small: ManualScheduler, kind: MisfirePolicy) -> None:
    small.add("t", "*/5 * * * *", policies=policy(kind))
    small.sleep_through(HOUR)
    small.run_due()
    count = len(small.runs("t"))
    assert [small.run_due() for _ in range(3)] == [0, 0, 0]
    assert len(small.runs("t")) == count


def test_rp17_a_clock_set_back_runs_nothing_twice_and_goes_on_when_the_instant_comes(small: ManualScheduler) -> None:
    start = small.clock.now()
    small.add("t", "* * * * *")
    small.advance(timedelta(minutes=5, seconds=1))
    small.clock.jump(-timedelta(minutes=3))
    assert small.run_due() == 0
    assert small.advance(timedelta(minutes=3, seconds=30)) == 0
    assert small.advance(timedelta(minutes=1)) == 1
    planned = [run.planned_at for run in small.runs("t")]
    assert planned == [start + timedelta(minutes=i) for i in range(1, 7)]


def test_rp17_a_clock_set_forward_counts_as_missed(small: ManualScheduler) -> None:
    start = small.clock.now()
    small.add("t", "5-55/10 * * * *")
    small.clock.jump(HOUR)
    small.run_due()
    assert small.totals("t", start, small.clock.now()) == {"runs": 1, "missed": 5}
    assert [run.state for run in small.runs("t")] == [RunState.SUCCEEDED]


def test_made_up_runs_keep_to_the_number_side_by_side(small: ManualScheduler) -> None:
    side = Policies(misfire=Misfire(MisfirePolicy.ALL), overlap=Overlap(OverlapPolicy.ALLOW, 2))
    small.add("t", "*/10 * * * *", policies=side)
    small.launcher.holds = True
    small.sleep_through(HOUR)
    small.run_due()
    assert len(small.launcher.under_way) == 2


def test_the_ledger_says_why(small: ManualScheduler) -> None:
    small.add("t", "*/10 * * * *")
    small.sleep_through(timedelta(minutes=31))
    small.run_due()
    reasons = [row.reason for row in small.ledger("t")]
    assert reasons[:2] == [Reason.MISSED, Reason.MISSED]
