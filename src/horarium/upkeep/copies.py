"""Keep copies of backups elsewhere: what has not got there yet is tried again with each backup."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from horarium.audit.actions import Action
from horarium.clock import Alarm, Clock
from horarium.errors import ConfigError, CredentialDenied, HorariumError, StoreUnavailable
from horarium.logs.live import LIVE
from horarium.logs.masking import Masker
from horarium.records.actors import Actor
from horarium.records.credentials import INSTALLATION, Credential, Use
from horarium.store.backup import Backup, list_backups
from horarium.store.backup.shelf import Kind, Look, remember
from horarium.store.books.credentials import CredentialBook, VersionBook
from horarium.store.books.grants import UseBook
from horarium.store.port import Store
from horarium.upkeep.elsewhere import Place, opened_place
from horarium.upkeep.rules import BackupRules
from horarium.vault.checking import key_of
from horarium.vault.vault import Vault, about

PURPOSE: Final = "backup"
"""What a credential was opened for, as the row of the use says it."""
PAUSES: Final = (2.0, 10.0)
"""How many seconds are let pass before the second and the third try."""

log = logging.getLogger("horarium.upkeep")


@dataclass(slots=True)
class Copied:
    """What was copied, and in one sentence why the rest was not, empty where all was; `gone` is to go there too."""

    files: list[str] = field(default_factory=list)
    error: str = ""
    gone: tuple[str, ...] = ()


def copy_elsewhere(store: Store, rules: BackupRules, clock: Clock, gone: Iterable[str] = ()) -> Copied:
    """Copy every sound backup to the other place that is not there yet, newest first, and remove what is `gone` here.

    What came of it is written down with each backup. Never raises for what goes wrong on the way: the backup itself is
    made.
    """
    done = Copied(gone=tuple(gone))
    todo = [each for each in list_backups(rules.folder) if each.is_sound and not _is_there(each)]
    for number in range(1 + len(PAUSES)):
        try:
            _once(store, rules, clock, todo, done)
        except (ConfigError, CredentialDenied) as error:
            # Trying again would not help: somebody has to set it right.
            done.error = str(error)
            break
        except HorariumError as error:
            done.error = str(error)
            if number < len(PAUSES):
                clock.wait(Alarm(), PAUSES[number])
        else:
            done.error = ""
            break
    if done.error and todo:
        log.warning("A backup was not copied: %s", done.error)
        remember(todo[0], Kind.COPY, Look(clock.now(), passed=False, seconds=0.0, words=done.error))
    return done


def _is_there(backup: Backup) -> bool:
    look = backup.results.get(Kind.COPY)
    return look is not None and look.passed


def _once(store: Store, rules: BackupRules, clock: Clock, todo: list[Backup], done: Copied) -> None:
    if rules.copy is None:
        return
    with _opened(store, rules, clock) as values, opened_place(rules.copy, values) as place:
        while todo:
            began = clock.monotonic()
            _put(place, todo[0])
            remember(todo[0], Kind.COPY, Look(clock.now(), passed=True, seconds=clock.monotonic() - began))
            done.files.append(todo.pop(0).name)
        for name in done.gone:
            place.remove(name)
            place.remove(f"{name}.json")


def _put(place: Place, backup: Backup) -> None:
    # The note last: there as here, what has one is whole.
    for path in (backup.path, backup.note):
        place.put(path)
    if place.sizes().get(backup.name) != backup.size:
        raise StoreUnavailable(f"the copy of {backup.name} did not get there whole")


@contextmanager
def _opened(store: Store, rules: BackupRules, clock: Clock) -> Iterator[Mapping[str, str]]:
    """Open the credential of the other place, note the use, and mask what it holds as long as it is used."""
    if not rules.copy_credential:
        yield {}
        return
    found, values, use_id = _open(store, rules, clock)
    masker = Masker()
    masker.add(found.name, [value for name, value in values.items() if name not in found.open_fields])
    LIVE.add(masker)
    try:
        yield values
    finally:
        LIVE.discard(masker)
        with store.transaction() as tx:
            UseBook(tx).end(use_id, clock.now())


def _open(store: Store, rules: BackupRules, clock: Clock) -> tuple[Credential, Mapping[str, str], int]:
    name, now = rules.copy_credential, clock.now()
    secret, old = (*rules.secrets, None, None)[:2]
    vault = Vault(store, clock, secret=secret, old_secret=old)
    with store.transaction() as tx:
        standing = vault.require_open(tx)
        found = CredentialBook(tx).by_key(INSTALLATION, key_of(name))
        version = None if found is None else VersionBook(tx).get(found.id, found.version)
        if found is None or version is None or found.is_expired(now) or found.inactive_at is not None:
            raise CredentialDenied(f"the installation has no credential {name!r} that can be used")
        values = vault.open(standing, found, version, VersionBook(tx).sealed(found.id, found.version))
        use = Use(
            id=0,
            credential_id=found.id,
            version=found.version,
            purpose=PURPOSE,
            actor=Actor.of_server().words,
            opened_at=now,
        )
        CredentialBook(tx).touch(found.id, now)
        vault.trail.note(tx, Actor.of_server(), Action.CREDENTIAL_OPENED, about(found), version=found.version)
        return found, {**found.open_fields, **values}, UseBook(tx).open(use)
