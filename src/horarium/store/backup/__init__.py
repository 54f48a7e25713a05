"""Backups: an online copy by the database's own means, looked through before it counts as one."""

from __future__ import annotations

from horarium.store.backup.making import make_backup, verify_backup
from horarium.store.backup.shelf import Backup, list_backups, prune_backups

__all__ = ["Backup", "list_backups", "make_backup", "prune_backups", "verify_backup"]
