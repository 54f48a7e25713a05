"""Expressions, zones and instants for the property tests of this room."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from horarium.triggers.cron.zones import zone_clock

ZONES = (
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Caracas",
    "America/Havana",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "Antarctica/Casey",
    "Antarctica/Troll",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Apia",
    "Pacific/Kiritimati",
)


def _number(low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(str)


def _range(low: int, high: int) -> st.SearchStrategy[str]:
    ends = st.tuples(st.integers(low, high), st.integers(low, high)).map(sorted)
    steps = st.one_of(st.just(""), st.integers(1, high + 2).map("/{}".format))
    return st.builds(lambda pair, step: f"{pair[0]}-{pair[1]}{step}", ends, steps)


def _field(low: int, high: int, *extra: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    stars = st.one_of(st.just("*"), st.integers(1, high + 2).map("*/{}".format))
    item = st.one_of(_number(low, high), _range(low, high), stars, *extra)
    return st.one_of(stars, st.lists(item, min_size=1, max_size=3).map(",".join))


_DAYS = _field(1, 31, st.sampled_from(("L", "LW")), _number(1, 31).map("{}W".format))
_WEEKDAYS = _field(
    0,
    7,
    st.sampled_from(("sun", "MON-fri", "tue-sat/2", "friL", "Wed#1")),
    _number(0, 7).map("{}L".format),
    st.builds("{}#{}".format, _number(0, 7), _number(1, 5)),
)
_HOURS = st.one_of(st.sampled_from(("*", "2", "0", "0-4", "23,0,1", "1-3")), _field(0, 23))
FIVE = st.builds("{} {} {} {} {}".format, _field(0, 59), _HOURS, _DAYS, st.just("*") | _field(1, 12), _WEEKDAYS)
SIX = st.builds("{} {}".format, st.sampled_from(("0", "30", "*/20", "7,50", "59")), FIVE)


def instants(zone: str) -> st.SearchStrategy[datetime]:
    """Return instants in the two days before a change of the zone's clock, from 1970 to 2037."""
    moments = [change.moment for change in zone_clock(zone).changes(0, 2**31)]
    changes = st.sampled_from(moments).map(lambda moment: datetime.fromtimestamp(moment, UTC))
    return st.builds(lambda change, early: change - timedelta(seconds=early), changes, st.integers(0, 40 * 3600))
