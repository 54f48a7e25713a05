"""Take the calls of checks, and count those that did not come: each miss once, however many nodes look."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from horarium.clock import Clock, to_micros
from horarium.errors import NotFound
from horarium.records.checks import CallKind, HeartbeatCheck
from horarium.scheduling.checks import next_times
from horarium.states import CheckState, EventKind
from horarium.store.books.checks import CallBook, CheckBook
from horarium.store.books.events import EventBook
from horarium.store.port import Store, Transaction

log = logging.getLogger("horarium.scheduling")

LONGEST_RUN: Final = timedelta(days=7)
"""How long after a start its end still belongs to it."""


class CallDesk:
    """Where calls arrive. `open_since` is from when on they could: what was due before gets its grace anew."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Work on `store`."""
        self._store = store
        self._clock = clock
        self._open_since = clock.micros()

    def take(
        self, token: str, kind: CallKind, *, exit_code: int | None = None, address: str = "", agent: str = ""
    ) -> HeartbeatCheck:
        """Note a call, in one transaction with what follows from it. Raises `NotFound` where a token calls nothing."""
        if exit_code:
            kind = CallKind.FAIL
        now = self._clock.now()
        with self._store.transaction() as tx:
            check = CheckBook(tx).by_token(token, lock=True)
            if check is None:
                raise NotFound("nothing is called by this address")
            CallBook(tx).add(
                check.id,
                kind,
                at=to_micros(now),
                exit_code=exit_code,
                address=address,
                agent=agent,
                seconds=None if kind is CallKind.START else _since_start(check, now),
            )
            columns = self._follow(tx, check, kind, exit_code, now)
            CheckBook(tx).set(check.id, **columns)
        return check

    def _follow(
        self, tx: Transaction, check: HeartbeatCheck, kind: CallKind, exit_code: int | None, now: datetime
    ) -> dict[str, Any]:
        at = to_micros(now)
        if kind is CallKind.START:
            begun = {"began_at": at}
            is_waiting = check.state in {CheckState.NEW, CheckState.UP}
            # What began has to end within the grace.
            return begun | ({"alarm_at": at + check.wish.grace_seconds * 1_000_000} if is_waiting else {})
        came: dict[str, Any] = {"last_at": at, "began_at": None}
        if check.state is CheckState.PAUSED:
            return came
        if kind is CallKind.FAIL:
            if check.state is not CheckState.DOWN:
                reason = "failed" if exit_code is None else f"exit code {exit_code}"
                _tell(tx, EventKind.HEARTBEAT_MISSED, check, at, reason=reason)
                came |= {"down_at": at, "misses": check.misses + 1}
            return came | {"state": CheckState.DOWN.value, "due_at": None, "alarm_at": None}
        if check.state is CheckState.DOWN:
            since = None if check.down_at is None else (now - check.down_at).total_seconds()
            _tell(tx, EventKind.HEARTBEAT_BACK, check, at, seconds=since)
        return came | {"state": CheckState.UP.value, "down_at": None, **next_times(check.wish, now)}

    def sweep(self) -> int:
        """Count the misses whose grace is over; return how many were counted here."""
        now = self._clock.micros()
        with self._store.reading() as tx:
            overdue = [check for check in CheckBook(tx).overdue(now) if self._is_missed(check, now)]
        counted = 0
        for check in overdue:
            if check.alarm_at is None:
                continue
            with self._store.transaction() as tx:
                if CheckBook(tx).miss(check.id, alarm_at=to_micros(check.alarm_at), now=now):
                    _tell(tx, EventKind.HEARTBEAT_MISSED, check, now, reason="missed")
                    counted += 1
                    log.warning("Check %d was not called in time", check.id, extra={"word": "heartbeat.missed"})
        return counted

    def _is_missed(self, check: HeartbeatCheck, now: int) -> bool:
        """Tell whether nobody called although somebody was there to listen through the whole grace."""
        if check.alarm_at is None:
            return False
        grace = check.wish.grace_seconds * 1_000_000
        heard_all = to_micros(check.alarm_at) - grace >= self._open_since
        return heard_all or now >= self._open_since + grace


def _since_start(check: HeartbeatCheck, now: datetime) -> float | None:
    if check.began_at is None or not timedelta() <= now - check.began_at <= LONGEST_RUN:
        return None
    return (now - check.began_at).total_seconds()


def _tell(tx: Transaction, kind: EventKind, check: HeartbeatCheck, at: int, **more: Any) -> None:
    place = check.place
    who = {"check": check.id, "name": check.name, "owner_id": place.owner_id, "project_id": place.project_id}
    EventBook(tx).append(kind, at=at, body={**who, **more})
