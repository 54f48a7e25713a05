"""Read and write settings: what people chose, what holds for the installation, and which ones programs have added."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import delete, select, text

from horarium.clock import from_micros
from horarium.store.books.people import changed
from horarium.store.port import EVERYBODY, Transaction
from horarium.store.schema import read_meta, write_meta
from horarium.store.tables.people import installation_settings, user_settings

_ADDED: Final = "settings_catalogue"
_AT_ONCE: Final = 5000
# One statement: two that begin at once both find nothing there yet.
_PUT: Final = text(
    "INSERT INTO user_settings (user_id, key, value, updated_at) VALUES (:user_id, :key, :value, :now)"
    " ON CONFLICT (user_id, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at"
)
_PUT_OURS: Final = text(
    "INSERT INTO installation_settings (key, value, locked, updated_at, updated_by)"
    " VALUES (:key, :value, :locked, :now, :by) ON CONFLICT (key) DO UPDATE SET value = excluded.value,"
    " locked = excluded.locked, updated_at = excluded.updated_at, updated_by = excluded.updated_by"
)
own = user_settings.c
ours = installation_settings.c


class Kept(NamedTuple):
    """What is kept for the installation about a setting: its value as text (None: none of its own) and the lock."""

    value: str | None
    locked: bool
    updated_at: datetime
    updated_by: str


class SettingsBook:
    """The tables of settings. Values are texts here; what they mean, the catalogue says."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        """Work inside `tx`."""
        self._tx = tx

    def of_users(self, user_ids: Collection[int] | None, keys: Collection[str]) -> dict[int, dict[str, str]]:
        """Return what these people (None: all) have chosen of these settings; who chose nothing is left out."""
        query = select(own.user_id, own.key, own.value).where(own.key.in_(keys))
        found: dict[int, dict[str, str]] = {}
        for part in _parts(user_ids):
            for user_id, key, value in self._tx.execute(query if part is None else query.where(own.user_id.in_(part))):
                found.setdefault(user_id, {})[key] = value
        return found

    def put(self, user_id: int, key: str, value: str, *, now: int) -> None:
        """Keep what a person chose."""
        self._tx.execute(_PUT, {"user_id": user_id, "key": key, "value": value, "now": now})
        self._tx.note_person(user_id)

    def drop(self, user_id: int, keys: Collection[str]) -> int:
        """Forget what a person chose of these settings; return how many it were."""
        self._tx.note_person(user_id)
        return changed(self._tx, delete(user_settings).where(own.user_id == user_id, own.key.in_(keys)))

    def installation(self) -> dict[str, Kept]:
        """Return what is kept for the installation, by setting."""
        return {
            row.key: Kept(row.value, bool(row.locked), from_micros(row.updated_at), row.updated_by)
            for row in self._tx.execute(select(installation_settings).order_by(ours.key))
        }

    def put_installation(self, key: str, value: str | None, *, locked: bool, by: str, now: int) -> None:
        """Keep what holds for the installation; without value and lock nothing is kept."""
        if value is None and not locked:
            self._tx.execute(delete(installation_settings).where(ours.key == key))
        else:
            self._tx.execute(_PUT_OURS, {"key": key, "value": value, "locked": locked, "now": now, "by": by})
        self._tx.note_person(EVERYBODY)

    def added(self) -> str | None:
        """Return the text about the settings that programs have added."""
        return read_meta(self._tx, _ADDED)

    def keep_added(self, text: str) -> None:
        """Keep the text about the settings that programs have added."""
        write_meta(self._tx, _ADDED, text)
        self._tx.note_person(EVERYBODY)


def _parts(user_ids: Collection[int] | None) -> Iterator[list[int] | None]:
    if user_ids is None:
        yield None
        return
    ids = sorted(user_ids)
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]
