"""Which backups stay: the newest few, one a week, one a month; never without the newest that is whole."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from horarium.errors import InvalidValue
from horarium.store.backup.shelf import Backup, list_backups, locked, remove

LEAST_KEPT: Final = 1
MOST_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Keep:
    """How many backups stay: the `newest`, of each of the last `weeks` its newest, of each of the last `months`.

    Weeks begin on Monday, in UTC.
    """

    newest: int = 14
    weeks: int = 0
    months: int = 0

    def __post_init__(self) -> None:
        """Refuse what would leave no backup. Raises `InvalidValue`."""
        _check("keep", self.newest, LEAST_KEPT)
        _check("keep_weeks", self.weeks, 0)
        _check("keep_months", self.months, 0)

    def chosen(self, backups: Iterable[Backup]) -> list[Backup]:
        """Return those of `backups` that stay, newest first."""
        ordered = sorted(backups, key=lambda each: (each.made_at, each.name), reverse=True)
        staying = {each.path for each in ordered[: self.newest]}
        staying |= _one_each(ordered, _week, self.weeks)
        staying |= _one_each(ordered, _month, self.months)
        # A newer one that a later look found damaged saves nobody.
        staying |= {each.path for each in [each for each in ordered if each.is_sound][:1]}
        return [each for each in ordered if each.path in staying]


def prune_backups(folder: Path, keep: Keep | int, *, dry_run: bool = False) -> list[Backup]:
    """Remove the backups that need not stay; return those removed, or the ones that would be with `dry_run`.

    Only whole backups count, and at least one stays. Raises `InvalidValue`, `Conflict` while one is being made.
    """
    rule = keep if isinstance(keep, Keep) else Keep(keep)
    if dry_run:
        return too_many(list_backups(folder), rule)
    with locked(folder):
        old = too_many(list_backups(folder), rule)
        for backup in old:
            remove(backup)
    return old


def too_many(backups: list[Backup], rule: Keep) -> list[Backup]:
    """Return those of `backups` that a rule lets go."""
    staying = {each.path for each in rule.chosen(backups)}
    return [each for each in backups if each.path not in staying]


def _one_each(ordered: list[Backup], period: Callable[[datetime], Hashable], most: int) -> set[Path]:
    """Return the newest of each of the last `most` periods that have one."""
    newest: dict[Hashable, Path] = {}
    for each in ordered:
        newest.setdefault(period(each.made_at.astimezone(ZoneInfo("UTC"))), each.path)
    return set(list(newest.values())[:most])


def _week(at: datetime) -> Hashable:
    return at.isocalendar()[:2]


def _month(at: datetime) -> Hashable:
    return at.year, at.month


def _check(field: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_KEPT:
        raise InvalidValue(field, value, f"use a whole number from {least} to {MOST_KEPT}")
