"""`CredentialManager`: the vault for programs, by person, platform and sort of credential."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from horarium.clock import Clock, SystemClock
from horarium.config import Config, load_config
from horarium.errors import NotFound
from horarium.records.actors import Actor
from horarium.records.credentials import Asker, Credential, Subject
from horarium.store.books.credentials import CredentialBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.vault.checking import key_of
from horarium.vault.credentials import Credentials, Described, NewCredential
from horarium.vault.grants import Grants, NewGrant
from horarium.vault.vault import Vault, secrets_of


class CredentialManager:
    """Keeps credentials of people in the vault: saved, replaced, shared for use, removed; never read back.

    `store` is a path, an address or an open store (default: the one of the settings), `secret_key` the key that the
    server has, too (default: that of the settings). A credential is named by its platform and its sort: `shop-api`.
    Person 0 is the installation itself.
    """

    def __init__(
        self,
        store: Store | str | Path | None = None,
        *,
        secret_key: str | None = None,
        clock: Clock | None = None,
        actor: str = "",
    ) -> None:
        """Open the store. Raises `ConfigError` for a missing or weak key, and `StoreError`."""
        config = load_config() if store is None or secret_key is None else Config()
        config = replace(config, secret_key=secret_key or config.secret_key)
        secret, old_secret = secrets_of(config)
        where: Store | str | Path = config.database if store is None else store
        self._clock = clock or SystemClock()
        self._owns_store = isinstance(where, str | Path)
        self._store = open_store(where, clock=self._clock) if isinstance(where, str | Path) else where
        vault = Vault(self._store, self._clock, secret=secret, old_secret=old_secret)
        self._credentials = Credentials(vault)
        self._grants = Grants(vault)
        self._asker = Asker.of_host(Actor.of_code(actor))

    def save_credentials(
        self, user_id: int, platform: str, credential_type: str, data: Mapping[str, str], *, kind: str = "custom"
    ) -> dict[str, Any]:
        """Save the values `data` for a person. Raises `InvalidValue` if they have one of this name already.

        With the kind `custom` every value is a secret. Returns what may be shown, as `list_user_credentials` does.
        """
        wanted = NewCredential(name=_name(platform, credential_type), kind=kind, fields=data, owner_id=user_id)
        saved = self._credentials.add(wanted, asker=self._asker)
        return _shape(self._credentials.show(saved.credential.id, asker=self._asker))

    def update_credentials(
        self, user_id: int, platform: str, credential_type: str, data: Mapping[str, str]
    ) -> dict[str, Any]:
        """Put other values in the place of those that are there. Raises `NotFound`, `InvalidValue`."""
        found = self._find(user_id, platform, credential_type)
        self._credentials.replace(found.id, data, asker=self._asker)
        return _shape(self._credentials.show(found.id, asker=self._asker))

    def delete_credentials(self, user_id: int, platform: str, credential_type: str) -> None:
        """Remove a credential; `horarium vault restore` brings it back within 30 days. Raises `NotFound`."""
        self._credentials.remove(self._find(user_id, platform, credential_type).id, asker=self._asker)

    def list_user_credentials(self, user_id: int) -> list[dict[str, Any]]:
        """Return a person's credentials without their values."""
        every = self._credentials.list(asker=self._asker)
        return [_shape(each) for each in every if each.credential.owner_id == user_id]

    def share_credentials(
        self, owner_user_id: int, platform: str, credential_type: str, shared_with_user_ids: Iterable[int]
    ) -> list[int]:
        """Let other people use a credential in their tasks, without reading it; return the numbers of the grants.

        Raises `NotFound` for a credential or a person that is not there.
        """
        found = self._find(owner_user_id, platform, credential_type)
        wanted = [NewGrant(subject=Subject.PERSON, subject_id=number) for number in shared_with_user_ids]
        return [self._grants.make(found.id, each, asker=self._asker).id for each in wanted]

    def unshare_credentials(
        self, owner_user_id: int, platform: str, credential_type: str, shared_with_user_ids: Iterable[int]
    ) -> int:
        """End what `share_credentials` has begun, at once; return how many grants ended. Raises `NotFound`."""
        found = self._find(owner_user_id, platform, credential_type)
        people = set(shared_with_user_ids)
        described = self._credentials.show(found.id, asker=self._asker)
        ending = [each.id for each in described.grants if each.subject is Subject.PERSON and each.subject_id in people]
        for grant_id in ending:
            self._grants.revoke(found.id, grant_id, asker=self._asker)
        return len(ending)

    def get_shared_credentials(self, user_id: int) -> list[dict[str, Any]]:
        """Return the credentials of others that a person may use, without their values."""
        asker = Asker(actor=Actor(user_id=user_id))
        found = self._credentials.list(asker=asker)
        return [_shape(each) for each in found if each.credential.owner_id != user_id]

    def close(self) -> None:
        """Close the store, unless it was handed over open."""
        if self._owns_store:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _find(self, user_id: int, platform: str, credential_type: str) -> Credential:
        name = _name(platform, credential_type)
        with self._store.reading() as tx:
            found = CredentialBook(tx).by_key(user_id, key_of(name))
        if found is None:
            raise NotFound(f"person {user_id} has no credential {name!r}")
        return found


def _name(platform: str, credential_type: str) -> str:
    return f"{platform}-{credential_type}" if credential_type else platform


def _shape(described: Described) -> dict[str, Any]:
    credential = described.credential
    return {
        "id": credential.id,
        "owner_id": credential.owner_id,
        "name": credential.name,
        "kind": credential.kind,
        "version": credential.version,
        "fields": sorted([*credential.open_fields, *described.secret_fields]),
        "fingerprint": described.fingerprint,
        "created_at": credential.created_at,
        "updated_at": credential.updated_at,
        "last_used": credential.last_used_at,
        "expires_at": credential.expires_at,
        "is_active": credential.inactive_at is None,
    }
