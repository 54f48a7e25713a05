"""People who proved elsewhere who they are: found again, tied, made an account for, given the role of their groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from horarium.accounts.arrivals import CLOSED, NOBODY, Arrival, ArrivalRules, Arrivals
from horarium.accounts.keys import derive
from horarium.accounts.login import Entry, Knock, Login
from horarium.accounts.people import People
from horarium.accounts.sessions import Sessions
from horarium.accounts.throttle import Throttle
from horarium.audit.actions import Action
from horarium.errors import SignInRefused
from horarium.records.audit import AuditFilter
from horarium.records.people import Role
from horarium.store.books.audit import AuditBook
from horarium.store.port import Store
from tests.support.factors import second_step
from tests.support.people import TESTER, SetClock, add_admin, add_person, made_up

MAREK = Arrival(issuer="https://sso.example", subject="4711", name="marek", email="marek@tidewater.example")
KNOCK = Knock(address="10.0.0.7")


class Door:
    """The door of a store, with the rules of a test."""

    def __init__(self, store: Store, clock: SetClock, people: People) -> None:
        self.store, self.clock, self.people = store, clock, people

    def enter(self, arrival: Arrival, *, by_name: bool = False, **rules: Any) -> Entry:
        """Let somebody in."""
        sessions, throttle = Sessions(self.store, self.clock), Throttle(self.store, self.clock)
        secret = derive(made_up().encode(), "login")
        login = Login(
            *(self.store, self.clock),
            users=self.people,
            sessions=sessions,
            throttle=throttle,
            second_step=second_step(self.store, self.clock, throttle=throttle),
            secret=secret,
        )
        door = Arrivals(self.store, self.clock, people=self.people, login=login, rules=ArrivalRules(**rules))
        return door.enter(arrival, KNOCK, method="openid", by_name=by_name)


@pytest.fixture
def door(both: Store, clock: SetClock, users: People) -> Door:
    return Door(both, clock, People(both, clock, hasher=users.hasher))


def told(store: Store, action: Action) -> int:
    with store.reading() as tx:
        return AuditBook(tx).count(AuditFilter(actions=(action.value,)))


def test_r4_whoever_has_no_account_gets_none_unless_that_is_wanted(door: Door) -> None:
    with pytest.raises(SignInRefused, match=NOBODY):
        door.enter(MAREK)
    assert door.people.list() == []
    made = door.enter(MAREK, makes_accounts=True).user
    assert (made.name, made.email, made.role) == ("marek", "marek@tidewater.example", Role.USER)
    assert made.email_confirmed_at is not None


def test_an_account_is_found_by_its_checked_address_once_and_by_the_mark_from_then_on(door: Door) -> None:
    marek = add_person(door.people, "m.nowak", email="marek@tidewater.example")
    assert door.enter(MAREK).user.id == marek.id
    assert told(door.store, Action.IDENTITY_LINKED) == 1
    moved = replace(MAREK, email="someone.else@tidewater.example", name="other")
    assert door.enter(moved).user.id == marek.id
    assert told(door.store, Action.IDENTITY_LINKED) == 1


def test_an_unchecked_address_or_a_name_ties_nobody(door: Door) -> None:
    add_person(door.people, "marek", email="marek@tidewater.example")
    add_person(door.people, "lena@tidewater.example")
    for stranger in (replace(MAREK, email=""), replace(MAREK, name="x", email="lena@tidewater.example")):
        with pytest.raises(SignInRefused):
            door.enter(stranger)


def test_a_proxy_names_accounts(door: Door) -> None:
    marek = add_person(door.people, "Marek")
    assert door.enter(replace(MAREK, email=""), by_name=True).user.id == marek.id


def test_groups_give_the_highest_of_their_roles_at_each_sign_in(door: Door) -> None:
    roles = {"ops": Role.OPERATOR, "watchers": Role.VIEWER}
    arrival = replace(MAREK, groups=("watchers", "ops", "unknown"))
    add_admin(door.people, "root")
    assert door.enter(arrival, makes_accounts=True, roles=roles).user.role is Role.OPERATOR
    assert door.enter(replace(arrival, groups=("watchers",)), roles=roles).user.role is Role.VIEWER
    assert door.enter(replace(arrival, groups=()), roles=roles).user.role is Role.USER
    assert told(door.store, Action.PERSON_ROLE_CHANGED) == 2


def test_without_roles_of_groups_the_role_given_here_stays(door: Door) -> None:
    add_person(door.people, "marek", Role.EDITOR, email="marek@tidewater.example")
    assert door.enter(replace(MAREK, groups=("ops",))).user.role is Role.EDITOR


def test_r55_the_last_administrator_stays_one_whatever_the_groups_say(door: Door) -> None:
    add_admin(door.people, "marek", email="marek@tidewater.example")
    assert door.enter(MAREK, roles={"ops": Role.OPERATOR}).user.role is Role.ADMIN


def test_r29_a_closed_account_stays_closed(door: Door) -> None:
    add_admin(door.people, "root")
    marek = add_person(door.people, "marek", email="marek@tidewater.example")
    door.enter(MAREK)
    door.people.disable(marek.id, actor=TESTER)
    with pytest.raises(SignInRefused, match=CLOSED):
        door.enter(MAREK, makes_accounts=True)
    assert told(door.store, Action.PERSON_REFUSED) == 1


def test_a_name_that_is_taken_makes_no_second_account(door: Door) -> None:
    add_person(door.people, "marek")
    with pytest.raises(SignInRefused, match="taken"):
        door.enter(MAREK, makes_accounts=True)
