"""Backups: an online copy by the database's own means, looked through before it counts as one."""

from __future__ import annotations

from horarium.store.backup.keeping import Keep, prune_backups
from horarium.store.backup.making import Wrapping, make_backup, verify_backup
from horarium.store.backup.shelf import Backup, find_backup, list_backups

__all__ = [
    "Backup",
    "Keep",
    "Wrapping",
    "find_backup",
    "list_backups",
    "make_backup",
    "prune_backups",
    "verify_backup",
]
