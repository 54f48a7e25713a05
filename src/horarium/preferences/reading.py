"""What settings come to for people: what they chose, else what holds for the installation, else the default."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from horarium.errors import InvalidValue
from horarium.preferences.catalogue import TIME_ZONE, Catalogue, catalogue_of
from horarium.preferences.setting import Setting
from horarium.records.people import User
from horarium.store.books.settings import SettingsBook
from horarium.store.port import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a setting stands for somebody: its value, whether it is their own choice, and whether it is locked."""

    setting: Setting
    value: Any
    is_own: bool
    is_locked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What holds for the installation: the value where a person chose none, and whether they may choose.

    `is_ours` says that somebody set the value; else it is the setting's own default. `at` and `by` say when and who.
    """

    setting: Setting
    value: Any
    is_ours: bool
    is_locked: bool
    at: datetime | None = None
    by: str = ""


class Reading:
    """The settings as one transaction sees them."""

    def __init__(self, tx: Transaction) -> None:
        """Read what holds for the installation; people are read when they are asked for."""
        self._book = SettingsBook(tx)
        self.catalogue: Catalogue = catalogue_of(self._book.added())
        self._kept = self._book.installation()

    def rule(self, key: str) -> Rule:
        """Return what holds for the installation about a setting. Raises `InvalidValue` for one that is not there."""
        setting = self.catalogue[key]
        kept = self._kept.get(key)
        if kept is None:
            return Rule(setting=setting, value=setting.default, is_ours=False, is_locked=False)
        value, is_ours = _understood(setting, kept.value)
        return Rule(
            setting=setting, value=value, is_ours=is_ours, is_locked=kept.locked, at=kept.updated_at, by=kept.updated_by
        )

    def of(self, user: User, keys: Iterable[str] | None = None) -> dict[str, Standing]:
        """Return how settings (None: all) stand for one person. Raises `InvalidValue` for one that is not there."""
        return self.of_all([user], keys)[user.id]

    def of_all(self, users: Collection[User], keys: Iterable[str] | None = None) -> dict[int, dict[str, Standing]]:
        """Return the same for several people at once, by number."""
        rules = [self.rule(key) for key in (self.catalogue if keys is None else keys)]
        free = [rule.setting.key for rule in rules if not rule.is_locked]
        chosen = self._book.of_users([user.id for user in users], free) if free else {}
        return {
            user.id: {rule.setting.key: _standing(rule, user, chosen.get(user.id, {})) for rule in rules}
            for user in users
        }


def values(standings: Mapping[str, Standing]) -> dict[str, Any]:
    """Return the bare values."""
    return {key: each.value for key, each in standings.items()}


def as_text(value: Any) -> str:
    """Return a value as it is kept."""
    return json.dumps(value, ensure_ascii=False)


def _standing(rule: Rule, user: User, chosen: Mapping[str, str]) -> Standing:
    setting = rule.setting
    if setting.key == TIME_ZONE:
        # An account has a zone of its own from the beginning: there it is kept, and nowhere else.
        return Standing(setting=setting, value=user.time_zone, is_own=True, is_locked=False)
    value, is_own = _understood(setting, chosen.get(setting.key))
    if rule.is_locked or not is_own:
        return Standing(setting=setting, value=rule.value, is_own=False, is_locked=rule.is_locked)
    return Standing(setting=setting, value=value, is_own=True, is_locked=False)


def _understood(setting: Setting, text: str | None) -> tuple[Any, bool]:
    """Return what a kept text says; one that the setting does not allow any more counts for nothing."""
    if text is None:
        return setting.default, False
    try:
        return setting.checked(json.loads(text)), True
    except (InvalidValue, ValueError):
        return setting.default, False
