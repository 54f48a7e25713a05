"""Tell the living from the dead on one machine: a locked file that the kernel unlocks when its holder ends.

A process number says little (it is used again, and another container cannot see it); a lock on a file beside the
database is right in all these cases and needs no clock.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from horarium.errors import StoreUnavailable


class PresenceFiles:
    """A folder of lock files, one for each living node."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`; it is made when the first node announces itself."""
        self._folder = folder
        self._held: dict[int, int] = {}

    def announce(self, node_id: int) -> None:
        """Hold the lock of `node_id` until this process ends or `forget` is called. Raises `StoreUnavailable`."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(self._path(node_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailable(f"no file can be made in {self._folder}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise StoreUnavailable(f"{self._path(node_id)} is held by another process") from error
        self._held[node_id] = descriptor

    def is_gone(self, node_id: int) -> bool:
        """Tell whether nobody holds the lock of `node_id`."""
        if node_id in self._held:
            return False
        try:
            descriptor = os.open(self._path(node_id), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        else:
            return True
        finally:
            os.close(descriptor)

    def forget(self, node_id: int) -> None:
        """Release the lock of `node_id` and remove its file."""
        descriptor = self._held.pop(node_id, None)
        # Removed before it is released: nobody can take the lock of a file that is about to vanish.
        self._path(node_id).unlink(missing_ok=True)
        if descriptor is not None:
            os.close(descriptor)

    def after_fork(self) -> None:
        """Let go of what the parent holds: a lock belongs to the parent's open file, closing our copy is harmless."""
        for descriptor in self._held.values():
            os.close(descriptor)
        self._held.clear()

    def _path(self, node_id: int) -> Path:
        return self._folder / f"{node_id}.lock"
