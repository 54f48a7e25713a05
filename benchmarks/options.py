"""How much a run of the benchmarks measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for.

    `effort` is full, quick or tiny: tiny only shows that everything still works. `minutes` is how long the sustained
    load lasts.
    """

    effort: str = "full"
    minutes: float = 2.0

    def pick(self, full: int, quick: int, tiny: int) -> int:
        """Return the number that goes with the effort."""
        return {"full": full, "quick": quick, "tiny": tiny}[self.effort]

    def sizes(self, *full: int) -> tuple[int, ...]:
        """Return the three sizes; a tiny run takes a fiftieth of each, but at least two, three and four."""
        return full if self.effort != "tiny" else tuple(max(2 + place, size // 50) for place, size in enumerate(full))
