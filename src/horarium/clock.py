"""The only place that asks the system for the time, and the sleep that can be woken early."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(instant: datetime) -> int:
    """Turn an aware instant into whole microseconds since the epoch."""
    return (instant - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Turn microseconds since the epoch into an aware UTC instant."""
    return EPOCH + timedelta(microseconds=micros)


class Clock(Protocol):
    """What the rest of the house may ask about time."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...

    def micros(self) -> int:
        """Return the present instant in microseconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only ever grow, for waits, limits and leases."""
        ...

    def wait(self, alarm: Alarm, seconds: float) -> bool:
        """Sleep until `alarm` rings or `seconds` pass; return whether it rang."""
        ...


class SystemClock:
    """The clock of the machine."""

    __slots__ = ()

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC)

    def micros(self) -> int:
        """Return the present instant in microseconds since the epoch."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Return seconds that only ever grow; comparable between processes of one machine until it restarts."""
        return time.monotonic()

    def wait(self, alarm: Alarm, seconds: float) -> bool:
        """Sleep until `alarm` rings or `seconds` pass; return whether it rang."""
        return alarm.wait(seconds)


class Alarm:
    """A bell that ends a sleep early. Ringing while nobody sleeps is kept until the next wait.

    A bare lock does this with one system call where `threading.Event` takes several, and the loop is woken for
    every burst of work.
    """

    __slots__ = ("_lock", "_rung")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self._rung = False

    def ring(self) -> None:
        """Wake the sleeper, or let the next wait return at once."""
        if not self._rung:
            self._rung = True
            try:
                self._lock.release()
            except RuntimeError:
                # Two rings at once: the lock is open already, which is all a ring wants.
                return

    def wait(self, seconds: float | None = None) -> bool:
        """Sleep until rung or `seconds` have passed; return whether it rang, and reset."""
        if seconds is not None and seconds <= 0:
            woken = self._lock.acquire(blocking=False)
        else:
            woken = self._lock.acquire(timeout=-1 if seconds is None else min(seconds, 3600.0))
        if woken:
            self._rung = False
        return woken
