"""For tests, ours and yours: a clock that is moved by hand, and a scheduler that runs what is due when told to."""

from __future__ import annotations

from horarium.testing.clock import ManualClock
from horarium.testing.world import ManualScheduler

__all__ = ["ManualClock", "ManualScheduler"]
