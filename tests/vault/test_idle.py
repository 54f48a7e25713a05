"""Credentials that nothing uses become inactive, can be kept for 30 days, and go then; what is needed stays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Table, insert, select, text

from horarium.accounts.letters import LetterKind
from horarium.accounts.people import People
from horarium.accounts.projects import Projects
from horarium.audit.trail import Trail
from horarium.errors import Conflict, InvalidValue, NotFound
from horarium.records.credentials import Credential, Subject
from horarium.records.people import User
from horarium.records.reach import Place
from horarium.records.tasks import PerUser, PythonSpec, TaskDefinition
from horarium.states import EventKind
from horarium.store.books import idle as books
from horarium.store.books.events import EventBook
from horarium.store.books.idle import referring_tables
from horarium.store.books.mail import Letter, OutboxBook
from horarium.store.tables.base import Wide
from horarium.store.tables.everything import metadata
from horarium.store.tables.vault import credential_values
from horarium.upkeep import cleanup_inactive_credentials
from horarium.vault.grants import NewGrant
from horarium.vault.idle import LETTER, Idle, IdleRule, IdleTidier, months_before
from tests.support.people import TESTER, SetClock, add_admin, add_person, made_up
from tests.support.vault import HOST, House, as_user

MONTHS = timedelta(days=200)
DAY = timedelta(days=1)


def clean(house: House, **options: Any) -> dict[str, Any]:
    return cleanup_inactive_credentials(store=house.store, clock=house.clock, **options)


def state(house: House, credential: Credential) -> str:
    try:
        found = house.credentials.show(credential.id, asker=HOST).credential
    except NotFound:
        return "gone"
    return "active" if found.inactive_at is None else "inactive" if found.is_unused else "stopped"


def reader(people: People, name: str) -> User:
    return add_person(people, name, email=f"{name}@tidewater.example")


def letters(house: House) -> list[Letter]:
    with house.store.reading() as tx:
        return OutboxBook(tx).newest()


def test_r76_what_nothing_uses_is_marked_kept_for_30_days_and_then_gone(
    house: House, clock: SetClock, trail: Trail
) -> None:
    idle = house.save("old", made_up())
    clock.move(MONTHS)
    fresh = house.save("new", made_up())
    assert clean(house) == {
        "looked_at": 1, "referenced": 0, "marked": 1, "restored": 0, "removed": 0, "letters": 0, "dry_run": False,
    }  # fmt: skip
    assert (state(house, idle), state(house, fresh)) == ("inactive", "active")
    shown = house.credentials.show(idle.id, asker=HOST)
    assert shown.credential.goes_at == clock.now() + timedelta(days=30)
    assert shown.secret_fields == ("token",)
    clock.move(29 * DAY)
    assert clean(house)["removed"] == 0
    clock.move(DAY)
    assert clean(house)["removed"] == 1
    assert (state(house, idle), state(house, fresh)) == ("gone", "active")
    with house.store.reading() as tx:
        left = select(credential_values.c.sealed).where(credential_values.c.credential_id == idle.id)
        assert tx.execute(left).all() == []
    acts = [(each.action, each.object_name) for each in trail.page() if "credential" in each.action]
    assert acts[:2] == [("credential.erased", "old"), ("credential.inactive", "old")]


def test_r76_undo_works_by_hand_by_a_grant_by_other_values_and_by_use(house: House, clock: SetClock) -> None:
    task = house.task("report")
    names = ("hand", "granted", "replaced", "used")
    hand, granted, replaced, used = (house.save(name, made_up()) for name in names)
    clock.move(MONTHS)
    assert clean(house)["marked"] == 4
    clock.move(29 * DAY)
    house.credentials.restore(hand.id, asker=HOST)
    house.grants.make(granted.id, NewGrant(subject=Subject.TASK, subject_id=task.id), asker=HOST)
    house.credentials.replace(replaced.id, {"token": made_up()}, asker=HOST)
    assert house.opened(house.task("nightly", "used"), "used")
    assert [state(house, each) for each in (hand, granted, replaced, used)] == ["active"] * 4
    clock.move(31 * DAY)
    found = clean(house)
    # It begins anew: nothing that was kept is marked again at once.
    assert (found["looked_at"], found["marked"], found["removed"]) == (0, 0, 0)
    clock.move(MONTHS)
    found = clean(house)
    assert (found["looked_at"], found["referenced"], found["marked"]) == (4, 2, 2)


def test_r76_what_came_to_be_needed_meanwhile_is_active_again_instead_of_gone(house: House, clock: SetClock) -> None:
    found = house.save("shop", made_up())
    clock.move(MONTHS)
    clean(house)
    house.task("report", "shop")
    clock.move(31 * DAY)
    assert clean(house, dry_run=True)["restored"] == 1
    assert state(house, found) == "inactive"
    assert clean(house)["restored"] == 1
    assert state(house, found) == "active"


def shared_task(house: House, name: str, *uses: str) -> int:
    definition = TaskDefinition(name, PythonSpec("shop.jobs:run"), None, credentials=uses, per_user=PerUser())
    return house.desk.define(definition).task.id


Prepared = Callable[[House, People], Credential]


def of_the_installation(house: House, people: People) -> Credential:
    del people
    house.task("report", "Shop")
    return house.save("shop", made_up())


def of_a_paused_task(house: House, people: People) -> Credential:
    found = of_the_installation(house, people)
    house.desk.pause("report", by=TESTER)
    return found


def of_a_person_s_task(house: House, people: People) -> Credential:
    ana = add_person(people, "ana")
    house.task("report", "shop", place=Place(owner_id=ana.id))
    return house.save("shop", made_up(), asker=as_user(ana), owner_id=ana.id)


def of_a_task_for_each_person(house: House, people: People) -> Credential:
    ana = add_person(people, "ana")
    shared_task(house, "sync", "shop")
    return house.save("shop", made_up(), asker=as_user(ana), owner_id=ana.id)


def granted_to_a_task(house: House, people: People) -> Credential:
    ana = add_person(people, "ana")
    task = house.task("report", place=Place(owner_id=ana.id))
    found = house.save("shop", made_up())
    house.grants.make(found.id, NewGrant(subject=Subject.TASK, subject_id=task.id), asker=HOST)
    return found


def granted_to_a_person(house: House, people: People) -> Credential:
    ana = add_person(people, "ana")
    house.task("report", "shop", place=Place(owner_id=ana.id))
    found = house.save("shop", made_up())
    house.grants.make(found.id, NewGrant(subject=Subject.PERSON, subject_id=ana.id), asker=HOST)
    # What she gets first is her own; the other is next as soon as that is gone.
    house.save("shop", made_up(), asker=as_user(ana), owner_id=ana.id)
    return found


def granted_to_a_project(house: House, people: People) -> Credential:
    del people
    night = Projects(house.store, house.clock).add("Night", actor=TESTER)
    house.task("report", "shop", place=Place(project_id=night.id))
    found = house.save("shop", made_up())
    house.grants.make(found.id, NewGrant(subject=Subject.PROJECT, subject_id=night.id), asker=HOST)
    return found


NEEDED: Sequence[Prepared] = (
    of_the_installation,
    of_a_paused_task,
    of_a_person_s_task,
    of_a_task_for_each_person,
    granted_to_a_task,
    granted_to_a_person,
    granted_to_a_project,
)


@pytest.mark.parametrize("prepare", NEEDED, ids=lambda each: each.__name__)
def test_r76_what_a_task_may_get_is_never_touched(
    house: House, people: People, clock: SetClock, prepare: Prepared
) -> None:
    found = prepare(house, people)
    other = house.save("other", made_up())
    clock.move(MONTHS)
    assert clean(house)["marked"] == 1
    clock.move(31 * DAY)
    clean(house)
    assert (state(house, found), state(house, other)) == ("active", "gone")


@pytest.mark.parametrize("place", ["somebody else's", "nowhere named", "removed"])
def test_r76_a_task_that_cannot_get_it_keeps_nothing(house: House, people: People, clock: SetClock, place: str) -> None:
    ana, otto = add_person(people, "ana"), add_person(people, "otto")
    hers = house.save("shop", made_up(), asker=as_user(ana), owner_id=ana.id)
    match place:
        case "somebody else's":
            house.task("report", "shop", place=Place(owner_id=otto.id))
        case "nowhere named":
            house.task("report", "mail", place=Place(owner_id=ana.id))
        case _:
            task = house.task("report", "shop", place=Place(owner_id=ana.id))
            house.grants.make(hers.id, NewGrant(subject=Subject.TASK, subject_id=task.id), asker=HOST)
            house.desk.remove("report", by=TESTER)
    clock.move(MONTHS)
    assert clean(house)["marked"] == 1
    assert state(house, hers) == "inactive"


def test_r76_a_row_of_any_other_table_that_names_a_credential_keeps_it(
    house: House, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, other = house.save("hook", made_up()), house.save("other", made_up())
    channels = Table("made_up_channels", MetaData(), Column("credential_id", Wide))
    with house.store.transaction() as tx:
        tx.execute(text("CREATE TABLE made_up_channels (credential_id BIGINT)"))
        tx.execute(insert(channels).values(credential_id=found.id))
    monkeypatch.setattr(books, "referring_tables", lambda: [*referring_tables(), channels])
    clock.move(MONTHS)
    clean(house)
    assert (state(house, found), state(house, other)) == ("active", "inactive")


def test_r76_every_table_outside_the_vault_that_names_credentials_is_asked() -> None:
    ours = {"credential_grants", "credential_uses", "credential_values", "credential_versions"}
    named = {each.name for each in metadata.sorted_tables if "credential_id" in each.columns}
    assert ours <= named
    assert {each.name for each in referring_tables()} == named - ours


def test_r76_what_somebody_did_lately_counts_as_use(house: House, clock: SetClock, people: People) -> None:
    ana = add_person(people, "ana")
    changed, granted, removed, stopped = (house.save(f"c{number}", made_up()) for number in range(4))
    clock.move(MONTHS)
    house.credentials.replace(changed.id, {"token": made_up()}, asker=HOST)
    house.grants.make(granted.id, NewGrant(subject=Subject.PERSON, subject_id=ana.id), asker=HOST)
    house.credentials.remove(removed.id, asker=HOST)
    house.credentials.stop(stopped.id, asker=HOST)
    assert clean(house)["marked"] == 0
    clock.move(25 * DAY)
    house.credentials.restore(removed.id, asker=HOST)
    clock.move(25 * DAY)
    # What its owner stopped is theirs to keep as long as they like.
    assert clean(house)["removed"] == 0
    assert [state(house, each) for each in (changed, granted, removed, stopped)] == [
        "active", "active", "active", "stopped",
    ]  # fmt: skip


def test_an_inactive_one_can_be_stopped_and_then_stays(house: House, clock: SetClock) -> None:
    found = house.save("shop", made_up())
    clock.move(MONTHS)
    clean(house)
    house.credentials.stop(found.id, asker=HOST)
    assert state(house, found) == "stopped"
    with pytest.raises(Conflict, match="stopped already"):
        house.credentials.stop(found.id, asker=HOST)
    clock.move(MONTHS)
    clean(house)
    assert state(house, found) == "stopped"


def test_r76_owners_get_a_letter_and_administrators_for_who_reads_none(
    house: House, people: People, clock: SetClock
) -> None:
    ana, otto = reader(people, "ana"), reader(people, "otto")
    ada = add_admin(people, "ada", email="ada@tidewater.example")
    for owner in (ana, otto):
        for number in range(2):
            house.save(f"{owner.name}-{number}", made_up(), asker=as_user(owner), owner_id=owner.id)
    house.save("ours", made_up())
    people.disable(otto.id, actor=TESTER)
    clock.move(MONTHS)
    assert clean(house, dry_run=True)["letters"] == 3
    assert letters(house) == []
    assert clean(house)["letters"] == 3
    told = {(each.address, each.body["owner"]): each for each in letters(house)}
    assert set(told) == {(ana.email, ana.words), (ada.email, otto.words), (ada.email, "")}
    hers = told[ana.email, ana.words]
    assert (hers.kind, hers.user_id, hers.body["credentials"], hers.body["own"]) == (
        LetterKind.CREDENTIAL_INACTIVE.value, ana.id, ["ana-0", "ana-1"], True,
    )  # fmt: skip
    assert LetterKind.CREDENTIAL_INACTIVE.value == LETTER
    with house.store.reading() as tx:
        events = EventBook(tx).newest(kinds=[EventKind.CREDENTIAL_INACTIVE])
    assert {each.body["name"] for each in events} == {"ana-0", "ana-1", "otto-0", "otto-1", "ours"}
    clock.move(DAY)
    assert clean(house)["letters"] == 0


def test_r76_a_dry_run_counts_the_same_and_changes_nothing(house: House, clock: SetClock, trail: Trail) -> None:
    first = house.save("first", made_up())
    clock.move(MONTHS)
    clean(house)
    clock.move(31 * DAY)
    second = house.save("second", made_up())
    house.task("report", "third")
    third = house.save("third", made_up())
    clock.move(MONTHS)
    before = len(trail.page())
    dry = clean(house, dry_run=True)
    assert [state(house, each) for each in (first, second, third)] == ["inactive", "active", "active"]
    assert len(trail.page()) == before
    assert clean(house) == {**dry, "dry_run": False}
    assert (dry["marked"], dry["removed"], dry["referenced"]) == (1, 1, 1)


def tidier(house: House, batch: int) -> IdleTidier:
    return IdleTidier(house.store, house.clock, TESTER, IdleRule(batch=batch, rest=timedelta()))


def test_r76_what_was_killed_in_the_middle_is_finished_by_the_next_one_and_nobody_is_told_twice(
    house: House, people: People, clock: SetClock
) -> None:
    ana = reader(people, "ana")
    saved = [house.save(f"c{number}", made_up(), asker=as_user(ana), owner_id=ana.id) for number in range(7)]
    clock.move(MONTHS)
    steps: list[int] = []

    def die() -> None:
        steps.append(sum(state(house, each) == "inactive" for each in saved))
        if steps[-1] >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tidier(house, 2).run(go_on=die)
    assert steps == [0, 0, 2, 4]
    assert tidier(house, 2).run().marked == 3
    named = [name for each in letters(house) for name in each.body["credentials"]]
    assert sorted(named) == [each.name for each in saved]


def test_r76_two_at_once_mark_and_tell_once(house: House, people: People, clock: SetClock) -> None:
    ana = reader(people, "ana")
    saved = [house.save(f"c{number}", made_up(), asker=as_user(ana), owner_id=ana.id) for number in range(12)]
    clock.move(MONTHS)
    found: list[Idle] = []
    threads = [threading.Thread(target=lambda: found.append(tidier(house, 3).run())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.marked for each in found) == 12
    named = [name for each in letters(house) for name in each.body["credentials"]]
    assert sorted(named) == sorted(each.name for each in saved)


@pytest.mark.parametrize("months", [0, 121, -1, True, 1.5, "six", None])
def test_months_that_mean_nothing_are_refused(house: House, months: Any) -> None:
    with pytest.raises(InvalidValue, match="months"):
        clean(house, months=months)


def test_months_are_those_of_the_calendar() -> None:
    at = datetime(2026, 8, 31, 5, 0, tzinfo=UTC)
    assert months_before(at, 6) == datetime(2026, 2, 28, 5, 0, tzinfo=UTC)
    assert months_before(at, 8) == datetime(2025, 12, 31, 5, 0, tzinfo=UTC)
    assert months_before(at, 120) == datetime(2016, 8, 31, 5, 0, tzinfo=UTC)
