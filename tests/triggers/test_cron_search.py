"""The search against the slow reference, and what must hold for every expression."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from horarium.errors import InvalidSchedule
from horarium.triggers import CronTrigger
from tests.triggers.reference import instants as reference
from tests.triggers.strategies import FIVE, SIX, ZONES, instants


def _trigger(text: str, zone: str) -> CronTrigger:
    try:
        return CronTrigger(text, zone)
    except InvalidSchedule as refusal:
        assume("never comes" not in refusal.allowed)
        raise


def _between(trigger: CronTrigger, after: datetime, until: datetime) -> list[datetime]:
    found = []
    due = trigger.next_after(after)
    while due is not None and due < until:
        found.append(due)
        due = trigger.next_after(due)
    return found


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_five_fields_fire_when_the_daemon_would(zone: str, data: st.DataObject) -> None:
    text = data.draw(FIVE)
    trigger = _trigger(text, zone)
    after = data.draw(instants(zone))
    until = after + timedelta(hours=44)
    assert _between(trigger, after, until) == reference(text, zone, after, until)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "Antarctica/Troll", "UTC"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_six_fields_fire_when_the_daemon_would(zone: str, data: st.DataObject) -> None:
    text = data.draw(SIX)
    trigger = _trigger(text, zone)
    after = data.draw(instants("Europe/Berlin" if zone == "UTC" else zone))
    until = after + timedelta(hours=30)
    assert _between(trigger, after, until) == reference(text, zone, after, until)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_answer_does_not_depend_on_where_one_asks(data: st.DataObject) -> None:
    zone = data.draw(st.sampled_from(ZONES))
    trigger = _trigger(data.draw(FIVE), zone)
    after = data.draw(instants(zone))
    due = trigger.next_after(after)
    assume(due is not None)
    assert due is not None
    between = after + (due - after) * data.draw(st.floats(0, 0.999))
    assert trigger.next_after(between) == due


@settings(max_examples=200, deadline=None)
@given(text=FIVE | SIX, zone=st.sampled_from(ZONES), year=st.integers(1, 9990))
def test_every_next_time_is_later_than_the_last(text: str, zone: str, year: int) -> None:
    trigger = _trigger(text, zone)
    found = [datetime(year, 6, 1, tzinfo=UTC)]
    for _ in range(5):
        due = trigger.next_after(found[-1])
        if due is not None:
            found.append(due)
    assert all(earlier < later for earlier, later in pairwise(found))


@settings(max_examples=100, deadline=None)
@given(text=FIVE, data=st.data())
def test_time_06_second_zero_in_front_changes_nothing(text: str, data: st.DataObject) -> None:
    zone = data.draw(st.sampled_from(ZONES))
    five, six = _trigger(text, zone), _trigger(f"0 {text}", zone)
    after = data.draw(instants(zone))
    until = after + timedelta(hours=44)
    assert _between(five, after, until) == _between(six, after, until)
