"""In which manner somebody reads dates and times."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from horarium.preferences.catalogue import STANDARD
from horarium.web import filters
from horarium.web.manner import LANGUAGES, PLAIN, Manner, manner_of, viewer_zone

AT = datetime(2026, 5, 14, 12, 32, 17, 204_000, tzinfo=UTC)
TWELVE = Manner(twice_twelve=True)


def test_a_zone_with_a_manner_is_the_same_zone() -> None:
    plain, ours = ZoneInfo("Europe/Berlin"), viewer_zone("Europe/Berlin", TWELVE)
    for hours in range(0, 24 * 400, 5):
        instant = AT + timedelta(hours=hours)
        assert instant.astimezone(plain).replace(tzinfo=None) == instant.astimezone(ours).replace(tzinfo=None)
        assert instant.astimezone(ours).utcoffset() == instant.astimezone(plain).utcoffset()
    assert ours.key == "Europe/Berlin"
    assert viewer_zone("Europe/Berlin", TWELVE) is ours
    assert (manner_of(ours), manner_of(plain), manner_of(None)) == (TWELVE, PLAIN, PLAIN)


@pytest.mark.parametrize(
    ("hour", "words", "full", "short"),
    [
        (0, "12:05 am", "12 am", "12a"),
        (6, "6:05 am", "6 am", "6a"),
        (11, "11:05 am", "11 am", "11a"),
        (12, "12:05 pm", "12 pm", "12p"),
        (23, "11:05 pm", "11 pm", "11p"),
    ],
)
def test_a_day_of_twice_twelve_hours(hour: int, words: str, full: str, short: str) -> None:
    zone = viewer_zone("UTC", TWELVE)
    assert filters.clock_time(AT.replace(hour=hour, minute=5), zone) == words
    assert filters.hour_words(hour, zone) == full
    assert filters.hour_words(hour, zone, short=True) == short


def test_seconds_and_their_parts_stand_before_the_half_of_the_day() -> None:
    zone = viewer_zone("Europe/Berlin", TWELVE)
    assert filters.clock_time(AT, zone, digits=2) == "2:32:17 pm"
    assert filters.clock_time(AT, zone, digits=3) == "2:32:17.204 pm"
    assert filters.absolute(AT, zone) == "Thu 14 May 2026, 2:32 pm CEST"
    assert filters.clock_time(AT, viewer_zone("Europe/Berlin"), digits=3) == "14:32:17.204"
    assert (filters.hour_words(6), filters.hour_words(6, short=True)) == ("06:00", "06")


@pytest.mark.parametrize(
    ("language", "words", "long"),
    [
        ("en", "Thu 14 May 2026", "Thursday 14 May"),
        ("de", "Do 14. Mai 2026", "Donnerstag 14. Mai"),
        ("pt", "qui 14 mai 2026", "quinta-feira 14 mai"),
        ("pl", "czw 14 maj 2026", "czwartek 14 maj"),
    ],
)
def test_days_and_months_in_the_readers_language(language: str, words: str, long: str) -> None:
    zone = viewer_zone("Europe/Berlin", Manner(language))
    assert filters.date_words(date(2026, 5, 14), zone) == words
    assert filters.long_date(date(2026, 5, 14), zone) == long
    assert filters.absolute(AT, zone) == f"{words}, 14:32 CEST"
    assert filters.relative(AT - timedelta(days=30), zone, AT).split()[1].rstrip(".") == "14"


def test_each_language_that_can_be_chosen_names_every_day_and_month() -> None:
    offered = next(each.choices for each in STANDARD if each.key == "date_language")
    assert set(offered) == set(LANGUAGES)
    for words in LANGUAGES.values():
        assert (len(set(words.days)), len(set(words.long_days)), len(set(words.months))) == (7, 7, 12)
