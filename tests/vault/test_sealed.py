"""A wrong or missing key is noticed before anything is written, and everything else goes on."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from horarium.audit.trail import Trail
from horarium.errors import VaultSealed
from horarium.store.books.grants import KeyBook
from horarium.store.port import Store
from horarium.store.tables.everything import metadata
from horarium.vault.credentials import Changes
from horarium.vault.inspection import inspect
from tests.support.people import made_up
from tests.support.vault import HOST, House, new_secret

TABLES = ("user_credentials", "credential_versions", "credential_values", "vault_keys", "audit_log")


def everything(store: Store) -> dict[str, list[str]]:
    with store.reading() as tx:
        return {name: sorted(str(row) for row in tx.execute(select(metadata.tables[name]))) for name in TABLES}


@pytest.mark.parametrize("has_key", [True, False])
def test_r69_with_another_key_or_none_nothing_is_written(house: House, store: Store, has_key: bool) -> None:
    found = house.save("shop", made_up())
    house.save("mail", made_up())
    before = everything(store)
    stranger = house.with_keys(new_secret() if has_key else None)
    for act in (
        lambda: stranger.save("new", made_up()),
        lambda: stranger.credentials.replace(found.id, {"token": made_up()}, asker=HOST),
        lambda: stranger.credentials.give(found.id, 0, asker=HOST),
    ):
        with pytest.raises(VaultSealed, match="SECRET_KEY") as refused:
            act()
        assert str(refused.value).startswith("vault sealed: ")
        assert not has_key or "2 saved value sets" in str(refused.value)
    assert everything(store) == before


def test_r69_a_task_that_needs_a_secret_fails_with_vault_sealed_and_it_is_noted(house: House, trail: Trail) -> None:
    house.save("shop", made_up())
    task = house.task("report", "shop")
    stranger = house.with_keys(new_secret())
    with pytest.raises(VaultSealed, match=r"^vault sealed: SECRET_KEY is not the key"):
        stranger.opened(task, "shop")
    (row,) = trail.page(limit=1)
    assert (row.action, row.result) == ("credential.unreadable", "failed")
    assert house.opened(task, "shop")


def test_what_needs_no_key_goes_on_while_the_vault_is_sealed(house: House) -> None:
    found = house.save("shop", made_up())
    stranger = house.with_keys(new_secret())
    assert stranger.credentials.show(found.id, asker=HOST).secret_fields == ("token",)
    stranger.credentials.change(found.id, Changes(note="n"), asker=HOST)
    stranger.credentials.remove(found.id, asker=HOST)
    stranger.credentials.restore(found.id, asker=HOST)


def test_a_look_at_a_sealed_vault_names_the_variable_and_counts_the_records(house: House) -> None:
    assert inspect(house.with_keys(None).vault).is_sound
    house.save("shop", made_up())
    assert inspect(house.vault).is_sound
    found = inspect(house.with_keys(new_secret()).vault)
    assert not found.is_sound
    (sentence,) = found.sentences
    assert "SECRET_KEY is not the key that 1 saved value set" in sentence
    assert "all others run" in sentence
    (both,) = inspect(house.with_keys(new_secret(), new_secret()).vault).sentences
    assert "SECRET_KEY and SECRET_KEY_OLD are not the keys" in both


def test_a_look_names_each_record_that_does_not_open(house: House) -> None:
    for number in range(12):
        house.save(f"shop {number}", made_up())
    with house.store.transaction() as tx:
        tx.execute(text("UPDATE credential_values SET sealed = 'AAAA' WHERE credential_id <= 11"))
        tx.execute(text("UPDATE credential_versions SET key_id = 'gone' WHERE credential_id = 2"))
    steps: list[int] = []
    found = inspect(house.vault, go_on=lambda: steps.append(1))
    assert (found.versions, len(found.unopened), len(steps)) == (12, 11, 1)
    assert "'shop 0' version 1 cannot be opened: it was changed in the database" in found.sentences[0]
    assert "sealed with key gone" in found.sentences[1]
    assert len(found.sentences) == 11
    assert found.sentences[-1].startswith("1 more")


def test_r69_a_meddled_check_value_seals_the_vault(house: House) -> None:
    house.save("shop", made_up())
    with house.store.transaction() as tx:
        tx.execute(text("UPDATE vault_keys SET check_value = 'AAAA'"))
    with pytest.raises(VaultSealed, match="vault_keys was changed"):
        house.save("mail", made_up())


def test_an_empty_vault_takes_any_key(house: House, trail: Trail) -> None:
    other = house.with_keys(new_secret())
    other.save("shop", made_up())
    assert other.opened(other.task("report", "shop"), "shop")
    with house.store.reading() as tx:
        assert list(KeyBook(tx).all()) == [other.vault.current.id if other.vault.current else ""]
    added = [row for row in trail.page() if row.action == "vault.key_added"]
    assert len(added) == 1
