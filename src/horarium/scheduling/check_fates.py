"""Settle what becomes of heartbeats whose owner or project goes, as a part of the transaction in which it goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.records.actors import Actor
from horarium.records.checks import HeartbeatCheck
from horarium.records.reach import Place
from horarium.scheduling.checks import SILENT, about, shown
from horarium.states import CheckState
from horarium.store.books.checks import CheckBook
from horarium.store.port import Transaction


def held_checks(tx: Transaction, check_ids: Iterable[int]) -> list[HeartbeatCheck]:
    """Return the checks with these numbers that are there, kept from being changed meanwhile."""
    found = (CheckBook(tx).get(each, lock=True) for each in check_ids)
    return [check for check in found if check is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFates:
    """What is done to checks in one transaction, by whom and when; each is noted in the audit log."""

    trail: Trail
    tx: Transaction
    actor: Actor
    now: int

    def pause(self, check: HeartbeatCheck, reason: str) -> None:
        """Tell nobody anything until it is resumed; one that is paused stays as it is."""
        if check.state is not CheckState.PAUSED:
            CheckBook(self.tx).set(check.id, **SILENT, updated_at=self.now)
            self.trail.note(self.tx, self.actor, Action.HEARTBEAT_PAUSED, about(check), reason=reason)

    def resume(self, check: HeartbeatCheck) -> None:
        """Wait for calls again, as for a new one."""
        CheckBook(self.tx).set(check.id, state=CheckState.NEW.value, updated_at=self.now)
        self.trail.note(self.tx, self.actor, Action.HEARTBEAT_RESUMED, about(check))

    def give(self, check: HeartbeatCheck, place: Place) -> None:
        """Give it to whom it belongs from now on."""
        if check.place == place:
            return
        wish = replace(check.wish, place=place)
        CheckBook(self.tx).change(check.id, wish, now=self.now)
        before, after = shown(check.wish), shown(wish)
        self.trail.note(self.tx, self.actor, Action.HEARTBEAT_CHANGED, about(check), before=before, after=after)

    def remove(self, check: HeartbeatCheck) -> None:
        """Delete it with its calls."""
        CheckBook(self.tx).remove(check.id)
        self.trail.note(self.tx, self.actor, Action.HEARTBEAT_REMOVED, about(check), before=shown(check.wish))
