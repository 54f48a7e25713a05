"""Copy backups to another place: a folder, an S3-compatible store, or a machine by SFTP.

Where that is the host's settings say and nobody else; the vault only gives the keys, and each opening leaves a row.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from horarium.errors import ConfigError, StoreUnavailable
from horarium.store.backup.shelf import sync

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_CHUNK: Final = 8 * 1024 * 1024

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """Where copies go, as the settings say it: the address, and for SFTP the fingerprint of the machine's key."""

    address: str
    host_key: str = ""

    @property
    def is_folder(self) -> bool:
        """Tell whether it is a folder of this machine, which takes no key."""
        return "://" not in self.address


class Place(Protocol):
    """A place that was opened."""

    def put(self, path: Path) -> None:
        """Copy a file there, under its name; it has that name only when all of it is there."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file; harmless when it is not there."""
        ...

    def sizes(self) -> dict[str, int]:
        """Return the files that are there, with their sizes."""
        ...


def check_target(target: Target) -> None:
    """Raise `ConfigError` for an address that means nothing, or that would send backups in clear."""
    if target.is_folder:
        return
    parts = urlsplit(target.address)
    is_clear = parts.scheme == "s3+http" and parts.hostname not in _LOOPBACK
    if parts.scheme not in {"s3", "s3+https", "s3+http", "sftp"} or not parts.hostname or is_clear or parts.password:
        raise ConfigError(
            "HORARIUM_BACKUP_COPY is not understood: use a folder, s3://bucket/prefix, s3+https://host/bucket/prefix or"
            " sftp://host/path"
        )
    if parts.scheme == "sftp" and not target.host_key.startswith("SHA256:"):
        raise ConfigError(
            "HORARIUM_BACKUP_COPY_HOST_KEY is needed with sftp: the fingerprint that `ssh-keygen -lf` shows, SHA256:…"
        )


@contextmanager
def opened_place(target: Target, values: Values) -> Iterator[Place]:
    """Open the place for a while, with the values of its credential.

    Raises `StoreUnavailable` in words that hold no value; so does everything that is done with the place.
    """
    check_target(target)
    try:
        if target.is_folder:
            yield _Folder(Path(target.address))
        elif target.address.startswith("sftp://"):
            from horarium.upkeep.elsewhere_sftp import opened_machine  # noqa: PLC0415 - its extra need not be there

            with opened_machine(target.address, target.host_key, values) as machine:
                yield machine
        else:
            from horarium.upkeep.elsewhere_s3 import opened_bucket  # noqa: PLC0415 - its extra need not be there

            with opened_bucket(target.address, values) as bucket:
                yield bucket
    except ModuleNotFoundError as error:
        raise ConfigError(f"HORARIUM_BACKUP_COPY needs an extra of the package that brings {error.name}") from None
    except OSError as error:
        words = "it does not answer" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
        raise StoreUnavailable(f"the copy did not get there: {words}") from None


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, path: Path) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self._folder / f".partial-{path.name}"
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with path.open("rb") as source, os.fdopen(descriptor, "wb") as file:
                shutil.copyfileobj(source, file, _CHUNK)
            sync(partial)
            partial.replace(self._folder / path.name)
            sync(self._folder)
        finally:
            partial.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def sizes(self) -> dict[str, int]:
        if not self._folder.is_dir():
            return {}
        return {each.name: each.stat().st_size for each in self._folder.iterdir() if each.is_file()}
