"""The records of the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One entry as it stands in the store.

    `kind`, `object_id` and `object_name` say what it is about; `before` and `after` are the changed values, never
    secrets. `hash` covers everything else, `previous` included, which is the hash of the entry before.
    """

    id: int
    at: datetime
    actor: str
    actor_id: int | None
    source: str
    address: str
    request: str
    action: str
    result: str
    kind: str | None
    object_id: int | None
    object_name: str | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    details: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries a search shows; `text` is looked for in who, what it is about, and the address.

    `actions` are whole actions or their first part with the dot (`task.`), `since` and `until` microseconds.
    """

    text: str = ""
    actor_ids: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    object_id: int | None = None
    results: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditArchive:
    """A file that holds the entries from `first_id` to `last_id`, which are no longer in the store.

    `previous` is the hash of the entry before its first, `last_hash` that of its last: so the chain goes through it.
    """

    first_id: int
    last_id: int
    first_at: datetime
    last_at: datetime
    previous: str
    last_hash: str
    file: str
    size: int
    sha256: str
    made_at: datetime

    @property
    def entries(self) -> int:
        """Return how many entries it holds."""
        return self.last_id - self.first_id + 1
