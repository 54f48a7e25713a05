"""Times, durations and figures in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horarium.web import filters

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 5, 14, 12, 32, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0, "0 ms"),
        (0.012, "12 ms"),
        (0.0994, "99 ms"),
        (0.1, "0.1 s"),
        (1.44, "1.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (38, "38 s"),
        (59.4, "59 s"),
        (59.97, "1m 00s"),
        (252, "4m 12s"),
        (3599.6, "1h 00m"),
        (3840, "1h 04m"),
        (86399, "23h 59m"),
        (183600, "2d 03h"),
        (-3, "0 ms"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds: float | None, words: str) -> None:
    assert filters.duration(seconds) == words


@given(st.floats(min_value=0, max_value=10**9))
def test_a_duration_never_says_sixty(seconds: float) -> None:
    words = filters.duration(seconds)
    assert "60 s" not in words
    assert "60s" not in words
    assert "60m" not in words


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(), "now"),
        (timedelta(seconds=4), "now"),
        (timedelta(seconds=45), "in 45 s"),
        (timedelta(minutes=3, seconds=20), "in 3 min"),
        (timedelta(hours=-8), "8 h ago"),
        (timedelta(minutes=-59.9), "59 min ago"),
        (timedelta(days=-3), "3 d ago"),
        (timedelta(days=-7), "Thu 7 May"),
        (timedelta(days=250), "Tue 19 Jan 2027"),
    ],
)
def test_a_moment_is_relative_for_seven_days_and_a_date_after(away: timedelta, words: str) -> None:
    assert filters.relative(NOW + away, BERLIN, NOW) == words


def test_an_absolute_moment_names_day_and_zone() -> None:
    assert filters.absolute(datetime(2026, 5, 14, 4, tzinfo=UTC), BERLIN) == "Thu 14 May 2026, 06:00 CEST"


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        (datetime(2026, 5, 14, 4, tzinfo=UTC), "06:00"),
        (datetime(2026, 5, 13, 22, 30, tzinfo=UTC), "00:30"),
        (datetime(2026, 5, 13, 21, 30, tzinfo=UTC), "Wed 13 May, 23:30"),
        (datetime(2025, 12, 31, 22, 59, tzinfo=UTC), "Wed 31 Dec 2025, 23:59"),
    ],
)
def test_a_moment_leaves_out_what_is_obvious_in_the_viewers_zone(instant: datetime, words: str) -> None:
    assert filters.moment(instant, BERLIN, NOW) == words


@pytest.mark.parametrize(
    ("zone", "name"),
    [("Europe/Berlin", "CEST"), ("UTC", "UTC"), ("America/Sao_Paulo", "UTC-3"), ("Asia/Kathmandu", "UTC+5:45")],
)
def test_a_zone_without_letters_is_named_by_its_offset(zone: str, name: str) -> None:
    assert filters.zone_name(NOW, ZoneInfo(zone)) == name


@pytest.mark.parametrize(
    ("share", "words"), [(0, "0.0 %"), (0.9856, "98.6 %"), (0.99999, "99.9 %"), (1, "100.0 %"), (0.0004, "0.0 %")]
)
def test_only_a_whole_is_called_a_hundred_percent(share: float, words: str) -> None:
    assert filters.percent(share) == words


@pytest.mark.parametrize(
    ("octets", "words"), [(0, "0 B"), (812, "812 B"), (4_100_000_000, "4.1 GB"), (999_600, "1.0 MB")]
)
def test_a_size_is_said_in_powers_of_ten(octets: int, words: str) -> None:
    assert filters.size(octets) == words


def test_counts_have_their_thousands_set_apart() -> None:
    assert filters.plural(1204, "run") == "1,204 runs"
    assert filters.plural(1, "run") == "1 run"
    assert filters.plural(2, "entry", "entries") == "2 entries"


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Inês Carvalho", "IC"), ("Cher", "C"), ("Ana Maria de Souza", "AS"), ("", "?"), ("<b>", "?"), ("ñandú", "Ñ")],
)
def test_initials_are_two_letters_at_most(name: str, letters: str) -> None:
    assert filters.initials(name) == letters


def test_times_of_day_have_as_many_digits_as_asked_for() -> None:
    instant = datetime(2026, 5, 14, 4, 0, 17, 204_900, tzinfo=UTC)
    assert [filters.clock_time(instant, BERLIN, digits=digits) for digits in (0, 2, 3)] == [
        "06:00",
        "06:00:17",
        "06:00:17.204",
    ]
    assert filters.iso(instant) == "2026-05-14T04:00:17.204Z"
    assert filters.long_date(date(2026, 5, 14)) == "Thursday 14 May"
    assert filters.spoken_duration(252) == "4 minutes 12 seconds"
    assert filters.spoken_duration(3601) == "1 hour 1 second"
