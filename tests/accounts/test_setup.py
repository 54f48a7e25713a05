"""The first administrator is made once, by whoever has the code of the console."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from horarium.accounts.people import People
from horarium.accounts.setup import FirstAdmin, Setup
from horarium.errors import HorariumError, InvalidValue, SetupClosed
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store
from tests.support.people import TESTER, SetClock, add_admin, cheap_hasher, made_up


def wanted(number: int = 0) -> FirstAdmin:
    return FirstAdmin(name="Inês", email=f"ines{number}@tidewater.example", password=made_up(), team="Tidewater")


def test_r3_of_50_posts_at_once_exactly_one_makes_an_administrator(both: Store, clock: SetClock) -> None:
    users = People(both, clock, hasher=cheap_hasher())
    setups = [Setup(both, clock, users) for _ in range(50)]
    code = setups[0].offer() or ""

    def post(number: int) -> bool:
        try:
            setups[number].complete(code, wanted(number), actor=TESTER)
        except (SetupClosed, HorariumError):
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(post, range(50))) == 1
    assert len(users.list()) == 1


def test_r3_without_the_code_nobody_is_made(setup: Setup, users: People) -> None:
    setup.offer()
    for code in ("", "open", "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE-FFFFF"):
        with pytest.raises(InvalidValue):
            setup.complete(code, wanted(), actor=TESTER)
    assert users.list() == []


def test_r3_it_is_closed_afterwards_also_when_the_only_administrator_is_disabled(
    setup: Setup, store: Store, clock: SetClock
) -> None:
    code = setup.offer() or ""
    made = setup.complete(code, wanted(), actor=TESTER)
    # No door lets the last administrator go; whoever reaches into the store can.
    with store.transaction() as tx:
        PeopleBook(tx).disable(made.id, clock.now())
    assert not setup.is_open()
    assert setup.offer() is None
    with pytest.raises(SetupClosed):
        setup.complete(code, wanted(1), actor=TESTER)


def test_r3_an_administrator_from_the_command_line_closes_it_too(setup: Setup, users: People) -> None:
    code = setup.offer() or ""
    add_admin(users, "ines", made_up())
    with pytest.raises(SetupClosed):
        setup.complete(code, wanted(), actor=TESTER)
    assert setup.offer() is None


def test_a_new_code_voids_the_old_one_and_a_day_voids_each(setup: Setup, clock: SetClock) -> None:
    first, second = setup.offer() or "", setup.offer() or ""
    with pytest.raises(InvalidValue):
        setup.complete(first, wanted(), actor=TESTER)
    clock.move(timedelta(days=1, seconds=1))
    with pytest.raises(InvalidValue, match="day old"):
        setup.complete(second, wanted(), actor=TESTER)
    assert setup.complete((setup.offer() or "").lower().replace("-", " "), wanted(), actor=TESTER).is_admin


def test_the_code_is_kept_as_a_hash_only(setup: Setup, store: Store) -> None:
    code = setup.offer() or ""
    with store.reading() as tx:
        kept = " ".join(str(row) for row in tx.execute(text("SELECT * FROM horarium_meta")))
    assert code not in kept
    assert code.replace("-", "") not in kept


def test_all_that_is_wrong_with_a_form_is_said_at_once(setup: Setup) -> None:
    setup.offer()
    bad = FirstAdmin(name=" ", email="ines@tidewater", password="short", team="x" * 200)
    assert set(setup.complaints("wrong", bad)) == {"code", "name", "email", "password", "team"}
    assert setup.complaints(setup.offer() or "", replace(wanted(), team="")) == {}
