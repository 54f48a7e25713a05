"""Why schedules are held: by maintenance mode, since a backup was restored, or both. Whoever asks is told here.

Maintenance mode plans and does not start. After a restore nothing is planned either: to the restored store everything
since its backup was missed, and only a person knows what of it has happened.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from horarium.clock import from_micros, to_micros
from horarium.store.books.holds import MAINTENANCE, RESTORED, HoldBook
from horarium.store.port import Transaction


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Since when nothing new starts, by whom, and why."""

    since: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Restored:
    """Since when schedules are held, and the backup that was restored: its name and when it was made."""

    since: datetime
    backup: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """What holds schedules: each reason there may be, None for one that does not."""

    maintenance: Maintenance | None = None
    restored: Restored | None = None

    @property
    def starts_nothing(self) -> bool:
        """Tell whether no run begins, for whatever reason."""
        return self.maintenance is not None or self.restored is not None

    @property
    def plans_nothing(self) -> bool:
        """Tell whether what falls due is not even written down."""
        return self.restored is not None


FREE: Final = Hold()


def held(tx: Transaction) -> Hold:
    """Return how schedules are held, all reasons by one question."""
    found = HoldBook(tx).all()
    if not found:
        return FREE
    return Hold(_maintenance(found.get(MAINTENANCE)), _restored(found.get(RESTORED)))


def put_maintenance(tx: Transaction, mode: Maintenance) -> None:
    """Let nothing new start."""
    plain = {"since": mode.since.isoformat(), "by": mode.by, "reason": mode.reason}
    HoldBook(tx).put(MAINTENANCE, json.dumps(plain))


def put_restored(tx: Transaction, hold: Restored) -> None:
    """Hold all schedules. Only a restore does so, which no node lives through: they look when they start."""
    plain = {"since": to_micros(hold.since), "backup": hold.backup, "made_at": to_micros(hold.made_at)}
    HoldBook(tx).put(RESTORED, json.dumps(plain))


def _maintenance(text: str | None) -> Maintenance | None:
    if text is None:
        return None
    plain = json.loads(text)
    return Maintenance(datetime.fromisoformat(plain["since"]), plain["by"], plain["reason"])


def _restored(text: str | None) -> Restored | None:
    if text is None:
        return None
    plain = json.loads(text)
    return Restored(from_micros(plain["since"]), str(plain["backup"]), from_micros(plain["made_at"]))
