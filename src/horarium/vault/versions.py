"""The versions of a credential: which values are still there, going back to them, and erasing them at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from horarium.audit.actions import Action
from horarium.errors import Conflict, NotFound
from horarium.records.credentials import Asker, Credential, Version
from horarium.store.books.credentials import VersionBook
from horarium.store.port import Transaction
from horarium.vault.credentials import KEEP_REPLACED, put_values
from horarium.vault.seeing import owned, seen
from horarium.vault.vault import Vault, about


@dataclass(frozen=True, slots=True)
class Stage:
    """A version, and whether its values are there: the present ones, and replaced ones for some time."""

    version: Version
    is_present: bool
    is_kept: bool


class Versions:
    """The versions of the credentials of one vault, for their owners."""

    def __init__(self, vault: Vault) -> None:
        """Work with the keys of `vault`."""
        self._vault = vault
        self._store = vault.store
        self._clock = vault.clock

    def list(self, credential_id: int, *, asker: Asker) -> list[Stage]:
        """Return the versions, the newest first; nothing to who may only use it. Raises `NotFound`."""
        now = self._clock.now()
        with self._store.reading() as tx:
            found = seen(tx, credential_id, asker, now, removed=True)
            if not (asker.owns(found) or asker.sees_all):
                return []
            book = VersionBook(tx)
            kept = book.kept(found.id)
            return [
                Stage(each, each.version == found.version, each.version in kept and _is_kept(each, now))
                for each in book.of_credential(found.id)
            ]

    def go_back(self, credential_id: int, number: int, *, asker: Asker) -> Credential:
        """Make the values of an earlier version the present ones again, open and secret ones, as a new version.

        Raises `NotFound`, `Denied`, `VaultSealed`,
        `CredentialUnreadable`, and `Conflict` for the present version and one whose values are gone.
        """
        now = self._clock.now()
        with self._store.transaction() as tx:
            before = owned(tx, credential_id, asker, now)
            earlier = self._earlier(tx, before, number)
            sealed = VersionBook(tx).sealed(before.id, number)
            if not sealed or not _is_kept(earlier, now):
                raise Conflict(f"the values of version {number} of credential {before.name!r} are erased")
            standing = self._vault.require_open(tx)
            secret = self._vault.open(standing, before, earlier, sealed)
            opened = earlier.opened_of(before)
            return put_values(self._vault, tx, before, opened, secret, keep=KEEP_REPLACED, asker=asker)

    def retire(self, credential_id: int, number: int, *, asker: Asker) -> Credential:
        """Erase the values of an earlier version now, whichever runs began with it.

        Raises `NotFound`, `Denied`, and `Conflict` for the present version. One that is erased already is as good.
        """
        now = self._clock.now()
        with self._store.transaction() as tx:
            found = owned(tx, credential_id, asker, now)
            self._earlier(tx, found, number)
            if VersionBook(tx).erase(found.id, number, now):
                self._vault.trail.note(tx, asker.actor, Action.CREDENTIAL_CHANGED, about(found), erased_version=number)
        return found

    def _earlier(self, tx: Transaction, credential: Credential, number: int) -> Version:
        found = VersionBook(tx).get(credential.id, number)
        if found is None:
            raise NotFound(f"there is no version {number}")
        if number == credential.version:
            raise Conflict(f"version {number} of credential {credential.name!r} is the present one")
        return found


def _is_kept(version: Version, now: datetime) -> bool:
    return version.kept_until is None or now < version.kept_until
