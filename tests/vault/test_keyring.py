"""Runs open what their tasks may use; each use and each refusal leaves a row."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from horarium.accounts.people import People
from horarium.audit.trail import Trail
from horarium.errors import CredentialDenied, CredentialUnreadable
from horarium.records.credentials import Subject
from horarium.records.reach import Place
from horarium.records.secrets import Keyring
from horarium.store.tables.vault import credential_values, credential_versions
from horarium.vault.credentials import NewCredential
from horarium.vault.grants import NewGrant
from tests.support.people import SetClock, add_person, made_up
from tests.support.vault import HOST, House, as_user

DAY = timedelta(days=1)


def test_the_keyring_is_what_runs_ask(house: House) -> None:
    keyring: Keyring = house.keyring
    canary = made_up()
    found = house.save("shop", canary, open_values={"url": "https://shop.example"})
    opened = keyring.open("Shop", task=house.task("report", "shop"), run_id=5, attempt=2)
    assert (opened.credential_id, opened.name, opened.version) == (found.id, "Shop", 1)
    assert opened.fields == {"token": canary, "url": "https://shop.example"}
    assert opened.plain == {"url"}
    assert canary not in repr(opened)


def test_r75_each_use_says_which_version_run_attempt_and_whom_it_was_for(
    house: House, people: People, clock: SetClock, trail: Trail
) -> None:
    ana = add_person(people, "ana")
    found = house.save("shop", made_up(), asker=as_user(ana), owner_id=ana.id)
    task = house.task("report", "shop", place=Place(owner_id=ana.id))
    opened_at = clock.now()
    house.opened(task, "shop", run_id=5, attempt=2)
    clock.move(timedelta(seconds=9))
    house.keyring.close(5, 2)
    (use,) = house.grants.uses(found)
    assert (use.version, use.run_id, use.attempt, use.task_id, use.user_id) == (1, 5, 2, task.id, ana.id)
    assert (use.opened_at, use.closed_at, use.purpose) == (opened_at, clock.now(), "run")
    assert house.credentials.show(found.id, asker=HOST).credential.last_used_at == opened_at
    (row,) = trail.page(limit=1)
    assert (row.action, row.object_id, row.result) == ("credential.opened", found.id, "done")
    assert (row.details["run"], row.details["version"], row.details["user_id"]) == (5, 1, ana.id)


def test_uses_of_runs_that_said_nothing_at_their_end_are_closed_later(house: House) -> None:
    found = house.save("shop", made_up())
    house.opened(house.task("report", "shop"), "shop", run_id=77)
    house.credentials.sweep()
    assert house.grants.uses(found)[0].closed_at is not None


def test_a_task_of_a_person_uses_theirs_and_one_of_the_installation_the_installation_s(
    house: House, people: People
) -> None:
    ana, otto = add_person(people, "ana"), add_person(people, "otto")
    house.save("shop", "of the house")
    house.save("shop", "that is ana's", asker=as_user(ana), owner_id=ana.id)
    assert house.opened(house.task("ours", "shop"), "shop") == {"token": "of the house"}
    hers = house.task("hers", "shop", place=Place(owner_id=ana.id))
    assert house.opened(hers, "shop") == {"token": "that is ana's"}
    with pytest.raises(CredentialDenied):
        house.opened(house.task("his", "shop", place=Place(owner_id=otto.id)), "shop")
    # For each person their own, whoever made the task.
    each = house.task("sync", "shop")
    for_ana = house.keyring.open("shop", task=each, run_id=9, attempt=1, for_user_id=ana.id)
    assert for_ana.fields == {"token": "that is ana's"}
    with pytest.raises(CredentialDenied):
        house.keyring.open("shop", task=each, run_id=9, attempt=1, for_user_id=otto.id)


def test_a_grant_on_a_template_is_one_on_what_is_made_of_it(house: House, people: People) -> None:
    ana = add_person(people, "ana")
    found = house.save("shop", "of the house")
    template = house.task("sync", "shop")
    house.grants.make(found.id, NewGrant(subject=Subject.TASK, subject_id=template.id), asker=HOST)
    made = replace(template, id=template.id + 100, template_id=template.id, place=Place(for_user_id=ana.id))
    assert house.opened(made, "shop") == {"token": "of the house"}


def test_nobody_can_put_another_credential_under_a_name_that_a_task_has(house: House, people: People) -> None:
    ana, eve = add_person(people, "ana"), add_person(people, "eve")
    task = house.task("report", "shop", place=Place(owner_id=ana.id))
    first = house.save("shop", "of the house")
    house.grants.make(first.id, NewGrant(subject=Subject.PERSON, subject_id=ana.id), asker=HOST)
    evil = house.save("shop", "of eve, who listens", asker=as_user(eve), owner_id=eve.id)
    house.grants.make(evil.id, NewGrant(subject=Subject.PERSON, subject_id=ana.id), asker=as_user(eve))
    assert house.opened(task, "shop") == {"token": "of the house"}
    house.save("shop", "of ana herself", asker=as_user(ana), owner_id=ana.id)
    assert house.opened(task, "shop", run_id=2) == {"token": "of ana herself"}


def test_a_task_gets_only_what_its_definition_names(house: House, trail: Trail) -> None:
    house.save("shop", made_up())
    with pytest.raises(CredentialDenied, match="does not say"):
        house.opened(house.task("report"), "shop", run_id=3)
    (row,) = trail.page(limit=1)
    assert (row.action, row.result, row.object_name) == ("credential.denied", "refused", "shop")
    assert (row.details["task"], row.details["run"]) == ("report", 3)


def test_what_has_expired_or_is_stopped_is_not_opened(house: House, clock: SetClock) -> None:
    found = house.save("shop", made_up(), expires_at=clock.now() + DAY)
    task = house.task("report", "shop")
    assert house.opened(task, "shop")
    clock.move(DAY)
    with pytest.raises(CredentialDenied, match="expired"):
        house.opened(task, "shop", run_id=2)
    other = house.save("mail", made_up())
    with house.store.transaction() as tx:
        tx.execute(text("UPDATE user_credentials SET inactive_at = 1 WHERE id = :i"), {"i": other.id})
    mailer = house.task("mailer", "mail")
    with pytest.raises(CredentialDenied, match="is stopped"):
        house.opened(mailer, "mail")
    house.credentials.restore(other.id, asker=HOST)
    assert house.opened(mailer, "mail")
    assert found.is_expired(clock.now())


def test_a_run_goes_on_with_the_version_that_it_began_with(house: House, clock: SetClock) -> None:
    found = house.save("shop", "the first value")
    task = house.task("report", "shop")
    house.opened(task, "shop", run_id=1)
    house.credentials.replace(found.id, {"token": "the second value"}, asker=HOST, keep=DAY)
    assert house.opened(task, "shop", run_id=1, attempt=2) == {"token": "the first value"}
    assert house.opened(task, "shop", run_id=2) == {"token": "the second value"}
    clock.move(DAY)
    assert house.opened(task, "shop", run_id=1, attempt=3) == {"token": "the second value"}


@pytest.mark.parametrize("column", ["sealed", "wrapped_key", "fingerprint"])
def test_r70_a_changed_byte_fails_that_credential_alone(house: House, trail: Trail, column: str) -> None:
    found, other = house.save("shop", made_up()), house.save("mail", made_up())
    task = house.task("report", "shop", "mail")
    table = credential_values if column == "sealed" else credential_versions
    with house.store.transaction() as tx:
        here = table.c.credential_id == found.id
        value: str = tx.execute(select(table.c[column]).where(here)).scalar_one()
        middle = len(value) // 2
        letter = "A" if value[middle] != "A" else "B"
        changed = value[:middle] + letter + value[middle + 1 :]
        tx.execute(update(table).where(here).values({column: changed}))
    with pytest.raises(CredentialUnreadable) as refused:
        house.opened(task, "shop")
    assert column not in str(refused.value)
    (row,) = trail.page(limit=1)
    assert (row.action, row.result) == ("credential.unreadable", "failed")
    assert house.grants.uses(found) == []
    assert house.opened(task, "mail")
    assert other.id != found.id


def test_r70_a_value_that_was_taken_out_is_missed(house: House) -> None:
    fields = {"user": made_up(), "token": made_up()}
    from_two = house.credentials.add(_custom("shop", fields), asker=HOST).credential
    with house.store.transaction() as tx:
        tx.execute(text("DELETE FROM credential_values WHERE field = 'user'"))
    with pytest.raises(CredentialUnreadable):
        house.opened(house.task("report", "shop"), "shop")
    assert from_two.version == 1


def test_r66_two_sealed_values_that_were_swapped_do_not_open(house: House) -> None:
    one, other = house.save("shop", made_up()), house.save("mail", made_up())
    task = house.task("report", "shop", "mail")
    with house.store.transaction() as tx:
        rows = {row[0]: row[1] for row in tx.execute(text("SELECT credential_id, sealed FROM credential_values"))}
        for number, twin in ((one.id, other.id), (other.id, one.id)):
            change = text("UPDATE credential_values SET sealed = :s WHERE credential_id = :i")
            tx.execute(change, {"s": rows[twin], "i": number})
    for run_id, name in enumerate(("shop", "mail")):
        with pytest.raises(CredentialUnreadable):
            house.opened(task, name, run_id=run_id)


def _custom(name: str, fields: dict[str, str]) -> NewCredential:
    return NewCredential(name=name, kind="custom", fields=fields)
