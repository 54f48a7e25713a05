"""Guessing is limited per account and per address, for all servers of one store together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from horarium.accounts.login import Knock, Login
from horarium.accounts.people import People
from horarium.accounts.sessions import Sessions
from horarium.accounts.throttle import PER_ACCOUNT, PER_ADDRESS, Throttle
from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.errors import SignInRefused, TooManyTries
from horarium.records.actors import Actor
from horarium.records.audit import AuditFilter
from horarium.store.port import Store
from tests.support.factors import second_step
from tests.support.people import SetClock, add_admin, cheap_hasher, made_up


def login(store: Store, clock: SetClock) -> Login:
    users = People(store, clock, hasher=cheap_hasher())
    throttle = Throttle(store, clock)
    return Login(
        store,
        clock,
        users=users,
        sessions=Sessions(store, clock),
        throttle=throttle,
        second_step=second_step(store, clock, throttle=throttle),
        secret=b"s" * 32,
    )


def knock(number: int = 0, device: str | None = None) -> Knock:
    return Knock(address=f"192.0.2.{number % 250}", agent="test", device=device)


def test_r14_of_200_wrong_passwords_at_once_ten_reach_the_hash(
    both: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = login(both, clock)
    add_admin(door._users, "admin-ines", made_up())
    hashed: list[str] = []
    real = People.authenticate

    def counted(self: People, name: str, password: str) -> object:
        hashed.append(name)
        return real(self, name, password)

    monkeypatch.setattr(People, "authenticate", counted)
    spellings = ("admin-ines", " Admin-Ines", "ADMIN-INES", "\uff41dmin-ines")

    def guess(number: int) -> type[Exception]:
        try:
            # Each from an address of its own and half of them through another server on the same store.
            each = door if number % 2 else login(both, clock)
            each.enter(spellings[number % 4], made_up(), knock(number))
        except (SignInRefused, TooManyTries) as error:
            return type(error)
        return AssertionError

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(guess, range(200)))
    assert answers.count(SignInRefused) == len(hashed) == PER_ACCOUNT.tries
    assert answers.count(TooManyTries) == 200 - PER_ACCOUNT.tries


def test_r14_waiting_is_told_in_seconds_and_ends(store: Store, clock: SetClock) -> None:
    throttle = Throttle(store, clock)
    for _ in range(PER_ACCOUNT.tries):
        throttle.take(address="192.0.2.1", name="ines")
        clock.move(timedelta(minutes=1))
    with pytest.raises(TooManyTries) as caught:
        throttle.take(address="192.0.2.1", name="Ines ")
    assert caught.value.wait_seconds == pytest.approx(300)
    clock.move(timedelta(minutes=5))
    throttle.take(address="192.0.2.1", name="ines")


def test_r14_an_address_has_a_limit_over_all_names_and_ipv6_by_network(store: Store, clock: SetClock) -> None:
    throttle = Throttle(store, clock)
    for number in range(PER_ADDRESS.tries):
        throttle.take(address=f"2001:db8::{number:x}", name=f"name{number}")
    with pytest.raises(TooManyTries):
        throttle.take(address="2001:db8::ffff", name="another")
    throttle.take(address="2001:db8:0:1::1", name="another")


def test_r14_a_right_password_does_not_count(store: Store, clock: SetClock) -> None:
    door, password = login(store, clock), made_up()
    add_admin(door._users, "ines", password)
    for _ in range(PER_ACCOUNT.tries + 2):
        door.enter("ines", password, knock())


def test_r14_nobody_is_locked_out_of_a_browser_they_have_signed_in_with(store: Store, clock: SetClock) -> None:
    door, password = login(store, clock), made_up()
    add_admin(door._users, "ines", password, email="ines@x.example")
    mark = door.enter("ines", password, knock()).device
    for number in range(PER_ACCOUNT.tries):
        with pytest.raises(SignInRefused):
            door.enter("ines", made_up(), knock(number))
    with pytest.raises(TooManyTries):
        door.enter("ines", password, knock(99))
    assert door.enter("INES@x.example", password, knock(99, mark)).user.name == "ines"
    # The mark is one browser's and has a counter too; it opens no other account's.
    for _ in range(PER_ACCOUNT.tries):
        with pytest.raises(SignInRefused):
            door.enter("ines", made_up(), knock(99, mark))
    with pytest.raises(TooManyTries):
        door.enter("ines", password, knock(99, mark))


def test_r14_a_made_up_mark_of_a_browser_helps_nobody(store: Store, clock: SetClock) -> None:
    door = login(store, clock)
    add_admin(door._users, "ines", made_up())
    mark = login(store, clock)._mark(door._users.list()[0])
    for forged in ("", "a.b.c", mark[:-1], "x" + mark, mark.replace(".", ".9", 1)):
        assert door._known_device("ines", forged) is None
    assert door._known_device("ines", mark)
    assert door._known_device("otto", mark) is None
    clock.move(timedelta(days=181))
    assert door._known_device("ines", mark) is None


def test_the_console_can_forget_tries(store: Store, clock: SetClock) -> None:
    throttle = Throttle(store, clock)
    for _ in range(PER_ACCOUNT.tries):
        throttle.take(address="192.0.2.1", name="ines")
    assert throttle.clear(" INES") == PER_ACCOUNT.tries
    throttle.take(address="192.0.2.1", name="ines")


def test_r16_a_closed_an_unknown_and_a_known_name_are_refused_alike(store: Store, clock: SetClock) -> None:
    door = login(store, clock)
    closed = add_admin(door._users, "closed", made_up())
    add_admin(door._users, "known", made_up())
    door._users.disable(closed.id, actor=Actor.of_code("console"))
    said = set()
    for name in ("closed", "known", "unknown"):
        with pytest.raises(SignInRefused) as caught:
            door.enter(name, made_up(), knock())
        said.add(str(caught.value))
    assert len(said) == 1


def test_r24_sign_ins_and_refusals_are_told_and_an_unknown_name_is_cut(store: Store, clock: SetClock) -> None:
    door, password, slipped = login(store, clock), made_up(), made_up()
    add_admin(door._users, "ines", password)
    door.enter("ines", password, knock())
    for name in ("ines", slipped, "a\x1b[31m"):
        with pytest.raises(SignInRefused):
            door.enter(name, made_up(), knock())
    trail = Trail(store, clock)
    refused = trail.page(AuditFilter(actions=(Action.PERSON_REFUSED,)))
    assert len(trail.page(AuditFilter(actions=(Action.PERSON_SIGNED_IN,)))) == 1
    assert [row.actor for row in refused] == ["a?[…", slipped[:3] + "…", "ines"]
    assert {(row.address, row.result, row.source) for row in refused} == {("192.0.2.0", "refused", "web")}
    assert [row.details["known"] for row in refused] == [False, False, True]
