"""Intervals, dates, calendar days, calendars, and triggers made of triggers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horarium.errors import InvalidSchedule
from horarium.triggers import (
    AllOf,
    AnyOf,
    Blackout,
    Bounded,
    Calendar,
    CronTrigger,
    DailyTrigger,
    DateRange,
    DateTrigger,
    ExceptCalendar,
    IntervalTrigger,
    Trigger,
    WeeklyRule,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@given(seconds=st.integers(1, 10**7), micros=st.integers(-(10**15), 10**15))
def test_an_interval_gives_the_first_point_of_its_grid_after_the_instant(seconds: int, micros: int) -> None:
    instant = NOON + timedelta(microseconds=micros)
    due = IntervalTrigger(seconds, NOON).next_after(instant)
    assert due is not None
    assert due > instant
    assert (due - NOON) % timedelta(seconds=seconds) == timedelta(0)
    assert due == NOON or due - instant <= timedelta(seconds=seconds)
    assert due >= NOON


@pytest.mark.parametrize("every", [0, -1, timedelta(0), timedelta(seconds=-5), float("nan"), float("inf"), True, "60"])
def test_an_interval_that_is_no_time_is_refused(every: float) -> None:
    with pytest.raises(InvalidSchedule, match="interval"):
        IntervalTrigger(every, NOON)


@pytest.mark.parametrize(
    "make",
    [partial(IntervalTrigger, 60), DateTrigger, partial(Bounded, DateTrigger(NOON))],
    ids=["interval", "date", "bound"],
)
def test_an_instant_without_a_zone_is_refused(make: Callable[[datetime], Trigger]) -> None:
    with pytest.raises(InvalidSchedule, match="time zone"):
        make(datetime(2026, 1, 1))  # noqa: DTZ001 - refusing it is the point


def test_an_interval_ends_with_the_calendar() -> None:
    assert IntervalTrigger(timedelta(days=400), NOON).next_after(datetime.max.replace(tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("every", "words"),
    [
        (1, "Every second"),
        (90, "Every 90 seconds"),
        (60, "Every minute"),
        (7200, "Every 2 hours"),
        (86_400, "Every day"),
        (0.5, "Every 0.5 seconds"),
    ],
)
def test_an_interval_in_words(every: float, words: str) -> None:
    assert IntervalTrigger(every, NOON).description == words


def test_a_date_in_words() -> None:
    assert DateTrigger(NOON).description == "Once on Tue 24 Nov 2026 at 12:00 UTC"
    assert DateTrigger(NOON + timedelta(seconds=5)).description == "Once on Tue 24 Nov 2026 at 12:00:05 UTC"


def test_calendar_days_keep_the_wall_time_and_the_count() -> None:
    trigger = DailyTrigger(2, time(9), "Europe/Berlin", date(2027, 3, 25))
    due = trigger.next_after(datetime(2027, 3, 1, tzinfo=UTC))
    found: list[str] = []
    while due is not None and len(found) < 4:
        found.append(due.astimezone(ZoneInfo("Europe/Berlin")).isoformat(timespec="hours"))
        due = trigger.next_after(due)
    assert found == ["2027-03-25T09+01:00", "2027-03-27T09+01:00", "2027-03-29T09+02:00", "2027-03-31T09+02:00"]
    assert trigger.description == "Every 2 days at 09:00 (Europe/Berlin)"


def test_calendar_days_go_through_gap_and_overlap_like_a_fixed_time_job() -> None:
    trigger = DailyTrigger(1, time(2, 30), "Europe/Berlin", date(2027, 1, 1))
    assert trigger.next_after(datetime(2027, 3, 27, 12, tzinfo=UTC)) == datetime(2027, 3, 28, 1, tzinfo=UTC)
    assert trigger.next_after(datetime(2027, 10, 31, 0, 30, tzinfo=UTC)) == datetime(2027, 11, 1, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "at", "tz"),
    [
        (0, time(9), "UTC"),
        (367, time(9), "UTC"),
        (1, time(9, tzinfo=UTC), "UTC"),
        (1, time(9, 0, 0, 1), "UTC"),
        (1, time(9), "Nowhere"),
    ],
)
def test_calendar_days_refuse_what_they_cannot_count(days: int, at: time, tz: str) -> None:
    with pytest.raises(InvalidSchedule):
        DailyTrigger(days, at, tz, date(2027, 1, 1))


def test_any_gives_the_earliest_and_two_at_once_are_one() -> None:
    trigger = AnyOf((CronTrigger("0 * * * *"), CronTrigger("*/30 * * * *"), DateTrigger(NOON + HOUR / 4)))
    found = [NOON]
    for _ in range(4):
        due = trigger.next_after(found[-1])
        assert due is not None
        found.append(due)
    assert [due - NOON for due in found[1:]] == [HOUR / 4, HOUR / 2, HOUR, 1.5 * HOUR]
    assert AnyOf((DateTrigger(NOON),)).next_after(NOON) is None


def test_all_gives_the_instants_they_share() -> None:
    trigger = AllOf((CronTrigger("*/6 * * * *"), CronTrigger("*/15 * * * *")))
    assert trigger.next_after(NOON) == NOON + HOUR / 2
    assert AllOf((CronTrigger("0 * * * *"), DateTrigger(NOON + HOUR))).next_after(NOON + HOUR) is None


def test_all_of_what_never_meets_gives_up() -> None:
    assert AllOf((CronTrigger("*/2 * * * *"), CronTrigger("1-59/2 * * * *"))).next_after(NOON) is None


def test_a_group_of_none_is_refused() -> None:
    for kind in (AnyOf, AllOf):
        with pytest.raises(InvalidSchedule, match="at least one"):
            kind(())


def test_bounds_hold_on_both_sides() -> None:
    trigger = Bounded(CronTrigger("0 * * * *"), NOON, NOON + 2 * HOUR)
    assert trigger.next_after(NOON - 50 * HOUR) == NOON
    assert trigger.next_after(NOON + HOUR) == NOON + 2 * HOUR
    assert trigger.next_after(NOON + 2 * HOUR) is None
    assert trigger.description == "Every hour, from 2026-11-24 12:00 UTC, until 2026-11-24 14:00 UTC"
    with pytest.raises(InvalidSchedule, match="before the start"):
        Bounded(DateTrigger(NOON), NOON, NOON - HOUR)


HOLIDAYS = Calendar(
    "holidays",
    "Europe/Berlin",
    weekly=(WeeklyRule(frozenset({0, 6})), WeeklyRule(frozenset({5}), time(22), time(6))),
    dates=frozenset({date(2026, 12, 25)}),
    ranges=(DateRange(date(2026, 12, 28), date(2027, 1, 1)),),
    blackouts=(Blackout(NOON, NOON + HOUR),),
)


@pytest.mark.parametrize(
    ("wall", "covered"),
    [
        ("2026-11-24T12:59", False),
        ("2026-11-24T13:00", True),
        ("2026-11-24T14:00", False),
        ("2026-11-27T21:59", False),
        ("2026-11-27T22:00", True),
        ("2026-11-28T00:00", True),
        ("2026-11-29T23:59", True),
        ("2026-11-30T00:00", False),
        ("2026-12-25T00:00", True),
        ("2026-12-24T23:59", False),
        ("2027-01-01T23:59", True),
        ("2027-01-04T00:00", False),
    ],
)
def test_a_calendar_covers_its_days_and_hours(wall: str, covered: bool) -> None:
    local = datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    assert HOLIDAYS.covers(local.astimezone(UTC)) is covered


def test_quiet_hours_over_midnight_end_in_the_morning() -> None:
    quiet = Calendar("quiet", "UTC", weekly=(WeeklyRule(frozenset({1}), time(22), time(6)),))
    assert quiet.covers(datetime(2026, 11, 24, 5, 59, tzinfo=UTC))
    assert not quiet.covers(datetime(2026, 11, 24, 6, tzinfo=UTC))
    assert not quiet.covers(datetime(2026, 11, 23, 5, tzinfo=UTC))
    assert quiet.free_from(datetime(2026, 11, 23, 23, tzinfo=UTC)) == datetime(2026, 11, 24, 6, tzinfo=UTC)


def test_except_calendar_jumps_over_the_rest() -> None:
    trigger = ExceptCalendar(IntervalTrigger(1, NOON), HOLIDAYS)
    assert trigger.next_after(NOON) == NOON + HOUR
    new_year = datetime(2026, 12, 28, 3, tzinfo=UTC)
    assert trigger.next_after(new_year) == datetime(2027, 1, 3, 23, tzinfo=UTC)
    assert trigger.description == "Every second, except holidays"


def test_a_rest_of_many_years_is_jumped_over() -> None:
    rest = Calendar("pause", "Asia/Tokyo", ranges=(DateRange(date(2026, 1, 1), date(2065, 12, 31)),))
    assert rest.free_from(NOON) == datetime(2065, 12, 31, 15, tzinfo=UTC)
    assert ExceptCalendar(CronTrigger("0 0 * * *"), rest).next_after(NOON) == datetime(2066, 1, 1, tzinfo=UTC)


def test_a_calendar_that_never_ends_gives_nothing() -> None:
    always = Calendar("always", weekly=(WeeklyRule(frozenset(range(7))),))
    assert ExceptCalendar(CronTrigger("0 * * * *"), always).next_after(NOON) is None


@pytest.mark.parametrize("zone", ["America/Santiago", "America/Havana", "America/St_Johns", "Pacific/Apia"])
def test_free_from_is_never_covered_at_changes_of_midnight(zone: str) -> None:
    local = ZoneInfo(zone)
    for year in (2010, 2011, 2027):
        calendar = Calendar(
            "odd days", zone, dates=frozenset(date(year, 1, 1) + timedelta(days=n) for n in range(0, 365, 2))
        )
        for day in range(365):
            moment = datetime(year, 1, 1, 12, tzinfo=local).astimezone(UTC) + timedelta(days=day)
            free = calendar.free_from(moment)
            assert free is not None
            assert not calendar.covers(free)
            assert free - moment < timedelta(days=2)


def test_calendars_refuse_what_means_nothing() -> None:
    with pytest.raises(InvalidSchedule, match="weekdays"):
        WeeklyRule(frozenset({7}))
    with pytest.raises(InvalidSchedule, match="range"):
        DateRange(date(2027, 1, 2), date(2027, 1, 1))
    with pytest.raises(InvalidSchedule, match="blackout"):
        Blackout(NOON, NOON)
    with pytest.raises(InvalidSchedule, match="time zone"):
        Calendar("nowhere", "Nowhere")
