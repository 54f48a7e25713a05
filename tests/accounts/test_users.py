"""Accounts: who they are, and that spellings of one name are one name."""

from __future__ import annotations

import pytest

from horarium.accounts.people import People
from horarium.accounts.roles import Identity, Permission, may
from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.errors import InvalidValue, NotFound, SignInRefused, WeakPassword
from horarium.records.people import Role
from horarium.records.reach import Reach
from horarium.store.port import Store
from tests.support.people import TESTER, SetClock, add_admin, cheap_hasher, made_up


def test_an_administrator_signs_in_by_name_or_address_however_spelt(both: Store, clock: SetClock) -> None:
    users, password = People(both, clock, hasher=cheap_hasher()), made_up()
    made = add_admin(users, "Inês", password, email="Ines@Tidewater.example", display_name="Inês Carvalho")
    for name in ("Inês", " INÊS ", "ine\u0302s", "ines@tidewater.example", "INES@TIDEWATER.EXAMPLE "):
        assert users.authenticate(name, password).id == made.id
    assert made.role is Role.ADMIN
    assert made.words == "Inês Carvalho"


@pytest.mark.parametrize(
    ("name", "email"), [("INES", ""), ("other", "INES@x.example"), ("ines@x.example", ""), (" ines ", "")]
)
def test_a_name_or_address_belongs_to_one_person(users: People, name: str, email: str) -> None:
    add_admin(users, "ines", made_up(), email="ines@x.example")
    with pytest.raises(InvalidValue, match="taken"):
        add_admin(users, name, made_up(), email=email)
    assert len(users.list()) == 1


@pytest.mark.parametrize(
    ("name", "email", "zone", "field"),
    [
        ("", "", "UTC", "name"),
        ("a\nb\0", "", "UTC", "name"),
        ("x" * 300, "", "UTC", "name"),
        ("ines", "no address", "UTC", "email"),
        ("ines", "", "Mars/Olympus", "time zone"),
    ],
)
def test_what_an_account_is_made_of_is_checked(users: People, name: str, email: str, zone: str, field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        add_admin(users, name, made_up(), email=email, time_zone=zone)
    assert caught.value.field == field


def test_r12_a_weak_password_is_refused_and_not_shown(users: People) -> None:
    with pytest.raises(WeakPassword) as caught:
        add_admin(users, "ines", "sunshine2026")
    assert "sunshine2026" not in str(caught.value)
    assert caught.value.reasons
    assert users.list() == []


def test_a_closed_account_neither_signs_in_nor_may_anything(users: People) -> None:
    password = made_up()
    add_admin(users, "otto")
    made = add_admin(users, "ines", password)
    assert users.disable(made.id, actor=TESTER)
    assert not users.disable(made.id, actor=TESTER)
    with pytest.raises(SignInRefused):
        users.authenticate("ines", password)
    closed = Identity(users.get(made.id))
    assert not any(may(closed, permission) for permission in Permission)
    assert closed.reach == Reach()


def test_somebody_unknown_is_not_found(users: People) -> None:
    assert users.find("nobody") is None
    with pytest.raises(NotFound):
        users.get(7)


def test_r2_a_new_store_has_no_account(users: People) -> None:
    assert users.list() == []


def test_r107_a_new_account_is_told_in_the_audit_log(users: People, store: Store, clock: SetClock) -> None:
    made = add_admin(users, "ines", made_up(), email="ines@x.example")
    (row,) = Trail(store, clock).page()
    assert (row.action, row.actor, row.kind, row.object_id) == (Action.PERSON_ADDED, TESTER.name, "user", made.id)
    assert row.after["role"] == "admin"
    assert "password" not in row.after
