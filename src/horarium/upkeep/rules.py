"""What the host says about backups: where they lie, which stay, how they are kept. Nobody else says any of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from horarium.config import Config, load_config
from horarium.config.secret_key import weakness
from horarium.errors import ConfigError, InvalidValue
from horarium.store.backup.keeping import Keep
from horarium.store.backup.making import Wrapping
from horarium.store.backup.packing import Seal
from horarium.store.port import Store
from horarium.store.sqlite import SqliteStore
from horarium.upkeep.elsewhere import Target, check_target

FOLDER: Final = "backups"
_given: set[Path] = set()


@dataclass(frozen=True, slots=True)
class BackupRules:
    """How backups are made and kept.

    `secrets` are SECRET_KEY and the one before it, as far as they are set; `own_key` is what backups are encrypted
    with instead. `copy` is where copies go, None where nowhere, with the credential of the installation of that name.
    """

    folder: Path
    keep: Keep = field(default_factory=Keep)
    compress: bool = True
    encrypt: bool = False
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    own_key: bytes | None = field(default=None, repr=False)
    copy: Target | None = None
    copy_credential: str = ""

    @property
    def seal(self) -> Seal | None:
        """Return what opens encrypted backups, and seals where that is wanted; None where no key is set."""
        keys = (*(() if self.own_key is None else (self.own_key,)), *self.secrets)
        if not keys:
            return None
        from horarium.upkeep.seals import FileSeal  # noqa: PLC0415 - ciphers are only there with the server's parts

        return FileSeal(keys)

    def wrapping(self, origin: str) -> Wrapping:
        """Return how a backup is kept that is made for `origin`."""
        judge = None
        if self.secrets:
            from horarium.upkeep.seals import judged  # noqa: PLC0415 - as above

            judge = partial(judged, self.secrets)
        return Wrapping(self.compress, self.seal if self.encrypt else None, origin, judge)


def rules_of(config: Config, store: Store) -> BackupRules:
    """Return what the settings say about the backups of `store`. Raises `ConfigError` for a weak key or none."""
    secrets = [each.strip().encode() for each in (config.secret_key, config.secret_key_old) if each and each.strip()]
    own = (config.backup_key or "").strip()
    if own and (reason := weakness(own)) is not None:
        raise ConfigError(f"HORARIUM_BACKUP_KEY {reason}")
    if config.backup_encrypt and not secrets and not own:
        raise ConfigError("HORARIUM_BACKUP_ENCRYPT is on, but neither HORARIUM_BACKUP_KEY nor SECRET_KEY is set")
    return BackupRules(
        folder=(config.backup_folder or _beside(store, config.data)).absolute(),
        keep=Keep(config.backup_keep, config.backup_keep_weeks, config.backup_keep_months),
        compress=config.backup_compress,
        encrypt=config.backup_encrypt,
        secrets=tuple(secrets),
        own_key=own.encode() or None,
        copy=_target(config),
        copy_credential=config.backup_copy_credential,
    )


def rules_of_host(store: Store) -> BackupRules:
    """Return what the environment and the `.env` file say about the backups of `store`. Raises `ConfigError`."""
    return rules_of(load_config(), store)


def allow_folder(folder: Path) -> None:
    """Let tasks of this process back up into `folder`: the program that embeds the library says so itself."""
    _given.add(folder.absolute())


def refuse_foreign_folder(folder: Path, rules: BackupRules) -> None:
    """Raise `InvalidValue` for a folder that a run was told of and neither the host nor this program named."""
    if folder.absolute() not in {rules.folder, *_given}:
        raise InvalidValue(
            "folder", str(folder), "backups of a task go where HORARIUM_BACKUP_FOLDER says, or where the program says"
        )


def default_folder(store: Store) -> Path:
    """Return where the backups of a store go when nobody says: beside a file, in the data folder for a server."""
    return _beside(store, Path(os.environ.get("HORARIUM_DATA") or "data")).absolute()


def shown(rules: BackupRules) -> Mapping[str, Any]:
    """Return the rules as they may be shown: no key is among them."""
    return {
        "folder": str(rules.folder),
        "keep": rules.keep.newest,
        "keep_weeks": rules.keep.weeks,
        "keep_months": rules.keep.months,
        "compressed": rules.compress,
        "encrypted": rules.encrypt,
    }


def _target(config: Config) -> Target | None:
    if not config.backup_copy:
        return None
    target = Target(config.backup_copy, config.backup_copy_host_key)
    check_target(target)
    return target


def _beside(store: Store, data: Path) -> Path:
    if not isinstance(store, SqliteStore):
        return data.absolute() / FOLDER
    if store.path is None:
        raise InvalidValue("store", store.location, "only a database in a file or on a server can be backed up")
    return store.path.absolute().parent / FOLDER
