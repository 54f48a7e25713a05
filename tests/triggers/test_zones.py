"""The zones' clocks, and the sentences about their changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from horarium.errors import InvalidSchedule
from horarium.triggers import dst_notes, zone_names
from horarium.triggers.cron.zones import zone_clock

FROM, UNTIL = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (1900, 2038))


@pytest.mark.parametrize("part", range(8))
def test_no_zone_changes_twice_between_two_probes(part: int) -> None:
    for name in sorted(zone_names())[part::48]:
        clock = zone_clock(name)
        changes = clock.changes(FROM, UNTIL)
        assert all(later.moment - earlier.moment > 6 * 86_400 for earlier, later in pairwise(changes))
        for change in changes:
            assert clock.offset(change.moment - 1) == change.before
            assert clock.offset(change.moment) == change.after


def test_a_change_at_new_year_is_seen() -> None:
    changes = zone_clock("Asia/Kathmandu").changes(
        *(int(datetime(y, 6, 1, tzinfo=UTC).timestamp()) for y in (1985, 1986))
    )
    assert [(change.before, change.after) for change in changes] == [(19_800, 20_700)]


AFTER = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "notes"),
    [
        (
            "30 2 * * *",
            "Europe/Berlin",
            [
                "On Sun 28 Mar 2027 the clock goes from 02:00 to 03:00; 02:30 runs at 03:00.",
                "On Sun 31 Oct 2027 the clock goes back from 03:00 to 02:00; 02:30 runs once, in the first pass.",
            ],
        ),
        (
            "0,30 2 * * *",
            "Europe/Berlin",
            [
                "On Sun 28 Mar 2027 the clock goes from 02:00 to 03:00; 02:00 and 02:30 run once, at 03:00.",
                (
                    "On Sun 31 Oct 2027 the clock goes back from 03:00 to 02:00; "
                    "02:00 and 02:30 run once, in the first pass."
                ),
            ],
        ),
        (
            "*/30 * * * *",
            "Europe/Berlin",
            [
                (
                    "On Sun 28 Mar 2027 the clock goes from 02:00 to 03:00; "
                    "02:00 and 02:30 are skipped, for the job follows the clock."
                ),
                "On Sun 31 Oct 2027 the clock goes back from 03:00 to 02:00; 02:00 and 02:30 run in both passes.",
            ],
        ),
        (
            "0-59 2 * * *",
            "Europe/Berlin",
            [
                "On Sun 28 Mar 2027 the clock goes from 02:00 to 03:00; what is due from 02:00 on runs once, at 03:00.",
                (
                    "On Sun 31 Oct 2027 the clock goes back from 03:00 to 02:00; "
                    "what is due from 02:00 on runs once, in the first pass."
                ),
            ],
        ),
        (
            "30 0 * * *",
            "America/Santiago",
            [
                "The clock goes back from Sun 4 Apr 2027, 00:00 to Sat 3 Apr 2027, 23:00; nothing is due in between.",
                "On Sun 5 Sep 2027 the clock goes from 00:00 to 01:00; 00:30 runs at 01:00.",
            ],
        ),
        ("0 0 * * *", "UTC", []),
    ],
)
def test_notes_say_what_the_changes_do(expression: str, zone: str, notes: list[str]) -> None:
    assert dst_notes(expression, zone, AFTER) == notes


def test_notes_tell_a_correction() -> None:
    notes = dst_notes("0 12 * * *", "Pacific/Apia", datetime(2011, 12, 1, tzinfo=UTC))
    assert notes[0] == (
        "The clock goes from Fri 30 Dec 2011, 00:00 to Sat 31 Dec 2011, 00:00; "
        "that is a correction of the clock, and nothing is made up."
    )


def test_notes_end_with_the_calendar() -> None:
    assert dst_notes("0 12 * * *", "Europe/Berlin", datetime.max.replace(tzinfo=UTC) - timedelta(days=2)) == []


def test_notes_refuse_what_the_preview_refuses() -> None:
    with pytest.raises(InvalidSchedule):
        dst_notes("0 99 * * *", "UTC", AFTER)
    with pytest.raises(InvalidSchedule):
        dst_notes("0 9 * * *", "Nowhere", AFTER)
