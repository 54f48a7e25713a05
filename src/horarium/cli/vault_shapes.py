"""Credentials as JSON and as lines: the same names everywhere, and never a secret."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from horarium.cli.terminal import say, say_json, tell
from horarium.cli.words import both
from horarium.records.credentials import INSTALLATION, Credential, Grant, Use
from horarium.vault.credentials import Described, Saved
from horarium.vault.keypairs import KIND, PUBLIC

FATES: Final = {"new": "to be saved", "there": "is in the vault already", "ours": "left out, a setting of Horarium"}
"""What becomes of a variable of a `.env` file, in words."""
OUTCOMES: Final = {True: "Works", False: "Does not work", None: "Not tried to the end"}
"""What a test came to, in words."""
TOO_SHORT: Final = " (under 8 characters: cannot be masked where a task prints it)"


def credential_shape(credential: Credential) -> dict[str, Any]:
    """Return a credential for JSON."""
    return {name: _plain(value) for name, value in asdict(credential).items()}


def described_shape(described: Described) -> dict[str, Any]:
    """Return a credential with what is known of its secrets."""
    return {
        **credential_shape(described.credential),
        "secret_fields": list(described.secret_fields),
        "fingerprint": described.fingerprint,
    }


def grant_shape(grant: Grant, names: Mapping[int, str], waiting: Collection[int]) -> dict[str, Any]:
    """Return a grant for JSON, with the name of whom it is for and whether it waits."""
    shape = {name: _plain(value) for name, value in asdict(grant).items() if name != "target_mark"}
    return {**shape, "subject_name": names.get(grant.id), "waits": grant.id in waiting}


def use_shape(use: Use) -> dict[str, Any]:
    """Return a use for JSON."""
    return {name: _plain(value) for name, value in asdict(use).items()}


def used_words(use: Use) -> str:
    """Return by what a credential was opened."""
    return f"tested by {use.actor}" if use.run_id is None else f"used by run {use.run_id}, attempt {use.attempt}"


def owner_words(credential: Credential, names: Mapping[int, str]) -> str:
    """Return whose a credential is."""
    if credential.owner_id == INSTALLATION:
        return "the installation"
    return names.get(credential.owner_id, f"person #{credential.owner_id}")


def facts_of(described: Described, names: Mapping[int, str], now: datetime, zone: str) -> list[tuple[str, str]]:
    """Return names and values for `vault show`."""
    found = described.credential
    return [
        ("credential", f"#{found.id} {found.name}"),
        ("kind", found.kind),
        ("owner", owner_words(found, names)),
        ("note", found.note),
        *((name, value) for name, value in found.open_fields.items()),
        *((name, "set, not shown") for name in described.secret_fields),
        ("version", f"{found.version}, mark {described.fingerprint}"),
        ("hosts", ", ".join(found.hosts)),
        ("replaced", both(found.rotated_at, now, zone)),
        ("last used", both(found.last_used_at, now, zone)),
        ("expires", both(found.expires_at, now, zone, nothing="")),
        ("replace every", f"{found.rotate_days} days" if found.rotate_days else ""),
        (
            "tested",
            f"{OUTCOMES[found.test_passed].lower()}, {both(found.tested_at, now, zone)}" if found.tested_at else "",
        ),
        ("", found.test_words),
        ("inactive" if found.is_unused else "stopped", both(found.inactive_at, now, zone, nothing="")),
        ("erased after", both(found.goes_at, now, zone, nothing="")),
        ("removed", both(found.deleted_at, now, zone, nothing="")),
    ]


def tell_saved(saved: Saved, what: str, *, as_json: bool) -> None:
    """Say that values were saved, and what somebody should know about them."""
    if as_json:
        say_json({**credential_shape(saved.credential), "warnings": list(saved.warnings)})
        return
    say(f"{what} {saved.credential.name} (#{saved.credential.id}), version {saved.credential.version}.")
    public = saved.credential.open_fields.get(PUBLIC) if saved.credential.kind == KIND else None
    if public:
        say(f"Its public key, for the server: {public}")
    for sentence in saved.warnings:
        tell(sentence)


def tell_done(credential: Credential, what: str, *, as_json: bool) -> None:
    """Say that something was done with a credential."""
    if as_json:
        say_json(credential_shape(credential))
    else:
        say(f"{what} {credential.name} (#{credential.id}).")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
