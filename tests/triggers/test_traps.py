"""What other schedulers get wrong about time, line by line."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from datetime import time as wall
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from horarium.errors import InvalidSchedule
from horarium.triggers import CronTrigger, DailyTrigger, IntervalTrigger, next_times


def _times(expression: str, zone: str, after: str, n: int) -> list[str]:
    found = next_times(expression, tz=zone, after=datetime.fromisoformat(after), n=n)
    return [due.isoformat(timespec="minutes") for due in found]


@pytest.mark.parametrize("weekday", ["0", "7", "sun", "SUN"])
def test_trap_weekday_numbers(weekday: str) -> None:
    assert next_times(f"0 4 * * {weekday}", n=1)[0].strftime("%A") == "Sunday"


def test_trap_day_of_month_with_weekday_means_either() -> None:
    found = next_times("0 0 13 * 5", after=datetime(2026, 11, 1, tzinfo=UTC), n=40)
    assert all(due.day == 13 or due.weekday() == 4 for due in found)
    assert any(due.day == 13 and due.weekday() != 4 for due in found)
    assert any(due.day != 13 for due in found)


def test_trap_gap_fixed_time() -> None:
    assert _times("30 2 * * *", "America/New_York", "2026-03-08T00:00-05:00", 1) == ["2026-03-08T03:00-04:00"]


def test_trap_gap_many_a_day() -> None:
    found = next_times("*/20 * * * *", tz="America/New_York", after=datetime(2026, 3, 8, 5, tzinfo=UTC), n=20)
    assert {later - earlier for earlier, later in pairwise(due.astimezone(UTC) for due in found)} == {
        timedelta(minutes=20)
    }


def test_trap_overlap_fixed_time() -> None:
    found = _times("30 1 * * *", "America/New_York", "2026-11-01T00:00-04:00", 2)
    assert found == ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]


def test_trap_overlap_many_a_day() -> None:
    found = next_times("0 * * * *", tz="America/New_York", after=datetime(2026, 11, 1, 3, tzinfo=UTC), n=6)
    assert {later - earlier for earlier, later in pairwise(due.astimezone(UTC) for due in found)} == {
        timedelta(hours=1)
    }


def test_trap_half_hour_changes() -> None:
    found = _times("*/30 * * * *", "Australia/Lord_Howe", "2027-10-03T01:00+10:30", 3)
    assert found == ["2027-10-03T01:30+10:30", "2027-10-03T02:30+11:00", "2027-10-03T03:00+11:00"]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca"])
@pytest.mark.parametrize("expression", ["0 * * * *", "30 0 * * *", "*/7 * * * *"])
def test_trap_the_change_never_stops_the_loop(zone: str, expression: str) -> None:
    found = next_times(expression, tz=zone, after=datetime(2027, 1, 1, tzinfo=UTC), n=800)
    instants = [due.astimezone(UTC) for due in found]
    assert all(timedelta(0) < later - earlier <= timedelta(hours=26) for earlier, later in pairwise(instants))


def test_trap_interval_of_days_in_both_meanings() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime(2027, 3, 27, 9, tzinfo=berlin)
    elapsed = IntervalTrigger(timedelta(days=1), start).next_after(start)
    calendar = DailyTrigger(1, wall(9), "Europe/Berlin", start.date()).next_after(start)
    assert elapsed is not None
    assert calendar is not None
    assert elapsed.astimezone(berlin).hour == 10
    assert calendar.astimezone(berlin).hour == 9


def test_trap_impossible_date_is_refused_quickly() -> None:
    begin = time.perf_counter()
    with pytest.raises(InvalidSchedule, match="never comes"):
        CronTrigger("0 0 31 2 *")
    assert time.perf_counter() - begin < 0.05
    assert _times("0 0 29 2 *", "UTC", "2096-02-29T00:00+00:00", 1) == ["2104-02-29T00:00+00:00"]


def test_trap_clock_far_forward_costs_one_step() -> None:
    trigger = IntervalTrigger(1, datetime(2026, 1, 1, tzinfo=UTC))
    begin = time.perf_counter()
    assert trigger.next_after(datetime(9000, 1, 1, 0, 0, 0, 1, tzinfo=UTC)) == datetime(9000, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert time.perf_counter() - begin < 0.01


def test_trap_never_early_with_parts_of_a_second() -> None:
    due = CronTrigger("* * * * *").next_after(datetime(2026, 11, 24, 10, 0, 59, 999_999, tzinfo=UTC))
    assert due == datetime(2026, 11, 24, 10, 1, tzinfo=UTC)


def test_trap_intervals_do_not_drift() -> None:
    trigger = IntervalTrigger(10, datetime(2026, 1, 1, tzinfo=UTC))
    due = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(100):
        late = due + timedelta(seconds=3.7)
        following = trigger.next_after(late)
        assert following == due + timedelta(seconds=10)
        due = following
