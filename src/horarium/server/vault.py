"""The vault as the settings have it: its keys, what is kept with it, and what somebody should know at a start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from horarium.accounts.keys import derive
from horarium.accounts.second_factor import LABEL, key_id_of, reseal
from horarium.clock import Clock
from horarium.config import Config
from horarium.records.actors import Actor
from horarium.store.books.factors import FactorBook
from horarium.store.port import Store
from horarium.vault.credentials import Credentials
from horarium.vault.inspection import Findings, inspect
from horarium.vault.rotation import Resealer, Rotated, Rotation, Step
from horarium.vault.vault import Vault, secrets_of


class AppResealer:
    """Moves the secrets of authenticator apps, which are sealed beside the vault."""

    name = "authenticator apps"

    def __init__(self, store: Store, clock: Clock) -> None:
        """Work on `store`; moving a seal is nothing that has a time."""
        del clock
        self._store = store

    def reseal(self, *, old: bytes | None, new: bytes, go_on: Step) -> tuple[int, int]:
        """Move them from the SECRET_KEY `old` to `new`; return how many were moved and how many do not open."""
        key, moved = derive(new, LABEL), 0
        while old is not None:
            with self._store.transaction() as tx:
                some = reseal(tx, derive(old, LABEL), key)
            if not some:
                break
            moved += some
            go_on()
        with self._store.reading() as tx:
            return moved, FactorBook(tx).count_not_under(key_id_of(key))


RESEALERS: Final[tuple[Callable[[Store, Clock], Resealer], ...]] = (AppResealer,)
"""Makes, for a store, each keeper of things that are sealed with a key of SECRET_KEY and are not in the vault."""


def open_vault(config: Config, store: Store, clock: Clock) -> Vault:
    """Return the vault with the keys of the settings. Raises `ConfigError` for a missing or weak SECRET_KEY."""
    secret, old_secret = secrets_of(config)
    return Vault(store, clock, secret=secret, old_secret=old_secret)


def rotate(config: Config, store: Store, clock: Clock, *, actor: Actor) -> Rotated:
    """Move the vault, and all that is sealed beside it, to SECRET_KEY. Raises `ConfigError`, `VaultSealed`."""
    secret, old_secret = secrets_of(config)
    beside = [make(store, clock) for make in RESEALERS]
    vault = open_vault(config, store, clock)
    return Rotation(vault, new=secret, old=old_secret, resealers=beside).run(actor=actor)


def look(config: Config, store: Store, clock: Clock) -> Findings:
    """Return what of the vault does not open. Raises `ConfigError`."""
    return inspect(open_vault(config, store, clock))


def tidy(config: Config, store: Store, clock: Clock) -> None:
    """Erase what need not be kept any longer."""
    Credentials(open_vault(config, store, clock)).sweep()
