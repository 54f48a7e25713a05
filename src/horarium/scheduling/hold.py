"""Schedules that are held: after a restore nothing starts until an administrator has said how to go on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from horarium.clock import from_micros, to_micros
from horarium.store.port import Transaction
from horarium.store.schema import read_meta, write_meta

KEY: Final = "hold"


@dataclass(frozen=True, slots=True)
class Hold:
    """Since when schedules are held, and the backup that was restored: its name and when it was made."""

    since: datetime
    backup: str
    made_at: datetime


def read_hold(tx: Transaction) -> Hold | None:
    """Return how schedules are held, None when they are not."""
    text = read_meta(tx, KEY)
    if text is None:
        return None
    plain = json.loads(text)
    return Hold(from_micros(plain["since"]), str(plain["backup"]), from_micros(plain["made_at"]))


def put_hold(tx: Transaction, hold: Hold) -> None:
    """Hold all schedules. Only a restore does so, which no node lives through: they look when they start."""
    plain = {"since": to_micros(hold.since), "backup": hold.backup, "made_at": to_micros(hold.made_at)}
    write_meta(tx, KEY, json.dumps(plain))
