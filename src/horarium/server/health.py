"""Say how the installation does: database, scheduler, what is due, disk. Doors show more or less of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from horarium.clock import Clock, to_micros
from horarium.errors import StoreError
from horarium.scheduling.hold import held
from horarium.store.books.agenda import AgendaBook
from horarium.store.books.nodes import NodeBook
from horarium.store.port import Store, Transaction
from horarium.upkeep.damage import damage_of

LOW_ROOM_BYTES: Final = 500 * 1024 * 1024
LOW_ROOM_SHARE: Final = 0.1
NO_ROOM_BYTES: Final = 20 * 1024 * 1024
LAG_SECONDS: Final = 30.0


class Health(StrEnum):
    """How a thing is."""

    OK = "ok"
    """As it should be."""
    WARN = "warn"
    """It works, and somebody should look at it."""
    BAD = "bad"
    """It does not work."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and a sentence about it."""

    name: str
    health: Health
    sentence: str


@dataclass(frozen=True, slots=True)
class Report:
    """What one look found. `lag_seconds` is None without a scheduler, `room` without a disk to ask about."""

    checks: tuple[Check, ...] = ()
    nodes: int = 0
    lag_seconds: float | None = None
    overdue_seconds: float = 0.0
    room: tuple[int, int] | None = field(default=None)

    @property
    def worst(self) -> Health:
        """Return how the worst of its parts is."""
        found = {check.health for check in self.checks}
        return next((health for health in (Health.BAD, Health.WARN) if health in found), Health.OK)

    @property
    def is_ready(self) -> bool:
        """Tell whether work can be done here: nothing is bad."""
        return self.worst is not Health.BAD


def examine(store: Store, clock: Clock, *, folder: Path | None = None, limit_seconds: float = LAG_SECONDS) -> Report:
    """Look once; a scheduler that is later than `limit_seconds` is bad. `folder` is where what is written goes."""
    checks: list[Check] = []
    nodes, lag, overdue = 0, None, 0.0
    try:
        with store.reading() as tx:
            nodes, lag, overdue = _figures(store, clock, tx)
            is_held = held(tx).maintenance is not None
    except StoreError as error:
        checks.append(Check("database", Health.BAD, str(error)))
    else:
        damage = damage_of(store)
        checks.append(Check("database", Health.BAD if damage else Health.OK, damage or "it answers"))
        checks.append(_scheduler(nodes, lag, overdue, limit_seconds, is_held=is_held))
    room = None if folder is None else _room(folder)
    if folder is not None:
        checks.append(room_check(room))
    return Report(tuple(checks), nodes=nodes, lag_seconds=lag, overdue_seconds=overdue, room=room)


def _figures(store: Store, clock: Clock, tx: Transaction) -> tuple[int, float | None, float]:
    now = store.lease_now(tx)
    book = NodeBook(tx)
    living = sum(until > now for _, until, _, _ in book.living())
    first = AgendaBook(tx).first(known={})
    late = 0.0 if first is None else max(0.0, (to_micros(clock.now()) - first) / 1_000_000)
    return living, book.lag() if living else None, late


def _scheduler(nodes: int, lag: float | None, overdue: float, limit: float, *, is_held: bool) -> Check:
    name = "scheduler"
    if not nodes:
        return Check(name, Health.BAD, "no scheduler gives a sign of life: nothing starts")
    if is_held:
        return Check(name, Health.WARN, "maintenance mode is on: nothing new starts")
    if overdue > limit:
        return Check(name, Health.BAD, f"what fell due {overdue:,.0f} s ago has not been started")
    if lag is not None and lag > limit:
        return Check(name, Health.BAD, f"it is {lag:,.1f} s late")
    return Check(name, Health.OK, f"{nodes} at work, {lag or 0.0:.1f} s late at most")


def room_check(room: tuple[int, int] | None) -> Check:
    """Judge the room on a disk, given as (free, all) in bytes; None where it could not be asked."""
    if room is None:
        return Check("disk", Health.BAD, "the disk cannot be asked for its room")
    free, total = room
    words = f"{free / 1_000_000_000:.1f} GB of {total / 1_000_000_000:.1f} GB are free"
    if free < NO_ROOM_BYTES:
        return Check("disk", Health.BAD, words)
    is_low = free < LOW_ROOM_BYTES or free < total * LOW_ROOM_SHARE
    return Check("disk", Health.WARN if is_low else Health.OK, words)


def _room(folder: Path) -> tuple[int, int] | None:
    try:
        usage = shutil.disk_usage(folder if folder.exists() else Path.cwd())
    except OSError:
        return None
    return usage.free, usage.total
