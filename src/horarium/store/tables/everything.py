"""Every table, for whoever makes, checks or copies a whole database; a program that only schedules never loads this."""

from __future__ import annotations

from horarium.store.tables import audit, figures, keeping, mail, notices, people, vault, watch
from horarium.store.tables.base import metadata

__all__ = ["audit", "figures", "keeping", "mail", "metadata", "notices", "people", "vault", "watch"]
