"""Open the values that a channel sends with: the open ones as they are, the secret ones out of the vault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from horarium.errors import CredentialDenied, CredentialUnreadable
from horarium.records.credentials import Use
from horarium.records.telling import Channel
from horarium.store.books.credentials import CredentialBook, VersionBook
from horarium.store.books.grants import UseBook
from horarium.store.port import Transaction
from horarium.vault.vault import Vault, unreadable

PURPOSE: Final = "notice"
"""What a credential was opened for, as the row of the use says it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a channel sends with, which of it is secret, and the number of the use."""

    values: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    use_id: int | None = None


def open_values(vault: Vault | None, tx: Transaction, channel: Channel) -> Opened:
    """Return the values of a channel; that they were opened is noted.

    Raises `CredentialDenied` where its credential is not to be used, `VaultSealed`, `CredentialUnreadable`.
    """
    if channel.credential_id is None:
        return Opened(dict(channel.open_values))
    if vault is None:
        raise CredentialDenied("the values of the channel are in the vault, and there is no SECRET_KEY to open it")
    now = vault.clock.now()
    credential = CredentialBook(tx).get(channel.credential_id)
    if credential is None or credential.is_removed:
        raise CredentialDenied("the credential of the channel is gone: save the channel's values again")
    if credential.inactive_at is not None or credential.is_expired(now):
        raise CredentialDenied("the credential of the channel is stopped or has ended: save the channel's values again")
    standing = vault.require_open(tx)
    version = VersionBook(tx).get(credential.id, credential.version)
    if version is None:
        raise CredentialUnreadable(unreadable(credential))
    secret = vault.open(standing, credential, version, VersionBook(tx).sealed(credential.id, credential.version))
    use = Use(
        id=0,
        credential_id=credential.id,
        version=credential.version,
        purpose=PURPOSE,
        actor=channel.name,
        opened_at=now,
        user_id=channel.owner_id or None,
    )
    CredentialBook(tx).touch(credential.id, now)
    opened = {**channel.open_values, **credential.open_fields, **secret}
    return Opened(opened, tuple(secret.values()), UseBook(tx).open(use))
