"""What moving in needs of the vault: to compare without reading, and to take back so that nothing sealed is left."""

from __future__ import annotations

import pytest

from horarium.accounts.people import People
from horarium.errors import CredentialUnreadable, Denied, VaultSealed
from horarium.store.books.credentials import VersionBook
from horarium.vault.moving import erase, holds, others_sealed
from tests.support.people import add_admin, add_person, made_up
from tests.support.vault import HOST, House, as_user, new_secret


def test_values_are_compared_whole_and_open_ones_as_well(house: House) -> None:
    value = made_up()
    found = house.save("shop", value, open_values={"url": "https://x.example"})
    assert holds(house.vault, found.id, {"token": value, "url": "https://x.example"})
    assert not holds(house.vault, found.id, {"token": value})
    assert not holds(house.vault, found.id, {"token": value, "url": "https://y.example"})
    assert not holds(house.vault, found.id, {"token": made_up(), "url": "https://x.example"})
    assert not holds(house.vault, found.id + 1, {"token": value})
    house.credentials.remove(found.id, asker=HOST)
    assert not holds(house.vault, found.id, {"token": value, "url": "https://x.example"})


def test_with_another_key_or_a_changed_value_nothing_is_compared(house: House) -> None:
    value = made_up()
    found = house.save("shop", value)
    with pytest.raises(VaultSealed):
        holds(house.with_keys(new_secret()).vault, found.id, {"token": value})
    with house.store.transaction() as tx:
        book = VersionBook(tx)
        version = book.get(found.id, 1)
        assert version is not None
        book.reseal(version, {"token": "changed"})
    with pytest.raises(CredentialUnreadable):
        holds(house.vault, found.id, {"token": value})


def test_what_is_erased_leaves_nothing_sealed_so_that_another_key_can_follow(house: House) -> None:
    found, other = house.save("shop", made_up()), house.save("bank", made_up())
    assert others_sealed(house.vault, [found.id]) == 1
    assert erase(house.with_keys(None).vault, found.id, asker=HOST)
    assert not erase(house.vault, found.id, asker=HOST)
    newest = house.vault.trail.page(limit=1)[0]
    assert (newest.action, newest.object_name, newest.details) == ("credential.removed", "shop", {"erased": True})
    house.credentials.remove(other.id, asker=HOST)
    assert erase(house.vault, other.id, asker=HOST)
    assert others_sealed(house.vault, []) == 0
    house.with_keys(new_secret()).save("shop", made_up())


def test_nobody_erases_what_is_not_theirs(house: House, people: People) -> None:
    ana, otto = add_person(people, "ana"), add_admin(people, "otto")
    found = house.save("mine", made_up(), asker=as_user(ana), owner_id=ana.id)
    with pytest.raises(Denied):
        erase(house.vault, found.id, asker=as_user(otto))
    assert house.credentials.show(found.id, asker=as_user(ana)).owns
