"""Prove backups again: read one through, or restore it into a scratch store and open some of its secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from horarium.audit.actions import Action
from horarium.clock import Clock
from horarium.errors import CredentialUnreadable, StoreForeign, StoreNewer
from horarium.records.actors import Actor
from horarium.store.backup import Backup, verify_backup
from horarium.store.backup.packing import GoOn
from horarium.store.backup.restoring import drill as restore_aside
from horarium.store.backup.shelf import Kind, Look, remember
from horarium.store.books.credentials import VersionBook
from horarium.store.port import Store, Transaction
from horarium.upkeep.rules import BackupRules
from horarium.upkeep.telling import Entry
from horarium.vault.vault import Vault

SECRETS: Final = 10
"""How many secrets a drill opens, those that were changed last first where there are more."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of a look at a backup: the backup with it written down, and the outcome.

    `secrets` of `tried` were opened; both are 0 where only the file was read or nothing is in the vault. `untold` is
    why the audit log could not be told of it, empty when it was.
    """

    backup: Backup
    look: Look
    secrets: int = 0
    tried: int = 0
    untold: str = ""


class _Unopened(Exception):
    """End a drill whose secrets do not open."""


def verify(
    store: Store,
    rules: BackupRules,
    clock: Clock,
    backup: Backup,
    *,
    go_on: GoOn | None = None,
    actor: Actor | None = None,
) -> Proof:
    """Read a backup through: checksum, integrity, rows of each table; write down what came of it.

    The audit log of `store` names the `actor` who asked, else the run or the program. Raises `StoreFull`,
    `StoreUnavailable` where it could not be read; a damaged one is an outcome.
    """

    def work() -> str:
        verify_backup(backup.path, seal=rules.seal, go_on=go_on)
        return ""

    entry = Entry(store, clock, Action.BACKUP_VERIFIED, actor, backup.name)
    return _proved(clock, backup, Kind.VERIFY, work, entry)


def drill(
    store: Store,
    rules: BackupRules,
    clock: Clock,
    backup: Backup,
    *,
    go_on: GoOn | None = None,
    actor: Actor | None = None,
) -> Proof:
    """Restore a backup into a scratch store, compare counts and checksums, open some secrets, throw it away.

    What came of it is written down with the backup, and in the audit log of `store` as by `verify`. Raises `StoreFull`,
    `StoreUnavailable` where it could not be tried; a backup that cannot be restored is an outcome.
    """
    counts = [0, 0]

    def look(tx: Transaction) -> None:
        counts[:] = _opened(tx, store, rules, clock)

    def work() -> str:
        restore_aside(store, backup, seal=rules.seal, within=look, go_on=go_on or _nothing)
        opened, tried = counts
        if opened < tried:
            raise StoreForeign(f"{tried - opened} of {tried} secrets do not open with the SECRET_KEY that is set here")
        rows = sum(backup.rows.values())
        return f"{len(backup.rows)} tables, {rows:,} rows, {opened} of {tried} secrets opened"

    entry = Entry(store, clock, Action.BACKUP_DRILLED, actor, backup.name)
    done = _proved(clock, backup, Kind.DRILL, work, entry)
    return replace(done, secrets=counts[0], tried=counts[1])


def _proved(clock: Clock, backup: Backup, kind: Kind, work: Callable[[], str], entry: Entry) -> Proof:
    with entry.watching(bytes=backup.size):
        began = clock.monotonic()
        try:
            words, passed = work(), True
        except (StoreForeign, StoreNewer) as error:
            words, passed = str(error), False
        look = Look(clock.now(), passed, clock.monotonic() - began, words)
        kept = remember(backup, kind, look)
    return Proof(kept, look, untold=entry.write(passed=passed, bytes=backup.size, found=words))


def _opened(tx: Transaction, store: Store, rules: BackupRules, clock: Clock) -> tuple[int, int]:
    """Return how many of the tried secrets open with the present keys, and how many were tried: none without a key."""
    if not rules.secrets:
        return 0, 0
    secret, old = (*rules.secrets, None, None)[:2]
    vault = Vault(store, clock, secret=secret, old_secret=old)
    standing, book = vault.standing(tx), VersionBook(tx)
    opened = tried = 0
    for credential, version in book.newest(SECRETS):
        tried += 1
        try:
            vault.open(standing, credential, version, book.sealed(credential.id, version.version))
        except CredentialUnreadable:
            continue
        opened += 1
    return opened, tried


def _nothing() -> None:
    return None
