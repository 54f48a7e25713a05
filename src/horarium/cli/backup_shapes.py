"""Backups as JSON and in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from horarium.cli.words import span
from horarium.store.backup import Backup
from horarium.store.backup.shelf import Kind, Look
from horarium.upkeep.proving import Proof


def backup_shape(backup: Backup) -> dict[str, Any]:
    """Return a backup for JSON."""
    return {**backup.to_json(), "path": str(backup.path), "sound": backup.is_sound}


def proof_shape(proof: Proof) -> dict[str, Any]:
    """Return what came of a look at a backup for JSON."""
    return {"file": proof.backup.name, **proof.look.to_json(), "secrets_opened": proof.secrets, "secrets": proof.tried}


def size_words(size: int) -> str:
    """Return a size as people read it."""
    for unit, bytes_ in (("GB", 10**9), ("MB", 10**6), ("kB", 1000)):
        if size >= bytes_:
            return f"{size / bytes_:.1f} {unit}"
    return f"{size} B"


def state_words(backup: Backup) -> str:
    """Return in a few words how far a backup is proved."""
    if not backup.is_sound:
        return "damaged"
    drill, verify = backup.results.get(Kind.DRILL), backup.results.get(Kind.VERIFY)
    if drill is not None:
        return f"restorable in {span(timedelta(seconds=drill.seconds))}"
    return "verified again" if verify is not None else "verified"


def kept_words(backup: Backup) -> str:
    """Return how a backup is kept."""
    packed = "compressed" if backup.packed or backup.engine == "postgresql" else "plain"
    return f"{packed}, encrypted" if backup.sealed else packed


def look_words(look: Look) -> str:
    """Return what came of a look."""
    return f"{'passed' if look.passed else 'FAILED'}: {look.words}" if look.words else "passed"
