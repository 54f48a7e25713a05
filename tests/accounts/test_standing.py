"""Roles given and taken, accounts closed and opened: one administrator always stays."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest

from horarium.accounts.people import People
from horarium.accounts.sessions import Sessions
from horarium.audit.trail import Trail
from horarium.errors import Conflict, InvalidValue, NotFound
from horarium.records.people import Role
from horarium.store.port import Store
from tests.support.people import LAPTOP, TESTER, SetClock, add_admin, add_person, cheap_hasher


def test_r55_two_administrators_who_demote_each_other_never_leave_none(both: Store, clock: SetClock) -> None:
    people = People(both, clock, hasher=cheap_hasher())
    ines, otto = add_admin(people, "ines"), add_admin(people, "otto")
    together = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        for number in range(100):
            acts = (people.disable, partial(people.change_role, role=Role.VIEWER))
            first, second = acts if number % 4 == 0 else (acts[1], acts[1])
            asked = [pool.submit(attempt, together, *each) for each in ((first, ines.id), (second, otto.id))]
            assert sorted(each.result() for each in asked) == [False, True]
            admins = [user for user in people.list() if user.is_admin and user.is_enabled]
            assert len(admins) == 1
            for each in (ines, otto):
                if not people.get(each.id).is_enabled:
                    people.enable(each.id, actor=TESTER)
                people.change_role(each.id, Role.ADMIN, actor=TESTER)


def attempt(together: Barrier, act: Callable[..., object], user_id: int) -> bool:
    """Take an administrator away; tell whether that was allowed."""
    together.wait(30)
    try:
        act(user_id, actor=TESTER)
    except Conflict:
        return False
    return True


def test_r55_the_last_administrator_is_neither_demoted_nor_closed(users: People) -> None:
    ines = add_admin(users, "ines")
    add_person(users, "otto", Role.EDITOR)
    with pytest.raises(Conflict, match="last administrator"):
        users.change_role(ines.id, Role.EDITOR, actor=TESTER)
    with pytest.raises(Conflict, match="last administrator"):
        users.disable(ines.id, actor=TESTER)
    assert users.get(ines.id).is_admin
    # A closed administrator is none.
    mira = add_admin(users, "mira")
    users.disable(mira.id, actor=TESTER)
    with pytest.raises(Conflict):
        users.disable(ines.id, actor=TESTER)


def test_r26_r29_another_role_ends_the_sessions_of_the_old_one(users: People, store: Store, clock: SetClock) -> None:
    add_admin(users, "ines")
    otto = add_person(users, "otto", Role.EDITOR)
    sessions = Sessions(store, clock)
    token = sessions.start(otto, LAPTOP, actor=TESTER)
    assert users.change_role(otto.id, Role.EDITOR, actor=TESTER) == users.get(otto.id)
    assert sessions.find(token)
    assert users.change_role(otto.id, Role.VIEWER, actor=TESTER).role is Role.VIEWER
    assert sessions.find(token) is None


def test_an_account_is_closed_and_opened_and_both_are_told(users: People, store: Store, clock: SetClock) -> None:
    add_admin(users, "ines")
    otto = add_person(users, "otto")
    assert users.disable(otto.id, actor=TESTER)
    assert not users.disable(otto.id, actor=TESTER)
    assert users.enable(otto.id, actor=TESTER)
    assert not users.enable(otto.id, actor=TESTER)
    assert users.get(otto.id).is_enabled
    told = [row.action for row in Trail(store, clock).page(limit=2)]
    assert told == ["person.enabled", "person.disabled"]
    with pytest.raises(NotFound):
        users.disable(99, actor=TESTER)


def test_what_people_say_of_themselves_is_checked_and_told(users: People, store: Store, clock: SetClock) -> None:
    otto = add_person(users, "otto")
    changed = users.change(otto.id, actor=TESTER, display_name="Otto Weber", time_zone="Asia/Tokyo")
    assert (changed.words, changed.time_zone) == ("Otto Weber", "Asia/Tokyo")
    (row,) = Trail(store, clock).page(limit=1)
    assert row.before == {"display_name": "", "time_zone": "UTC"}
    with pytest.raises(InvalidValue):
        users.change(otto.id, actor=TESTER, time_zone="Mars/Olympus")
    users.change(otto.id, actor=TESTER, display_name="Otto Weber")
    assert Trail(store, clock).page(limit=1) == [row]


def test_sessions_of_one_person_have_a_limit_and_the_unused_make_way(
    users: People, store: Store, clock: SetClock
) -> None:
    otto = add_person(users, "otto")
    sessions = Sessions(store, clock)
    tokens = [sessions.start(otto, LAPTOP, actor=TESTER) for _ in range(22)]
    assert len(sessions.of_user(otto.id)) == 20
    assert sessions.find(tokens[-1])


def test_r22_r26_a_proof_renews_the_id_and_grows_old(users: People, store: Store, clock: SetClock) -> None:
    otto = add_person(users, "otto")
    sessions = Sessions(store, clock)
    token = sessions.start(otto, LAPTOP, actor=TESTER)
    found = sessions.find(token)
    assert found
    assert sessions.is_fresh(found)
    clock.move(timedelta(minutes=11))
    assert not sessions.is_fresh(found)
    renewed = sessions.prove(found, actor=TESTER)
    assert sessions.find(token) is None
    again = sessions.find(renewed)
    assert again
    assert sessions.is_fresh(again)
    assert again.session.created_at == found.session.created_at
    clock.move(timedelta(hours=-1))
    assert not sessions.is_fresh(again)
