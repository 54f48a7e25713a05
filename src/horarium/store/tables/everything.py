"""Every table, for whoever makes, checks or copies a whole database; a program that only schedules never loads this."""

from __future__ import annotations

from horarium.store.tables import audit, mail, people, vault
from horarium.store.tables.base import metadata

__all__ = ["audit", "mail", "metadata", "people", "vault"]
