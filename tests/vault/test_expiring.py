"""Credentials whose date comes near: their owners are told some days before, each time once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from horarium.accounts.people import People
from horarium.clock import to_micros
from horarium.errors import NotFound
from horarium.server.caretaking import Caretaker
from horarium.states import EventKind
from horarium.store.books.credentials import CredentialBook
from horarium.store.books.events import EventBook
from horarium.vault.credentials import Changes
from horarium.vault.expiring import ExpiryWatch
from tests.support.people import SetClock, add_person, made_up
from tests.support.vault import HOST, House, as_user

DAY = timedelta(days=1)


def told(house: House) -> list[dict[str, Any]]:
    """Return what was told, the oldest first."""
    with house.store.reading() as tx:
        found = EventBook(tx).newest(kinds=[EventKind.CREDENTIAL_EXPIRING])
    return [dict(event.body) for event in found[::-1]]


@pytest.fixture
def watch(house: House) -> ExpiryWatch:
    return ExpiryWatch(house.store, house.clock)


def test_it_is_told_14_days_3_days_and_a_day_before_each_time_once(
    house: House, clock: SetClock, watch: ExpiryWatch
) -> None:
    ends = clock.now() + 100 * DAY
    house.save("without a date", made_up())
    shop = house.save("shop", made_up(), expires_at=ends)
    days: list[float] = []
    for _ in range(101 * 4):
        days += [(ends - clock.now()) / DAY] * watch.look()
        assert watch.look() == 0
        clock.move(DAY / 4)
    assert days == [14, 3, 1]
    assert {each["credential_id"] for each in told(house)} == {shop.id}
    assert told(house)[0] | {"mark": ""} == {
        "credential_id": shop.id,
        "name": "shop",
        "owner_id": 0,
        "path": f"/credentials/{shop.id}",
        "ends_at": to_micros(ends),
        "mark": "",
    }
    assert len({each["mark"] for each in told(house)}) == 3


def test_what_was_missed_while_nobody_looked_is_told_once_and_what_has_ended_is_not(
    house: House, clock: SetClock, watch: ExpiryWatch
) -> None:
    house.save("soon", made_up(), expires_at=clock.now() + 30 * DAY)
    house.save("over", made_up(), expires_at=clock.now() + 29 * DAY)
    clock.move(29.5 * DAY)
    assert watch.look() == 1
    assert watch.look() == 0
    assert [each["name"] for each in told(house)] == ["soon"]


def test_whoever_has_just_said_the_date_is_not_told_of_it(house: House, clock: SetClock, watch: ExpiryWatch) -> None:
    near = house.save("near", made_up(), expires_at=clock.now() + 5 * DAY)
    far = house.save("far", made_up(), expires_at=clock.now() + 50 * DAY)
    house.credentials.change(far.id, Changes(expires_at=clock.now() + 7 * DAY), asker=HOST)
    assert watch.look() == 0
    clock.move(2 * DAY)
    assert watch.look() == 1
    # A name is no date: what is due stays due.
    clock.move(2 * DAY)
    house.credentials.change(far.id, Changes(name="further"), asker=HOST)
    assert watch.look() == 2
    assert [each["name"] for each in told(house)] == ["near", "near", "further"]
    house.credentials.change(near.id, Changes(expires_at=clock.now() + 60 * DAY), asker=HOST)
    assert watch.look() == 0
    clock.move(46 * DAY)
    assert watch.look() == 1


def test_what_no_run_gets_anyway_is_not_told_of(house: House, clock: SetClock, watch: ExpiryWatch) -> None:
    ends = clock.now() + 30 * DAY
    removed, stopped = (house.save(name, made_up(), expires_at=ends) for name in ("removed", "stopped"))
    house.credentials.remove(removed.id, asker=HOST)
    with house.store.transaction() as tx:
        CredentialBook(tx).change(stopped.id, inactive_at=clock.micros())
    clock.move(20 * DAY)
    assert watch.look() == 0
    with pytest.raises(NotFound):
        house.credentials.change(removed.id, Changes(expires_at=None), asker=HOST)


def test_two_who_look_at_once_tell_of_each_once(house: House, clock: SetClock) -> None:
    for number in range(20):
        house.save(f"shop {number}", made_up(), expires_at=clock.now() + 30 * DAY)
    clock.move(20 * DAY)
    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(lambda each: each.look(), [ExpiryWatch(house.store, clock) for _ in range(2)]))
    assert sum(counts) == 20
    assert len({each["credential_id"] for each in told(house)}) == len(told(house)) == 20


def test_a_server_looks_by_itself(house: House, people: People, clock: SetClock) -> None:
    ana = add_person(people, "ana")
    house.save("shop", made_up(), asker=as_user(ana), owner_id=ana.id, expires_at=clock.now() + 30 * DAY)
    clock.move(20 * DAY)
    Caretaker(house.store, clock).look()
    assert [each["owner_id"] for each in told(house)] == [ana.id]
