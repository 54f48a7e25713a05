"""Trigger objects of APScheduler 3 keep their meaning; the judge is APScheduler itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from hypothesis import given, settings
from hypothesis import strategies as st

from horarium import InvalidSchedule, TaskScheduler
from horarium.library.triggers import trigger_from
from horarium.triggers import from_text, to_text

START = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
POSITIONS = ["1st", "2nd", "3rd", "4th", "5th", "last"]


def theirs(trigger: Any, after: datetime, count: int) -> list[datetime]:
    """Return the next instants as APScheduler finds them, strictly after an instant."""
    found: list[datetime] = []
    last = None
    while len(found) < count:
        last = trigger.get_next_fire_time(last, (last or after) + timedelta(microseconds=1))
        if last is None:
            break
        found.append(last.astimezone(UTC))
    return found


def ours(trigger: Any, after: datetime, count: int) -> list[datetime]:
    """Return the next instants as we find them, by way of the stored text."""
    translated = from_text(to_text(trigger_from(trigger, "UTC")))
    found: list[datetime] = []
    last: datetime | None = after
    while len(found) < count and last is not None:
        last = translated.next_after(last)
        if last is not None:
            found.append(last)
    return found


def items(low: int, high: int) -> st.SearchStrategy[str]:
    """Return what may stand in a field of numbers, as APScheduler writes it."""
    numbers = st.integers(low, high)
    ranges = st.tuples(numbers, numbers).map(sorted)
    return st.one_of(
        numbers.map(str),
        ranges.map(lambda pair: f"{pair[0]}-{pair[1]}"),
        st.tuples(ranges, st.integers(1, 5)).map(
            lambda both: (
                f"{both[0][0]}-{both[0][1]}/{min(both[1], both[0][1] - both[0][0]) or 1}"
                if both[0][1] > both[0][0]
                else str(both[0][0])
            )
        ),
        st.integers(1, (high - low) // 2).map(lambda step: f"*/{step}"),
        st.tuples(st.integers(low, (low + high) // 2), st.integers(1, 3)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    )


def lists(item: st.SearchStrategy[str], *, most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(item, min_size=1, max_size=most).map(",".join)


NAMED_DAYS = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(
    lambda pair: WEEKDAYS[pair[0]] if pair[0] >= pair[1] else f"{WEEKDAYS[pair[0]]}-{WEEKDAYS[pair[1]]}"
)
DAYS = st.one_of(
    items(1, 28),
    st.just("last"),
    st.tuples(st.sampled_from(POSITIONS), st.sampled_from(WEEKDAYS)).map(" ".join),
)
FIELDS = st.fixed_dictionaries(
    {"minute": lists(items(0, 59))},
    optional={
        "hour": lists(items(0, 23)),
        "day": lists(DAYS),
        "month": lists(items(1, 12)),
        "day_of_week": lists(items(0, 6) | NAMED_DAYS),
        "second": lists(items(0, 59), most=1),
    },
)


@settings(max_examples=150)
@given(fields=FIELDS, offset=st.integers(0, 4 * 365 * 24 * 60))
def test_a_cron_trigger_gives_the_instants_that_apscheduler_gives(fields: dict[str, str], offset: int) -> None:
    trigger = CronTrigger(**fields, timezone="UTC")
    after = START + timedelta(minutes=offset)
    assert ours(trigger, after, 4) == theirs(trigger, after, 4)


@settings(max_examples=30)
@given(fields=FIELDS, offset=st.integers(0, 20 * 24 * 60))
def test_the_same_holds_in_a_zone_away_from_changes_of_its_clock(fields: dict[str, str], offset: int) -> None:
    trigger = CronTrigger(
        **{**fields, "month": "6-8"}, timezone="Europe/Berlin", end_date=datetime(2026, 9, 1, tzinfo=UTC)
    )
    after = START + timedelta(minutes=offset)
    assert ours(trigger, after, 3) == theirs(trigger, after, 3)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"minute": 0, "hour": 4, "day_of_week": "0"}, "Mondays"),
        ({"minute": 0, "hour": 4, "day_of_week": "6"}, "Sundays"),
        ({"minute": 0, "hour": 4, "day_of_week": "mon-fri"}, "Weekdays"),
        ({"minute": 0, "hour": 4, "day_of_week": "sat-sun"}, "Weekends"),
        ({"minute": 0, "hour": 4, "day_of_week": "mon-sun"}, "Every day"),
        ({"minute": 0, "hour": 4, "day": "last"}, "Last day of the month"),
        ({"minute": 0, "hour": 4, "day": "2nd fri"}, "2nd Friday of the month"),
        ({"minute": 0, "hour": 4, "day": "last sun"}, "Last Sunday"),
        ({"minute": "*/15"}, "Every 15 minutes"),
        ({"second": "*/10"}, "Every 10 seconds"),
    ],
)
def test_the_words_say_what_was_meant(fields: dict[str, Any], expected: str) -> None:
    assert trigger_from(CronTrigger(**fields, timezone="UTC"), "UTC").description.startswith(expected)


def test_from_crontab_means_what_it_meant_there() -> None:
    """The weekday 0 is Monday there, also in a crontab text: who hands the object over gets what used to run."""
    trigger = CronTrigger.from_crontab("0 4 * * 0", timezone="UTC")
    assert ours(trigger, START, 1)[0].strftime("%A") == "Monday"


def test_day_and_weekday_must_both_fit() -> None:
    trigger = CronTrigger(day=13, day_of_week="fri", hour=0, timezone="UTC")
    assert ours(trigger, START, 2) == [datetime(2026, 11, 13, tzinfo=UTC), datetime(2027, 8, 13, tzinfo=UTC)]


@pytest.mark.parametrize(
    "trigger",
    [
        IntervalTrigger(minutes=7, start_date=START, timezone=UTC),
        IntervalTrigger(hours=5, start_date=START, end_date=START + timedelta(hours=11), timezone=UTC),
        IntervalTrigger(days=1, start_date=datetime(2026, 5, 14, 9, 0), timezone="Asia/Tokyo"),  # noqa: DTZ001
        DateTrigger(START + timedelta(days=3), timezone=UTC),
        DateTrigger("2026-06-01 08:00:00", timezone="Europe/Berlin"),
        CronTrigger(hour=6, start_date=START + timedelta(days=9), timezone="UTC"),
        CronTrigger(hour=6, end_date=START + timedelta(days=2), timezone="UTC"),
    ],
    ids=str,
)
def test_intervals_dates_and_bounds_are_kept(trigger: Any) -> None:
    after = START - timedelta(days=1)
    assert ours(trigger, after, 5) == theirs(trigger, after, 5)


@pytest.mark.parametrize(
    ("trigger", "part"),
    [
        (AndTrigger([CronTrigger(hour=1), CronTrigger(hour=2)]), "AndTrigger"),
        (OrTrigger([CronTrigger(hour=1), CronTrigger(hour=2)]), "OrTrigger"),
        (CalendarIntervalTrigger(days=1), "CalendarIntervalTrigger"),
        (CronTrigger(year=2030, timezone="UTC"), "a year or a week"),
        (CronTrigger(week="1-10", timezone="UTC"), "a year or a week"),
        (CronTrigger(hour=1, jitter=30, timezone="UTC"), "its option"),
        (IntervalTrigger(seconds=60, jitter=30, timezone=UTC), "its option"),
        (CronTrigger(month=2, day=31, timezone="UTC"), "never comes"),
        (CronTrigger(hour=1, timezone=timezone(timedelta(hours=3, minutes=7))), "IANA"),
        (object(), "give a trigger"),
        (5, "give a trigger"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_equal_here_is_refused_with_the_reason(
    scheduler: TaskScheduler, trigger: object, part: str
) -> None:
    with pytest.raises(InvalidSchedule, match=part):
        scheduler.add_task("job", "os:getpid", trigger)
    assert scheduler.get_all_tasks() == []


def test_the_zone_of_a_trigger_becomes_that_of_the_task(scheduler: TaskScheduler) -> None:
    for number, trigger in enumerate(
        [
            CronTrigger(hour=6, timezone=ZoneInfo("Europe/Berlin")),
            CronTrigger(hour=6, day=3, day_of_week="mon", timezone="Europe/Berlin"),
            CronTrigger(hour=6, end_date=datetime(2200, 1, 1, tzinfo=UTC), timezone="Europe/Berlin"),
        ]
    ):
        scheduler.add_task(f"job {number}", "os:getpid", trigger)
    assert {each["timezone"] for each in scheduler.get_all_tasks()} == {"Europe/Berlin"}


@pytest.mark.parametrize("end", [None, datetime(2200, 1, 1, tzinfo=UTC)])
def test_an_interval_that_counts_from_the_start_of_the_program_keeps_its_grid(
    make: Callable[..., TaskScheduler], end: datetime | None
) -> None:
    def add() -> datetime | None:
        trigger = IntervalTrigger(hours=3, end_date=end, timezone=UTC)
        return make().add_task("job", "os:getpid", trigger).next_at

    first = add()
    assert add() == first
    explicit = datetime.now(UTC) - timedelta(hours=1)
    trigger = IntervalTrigger(hours=3, start_date=explicit, end_date=end, timezone=UTC)
    assert make().add_task("job", "os:getpid", trigger).next_at == explicit + timedelta(hours=3)
