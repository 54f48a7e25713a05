"""What a run gets of the vault, and the port by which it gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from horarium.records.tasks import Task


@dataclass(frozen=True, slots=True)
class Opened:
    """A credential that was opened for an attempt; `plain` are the names of those fields that are no secrets."""

    credential_id: int
    name: str
    version: int
    fields: Mapping[str, str]
    plain: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        names = ", ".join(sorted(self.fields))
        return f"Opened({self.name!r}, version {self.version}, fields: {names})"


class Keyring(Protocol):
    """Opens credentials for runs, and for nobody else."""

    def open(self, name: str, *, task: Task, run_id: int, attempt: int, for_user_id: int = 0) -> Opened:
        """Open the credential that the task knows as `name`, and note the use.

        Raises `CredentialDenied` when the task may not use it, `CredentialUnreadable` when it was changed behind our
        back, `VaultSealed` when its key is not there.
        """
        ...

    def close(self, run_id: int, attempt: int) -> None:
        """Note that an attempt has ended, and with it every use that it made."""
        ...
