"""Who may do what with whose things: each way that gives a right, and none beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from horarium.accounts.roles import FOR_ALL, Identity, Permission, Scope, may, may_manage, may_with
from horarium.records.people import Role, User
from horarium.records.reach import NOWHERE, Place, Reach
from tests.support.people import START

LOOK = {Permission.TASKS_READ, Permission.RUNS_READ}
OPERATE = LOOK | {Permission.TASKS_PAUSE, Permission.TASKS_TRIGGER, Permission.RUNS_CANCEL}
EDIT = OPERATE | {Permission.TASKS_EDIT}
MINE, PROJECT, ANOTHERS = Place(owner_id=1), Place(project_id=5), Place(owner_id=2)


def person(role: Role, **projects: Role) -> Identity:
    user = User(1, "ines", "", "", role, "UTC", START)
    return Identity(user, {int(name[1:]): given for name, given in projects.items()})


def rights(identity: Identity, place: Place) -> set[Permission]:
    return {permission for permission in Permission if may_with(identity, permission, place)}


@pytest.mark.parametrize(
    ("role", "shared"),
    [
        (Role.USER, set()),
        (Role.VIEWER, LOOK),
        (Role.OPERATOR, OPERATE),
        (Role.EDITOR, OPERATE),
        (Role.ADMIN, set(Permission)),
    ],
)
def test_a_role_on_the_installation_is_about_what_is_the_installations(role: Role, shared: set[Permission]) -> None:
    assert rights(person(role), NOWHERE) == shared
    if role is not Role.ADMIN:
        assert rights(person(role), ANOTHERS) == set()
        assert rights(person(role), PROJECT) == set()
        assert rights(person(role), Place(for_user_id=2)) == set()


@pytest.mark.parametrize(
    ("role", "given"),
    [(Role.VIEWER, LOOK), (Role.OPERATOR, OPERATE), (Role.EDITOR, EDIT), (Role.ADMIN, EDIT)],
)
def test_a_role_in_a_project_is_about_its_tasks_and_no_others(role: Role, given: set[Permission]) -> None:
    member = person(Role.USER, p5=role)
    assert rights(member, PROJECT) - {Permission.PROJECTS_MANAGE} == given
    assert rights(member, Place(project_id=6)) == set()
    assert rights(member, NOWHERE) == set()
    assert may_manage(member, 5) is (role is Role.ADMIN)
    assert not may_manage(member, 6)


def test_an_owner_operates_what_is_theirs_and_an_editor_edits_it() -> None:
    assert rights(person(Role.USER), MINE) == OPERATE
    assert rights(person(Role.VIEWER), MINE) == OPERATE
    assert rights(person(Role.EDITOR), MINE) == EDIT


def test_what_runs_for_somebody_is_theirs_to_operate_and_nobody_elses_to_see() -> None:
    assert rights(person(Role.USER), Place(for_user_id=1)) == OPERATE
    assert rights(person(Role.EDITOR, p5=Role.ADMIN), Place(for_user_id=2)) == set()


def test_r50_nobody_but_an_administrator_says_what_the_machine_executes() -> None:
    for role in set(Role) - {Role.ADMIN}:
        anyone = person(role, p5=Role.ADMIN)
        assert not may(anyone, Permission.TASKS_DEFINE)
        assert not any(may_with(anyone, Permission.TASKS_DEFINE, place) for place in (NOWHERE, MINE, PROJECT))


@pytest.mark.parametrize("role", Role)
def test_everybody_looks_after_themselves(role: Role) -> None:
    assert {permission for permission in Permission if may(person(role), permission)} >= FOR_ALL
    only = {Permission.USERS_MANAGE, Permission.AUDIT_READ, Permission.SYSTEM_MANAGE, Permission.CREDENTIALS_MANAGE}
    assert all(may(person(role), permission) is (role is Role.ADMIN) for permission in only)


ALWAYS = {Permission.PROFILE_READ, Permission.CHECKS_READ, Permission.NOTICES_READ}


def test_r59_a_token_gives_no_more_than_its_scopes_and_than_its_owner_has() -> None:
    admin, viewer = person(Role.ADMIN), person(Role.VIEWER)
    reading = frozenset({Scope.READ})
    assert rights(replace(admin, scopes=reading), NOWHERE) == LOOK | ALWAYS
    assert rights(replace(admin, scopes=frozenset({Scope.TRIGGER})), ANOTHERS) == OPERATE | ALWAYS
    assert rights(replace(viewer, scopes=frozenset({Scope.ADMIN})), NOWHERE) == LOOK
    assert rights(replace(admin, scopes=frozenset()), NOWHERE) == set()
    assert not may_manage(replace(admin, scopes=reading), 5)


def test_r29_a_closed_account_sees_nothing() -> None:
    closed = replace(person(Role.ADMIN, p5=Role.ADMIN).user, disabled_at=START)
    identity = Identity(closed, {5: Role.ADMIN})
    assert identity.reach == Reach()
    assert not identity.reach.covers(NOWHERE)
    assert not any(may(identity, permission) for permission in Permission)


def test_reach_follows_the_same_rules() -> None:
    member = person(Role.USER, p5=Role.VIEWER, p6=Role.USER)
    assert member.reach == Reach(user_id=1, projects=(5,), shared=False)
    assert person(Role.VIEWER).reach.shared
    assert not member.reach.covers(Place(owner_id=2, project_id=7))
    assert member.reach.covers(Place(owner_id=2, project_id=5))
