"""What moving in needs of the vault beside saving: to compare without reading, and to take back for good."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from horarium.audit.actions import Action
from horarium.errors import CredentialUnreadable
from horarium.records.credentials import Asker
from horarium.store.books.credentials import CredentialBook, VersionBook
from horarium.vault.checking import checked_kind, split
from horarium.vault.keypairs import completed
from horarium.vault.seeing import owned
from horarium.vault.vault import Vault, about, unreadable


def holds(vault: Vault, credential_id: int, fields: Mapping[str, str]) -> bool:
    """Open a credential and tell whether its values are just these; they stay here.

    Raises `VaultSealed`, `CredentialUnreadable`.
    """
    with vault.store.reading() as tx:
        standing = vault.require_open(tx)
        found, book = CredentialBook(tx).get(credential_id), VersionBook(tx)
        if found is None or found.is_removed:
            return False
        version = book.get(found.id, found.version)
        if version is None:
            raise CredentialUnreadable(unreadable(found))
        values = vault.open(standing, found, version, book.sealed(found.id, found.version))
    opened, secret = split(checked_kind(found.kind), completed(found.kind, fields))
    return (dict(found.open_fields), values) == (opened, secret)


def erase(vault: Vault, credential_id: int, *, asker: Asker) -> bool:
    """Take a credential away with its values and grants, for good; return False if it is gone already.

    Needs no key. Raises `Denied` for another owner's.
    """
    with vault.store.transaction() as tx:
        if CredentialBook(tx).get(credential_id) is None:
            return False
        found = owned(tx, credential_id, asker, vault.clock.now(), removed=True)
        CredentialBook(tx).erase(found.id)
        vault.trail.note(tx, asker.actor, Action.CREDENTIAL_REMOVED, about(found), erased=True)
    return True


def others_sealed(vault: Vault, ours: Collection[int]) -> int:
    """Return how many sets of values the present key seals, those of some credentials not counted."""
    if vault.current is None:
        return 0
    with vault.store.reading() as tx:
        book = VersionBook(tx)
        under = book.counts().get(vault.current.id, 0)
        for number in ours:
            for version in book.of_credential(number):
                under -= version.key_id == vault.current.id and bool(book.sealed(number, version.version))
    return under
