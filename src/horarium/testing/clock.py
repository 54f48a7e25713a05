"""A clock that only moves when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Lock

from horarium.clock import Alarm, from_micros, to_micros

START = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)
_GLANCE_SECONDS = 0.005


class ManualClock:
    """Stands still until `advance`, `set` or `jump`; implements `horarium.clock.Clock`, also between threads."""

    def __init__(self, now: datetime = START) -> None:
        """Stand at `now` (aware)."""
        self._lock = Lock()
        self._micros = to_micros(now)
        self._steady = 1000.0

    def now(self) -> datetime:
        """Return the instant it stands at."""
        return from_micros(self._micros)

    def micros(self) -> int:
        """Return the instant it stands at in microseconds since the epoch."""
        return self._micros

    def monotonic(self) -> float:
        """Return seconds that grow with `advance` and not with `jump`."""
        return self._steady

    def wait(self, alarm: Alarm, seconds: float) -> bool:
        """Sleep until `alarm` rings or this clock has been moved on by `seconds`; return whether it rang."""
        until = self._steady + seconds
        while self._steady < until:
            if alarm.wait(_GLANCE_SECONDS):
                return True
        return alarm.wait(0)

    def advance(self, by: timedelta) -> datetime:
        """Let time pass; return the new instant."""
        with self._lock:
            self._micros += to_micros(from_micros(0) + by)
            self._steady += by.total_seconds()
        return self.now()

    def set(self, now: datetime) -> datetime:
        """Let time pass until `now`, which must not lie behind."""
        passed = now - self.now()
        if passed < timedelta():
            raise ValueError("time passes forward; use jump() for a clock that was set back")
        return self.advance(passed)

    def jump(self, by: timedelta) -> datetime:
        """Set the wall clock forward or back, as an administrator would: no time passes."""
        with self._lock:
            self._micros += to_micros(from_micros(0) + by)
        return self.now()
