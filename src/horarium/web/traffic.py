"""Count the requests that this process answers: by method and status, and how long until an answer began."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from horarium.clock import Clock
from horarium.runs.figures import Spread

BOUNDS: Final = (0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class Traffic:
    """The requests since the start. Only the loop of the server counts, so that nothing has to be locked."""

    clock: Clock
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: Spread = field(default_factory=lambda: Spread(BOUNDS))

    def note(self, method: str, status: int, began: float) -> None:
        """Count an answer to a request that came in at `began` steady seconds."""
        # Whoever asks may make methods up; labels are ours alone.
        self.answers[method if method in _METHODS else "other", str(status)] += 1
        self.seconds.add(max(0.0, self.clock.monotonic() - began))
