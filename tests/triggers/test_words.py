"""Cron expressions in words."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, given, settings

from horarium.errors import InvalidSchedule
from horarium.triggers import CronExpression, CronTrigger, in_words, parse
from horarium.triggers.cron.days import SHAPES, DayPlan
from tests.triggers.strategies import FIVE, SIX

WORDS = [
    ("0 6 * * 1-5", "Weekdays at 06:00"),
    ("*/15 8-17 * * *", "Every 15 minutes from 08:00 to 17:59"),
    ("*/15 8-17 * * 1-5", "Every 15 minutes from 08:00 to 17:59 on weekdays"),
    ("5 * * * *", "Every hour at :05"),
    ("0 * * * *", "Every hour"),
    ("0 3 1 * *", "1st of the month at 03:00"),
    ("0 7 * * 1", "Mondays at 07:00"),
    ("0 7 * * 7,1", "Mondays and Sundays at 07:00"),
    ("0 7 * * 0,6", "Weekends at 07:00"),
    ("* * * * *", "Every minute"),
    ("*/5 * * * *", "Every 5 minutes"),
    ("*/30 * * * *", "Every 30 minutes"),
    ("0,30 * * * *", "Every 30 minutes"),
    ("*/7 * * * *", "Every 7 minutes from :00 to :56 of every hour"),
    ("1-59/2 * * * *", "Every 2 minutes from :01 to :59 of every hour"),
    ("5,35 8-17 * * *", "At :05 and :35 of each hour from 08:00 to 17:59"),
    ("0 */2 * * *", "Every 2 hours"),
    ("5 */2 * * *", "Every 2 hours at :05"),
    ("0 */5 * * *", "Every 5 hours from 00:00 to 20:00"),
    ("0 9-17 * * *", "Every hour from 09:00 to 17:00"),
    ("30 9-17/2 * * *", "Every 2 hours from 09:30 to 17:30"),
    ("* 0-5,22-23 * * *", "Every minute from 00:00 to 05:59 and from 22:00 to 23:59"),
    ("*/15 1,4,7 * * *", "Every 15 minutes in every 3rd hour from 01:00 to 07:59"),
    ("0 4 * * *", "Every day at 04:00"),
    ("@daily", "Every day at 00:00"),
    ("0 0,12 * * *", "Every day at 00:00 and 12:00"),
    ("*/20 2 * * *", "Every day at 02:00, 02:20 and 02:40"),
    ("0 0 L * *", "Last day of the month at 00:00"),
    ("0 0 LW * *", "Last weekday of the month at 00:00"),
    ("0 0 1,15W * *", "1st and weekday nearest the 15th of the month at 00:00"),
    ("0 0 * * 5L", "Last Friday of the month at 00:00"),
    ("0 0 * * fri#2,mon", "Mondays and the 2nd Friday of the month at 00:00"),
    ("*/5 * L 2 *", "Every 5 minutes on the last day of February"),
    ("0 0 1 1 *", "1st of January at 00:00"),
    ("0 0 1-7,15 3-10 *", "1st to 7th and 15th of March to October at 00:00"),
    ("0 0 11,12,13,21,22,23 * *", "11th to 13th and 21st to 23rd of the month at 00:00"),
    ("0 0 * 1 *", "Every day in January at 00:00"),
    ("0 0 * 1,2 1", "Mondays in January and February at 00:00"),
    ("*/10 * * 6 *", "Every 10 minutes in June"),
    ("0 0 13 * 5", "13th of the month, and also Fridays, at 00:00"),
    ("*/5 * 13 * 5", "Every 5 minutes on the 13th of the month, and also Fridays"),
    ("0 0 13 6 5", "13th of June, and also Fridays in June, at 00:00"),
    ("0 0 1-31 * 5", "Every day at 00:00"),
    ("0 0 13 * 0-6", "Every day at 00:00"),
    ("0 0 * * 0-6", "Every day at 00:00"),
    ("0 0 */2 * *", "Every 2nd day from the 1st to the 31st of the month at 00:00"),
    ("0 0 */20 * 1", "Mondays, but only on the 1st and 21st of the month, at 00:00"),
    ("* * * * * *", "Every second"),
    ("*/10 * * * * *", "Every 10 seconds"),
    ("30 * * * * *", "Every minute at second 30"),
    ("30 */15 * * * *", "Every 15 minutes at second 30"),
    ("15 30 4 * * *", "Every day at 04:30:15"),
    ("15 5 * * * *", "Every hour at :05:15"),
    ("*/20 * 8-17 * * 1-5", "Every 20 seconds from 08:00 to 17:59 on weekdays"),
    ("*/10 0 4 * * *", "Every 10 seconds within these minutes: every day at 04:00"),
    ("7,50 0 4 * * 1", "At seconds 7 and 50 within these minutes: Mondays at 04:00"),
]


@pytest.mark.parametrize(("text", "words"), WORDS)
def test_the_words_say_what_the_expression_means(text: str, words: str) -> None:
    assert in_words(parse(text)) == words


def test_a_zone_stands_behind_the_words() -> None:
    assert CronTrigger("0 6 * * 1-5", "Europe/Berlin").description == "Weekdays at 06:00 (Europe/Berlin)"
    assert CronTrigger("0 6 * * 1-5").description == "Weekdays at 06:00"


def test_the_same_words_never_stand_for_two_meanings() -> None:
    choose = random.Random(11)  # noqa: S311 - a fixed sample, not a secret
    seconds = ("", "", "0 ", "30 ", "*/20 ", "*/30 ", "0,20,40 ", "5-59/7 ")
    minutes = ("*", "*/15", "0,15,30,45", "0", "5", "0,30", "*/30", "*/20", "1-59/2", "0-10", "*/7", "3,7,11,15", "*/1")
    hours = ("*", "*/2", "0-23", "0", "2", "9-17", "9-17/2", "0,12", "*/12", "1,2,5", "*/5", "0-5,22,23", "1,3,5")
    days = ("*", "*/2", "1-31", "1", "1,15", "1-7", "L", "LW", "15W", "*,L", "1-31/2", "*/20", "1,21", "1-30")
    months = ("*", "1-12", "1", "1,2", "1-3", "*/3", "*/6")
    weekdays = ("*", "0-6", "1-5", "0,6", "1", "mon", "7", "5L", "5#2", "1,5#2", "*/2", "*/7", "0,2,4,6", "mon-fri/2")
    meanings: dict[str, tuple[object, ...]] = {}
    for _ in range(6000):
        fields = " ".join(choose.choice(field) for field in (minutes, hours, days, months, weekdays))
        try:
            expression = parse(choose.choice(seconds) + fields)
        except InvalidSchedule:
            continue
        meaning = _meaning(expression)
        assert meanings.setdefault(in_words(expression), meaning) == meaning, expression.text


def _meaning(expression: CronExpression) -> tuple[object, ...]:
    """Return the times and the days of every shape of year, which is all that an expression means in UTC."""
    plan = DayPlan(expression.day, expression.month.mask, expression.weekday, both=expression.needs_both_days)
    days = tuple(plan.mask(shape) for shape in range(SHAPES))
    seconds = expression.second.mask if expression.second else 1
    return seconds, expression.minute.mask, expression.hour.mask, days


@settings(max_examples=400, deadline=None)
@given(text=FIVE | SIX)
def test_every_accepted_expression_has_words(text: str) -> None:
    try:
        expression = parse(text)
    except InvalidSchedule:
        assume(False)
        raise
    words = in_words(expression)
    assert words[0] == words[0].upper()
    assert words == " ".join(words.split())
    assert "{" not in words
