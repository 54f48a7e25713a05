"""Lists of credentials: walked by name, filtered, and with the tasks that get them; each sees only what is theirs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from horarium.accounts.people import People
from horarium.accounts.projects import Projects
from horarium.clock import to_micros
from horarium.records.credentials import Asker, Credential, Subject
from horarium.records.people import Role
from horarium.records.reach import EVERYTHING, Place, Reach
from horarium.records.tasks import PerUser, PythonSpec, TaskDefinition
from horarium.store.books.cabinet import STATES, CabinetBook, CabinetFilter
from horarium.store.books.credentials import CredentialBook
from horarium.store.books.idle import IdleBook
from horarium.vault.credentials import Changes, NewCredential
from horarium.vault.grants import NewGrant
from horarium.vault.usage import users_of
from tests.support.people import TESTER, SetClock, add_person, made_up
from tests.support.vault import HOST, House, as_user


def names(house: House, asker: Asker = HOST, **wanted: object) -> list[str]:
    with house.store.reading() as tx:
        book = CabinetBook(tx, house.clock.now())
        chosen = CabinetFilter(asker=asker, **wanted)  # type: ignore[arg-type]
        found = [each.name for _, each in book.page(chosen)]
        assert book.count(chosen) == len(found)
        assert sum(book.by_kind(chosen).values()) == sum(book.by_owner(chosen).values()) == len(found)
        return found


def users(house: House, credential: Credential, reach: Reach = EVERYTHING) -> list[str]:
    with house.store.reading() as tx:
        found = users_of(tx, [credential], reach, house.clock.now())
    return [each.name for each in found.get(credential.id, ())]


def test_a_long_list_is_walked_by_name_to_its_end(house: House) -> None:
    for number in range(25):
        house.save(f"Key-{number:02d}" if number % 2 else f"key {number:02d}", made_up())
    seen: list[str] = []
    after: tuple[str, int] | None = None
    while True:
        with house.store.reading() as tx:
            page = CabinetBook(tx, house.clock.now()).page(CabinetFilter(asker=HOST), after=after, limit=7)
        if not page:
            break
        seen += [each.name for _, each in page]
        after = (page[-1][0], page[-1][1].id)
    assert len(seen) == len(set(seen)) == 25


def test_r47_each_view_holds_only_what_somebody_may_know_of(house: House, people: People) -> None:
    ana, otto = add_person(people, "ana"), add_person(people, "otto")
    boss = as_user(add_person(people, "boss", Role.ADMIN))
    hers = house.save("hers", made_up(), asker=as_user(ana), owner_id=ana.id)
    house.save("his", made_up(), asker=as_user(otto), owner_id=otto.id)
    house.save("of all", made_up())
    assert names(house, as_user(otto)) == names(house, as_user(otto), view="mine") == ["his"]
    assert names(house, as_user(otto), view="shared") == []
    house.grants.make(hers.id, NewGrant(subject=Subject.PERSON, subject_id=otto.id), asker=as_user(ana))
    assert names(house, as_user(otto), view="shared") == ["hers"]
    assert names(house, as_user(otto)) == ["hers", "his"]
    assert names(house, as_user(otto), owner_ids=(0,)) == []
    assert names(house, boss) == ["hers", "his", "of all"]
    assert names(house, boss, owner_ids=(0,)) == ["of all"]
    house.credentials.remove(hers.id, asker=as_user(ana))
    assert names(house, as_user(otto)) == ["his"]
    assert names(house, as_user(otto), view="removed") == []
    assert names(house, as_user(ana), view="removed") == ["hers"]


def test_filters_find_what_they_say(house: House, clock: SetClock) -> None:
    later = clock.now() + timedelta(days=10)
    house.save("expires soon", made_up(), expires_at=later)
    house.save("has ended", made_up(), expires_at=clock.now() + timedelta(hours=1))
    old = house.save("to be replaced", made_up())
    house.credentials.change(old.id, Changes(rotate_days=1, note="ask the warehouse 100%"), asker=HOST)
    stopped, failed, used = (house.save(name, made_up()) for name in ("stopped", "failed", "used"))
    house.credentials.stop(stopped.id, asker=HOST)
    with house.store.transaction() as tx:
        CredentialBook(tx).change(failed.id, test_passed=False, tested_at=to_micros(clock.now()))
        CredentialBook(tx).touch(used.id, clock.now())
    wanted = NewCredential(name="other", kind="custom", fields={"a": made_up()})
    house.credentials.add(wanted, asker=HOST)
    clock.move(timedelta(days=2))
    assert names(house, states=("expiring",)) == ["expires soon"]
    assert names(house, states=("expired",)) == ["has ended"]
    assert names(house, states=("due",)) == ["to be replaced"]
    assert names(house, states=("stopped",)) == ["stopped"]
    with house.store.transaction() as tx:
        IdleBook(tx).mark([used.id, stopped.id], clock.now())
    assert names(house, states=("inactive",)) == ["used"]
    assert names(house, states=("stopped",)) == ["stopped"]
    assert names(house, states=("failed",)) == ["failed"]
    assert "used" not in names(house, states=("unused",))
    assert len(names(house, states=("unused",))) == 6
    assert names(house, states=("expired", "due")) == ["has ended", "to be replaced"]
    assert names(house, kinds=("custom",)) == ["other"]
    assert names(house, text="WAREHOUSE 100%") == ["to be replaced"]
    assert names(house, text="_") == []
    assert len(names(house, states=STATES)) == 7
    clock.move(timedelta(days=100))
    assert "used" in names(house, states=("unused",))


def test_the_tasks_of_a_credential_are_those_that_a_run_would_open_it_for(house: House, people: People) -> None:
    ana = add_person(people, "ana")
    project = Projects(house.store, house.clock).add("Night", actor=TESTER)
    shared = house.save("shop", made_up())
    hers = house.save("Shop", made_up(), asker=as_user(ana), owner_id=ana.id)
    house.task("of all", "shop")
    house.task("of ana", "SHOP", place=Place(owner_id=ana.id))
    house.task("of the project", "shop", place=Place(project_id=project.id))
    house.task("other", "mail")
    assert users(house, shared) == ["of all"]
    assert users(house, hers) == ["of ana"]
    house.grants.make(shared.id, NewGrant(subject=Subject.PROJECT, subject_id=project.id), asker=HOST)
    assert users(house, shared) == ["of all", "of the project"]
    # What somebody does not see is not counted for them.
    assert users(house, shared, Reach(user_id=ana.id)) == []
    house.credentials.remove(hers.id, asker=as_user(ana))
    assert users(house, shared) == ["of all", "of the project"]
    house.grants.make(shared.id, NewGrant(subject=Subject.PERSON, subject_id=ana.id), asker=HOST)
    assert users(house, shared) == ["of all", "of ana", "of the project"]


@pytest.mark.parametrize("by_task", [True, False])
def test_a_task_for_each_person_is_named_once(house: House, people: People, *, by_task: bool) -> None:
    ana, _ = add_person(people, "ana"), add_person(people, "otto")
    definition = TaskDefinition("each", PythonSpec("shop.jobs:run"), None, credentials=("shop",), per_user=PerUser())
    template = house.desk.define(definition).task
    shared = house.save("shop", made_up())
    subject = (Subject.TASK, template.id) if by_task else (Subject.PERSON, ana.id)
    house.grants.make(shared.id, NewGrant(subject=subject[0], subject_id=subject[1]), asker=HOST)
    assert users(house, shared) == ["each"]
    assert users(house, shared, Reach(user_id=ana.id)) in ([], ["each"])
