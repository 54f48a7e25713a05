"""Between password and session: marks that hold for one browser and not for long, limits, and who must have a step."""

from __future__ import annotations

from datetime import timedelta

import pytest

from horarium.accounts.people import NewPerson, People
from horarium.accounts.second_step import HALF_LASTS, TRUST_LASTS, Rule, SecondStep, Way
from horarium.accounts.throttle import Limit
from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.errors import SignInRefused, TooManyTries
from horarium.records.actors import Actor
from horarium.records.audit import AuditFilter
from horarium.records.people import Role, User
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store
from tests.support.factors import code_at, give_app, second_factor, second_step
from tests.support.people import TESTER, SetClock, add_admin, add_person

BROWSER = "mark-of-this-browser"
THERE = Actor(name="ines", address="192.0.2.1")


@pytest.fixture
def ines(users: People) -> User:
    return add_person(users, "ines")


@pytest.fixture
def steps(store: Store, clock: SetClock) -> SecondStep:
    return second_step(store, clock)


def test_without_a_second_step_the_password_does(steps: SecondStep, ines: User, store: Store, clock: SetClock) -> None:
    assert steps.method_without(ines, None) == "password"
    give_app(second_factor(store, clock), ines, clock)
    assert steps.method_without(ines, None) is None


def test_r23_who_is_half_way_goes_on_in_the_same_browser_only(
    steps: SecondStep, users: People, ines: User, clock: SetClock
) -> None:
    mark = steps.begin(ines, browser=BROWSER, stays=True, wanted="/tasks")
    found = steps.half_way(mark, BROWSER)
    assert found
    assert (found.user.id, found.stays, found.wanted) == (ines.id, True, "/tasks")
    for wrong, browser in ((mark, "another"), (mark, None), (mark, ""), (mark[:-4] + "AAAA", BROWSER), ("", BROWSER)):
        assert steps.half_way(wrong, browser) is None
    clock.move(HALF_LASTS)
    assert steps.half_way(mark, BROWSER) is None
    mark = steps.begin(ines, browser=BROWSER, stays=False, wanted="")
    users.disable(ines.id, actor=TESTER)
    assert steps.half_way(mark, BROWSER) is None


def test_who_is_half_way_starts_again_once_their_proofs_have_changed(
    steps: SecondStep, ines: User, store: Store, clock: SetClock
) -> None:
    mark = steps.begin(ines, browser=BROWSER, stays=False, wanted="")
    give_app(second_factor(store, clock), ines, clock)
    assert steps.half_way(mark, BROWSER) is None


def test_a_trusted_browser_is_not_asked_for_thirty_days_or_until_proofs_change(
    steps: SecondStep, users: People, ines: User, store: Store, clock: SetClock
) -> None:
    factors = second_factor(store, clock)
    give_app(factors, ines, clock)
    mark = steps.trust_mark(users.get(ines.id))
    assert steps.method_without(users.get(ines.id), mark) == "password+device"
    otto = add_person(users, "otto")
    give_app(factors, otto, clock)
    assert steps.method_without(users.get(otto.id), mark) is None
    for wrong in ("", "a.b.c", "..", mark + "x", mark.replace(".", "")):
        assert steps.method_without(users.get(ines.id), wrong) is None
    clock.move(TRUST_LASTS)
    assert steps.method_without(users.get(ines.id), mark) is None
    mark = steps.trust_mark(users.get(ines.id))
    factors.make_codes(ines, actor=TESTER)
    assert steps.method_without(users.get(ines.id), mark) == "password+device"
    give_app(factors, ines, clock)
    assert steps.method_without(users.get(ines.id), mark) is None


def test_r23_guessing_codes_is_limited_for_the_person_wherever_it_comes_from(
    both: Store, clock: SetClock, ines: User
) -> None:
    person = add_person(People(both, clock), "person")
    steps = second_step(both, clock, limit=Limit(10, timedelta(hours=1)))
    secret, codes = give_app(second_factor(both, clock), person, clock)
    clock.move(timedelta(minutes=1))
    right = code_at(secret, clock)
    wrong = f"{(int(right) + 500_000) % 1_000_000:06}"
    for number in range(10):
        with pytest.raises(SignInRefused):
            steps.take_code(person, wrong, actor=Actor(address=f"192.0.2.{number}"))
    for typed in (right, codes[0]):
        with pytest.raises(TooManyTries):
            steps.take_code(person, typed, actor=Actor(address="198.51.100.7"))
    clock.move(timedelta(hours=1, seconds=1))
    assert steps.take_code(person, codes[0], actor=THERE) == "password+code"
    assert steps.take_code(person, code_at(secret, clock), actor=THERE) == "password+totp"
    refused = Trail(both, clock).page(AuditFilter(actions=(Action.PERSON_REFUSED,)))
    assert {(row.object_name, row.details["step"]) for row in refused} == {("person", "second")}
    assert not any(wrong in str(row) for row in refused)


@pytest.mark.parametrize(
    ("whom", "held"),
    [("nobody", set()), ("admins", {"boss"}), ("everybody", {"boss", "ines"})],
)
def test_the_rule_holds_for_whom_it_says(
    users: People, store: Store, clock: SetClock, whom: str, held: set[str]
) -> None:
    people = {"boss": add_admin(users, "boss"), "ines": add_person(users, "ines", Role.EDITOR)}
    steps = second_step(store, clock, rule=Rule(whom, timedelta(days=7)))
    steps.begin_rule()
    clock.move(timedelta(days=8))
    assert {name for name, user in people.items() if steps.is_overdue(user, "password")} == held
    assert not any(steps.is_overdue(user, "oidc") for user in people.values())


def test_the_days_of_grace_begin_with_the_rule_or_with_the_account(
    users: People, ines: User, store: Store, clock: SetClock
) -> None:
    second_step(store, clock).begin_rule()
    clock.move(timedelta(days=100))
    steps = second_step(store, clock, rule=Rule("everybody", timedelta(days=7)))
    began = clock.now()
    steps.begin_rule()
    clock.move(timedelta(days=3))
    second_step(store, clock, rule=Rule("everybody", timedelta(days=7))).begin_rule()
    assert steps.due(ines, "password") == began + timedelta(days=7)
    later = add_person(users, "later")
    assert steps.due(later, "password") == clock.now() + timedelta(days=7)
    assert not steps.is_overdue(ines, "password")
    clock.move(timedelta(days=4))
    assert steps.is_overdue(ines, "password")
    assert not steps.is_overdue(later, "password")
    give_app(second_factor(store, clock), ines, clock)
    assert steps.due(ines, "password") is None


def test_r22_who_has_no_password_proves_who_they_are_by_what_they_have(
    users: People, steps: SecondStep, ines: User, store: Store, clock: SetClock
) -> None:
    assert steps.way_to_prove(ines) is Way.PASSWORD
    elsewhere = users.add(NewPerson(name="elsewhere"), actor=TESTER)
    assert steps.way_to_prove(elsewhere) is Way.AGAIN
    give_app(second_factor(store, clock), elsewhere, clock)
    assert steps.way_to_prove(elsewhere) is Way.CODE
    with store.reading() as tx:
        assert PeopleBook(tx).password_hash(elsewhere.id) == ""
