"""Owners go back to earlier values while those are kept, erase them at once, and stop all use."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from horarium.accounts.people import People
from horarium.audit.trail import Trail
from horarium.errors import Conflict, CredentialDenied, CredentialUnreadable, Denied, NotFound, VaultSealed
from horarium.records.credentials import Subject
from horarium.store.books.credentials import VersionBook
from horarium.store.tables.vault import credential_versions
from horarium.vault.checking import faults
from horarium.vault.grants import NewGrant
from horarium.vault.kinds import KINDS
from horarium.vault.versions import Versions
from tests.support.people import SetClock, add_person, made_up
from tests.support.vault import HOST, House, as_user, new_secret


def stages(house: House, number: int) -> list[tuple[int, bool, bool]]:
    return [
        (each.version.version, each.is_present, each.is_kept) for each in Versions(house.vault).list(number, asker=HOST)
    ]


def test_going_back_makes_the_earlier_values_a_new_version_open_ones_too(house: House, trail: Trail) -> None:
    first, second = made_up(), made_up()
    found = house.save("shop", first, open_values={"url": "https://shop.example"})
    house.credentials.replace(found.id, {"token": second, "url": "https://other.example"}, asker=HOST)
    task = house.task("report", "shop")
    after = Versions(house.vault).go_back(found.id, 1, asker=HOST)
    assert after.version == 3
    assert after.open_fields == {"url": "https://shop.example"}
    assert house.opened(task, "shop") == {"token": first, "url": "https://shop.example"}
    assert stages(house, found.id) == [(3, True, True), (2, False, True), (1, False, True)]
    newest = trail.page(limit=2)[1]
    assert newest.action == "credential.replaced"
    assert first not in str(newest)


def test_a_run_that_stays_on_a_version_gets_its_open_values_with_its_secrets(house: House, clock: SetClock) -> None:
    first, second = made_up(), made_up()
    found = house.save("shop", first, open_values={"url": "https://shop.example"})
    task = house.task("report", "shop")
    before = {"token": first, "url": "https://shop.example"}
    assert house.opened(task, "shop", run_id=7) == before
    house.credentials.replace(found.id, {"token": second}, asker=HOST, keep=timedelta(hours=1))
    assert house.opened(task, "shop", run_id=7, attempt=2) == before
    again = house.keyring.open("shop", task=task, run_id=7, attempt=3)
    assert again.plain == {"url"}
    assert house.opened(task, "shop", run_id=8) == {"token": second}
    clock.move(timedelta(hours=1))
    assert house.opened(task, "shop", run_id=7, attempt=4) == {"token": second}


def test_open_values_are_erased_with_the_secrets_of_their_version(house: House, clock: SetClock) -> None:
    found = house.save("shop", made_up(), open_values={"url": "https://shop.example"})
    for url in ("https://b.example", "https://c.example"):
        house.credentials.replace(found.id, {"token": made_up(), "url": url}, asker=HOST, keep=timedelta(hours=1))
    Versions(house.vault).retire(found.id, 1, asker=HOST)
    clock.move(timedelta(hours=2))
    house.credentials.sweep()
    with house.store.reading() as tx:
        kept = {each.version: each.open_fields for each in VersionBook(tx).of_credential(found.id)}
    assert kept == {3: {"url": "https://c.example"}, 2: None, 1: None}


def test_a_version_of_before_open_values_were_kept_gets_the_present_ones(house: House) -> None:
    first = made_up()
    found = house.save("shop", first, open_values={"url": "https://shop.example"})
    house.credentials.replace(found.id, {"token": made_up(), "url": "https://other.example"}, asker=HOST)
    with house.store.transaction() as tx:
        tx.execute(update(credential_versions).values(open_fields=None))
    Versions(house.vault).go_back(found.id, 1, asker=HOST)
    assert house.opened(house.task("report", "shop"), "shop") == {"token": first, "url": "https://other.example"}


def test_what_is_erased_present_or_was_never_there_is_not_gone_back_to(house: House, clock: SetClock) -> None:
    found = house.save("shop", made_up())
    house.credentials.replace(found.id, {"token": made_up()}, asker=HOST, keep=timedelta(hours=1))
    versions = Versions(house.vault)
    with pytest.raises(Conflict, match="the present one"):
        versions.go_back(found.id, 2, asker=HOST)
    with pytest.raises(NotFound):
        versions.go_back(found.id, 9, asker=HOST)
    clock.move(timedelta(hours=1))
    with pytest.raises(Conflict, match="are erased"):
        versions.go_back(found.id, 1, asker=HOST)
    assert stages(house, found.id) == [(2, True, True), (1, False, False)]


def test_r70_a_version_that_was_changed_in_the_database_is_not_gone_back_to(house: House) -> None:
    found = house.save("shop", made_up())
    house.credentials.replace(found.id, {"token": made_up()}, asker=HOST)
    with house.store.transaction() as tx:
        book = VersionBook(tx)
        version = book.get(found.id, 1)
        assert version
        book.reseal(version, book.sealed(found.id, 2))
    with pytest.raises(CredentialUnreadable):
        Versions(house.vault).go_back(found.id, 1, asker=HOST)
    with pytest.raises(VaultSealed):
        Versions(house.with_keys(new_secret()).vault).go_back(found.id, 1, asker=HOST)


def test_retiring_erases_the_earlier_values_at_once_for_running_work_too(house: House) -> None:
    found = house.save("shop", made_up())
    task = house.task("report", "shop")
    house.opened(task, "shop", run_id=7)
    latest = made_up()
    house.credentials.replace(found.id, {"token": latest}, asker=HOST)
    versions = Versions(house.vault)
    with pytest.raises(Conflict, match="the present one"):
        versions.retire(found.id, 2, asker=HOST)
    for _ in range(2):
        versions.retire(found.id, 1, asker=HOST)
    with house.store.reading() as tx:
        assert VersionBook(tx).sealed(found.id, 1) == {}
    assert house.opened(task, "shop", run_id=7, attempt=2) == {"token": latest}


def test_r46_versions_are_their_owners_alone(house: House, people: People) -> None:
    ana, otto, eve = (add_person(people, name) for name in ("ana", "otto", "eve"))
    hers = house.save("shop", made_up(), asker=as_user(ana), owner_id=ana.id)
    house.credentials.replace(hers.id, {"token": made_up()}, asker=as_user(ana))
    grant = NewGrant(subject=Subject.PERSON, subject_id=otto.id, may_replace=True)
    house.grants.make(hers.id, grant, asker=as_user(ana))
    versions = Versions(house.vault)
    assert versions.list(hers.id, asker=as_user(otto)) == []
    for act in (versions.go_back, versions.retire):
        with pytest.raises(Denied):
            act(hers.id, 1, asker=as_user(otto))
        with pytest.raises(NotFound):
            act(hers.id, 1, asker=as_user(eve))
    with pytest.raises(NotFound):
        versions.list(hers.id, asker=as_user(eve))


def test_a_stopped_credential_is_opened_by_no_run_until_it_is_restored(house: House, trail: Trail) -> None:
    found = house.save("shop", made_up())
    task = house.task("report", "shop")
    house.credentials.stop(found.id, asker=HOST)
    assert trail.page(limit=1)[0].action == "credential.stopped"
    with pytest.raises(CredentialDenied, match="is stopped"):
        house.opened(task, "shop")
    with pytest.raises(Conflict, match="stopped already"):
        house.credentials.stop(found.id, asker=HOST)
    house.credentials.restore(found.id, asker=HOST)
    assert house.opened(task, "shop", run_id=2)


def test_a_grant_that_ended_is_made_again_as_it_was(house: House, people: People, clock: SetClock) -> None:
    otto = add_person(people, "otto")
    one, other = house.save("shop", made_up()), house.save("mail", made_up())
    until = clock.now() + timedelta(days=9)
    wanted = NewGrant(subject=Subject.PERSON, subject_id=otto.id, may_replace=True, expires_at=until)
    made = house.grants.make(one.id, wanted, asker=HOST)
    house.grants.revoke(one.id, made.id, asker=HOST)
    with pytest.raises(NotFound):
        house.grants.again(other.id, made.id, asker=HOST)
    with pytest.raises(NotFound):
        house.grants.again(one.id, 99, asker=HOST)
    again = house.grants.again(one.id, made.id, asker=HOST)
    assert (again.subject_id, again.may_replace, again.expires_at) == (otto.id, True, until)
    assert [each.id for each in house.credentials.show(one.id, asker=HOST).grants] == [again.id]
    with pytest.raises(NotFound):
        house.grants.again(one.id, again.id, asker=HOST)
    house.grants.revoke(one.id, again.id, asker=HOST)
    clock.move(timedelta(minutes=11))
    with pytest.raises(Conflict, match="a while ago"):
        house.grants.again(one.id, again.id, asker=HOST)


def test_everything_that_is_wrong_with_values_is_said_at_once_without_the_values() -> None:
    secret = made_up()
    found = faults(KINDS["database"], {"host": "a\nb", "port": "1", "password": secret, "nonsense": "x"})
    assert set(found) == {"host", "nonsense", "username"}
    assert secret not in str(found)
    assert faults(KINDS["custom"], {}) == {"fields": "give at least one secret value"}
    assert faults(KINDS["token"], {"token": secret}) == {}
    assert "leave the password out" in faults(KINDS["token"], {"token": secret, "url": "https://a:b@x"})["url"]
