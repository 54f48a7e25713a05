"""`CredentialManager`: the vault for programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from horarium import CredentialManager
from horarium.accounts.people import People
from horarium.errors import ConfigError, CredentialDenied, InvalidValue, NotFound
from horarium.records.reach import Place
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.support.people import SetClock, add_person, cheap_hasher, made_up
from tests.support.vault import House, new_secret


@pytest.fixture
def manager(store: Store, clock: SetClock, secret: bytes) -> Iterator[CredentialManager]:
    with CredentialManager(store, secret_key=secret.decode(), clock=clock) as made:
        yield made


def test_a_program_saves_lists_replaces_shares_and_removes(
    manager: CredentialManager, house: House, people: People
) -> None:
    ana, otto, canary = add_person(people, "ana"), add_person(people, "otto"), made_up()
    saved = manager.save_credentials(ana.id, "shop", "api", {"key": canary, "user": made_up()})
    assert (saved["name"], saved["kind"], saved["fields"], saved["version"]) == (
        "shop-api",
        "custom",
        ["key", "user"],
        1,
    )
    assert manager.list_user_credentials(ana.id) == [saved]
    assert canary not in repr(saved)
    with pytest.raises(InvalidValue, match="of this name"):
        manager.save_credentials(ana.id, "shop", "api", {"key": canary})
    assert manager.update_credentials(ana.id, "shop", "api", {"key": "a newer value"})["version"] == 2
    task = house.task("sync", "shop-api", place=Place(owner_id=otto.id))
    assert manager.get_shared_credentials(otto.id) == []
    assert len(manager.share_credentials(ana.id, "shop", "api", [otto.id])) == 1
    assert [each["name"] for each in manager.get_shared_credentials(otto.id)] == ["shop-api"]
    assert house.opened(task, "shop-api") == {"key": "a newer value"}
    assert manager.unshare_credentials(ana.id, "shop", "api", [otto.id, 99]) == 1
    with pytest.raises(CredentialDenied):
        house.opened(task, "shop-api", run_id=2)
    manager.delete_credentials(ana.id, "shop", "api")
    assert manager.list_user_credentials(ana.id) == []
    with pytest.raises(NotFound, match="shop-api"):
        manager.delete_credentials(ana.id, "shop", "api")
    with pytest.raises(NotFound, match="shop-api"):
        manager.update_credentials(ana.id, "shop", "api", {"key": "x"})
    with pytest.raises(NotFound):
        manager.save_credentials(99, "shop", "api", {"key": canary})


def test_r72_a_program_gets_no_secret_back(manager: CredentialManager) -> None:
    assert not hasattr(manager, "get_credentials")


def test_the_store_and_the_key_come_from_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", str(tmp_path / "jobs.db"))
    with pytest.raises(ConfigError, match="SECRET_KEY is not set"):
        CredentialManager()
    with pytest.raises(ConfigError, match="SECRET_KEY is a placeholder"):
        CredentialManager(tmp_path / "jobs.db", secret_key="changeme")
    old, new = new_secret().decode(), new_secret().decode()
    with CredentialManager(secret_key=old) as manager:
        manager.save_credentials(0, "mail", "", {"password": made_up()}, kind="custom")
    monkeypatch.setenv("SECRET_KEY", new)
    monkeypatch.setenv("SECRET_KEY_OLD", old)
    with CredentialManager() as manager:
        assert manager.update_credentials(0, "mail", "", {"password": made_up()})["version"] == 2
    store = open_store(tmp_path / "jobs.db")
    assert People(store, hasher=cheap_hasher()).list() == []
    store.close()
