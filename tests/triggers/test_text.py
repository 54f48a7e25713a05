"""Triggers as stored text, and back."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, date, datetime, time, timedelta

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
    from_text,
    to_text,
)

INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - drawn in UTC
ZONES = st.sampled_from(("UTC", "Asia/Tokyo"))
CALENDARS = st.builds(
    Calendar,
    st.text(max_size=20),
    st.sampled_from(("UTC", "Europe/Berlin")),
    st.lists(
        st.builds(WeeklyRule, st.frozensets(st.integers(0, 6), min_size=1), st.times(), st.times()), max_size=2
    ).map(tuple),
    st.frozensets(st.dates(), max_size=3),
    st.lists(st.dates().map(lambda day: DateRange(day, day)), max_size=2).map(tuple),
    st.lists(INSTANTS.map(lambda at: Blackout(at, at + timedelta(hours=1))), max_size=2).map(tuple),
)
SIMPLE: st.SearchStrategy[Trigger] = st.one_of(
    st.builds(
        CronTrigger, st.sampled_from(("0 6 * * 1-5", "@daily", "*/5 0 4 L * *")), st.sampled_from(("UTC", "Asia/Tokyo"))
    ),
    st.builds(IntervalTrigger, st.timedeltas(timedelta(microseconds=1)), INSTANTS),
    st.builds(DateTrigger, INSTANTS),
    st.builds(
        DailyTrigger,
        st.integers(1, 366),
        st.builds(time, st.integers(0, 23), st.integers(0, 59)),
        st.just("UTC"),
        st.dates(),
    ),
)
TRIGGERS = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AllOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(ExceptCalendar, inner, CALENDARS),
        st.builds(Bounded, inner, st.none() | INSTANTS),
    ),
    max_leaves=5,
)


@given(trigger=TRIGGERS)
def test_every_trigger_comes_back_from_its_text(trigger: Trigger) -> None:
    text = to_text(trigger)
    back = from_text(text)
    assert back == trigger
    assert hash(back) == hash(trigger)
    assert to_text(back) == text
    assert "kind" in json.loads(text)
    assert trigger.description


@given(trigger=SIMPLE)
def test_triggers_cross_to_another_process(trigger: Trigger) -> None:
    assert pickle.loads(pickle.dumps(trigger)) == trigger  # noqa: S301 - our own bytes, made one line above


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "5",
        '"cron"',
        "{}",
        '{"kind":"sundial"}',
        '{"kind":["cron"]}',
        '{"kind":"cron"}',
        '{"kind":"cron","expression":"99 * * * *","tz":"UTC"}',
        '{"kind":"cron","expression":5,"tz":"UTC"}',
        '{"kind":"cron","expression":"* * * * *","tz":"../UTC"}',
        '{"kind":"cron","expression":"* * * * *","tz":"UTC","jitter":5}',
        '{"kind":"interval","every_micros":0,"anchor":"2026-01-01T00:00:00+00:00"}',
        '{"kind":"interval","every_micros":1.5,"anchor":"2026-01-01T00:00:00+00:00"}',
        '{"kind":"interval","every_micros":1e400,"anchor":"2026-01-01T00:00:00+00:00"}',
        '{"kind":"interval","every_micros":99999999999999999999999,"anchor":"2026-01-01T00:00:00+00:00"}',
        '{"kind":"interval","every_micros":1000000,"anchor":"2026-01-01T00:00:00"}',
        '{"kind":"interval","every_micros":1000000,"anchor":"yesterday"}',
        '{"kind":"date","at":5}',
        '{"kind":"any","triggers":[]}',
        '{"kind":"any","triggers":5}',
        '{"kind":"daily","days":"2","at":"09:00","tz":"UTC","anchor":"2026-01-01"}',
        '{"kind":"except","trigger":{"kind":"date","at":"2026-01-01T00:00:00+00:00"},"calendar":{"name":"x"}}',
        '{"kind":"any","triggers":[' * 5000,
        " " * 70_000,
    ],
)
def test_text_that_is_no_trigger_is_refused(text: str) -> None:
    with pytest.raises(InvalidSchedule):
        from_text(text)


def test_only_text_is_read_and_only_known_kinds_are_written() -> None:
    with pytest.raises(InvalidSchedule):
        from_text(b"{}")  # type: ignore[arg-type]
    with pytest.raises(InvalidSchedule, match="kinds"):
        to_text("0 6 * * *")  # type: ignore[arg-type]


def test_equal_schedules_are_equal_triggers() -> None:
    assert CronTrigger("0  6 * * 1-5") == CronTrigger("0 6 * * 1-5")
    assert CronTrigger("0 6 * * 1-5") != CronTrigger("0 6 * * 1-5", "Europe/Berlin")
    assert CronTrigger("0 6 * * *") != DailyTrigger(1, time(6), "UTC", date(2026, 1, 1))
    assert repr(CronTrigger("@daily")) == "CronTrigger('@daily', 'UTC')"
    assert str(CronTrigger(" @daily ").expression) == "@daily"
