"""Keep the secret values of channels in the vault: each channel has a credential that was made for it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from horarium.errors import VaultSealed
from horarium.notify.values import open_values
from horarium.records.credentials import Asker, Credential
from horarium.records.telling import Channel
from horarium.store.books.channels import ChannelBook
from horarium.store.books.credentials import CredentialBook
from horarium.store.port import Transaction
from horarium.vault.credentials import put_new, put_values
from horarium.vault.vault import NO_KEY, Vault

_WEBHOOK: Final = frozenset({"url", "signing_secret"})


def referenced_credentials(tx: Transaction) -> set[int]:
    """Return the numbers of the credentials that channels send with: no clean-up may touch them."""
    return ChannelBook(tx).credential_ids()


def keep(
    vault: Vault | None, tx: Transaction, draft: Channel, secret: Mapping[str, str], *, asker: Asker
) -> int | None:
    """Put the secret values of a channel into the vault; return the number of its credential, None without secrets.

    Values that are left out keep what they were. Raises `VaultSealed`, `CredentialDenied`, `CredentialUnreadable`.
    """
    if not secret:
        return draft.credential_id
    if vault is None:
        raise VaultSealed(NO_KEY)
    if draft.credential_id is None:
        return put_new(vault, tx, _credential(vault, draft, secret), secret, asker=asker).id
    before = CredentialBook(tx).get(draft.credential_id, lock=True)
    if before is None or before.is_removed:
        return put_new(vault, tx, _credential(vault, draft, secret), secret, asker=asker).id
    put_values(vault, tx, before, {}, secret, keep=timedelta(0), asker=asker)
    return before.id


def secrets_of(vault: Vault | None, tx: Transaction, channel: Channel, names: set[str]) -> dict[str, str]:
    """Return the secret values that a channel has, for putting others beside them."""
    if channel.credential_id is None:
        return {}
    found = open_values(vault, tx, channel).values
    return {name: value for name, value in found.items() if name in names}


def drop(tx: Transaction, channel: Channel, at: int) -> None:
    """Take the credential of a channel out of use; for 30 days it can be restored."""
    if channel.credential_id is not None:
        CredentialBook(tx).change(channel.credential_id, deleted_at=at)


def _credential(vault: Vault, channel: Channel, secret: Mapping[str, str]) -> Credential:
    now = vault.clock.now()
    kind = "token" if set(secret) == {"token"} else "custom"
    if "url" in secret and secret.keys() <= _WEBHOOK:
        kind = "webhook"
    return Credential(
        id=0,
        owner_id=channel.owner_id,
        # The name of a channel may hold signs that the one of a credential must not, and may be taken there.
        name=f"channel {channel.kind} {secrets.token_hex(4)}",
        kind=kind,
        note=f"Made for the channel {channel.name}: its values are changed there.",
        version=1,
        open_fields={},
        hosts=(),
        created_at=now,
        created_by=channel.created_by,
        updated_at=now,
        rotated_at=now,
    )
