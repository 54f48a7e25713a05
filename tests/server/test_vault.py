"""The vault at a server's start: what does not open is said, and everything else goes on."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from horarium.clock import SystemClock
from horarium.config import Config
from horarium.dashboard.serving import vault_sentences
from horarium.errors import ConfigError
from horarium.server import doctor
from horarium.server import vault as kept
from horarium.server.health import Check, Health
from horarium.server.service import assemble
from horarium.store.opening import open_store
from horarium.vault.cipher import MasterKey
from tests.support.people import TESTER, made_up
from tests.support.vault import House


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(secret_key=secrets.token_hex(32), data=tmp_path / "data")


def fill(config: Config, count: int = 2) -> None:
    """Save credentials as a server with these settings does."""
    service = assemble(config)
    house = House(service.store, SystemClock(), service.secret_key)
    for number in range(count):
        house.save(f"shop {number}", made_up())
    service.store.close()


def sentences(config: Config) -> tuple[str, ...]:
    service = assemble(config)
    try:
        return vault_sentences(service)
    finally:
        service.store.close()


def seen(config: Config) -> list[Check]:
    return [each for each in doctor.examine(config, SystemClock()) if each.name == "vault"]


def test_r69_a_server_with_another_key_starts_and_says_what_is_sealed(config: Config) -> None:
    assert sentences(config) == ()
    fill(config)
    assert sentences(config) == ()
    (sentence,) = sentences(replace(config, secret_key=secrets.token_hex(32)))
    assert "SECRET_KEY is not the key that 2 saved value sets were sealed with" in sentence
    assert "all others run" in sentence


def test_a_start_names_what_was_changed_and_tidies_up(config: Config) -> None:
    fill(config)
    store = open_store(config.database)
    with store.transaction() as tx:
        tx.execute(text("UPDATE credential_values SET sealed = 'AAAA' WHERE credential_id = 1"))
        tx.execute(text("UPDATE user_credentials SET deleted_at = 1 WHERE id = 2"))
    (sentence,) = sentences(config)
    assert "credential #1 'shop 0' version 1 cannot be opened" in sentence
    with store.reading() as tx:
        assert [row[0] for row in tx.execute(text("SELECT id FROM user_credentials"))] == [1]
    store.close()


def test_doctor_says_how_the_vault_is(config: Config) -> None:
    assert seen(config) == []
    fill(config)
    assert [each.health for each in seen(config)] == [Health.OK]
    other = replace(config, secret_key=secrets.token_hex(32))
    assert [each.health for each in seen(other)] == [Health.BAD]
    both = seen(replace(other, secret_key_old=config.secret_key))
    assert [each.health for each in both] == [Health.OK, Health.WARN]
    (none,) = seen(replace(config, secret_key=None))
    assert (none.health, "SECRET_KEY" in none.sentence) == (Health.BAD, True)


def test_r68_rotation_takes_both_keys_from_the_settings_and_moves_other_keepers_along(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(config)
    assert config.secret_key
    new = replace(config, secret_key=secrets.token_hex(32), secret_key_old=f" {config.secret_key}\n")
    given: list[tuple[bytes | None, bytes]] = []

    class Shelf:
        name = "second steps"

        def reseal(self, *, old: bytes | None, new: bytes, go_on: object) -> tuple[int, int]:
            given.append((old, new))
            return 3, 0

    monkeypatch.setattr(kept, "RESEALERS", (lambda store, clock: Shelf(),))
    store = open_store(config.database)
    done = kept.rotate(new, store, SystemClock(), actor=TESTER)
    assert new.secret_key
    assert given == [(config.secret_key.encode(), new.secret_key.encode())]
    assert (done.moved, done.others, done.key_id) == (
        2,
        {"second steps": (3, 0)},
        MasterKey.of(new.secret_key.encode()).id,
    )
    assert kept.look(replace(new, secret_key_old=None), store, SystemClock()).is_sound
    with pytest.raises(ConfigError, match="SECRET_KEY"):
        kept.look(replace(new, secret_key="changeme"), store, SystemClock())
    store.close()


def test_r10_neither_key_is_shown_with_the_settings(config: Config) -> None:
    both = replace(config, secret_key_old=secrets.token_hex(32))
    assert both.secret_key_old
    assert both.secret_key_old not in repr(both) + str(both.shown())
