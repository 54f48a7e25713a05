"""Owners let people, projects and tasks use a credential, and end that at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from horarium.accounts.people import People
from horarium.accounts.projects import Projects
from horarium.audit.trail import Trail
from horarium.errors import CredentialDenied, Denied, InvalidValue, NotFound
from horarium.records.credentials import Subject
from horarium.records.people import Role
from horarium.records.reach import NOWHERE, Place
from horarium.records.tasks import CommandSpec, PythonSpec, TaskDefinition
from horarium.vault.grants import NewGrant
from tests.support.people import TESTER, SetClock, add_person, made_up
from tests.support.vault import HOST, House, as_user


def to_task(number: int) -> NewGrant:
    return NewGrant(subject=Subject.TASK, subject_id=number)


def to_person(number: int, *, may_replace: bool = False) -> NewGrant:
    return NewGrant(subject=Subject.PERSON, subject_id=number, may_replace=may_replace)


def test_r53_a_person_uses_what_was_granted_to_them_and_manages_nothing_of_it(house: House, people: People) -> None:
    ana, otto = add_person(people, "ana"), add_person(people, "otto")
    him, her = as_user(otto), as_user(ana)
    hers = house.save("shop", "a value of ana", asker=her, owner_id=ana.id)
    task = house.task("report", "shop", place=Place(owner_id=otto.id))
    with pytest.raises(CredentialDenied):
        house.opened(task, "shop")
    grant = house.grants.make(hers.id, to_person(otto.id), asker=her)
    assert house.opened(task, "shop") == {"token": "a value of ana"}
    assert [each.credential.id for each in house.credentials.list(asker=him)] == [hers.id]
    shown = house.credentials.show(hers.id, asker=him)
    assert (shown.owns, shown.may_replace, shown.grants, shown.versions) == (False, False, (), ())
    for act in (
        lambda: house.credentials.replace(hers.id, {"token": made_up()}, asker=him),
        lambda: house.credentials.remove(hers.id, asker=him),
        lambda: house.grants.make(hers.id, to_person(ana.id), asker=him),
        lambda: house.grants.revoke(hers.id, grant.id, asker=him),
    ):
        with pytest.raises(Denied):
            act()
    house.grants.revoke(hers.id, grant.id, asker=her)
    with pytest.raises(CredentialDenied):
        house.opened(task, "shop", run_id=2)
    with pytest.raises(NotFound):
        house.credentials.show(hers.id, asker=him)


def test_a_person_may_be_let_replace_values_and_nobody_else(house: House, people: People) -> None:
    ana, otto = add_person(people, "ana"), add_person(people, "otto")
    hers = house.save("shop", made_up(), asker=as_user(ana), owner_id=ana.id)
    house.grants.make(hers.id, to_person(otto.id, may_replace=True), asker=as_user(ana))
    assert house.credentials.show(hers.id, asker=as_user(otto)).may_replace
    assert house.credentials.replace(hers.id, {"token": made_up()}, asker=as_user(otto)).credential.version == 2
    wanted = NewGrant(subject=Subject.PROJECT, subject_id=1, may_replace=True)
    with pytest.raises(InvalidValue, match="only people"):
        house.grants.make(hers.id, wanted, asker=as_user(ana))


def test_a_project_s_tasks_and_members_use_what_was_granted_to_it(house: House, people: People) -> None:
    ana, otto = add_person(people, "ana"), add_person(people, "otto")
    night = Projects(house.store, house.clock).add("Night", actor=TESTER)
    Projects(house.store, house.clock).put_member(night.id, otto.id, Role.VIEWER, actor=TESTER)
    hers = house.save("shop", "value of ana", asker=as_user(ana), owner_id=ana.id)
    wanted = NewGrant(subject=Subject.PROJECT, subject_id=night.id)
    with pytest.raises(NotFound, match="no project"):
        house.grants.make(hers.id, wanted, asker=as_user(ana))
    house.grants.make(hers.id, wanted, asker=as_user(ana, night.id))
    assert house.opened(house.task("report", "shop", place=Place(project_id=night.id)), "shop")
    assert [each.credential.id for each in house.credentials.list(asker=as_user(otto, night.id))] == [hers.id]
    assert house.credentials.list(asker=as_user(otto)) == []


def test_r53_a_grant_to_a_task_ends_when_the_task_executes_something_else(house: House, people: People) -> None:
    otto = add_person(people, "otto")
    found = house.save("shop", "a value here")
    place = Place(owner_id=otto.id)
    task = house.task("report", "shop", place=place)
    first = house.grants.make(found.id, to_task(task.id), asker=HOST)
    assert house.opened(task, "shop")
    # When it runs may change, what it is given or does may not.
    changed = house.task("report", "shop", target="shop.jobs:steal")
    assert changed.id == task.id
    with pytest.raises(CredentialDenied, match="waits"):
        house.opened(changed, "shop", run_id=2)
    assert house.grants.waiting((first,)) == {first.id}
    again = house.grants.make(found.id, to_task(task.id), asker=HOST)
    assert house.opened(changed, "shop", run_id=3)
    with_arguments = house.task("report", "shop", target="shop.jobs:steal", kwargs={"to": "me"})
    with pytest.raises(CredentialDenied, match="waits"):
        house.opened(with_arguments, "shop", run_id=4)
    grants = house.credentials.show(found.id, asker=HOST).grants
    assert [each.id for each in grants] == [again.id]
    assert house.grants.names(grants) == {again.id: "report"}


def test_r53_a_run_with_parameters_of_its_own_does_not_use_what_was_granted_to_the_task(house: House) -> None:
    task = house.task("report", "shop", kwargs={"to": "https://shop.example"}, place=Place(project_id=night(house)))
    found = house.save("shop", "a value here")
    house.grants.make(found.id, to_task(task.id), asker=HOST)
    usual = house.desk.trigger(task.id, by=TESTER)
    astray = house.desk.trigger(task.id, by=TESTER, params={"to": "https://elsewhere.example"})
    assert house.opened(task, "shop", run_id=usual)
    with pytest.raises(CredentialDenied, match="parameters"):
        house.opened(task, "shop", run_id=astray)


@pytest.mark.parametrize(
    "spec",
    [
        *(CommandSpec(("curl", "https://elsewhere.example")), CommandSpec(("curl", "x"), shell=True)),  # noqa: S604
        *(CommandSpec(("curl", "x"), cwd="/tmp"), CommandSpec(("curl", "x"), env={"HTTPS_PROXY": "x"})),  # noqa: S108
        *(CommandSpec(("curl", "x"), user="eve"), CommandSpec(("curl", "x"), stdin="url = elsewhere")),
        PythonSpec("shop.jobs:run"),
    ],
    ids=["argv", "shell", "cwd", "env", "user", "stdin", "kind"],
)
def test_r53_whatever_of_a_command_changes_its_grant_waits(house: House, spec: CommandSpec | PythonSpec) -> None:
    before = TaskDefinition("report", CommandSpec(("curl", "x")), None, credentials=("shop",))
    task = house.desk.define(before).task
    task = house.desk.give(task.id, Place(project_id=night(house)), by=TESTER)
    house.grants.make(house.save("shop", "a value here").id, to_task(task.id), asker=HOST)
    assert house.opened(task, "shop")
    # When it runs and what is said about it may change.
    told = house.desk.define(replace(before, description="Every night.", tags=("night",))).task
    assert house.opened(told, "shop", run_id=2)
    with pytest.raises(CredentialDenied, match="waits"):
        house.opened(house.desk.define(replace(before, spec=spec)).task, "shop", run_id=3)


def test_r54_a_task_that_another_owner_got_uses_nothing_of_the_one_before(house: House, people: People) -> None:
    ana, otto = add_person(people, "ana"), add_person(people, "otto")
    hers, ours = house.save("shop", made_up(), asker=as_user(ana), owner_id=ana.id), house.save("mail", made_up())
    task = house.task("report", "shop", "mail", place=Place(owner_id=ana.id))
    house.grants.make(ours.id, to_task(task.id), asker=HOST)
    assert house.opened(task, "shop")
    assert house.opened(task, "mail")
    for place in (Place(owner_id=otto.id), Place(project_id=night(house)), NOWHERE):
        given = house.desk.give(task.id, place, by=TESTER)
        names = ("shop",) if place == NOWHERE else ("shop", "mail")
        for name in names:
            with pytest.raises(CredentialDenied):
                house.opened(given, name, run_id=2)
    back = house.desk.give(task.id, Place(owner_id=ana.id), by=TESTER)
    assert house.opened(back, "mail", run_id=3)
    # The same where the credential changes hands: the tasks of the one before are no longer its owner's.
    house.credentials.give(hers.id, otto.id, asker=as_user(ana))
    with pytest.raises(CredentialDenied):
        house.opened(back, "shop", run_id=4)
    with pytest.raises(NotFound):
        house.credentials.show(hers.id, asker=as_user(ana))


def night(house: House) -> int:
    """Return the number of a project, made where there is none."""
    projects = Projects(house.store, house.clock)
    return (projects.find("Night") or projects.add("Night", actor=TESTER)).id


def test_r46_what_a_grant_is_for_must_be_there_for_the_one_who_grants(house: House, people: People) -> None:
    ana, otto = add_person(people, "ana"), add_person(people, "otto")
    hers = house.save("shop", made_up(), asker=as_user(ana), owner_id=ana.id)
    his = house.task("report", "shop", place=Place(owner_id=otto.id))
    said = []
    for number in (his.id, his.id + 1000):
        with pytest.raises(NotFound) as answer:
            house.grants.make(hers.id, to_task(number), asker=as_user(ana))
        said.append(str(answer.value).replace(str(number), "N"))
    assert said[0] == said[1]
    with pytest.raises(NotFound, match="no user"):
        house.grants.make(hers.id, to_person(999), asker=as_user(ana))
    other = house.save("mail", made_up(), asker=as_user(otto), owner_id=otto.id)
    grant = house.grants.make(other.id, to_person(ana.id), asker=as_user(otto))
    for credential_id, grant_id in ((hers.id, grant.id), (hers.id, 999)):
        with pytest.raises(NotFound, match="no grant"):
            house.grants.revoke(credential_id, grant_id, asker=as_user(ana))


def test_a_grant_has_an_end_and_a_second_one_takes_its_place(house: House, people: People, clock: SetClock) -> None:
    otto = add_person(people, "otto")
    found = house.save("shop", made_up())
    day = timedelta(days=1)
    wanted = NewGrant(subject=Subject.PERSON, subject_id=otto.id, expires_at=clock.now() + day)
    house.grants.make(found.id, wanted, asker=HOST)
    second = house.grants.make(found.id, wanted, asker=HOST)
    assert [each.id for each in house.credentials.show(found.id, asker=HOST).grants] == [second.id]
    task = house.task("report", "shop", place=Place(owner_id=otto.id))
    assert house.opened(task, "shop")
    clock.move(day)
    with pytest.raises(CredentialDenied):
        house.opened(task, "shop", run_id=2)
    with pytest.raises(InvalidValue, match="lies ahead"):
        house.grants.make(found.id, wanted, asker=HOST)


def test_r107_grants_and_their_ends_are_told(house: House, people: People, trail: Trail) -> None:
    otto = add_person(people, "otto")
    found = house.save("shop", made_up())
    grant = house.grants.make(found.id, to_person(otto.id, may_replace=True), asker=HOST)
    house.grants.revoke(found.id, grant.id, asker=HOST)
    with pytest.raises(NotFound):
        house.grants.revoke(found.id, grant.id, asker=HOST)
    ended, made = trail.page(limit=2)
    assert (ended.action, made.action) == ("grant.revoked", "grant.made")
    assert (made.object_name, made.details["subject_name"], made.details["may_replace"]) == ("shop", "otto", True)
