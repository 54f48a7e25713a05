"""Sessions: kept as hashes, ended by idleness, age, hand, and never brought back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from horarium.accounts.password_change import PasswordChange
from horarium.accounts.people import People
from horarium.accounts.sessions import Device, Sessions
from horarium.records.actors import Actor
from horarium.records.people import User
from horarium.store.port import Store
from tests.support.people import TESTER, SetClock, add_admin, add_person, made_up


@pytest.fixture
def sessions(store: Store, clock: SetClock) -> Sessions:
    return Sessions(store, clock)


@pytest.fixture
def admin(users: People) -> User:
    return add_admin(users, "ines", made_up())


@pytest.fixture
def member(users: People) -> User:
    return add_person(users, "otto")


def begin(sessions: Sessions, user: User, replaces: str | None = None) -> str:
    return sessions.start(user, Device(address="192.0.2.1", agent="Browser\n9"), actor=TESTER, replaces=replaces)


def test_r25_nothing_in_the_table_signs_anybody_in(sessions: Sessions, admin: User, store: Store) -> None:
    token = begin(sessions, admin)
    assert len(token) >= 43
    with store.reading() as tx:
        kept = [str(value) for row in tx.execute(text("SELECT * FROM user_sessions")) for value in row]
    assert token not in kept
    assert all(sessions.find(value) is None for value in kept)
    found = sessions.find(token)
    assert found
    assert found.user.id == admin.id
    assert found.session.agent == "Browser9"


def test_r26_signing_in_ends_the_session_that_the_browser_had(sessions: Sessions, admin: User) -> None:
    first = begin(sessions, admin)
    second = begin(sessions, admin, replaces=first)
    assert first != second
    assert sessions.find(first) is None
    assert sessions.find(second)


@pytest.mark.parametrize("token", ["", "made-up", "x" * 100_000, "\udc80"])
def test_r26_an_id_from_outside_is_never_adopted(sessions: Sessions, admin: User, token: str) -> None:
    begin(sessions, admin)
    assert sessions.find(token) is None


def test_r27_signing_out_ends_the_session(sessions: Sessions, admin: User) -> None:
    token = begin(sessions, admin)
    found = sessions.find(token)
    assert found
    sessions.end(found, actor=TESTER)
    sessions.end(found, actor=TESTER)
    assert sessions.find(token) is None


@pytest.mark.parametrize(("who", "idle", "longest"), [("admin", 1, 24), ("member", 12, 14 * 24)])
def test_r28_idle_and_absolute_limits(
    sessions: Sessions, clock: SetClock, request: pytest.FixtureRequest, who: str, idle: int, longest: int
) -> None:
    user = request.getfixturevalue(who)
    idle_one = begin(sessions, user)
    clock.move(timedelta(hours=idle))
    assert sessions.find(idle_one) is None
    used = begin(sessions, user)
    step = timedelta(hours=idle) - timedelta(minutes=1)
    passed = timedelta()
    while passed + step < timedelta(hours=longest):
        clock.move(step)
        passed += step
        assert sessions.find(used), passed
    clock.move(timedelta(hours=longest) - passed)
    assert sessions.find(used) is None


def test_r28_a_clock_set_back_does_not_revive(sessions: Sessions, clock: SetClock, admin: User) -> None:
    token = begin(sessions, admin)
    clock.move(timedelta(hours=2))
    assert sessions.find(token) is None
    clock.move(timedelta(hours=-2))
    assert sessions.find(token) is None


def test_r28_a_session_seen_later_than_now_is_over(sessions: Sessions, clock: SetClock, admin: User) -> None:
    token = begin(sessions, admin)
    clock.move(timedelta(minutes=-4))
    assert sessions.find(token)
    clock.move(timedelta(hours=-3))
    assert sessions.find(token) is None


def test_r29_closing_an_account_ends_its_sessions(sessions: Sessions, users: People, admin: User, member: User) -> None:
    gone, stays = begin(sessions, member), begin(sessions, admin)
    users.disable(member.id, actor=Actor.of_code("ines"))
    assert sessions.find(gone) is None
    assert sessions.find(stays)


def test_a_new_password_ends_all_other_sessions(
    sessions: Sessions, users: People, store: Store, clock: SetClock
) -> None:
    old = made_up()
    user = add_admin(users, "ines", old)
    here, there = begin(sessions, user), begin(sessions, user)
    found = sessions.find(here)
    assert found
    PasswordChange(store, clock, users).change(user.id, old, made_up(), actor=TESTER, keep_session=found.session.key)
    assert sessions.find(here)
    assert sessions.find(there) is None


def test_living_sessions_are_told_apart_in_one_look(sessions: Sessions, clock: SetClock, member: User) -> None:
    first = sessions.find(begin(sessions, member))
    clock.move(timedelta(hours=11))
    second = sessions.find(begin(sessions, member))
    clock.move(timedelta(hours=2))
    assert first
    assert second
    assert set(sessions.living([first.session.key, second.session.key, "none"])) == {second.session.key}


def test_old_sessions_are_swept_when_somebody_signs_in(sessions: Sessions, clock: SetClock, member: User) -> None:
    begin(sessions, member)
    clock.move(timedelta(days=15))
    begin(sessions, member)
    assert len(sessions.of_user(member.id)) == 1
    assert sessions.end_all(member, actor=TESTER) == 1
