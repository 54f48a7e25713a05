"""Damage in the database is noticed and not made worse: nothing is written any more, and nothing is repaired.

What is said names the database and the newest backup that is whole. SQLite looks through its file; of PostgreSQL all
tables are read, and it says by itself which page is damaged.
"""

from __future__ import annotations

import logging

from horarium.clock import Clock
from horarium.errors import HorariumError, StoreError
from horarium.states import EventKind
from horarium.store.backup import Backup, list_backups, verify_backup
from horarium.store.books.events import EventBook
from horarium.store.port import Store
from horarium.upkeep.rules import BackupRules, rules_of_host

log = logging.getLogger("horarium.upkeep")


def find_damage(store: Store, clock: Clock) -> str:
    """Look the store through; when something is found, tell it once, stop all writing and return what was found.

    Empty when all is well.
    """
    found = next(iter(store.check()), "")
    if not found:
        return ""
    words = f"{store.location} is damaged: {found}. Nothing more is written to it. {which_backup(store)}"
    log.critical("%s", words, extra={"word": "store.damaged"})
    try:
        with store.transaction() as tx:
            EventBook(tx).append(EventKind.STORE_DAMAGED, at=clock.micros(), body={"words": words})
            store.announce_change(tx)
    except StoreError as error:
        log.warning("The damage could not be noted in the store itself (%s)", error)
    store.damage.put(words)
    return words


def damage_of(store: Store) -> str:
    """Return the damage that was found in a store, in words; empty when none was."""
    return store.damage.words


def which_backup(store: Store) -> str:
    """Say in a sentence which backup is good: the newest one that is whole."""
    try:
        rules = rules_of_host(store)
        good = next((each for each in list_backups(rules.folder) if each.is_sound and _is_good(each, rules)), None)
    except HorariumError as error:
        return f"Which backup is good could not be told: {error}."
    if good is None:
        return f"There is no good backup in {rules.folder}."
    when = f"{good.made_at:%Y-%m-%d %H:%M} UTC"
    return f"Good is the backup {good.path} of {when}: `horarium backup restore {good.name}`."


def _is_good(backup: Backup, rules: BackupRules) -> bool:
    try:
        verify_backup(backup.path, seal=rules.seal)
    except HorariumError:
        return False
    return True
