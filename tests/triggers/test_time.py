"""The rules of time, one test or more for each of their numbers; rules 1 to 4 stand with the parser."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from horarium.errors import InvalidSchedule
from horarium.triggers import CronTrigger, DateTrigger, IntervalTrigger, next_times


def _walls(expression: str, zone: str, after: datetime, n: int = 3) -> list[str]:
    return [f"{due:%d %H:%M}" for due in next_times(expression, tz=zone, after=after, n=n)]


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def test_time_05_macros_are_the_fields_they_stand_for() -> None:
    after = _utc(2026, 11, 24, 10, 30)
    for macro, fields in [("@hourly", "0 * * * *"), ("@weekly", "0 0 * * 0"), ("@annually", "0 0 1 1 *")]:
        assert next_times(macro, after=after) == next_times(fields, after=after)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe"])
@pytest.mark.parametrize("fields", ["30 2 * * *", "*/15 * * * *", "0 0 * * 1"])
def test_time_06_second_zero_is_the_five_field_form(zone: str, fields: str) -> None:
    after = _utc(2027, 3, 27)
    assert next_times(f"0 {fields}", tz=zone, after=after, n=300) == next_times(fields, tz=zone, after=after, n=300)


def test_time_07_special_days_join_lists_and_the_or_rule() -> None:
    assert _walls("0 0 LW,10 * 5#2", "UTC", _utc(2026, 10, 1), 4) == ["09 00:00", "10 00:00", "30 00:00", "10 00:00"]


def test_time_09_a_fixed_time_job_in_the_gap_runs_once_at_its_end() -> None:
    assert _walls("30 2 * * *", "Europe/Berlin", _utc(2027, 3, 27, 12)) == ["28 03:00", "29 02:30", "30 02:30"]
    assert _walls("10-50/10 2 * * *", "Europe/Berlin", _utc(2027, 3, 27, 12), 2) == ["28 03:00", "29 02:10"]


def test_time_09_a_wildcard_job_follows_the_clock_through_the_gap() -> None:
    assert _walls("*/30 * * * *", "Europe/Berlin", _utc(2027, 3, 28, 0, 29)) == ["28 01:30", "28 03:00", "28 03:30"]


def test_time_10_a_fixed_time_job_in_the_overlap_runs_in_the_first_pass_only() -> None:
    first = next_times("30 2 * * *", tz="Europe/Berlin", after=_utc(2027, 10, 30, 12), n=2)
    assert [due.fold for due in first] == [0, 0]
    assert [due.astimezone(UTC) for due in first] == [_utc(2027, 10, 31, 0, 30), _utc(2027, 11, 1, 1, 30)]


def test_time_10_a_wildcard_job_in_the_overlap_runs_in_both_passes() -> None:
    found = next_times("30 * * * *", tz="Europe/Berlin", after=_utc(2027, 10, 31), n=2)
    assert [(due.hour, due.fold) for due in found] == [(2, 0), (2, 1)]


@pytest.mark.parametrize("minutes", range(0, 180, 7))
def test_time_10_the_instant_from_which_one_asks_changes_nothing(minutes: int) -> None:
    after = _utc(2027, 10, 31) + timedelta(minutes=minutes)
    due = CronTrigger("30 2 * * *", "Europe/Berlin").next_after(after)
    assert due == (_utc(2027, 10, 31, 0, 30) if minutes < 30 else _utc(2027, 11, 1, 1, 30))


def test_time_10_asking_from_inside_the_fold() -> None:
    zone = ZoneInfo("Europe/Berlin")
    trigger = CronTrigger("45 2 * * *", "Europe/Berlin")
    first, second = (datetime(2027, 10, 31, 2, 15, tzinfo=zone, fold=fold) for fold in (0, 1))
    assert trigger.next_after(first) == _utc(2027, 10, 31, 0, 45)
    assert trigger.next_after(second) == _utc(2027, 11, 1, 1, 45)


@pytest.mark.parametrize(
    ("zone", "after", "expression", "wall"),
    [
        ("Australia/Lord_Howe", _utc(2027, 10, 2, 12), "15 2 * * *", "03 02:30"),
        ("Antarctica/Troll", _utc(2027, 3, 27, 12), "30 1 * * *", "28 03:00"),
        ("Asia/Kathmandu", _utc(1985, 12, 31), "10 0 * * *", "01 00:15"),
        ("Asia/Pyongyang", _utc(2018, 5, 4, 12), "45 23 * * *", "05 00:00"),
        ("America/St_Johns", _utc(2010, 3, 13, 12), "30 0 * * *", "14 01:01"),
    ],
)
def test_time_11_changes_of_every_size_and_hour(zone: str, after: datetime, expression: str, wall: str) -> None:
    assert _walls(expression, zone, after, 1) == [wall]


def test_time_11_more_than_three_hours_are_a_correction() -> None:
    assert _walls("0 12 * * *", "Pacific/Apia", _utc(2011, 12, 28, 12)) == ["28 12:00", "29 12:00", "31 12:00"]
    assert _walls("0 12 30 12 *", "Pacific/Apia", _utc(2011, 12, 1), 1) == ["30 12:00"]
    assert next_times("0 12 30 12 *", tz="Pacific/Apia", after=_utc(2011, 12, 1), n=1)[0].year == 2012


def test_time_12_the_skipped_date_counts() -> None:
    sunday = next_times("30 0 * * 0", tz="America/Santiago", after=_utc(2027, 9, 4, 12), n=1)
    assert sunday[0].isoformat() == "2027-09-05T01:00:00-03:00"
    day = next_times("45 23 4 5 *", tz="Asia/Pyongyang", after=_utc(2018, 5, 4), n=1)
    assert day[0].isoformat() == "2018-05-05T00:00:00+09:00"


def test_time_13_an_interval_stays_on_its_grid_through_summer_time() -> None:
    trigger = IntervalTrigger(timedelta(hours=24), datetime(2027, 3, 27, 9, tzinfo=ZoneInfo("Europe/Berlin")))
    assert trigger.next_after(_utc(2027, 3, 27, 8)) == _utc(2027, 3, 28, 8)
    late = trigger.next_after(_utc(2027, 3, 28, 8, 0, 17))
    assert late == _utc(2027, 3, 29, 8)


def test_time_14_a_date_fires_once() -> None:
    trigger = DateTrigger(_utc(2027, 1, 1))
    assert trigger.next_after(_utc(2026, 12, 31)) == _utc(2027, 1, 1)
    assert trigger.next_after(_utc(2027, 1, 1)) is None


def test_far_dates_are_found_and_none_is_later_than_9999() -> None:
    assert next_times("0 0 29 2 *", after=_utc(2096, 3, 1), n=1) == [_utc(2104, 2, 29)]
    assert next_times("0 0 * 2 6#5", after=_utc(2048, 3, 1), n=1) == [_utc(2076, 2, 29)]
    assert next_times("59 23 31 12 *", after=_utc(9999, 12, 31, 23, 59), n=1) == []
    for zone in ("Pacific/Kiritimati", "America/Los_Angeles"):
        assert next_times("0 * * * *", tz=zone, after=datetime.max.replace(tzinfo=UTC), n=1) == []
        assert len(next_times("0 0 * * *", tz=zone, after=datetime.min.replace(tzinfo=UTC), n=2)) == 2


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Apia", "Africa/Casablanca", "UTC"])
def test_a_rare_date_far_away_costs_milliseconds(zone: str) -> None:
    trigger = CronTrigger("0 2 * 2 6#5", zone)
    found = [_utc(1800, 1, 1)]
    for _ in range(20):
        due = trigger.next_after(found[-1])
        assert due is not None
        found.append(due)
    assert found[-1].year > 2300
    assert all(earlier < later for earlier, later in pairwise(found))


@pytest.mark.parametrize(
    "wrong",
    [
        {"after": datetime(2027, 1, 1)},  # noqa: DTZ001 - refusing it is the point
        {"after": "2027-01-01"},
        {"n": -1},
        {"n": 2.5},
        {"n": True},
        {"n": "5"},
        {"tz": None},
        {"tz": 5},
        {"tz": "Nowhere"},
    ],
)
def test_next_times_refuses_what_it_cannot_mean(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidSchedule):
        next_times("* * * * *", **wrong)  # type: ignore[arg-type]


def test_next_times_begin_now_when_nothing_is_said() -> None:
    found = next_times("* * * * *")
    assert len(found) == 5
    assert found[0].second == found[0].microsecond == 0
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=1)}
    assert next_times("* * * * *", n=0) == []


def test_the_asking_zone_does_not_matter() -> None:
    instant = _utc(2027, 10, 31, 0, 40)
    zones = [ZoneInfo(name) for name in ("Asia/Tokyo", "Europe/Berlin", "America/New_York")]
    answers = {CronTrigger("*/7 * * * *", "Europe/Berlin").next_after(instant.astimezone(zone)) for zone in zones}
    assert answers == {_utc(2027, 10, 31, 0, 42)}


def test_a_trigger_is_small() -> None:
    trigger = CronTrigger("0 6 * * 1-5", "Europe/Berlin")
    assert not hasattr(trigger, "__dict__")
    assert sys.getsizeof(trigger) < 100
