"""What a schedule text may say, and the sentence for what it may not."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horarium.errors import InvalidSchedule
from horarium.triggers import CronTrigger, next_times, parse
from tests.triggers.strategies import FIVE, SIX

REFUSED = [
    ("60 * * * *", "minute '60' is not allowed: use 0 to 59"),
    ("75 * * * *", "minute '75' is not allowed: use 0 to 59"),
    ("-1 * * * *", "minute '-1' is not allowed"),
    ("* 24 * * *", "hour '24' is not allowed: use 0 to 23"),
    ("* * 0 * *", "day of month '0' is not allowed: use 1 to 31"),
    ("* * 32 * *", "day of month '32' is not allowed"),
    ("* * * 0 *", "month '0' is not allowed: use 1 to 12 or jan to dec"),
    ("* * * 13 *", "month '13' is not allowed"),
    ("* * * * 8", "weekday '8' is not allowed: use 0 to 7 or sun to sat"),
    ("60 * * * * *", "second '60' is not allowed: use 0 to 59"),
    ("30-10 * * * *", "a range from low to high"),
    ("* * * * sat-sun", "a range from low to high"),
    ("5/15 * * * *", "write 5-59/15"),
    ("* * * mon *", "use 1 to 12 or jan to dec"),
    ("* * * * fri/2", "a step needs a range"),
    ("*/0 * * * *", "a step is at least 1"),
    ("1-5/0 * * * *", "a step is at least 1"),
    ("1,,2 * * * *", "a value between the commas"),
    (",1 * * * *", "a value between the commas"),
    ("1, * * * *", "a value between the commas"),
    ("5x * * * *", "minute '5x' is not allowed"),
    ("1-5- * * * *", "minute '1-5-' is not allowed"),
    ("*5 * * * *", "minute '*5' is not allowed"),
    ("*-5 * * * *", "minute '*-5' is not allowed"),
    ("*/5/2 * * * *", "minute '*/5/2' is not allowed"),
    ("*/-5 * * * *", "minute '*/-5' is not allowed"),
    ("+5 * * * *", "minute '+5' is not allowed"),
    ("1_0 * * * *", "minute '1_0' is not allowed"),
    ("1.5 * * * *", "minute '1.5' is not allowed"),
    ("? * * * *", "minute '?' is not allowed"),
    ("0 0 ? * 1", "day of month '?' is not allowed"),
    ("H * * * *", "minute 'H' is not allowed"),
    ("R * * * *", "minute 'R' is not allowed"),
    ("0~30 * * * *", "minute '0~30' is not allowed"),
    ("0 0 * * * * 2030", "write five fields"),
    ("0 0 * *", "write five fields"),
    ("", "write five fields"),
    ("   ", "write five fields"),
    ("\u0665 * * * *", "minute '\u0665' is not allowed"),
    ("\uff15 * * * *", "minute '\uff15' is not allowed"),
    ("²  * * * *", "minute '²' is not allowed"),
    ("0\u00a00 * * *", "write five fields"),
    ("0 0 * * *\n", "is not allowed"),
    ("0\n0 * * *", "write five fields"),
    ("\v0 0 * * *", "is not allowed"),
    ("0 0 * * monday", "weekday 'monday' is not allowed"),
    ("0 0 * * mo", "weekday 'mo' is not allowed"),
    ("0 0 * january *", "month 'january' is not allowed"),
    ("0 0 * sept *", "month 'sept' is not allowed"),
    ("0 0 * \u017fep *", "month '\u017fep' is not allowed"),
    ("0 0 31 2 *", "never comes"),
    ("0 0 30 2 *", "never comes"),
    ("0 0 31 4,6,9,11 *", "never comes"),
    ("0 0 31W 2 *", "never comes"),
    ("0 0 31 2 */2", "never comes"),
    ("@Daily", "in lower case"),
    ("@DAILY", "in lower case"),
    ("@reboot", "use one of @yearly"),
    ("@every 5m", "use one of @yearly"),
    ("@daily *", "use one of @yearly"),
    ("@", "use one of @yearly"),
    ("0 0 l * *", "day of month 'l' is not allowed"),
    ("0 0 5L * *", "day of month '5L' is not allowed"),
    ("0 0 L-3 * *", "day of month 'L-3' is not allowed"),
    ("0 0 L/2 * *", "day of month 'L/2' is not allowed"),
    ("0 0 W * *", "day of month 'W' is not allowed"),
    ("0 0 WL * *", "day of month 'WL' is not allowed"),
    ("0 0 0W * *", "day of month '0W' is not allowed: use 1 to 31"),
    ("0 0 32W * *", "day of month '32W' is not allowed: use 1 to 31"),
    ("0 0 1-15W * *", "day of month '1-15W' is not allowed"),
    ("0 0 * * L", "weekday 'L' is not allowed"),
    ("0 0 * * 8L", "weekday '8L' is not allowed"),
    ("0 0 * * 1-5L", "weekday '1-5L' is not allowed"),
    ("0 0 * * 15W", "weekday '15W' is not allowed"),
    ("0 0 * * 5#0", "use #1 to #5"),
    ("0 0 * * 5#6", "use #1 to #5"),
    ("0 0 * * 8#1", "weekday '8#1' is not allowed"),
    ("0 0 * * 5#", "weekday '5#' is not allowed"),
    ("0 0 * * 5#2/2", "weekday '5#2/2' is not allowed"),
    ("0 0 * * friday#2", "weekday 'friday#2' is not allowed"),
    ("L * * * *", "minute 'L' is not allowed"),
    ("0 0 * L *", "month 'L' is not allowed"),
    ("0 0 * * *" + " " * 250, "at most 256 characters"),
]

SAME = [
    ("0 0 * * 7", "0 0 * * 0"),
    ("0 0 * * SUN", "0 0 * * 0"),
    ("0 0 * * 5-7", "0 0 * * fri,sat,sun"),
    ("0 0 * * 0-7", "0 0 * * sun-sat"),
    ("0 0 * * */7", "0 0 * * */8"),
    ("0 0 * Jan,MAR-may *", "0 0 * 1,3-5 *"),
    ("0 0 * * Mon-Fri/2", "0 0 * * 1,3,5"),
    ("007 00 01 001 *", "7 0 1 1 *"),
    ("\t 5   4\t* * *  ", "5 4 * * *"),
    ("*/90 * * * *", "*/60 * * * *"),
    ("7-7/3 5-5 * * *", "7 5 * * *"),
    ("5-59/15 0 * * *", "5,20,35,50 0 * * *"),
    ("0 0 * * 05L", "0 0 * * friL"),
    ("0 0 * * 5#2", "0 0 * * FRI#2"),
    ("0 0 * * 7#1", "0 0 * * sun#1"),
    ("0 0 015W * *", "0 0 15W * *"),
    ("0 0 1,1,1 * *", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    (" @hourly\t", "0 * * * *"),
]


@pytest.mark.parametrize(("text", "sentence"), REFUSED, ids=[text[:20] for text, _ in REFUSED])
def test_time_04_refused_with_field_value_and_what_is_allowed(text: str, sentence: str) -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        parse(text)
    assert sentence in str(refusal.value)
    assert refusal.value.field
    assert isinstance(refusal.value, ValueError)


@pytest.mark.parametrize(("text", "other"), SAME)
def test_time_01_03_05_two_ways_to_write_the_same(text: str, other: str) -> None:
    first, second = parse(text), parse(other)
    masks = [
        [field.mask for field in (one.minute, one.hour, one.day, one.month, one.weekday)] for one in (first, second)
    ]
    assert masks[0] == masks[1]
    assert [first.day.specials, first.weekday.specials] == [second.day.specials, second.weekday.specials]


def test_time_02_only_the_first_character_makes_a_star() -> None:
    assert parse("0 0 */2 * 1").needs_both_days
    assert parse("0 0 *,5 * 1").needs_both_days
    assert parse("0 0 1 * */2").needs_both_days
    assert not parse("0 0 5,* * 1").needs_both_days
    assert not parse("0 0 1-31 * 0-6").needs_both_days


@pytest.mark.parametrize(
    ("text", "wild"),
    [
        ("*/15 2 * * *", True),
        ("30 0-23 * * *", False),
        ("30 * * * *", True),
        ("30 */1 * * *", True),
        ("0-59 2 * * *", False),
        ("0,* 2 * * *", False),
        ("*,5 2 * * *", True),
        ("@hourly", True),
        ("@daily", False),
        ("* 30 2 * * *", False),
        ("0 * 2 * * *", True),
        ("0 30 * * * *", True),
    ],
)
def test_time_08_wildcard_is_told_by_the_first_character_of_minute_or_hour(text: str, wild: bool) -> None:
    assert parse(text).is_wildcard is wild


@pytest.mark.parametrize("value", [None, 5, b"* * * * *", ["* * * * *"]])
def test_only_text_is_a_schedule(value: object) -> None:
    with pytest.raises(InvalidSchedule):
        next_times(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "zone",
    ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "Europe/../Europe/Berlin", "posix/UTC", "europe/berlin"],
)
def test_only_names_of_the_iana_list_are_zones(zone: str) -> None:
    with pytest.raises(InvalidSchedule, match="time zone"):
        CronTrigger("0 0 * * *", zone)


def test_a_zone_in_other_letters_is_named() -> None:
    with pytest.raises(InvalidSchedule, match="write Europe/Berlin"):
        CronTrigger("0 0 * * *", "europe/berlin")


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="0123456789*/-,#LW@ \tabcfrimonju~?", max_size=256) | FIVE | SIX)
def test_any_text_is_parsed_or_refused_at_once(text: str) -> None:
    begin = time.perf_counter()
    with suppress(InvalidSchedule):
        assert parse(text).text == " ".join(text.split())
    assert time.perf_counter() - begin < 0.05


@pytest.mark.parametrize(
    "text",
    [
        "0 0 31 2 *",
        "0 0 " + ",".join(["31W"] * 60) + " 2 *",
        "0 0 */31 2 " + ",".join(["*/3"] * 50),
        f"{'9' * 240} * * * *",
        "0 0 " + ",".join(f"{day}W" for day in range(30, 32)) + " 2 " + "*" + ",fri#5" * 30,
    ],
)
def test_the_worst_texts_are_answered_at_once(text: str) -> None:
    begin = time.perf_counter()
    with suppress(InvalidSchedule):
        parse(text)
    assert time.perf_counter() - begin < 0.05
