"""The vault itself: which keys it has, whether they are the right ones, and the opening and sealing with them."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from horarium.audit.actions import Action
from horarium.audit.trail import About, Trail
from horarium.clock import Clock, SystemClock
from horarium.config import Config
from horarium.errors import CredentialUnreadable, VaultSealed
from horarium.records.actors import Actor
from horarium.records.credentials import Credential, KeyMark, Version
from horarium.store.books.credentials import VersionBook
from horarium.store.books.grants import KeyBook
from horarium.store.port import Store, Transaction
from horarium.vault.cipher import Binding, MasterKey, Unopened, new_data_key, open_fields, seal_fields

NO_KEY: Final = "vault sealed: SECRET_KEY is not set, so nothing in it can be opened or saved"


@dataclass(frozen=True, slots=True)
class Standing:
    """How the vault stands: the keys it knows and those of them that are here.

    `counts` says how many versions each key has sealed; it is empty while the present key is one in use.
    """

    known: Mapping[str, KeyMark]
    here: Mapping[str, MasterKey] = field(repr=False)
    counts: Mapping[str, int]

    @property
    def foreign(self) -> int:
        """Return how many versions are sealed with keys that are not here."""
        return sum(count for key_id, count in self.counts.items() if key_id not in self.here)

    @property
    def is_sealed(self) -> bool:
        """Tell whether not one of the keys that are in use is here."""
        return bool(self.counts) and not any(key_id in self.here for key_id in self.counts)


class Vault:
    """The keys for one store. Everything that opens or seals passes through here; nothing here decides who may."""

    def __init__(
        self, store: Store, clock: Clock | None = None, *, secret: bytes | None, old_secret: bytes | None = None
    ) -> None:
        """Work on `store` with SECRET_KEY and, while keys are being changed, with the one before it."""
        self.store = store
        self.clock = clock or SystemClock()
        self.trail = Trail(store, self.clock)
        self.current = None if secret is None else MasterKey.of(secret)
        self.former = None if old_secret is None else MasterKey.of(old_secret)

    def standing(self, tx: Transaction) -> Standing:
        """Return how the vault stands. A key whose check value it does not open does not count as here."""
        known = KeyBook(tx).all()
        mine = [key for key in (self.current, self.former) if key is not None]
        here = {key.id: key for key in mine if key.id in known and key.opens_check(known[key.id].check_value)}
        # While the present key is in use nothing is counted: runs pass here, however much the vault holds.
        key = self.current
        is_settled = key is not None and key.id in here and known[key.id].retired_at is None
        return Standing(known, here, {} if is_settled else VersionBook(tx).counts())

    def sealed_reason(self, standing: Standing) -> str:
        """Return why nothing can be opened or saved, empty when it can."""
        if self.current is None:
            return NO_KEY
        if self.current.id in standing.known and self.current.id not in standing.here:
            return "vault sealed: the mark of SECRET_KEY in the table vault_keys was changed; restore it from a backup"
        if standing.is_sealed:
            count = standing.foreign
            what = "1 saved value set" if count == 1 else f"{count:,} saved value sets"
            keys = (
                "SECRET_KEY is not the key" if self.former is None else "SECRET_KEY and SECRET_KEY_OLD are not the keys"
            )
            return (
                f"vault sealed: {keys} that {what} were sealed with; set the former key again, or give it as"
                " SECRET_KEY_OLD and run `horarium vault rotate`"
            )
        return ""

    def require_open(self, tx: Transaction) -> Standing:
        """Return how the vault stands. Raises `VaultSealed` before anything is written when it is sealed."""
        standing = self.standing(tx)
        reason = self.sealed_reason(standing)
        if reason:
            raise VaultSealed(reason)
        return standing

    def key_to_seal(self, tx: Transaction, actor: Actor) -> MasterKey:
        """Return the key that new values are sealed with, made known to the vault first. Raises `VaultSealed`."""
        standing = self.require_open(tx)
        key = self.current
        if key is None:
            raise VaultSealed(NO_KEY)
        mark = standing.known.get(key.id)
        if mark is None or mark.retired_at is not None:
            KeyBook(tx).put(KeyMark(key.id, key.check_value(), self.clock.now()))
            self.trail.note(tx, actor, Action.VAULT_KEY_ADDED, About("key", None, key.id))
        return key

    def seal(
        self, key: MasterKey, credential: Credential, version: int, values: Mapping[str, str], by: str
    ) -> tuple[Version, dict[str, str]]:
        """Return a new version of a credential, with its open values as they are and its sealed fields, unwritten."""
        binding = Binding(credential.id, credential.owner_id, version)
        data_key = new_data_key()
        made = Version(
            credential_id=credential.id,
            version=version,
            key_id=key.id,
            wrapped_key=key.wrap(data_key, binding),
            fingerprint=key.fingerprint(credential.id, values),
            created_at=self.clock.now(),
            created_by=by,
            open_fields=credential.open_fields,
        )
        return made, seal_fields(data_key, values, binding)

    def open(
        self, standing: Standing, credential: Credential, version: Version, sealed: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the values of a version. Raises `CredentialUnreadable` without saying which part is wrong."""
        return self._opened(standing, credential, version, sealed)[1]

    def rewrapped(
        self, standing: Standing, credential: Credential, version: Version, sealed: Mapping[str, str], key: MasterKey
    ) -> Version:
        """Return a version with its data key wrapped by `key`, after every value was opened by way of it.

        Raises `CredentialUnreadable`.
        """
        data_key, values = self._opened(standing, credential, version, sealed)
        binding = Binding(credential.id, credential.owner_id, version.version)
        wrapped = key.wrap(data_key, binding)
        if open_fields(key.unwrap(wrapped, binding), sealed, binding) != values:
            raise CredentialUnreadable(unreadable(credential))
        mark = key.fingerprint(credential.id, values)
        return replace(version, key_id=key.id, wrapped_key=wrapped, fingerprint=mark)

    def _opened(
        self, standing: Standing, credential: Credential, version: Version, sealed: Mapping[str, str]
    ) -> tuple[bytes, dict[str, str]]:
        key = standing.here.get(version.key_id)
        if key is None:
            raise CredentialUnreadable(unreadable(credential))
        binding = Binding(credential.id, credential.owner_id, version.version)
        try:
            data_key = key.unwrap(version.wrapped_key, binding)
            values = open_fields(data_key, sealed, binding)
        except (Unopened, UnicodeDecodeError):
            raise CredentialUnreadable(unreadable(credential)) from None
        # Each value proves itself; the mark over all of them shows that none was taken out.
        if not hmac.compare_digest(key.fingerprint(credential.id, values), version.fingerprint):
            raise CredentialUnreadable(unreadable(credential))
        return data_key, values


def secrets_of(config: Config) -> tuple[bytes, bytes | None]:
    """Return SECRET_KEY and, where it is set, the one before it. Raises `ConfigError` for a missing or weak one."""
    old = (config.secret_key_old or "").strip()
    return config.require_secret_key().encode(), old.encode() or None


def unreadable(credential: Credential) -> str:
    """Return the sentence about a credential that does not open."""
    return f"credential {credential.name!r} cannot be opened: its key is not here, or it was changed in the database"


def about(credential: Credential) -> About:
    """Return a credential as an audit entry names it."""
    return About("credential", credential.id, credential.name)
