"""Draw what a run spent its time on: waiting, attempts and the pauses between them, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from markupsafe import Markup

from horarium.web.charts.parts import pct, tag

Stretch = Literal["wait", "pause", "ok", "bad", "run", "cancel"]
_CLASSES: Final[dict[Stretch, str]] = {
    "wait": "m-idle",
    "pause": "m-wait",
    "ok": "m-ok",
    "bad": "m-bad",
    "run": "m-run",
    "cancel": "m-idle",
}


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of a run's time: what it was and from when to when."""

    label: str
    start: datetime
    end: datetime
    stretch: Stretch

    @property
    def seconds(self) -> float:
        """How long it was."""
        return max((self.end - self.start) / timedelta(seconds=1), 0.0)


def waterfall(spans: Sequence[Span]) -> list[tuple[Span, Markup]]:
    """Return each stretch with its bar; all bars share one scale from the first start to the last end."""
    if not spans:
        return []
    first = min(span.start for span in spans)
    whole = max(span.end for span in spans) - first or timedelta(microseconds=1)
    return [
        (span, _bar(span, (span.start - first) / whole * 100, (span.end - span.start) / whole * 100)) for span in spans
    ]


def _bar(span: Span, x: float, width: float) -> Markup:
    """Draw one stretch on its track."""
    pause = span.stretch == "pause"
    wide = max(width, 1.0)
    track = tag("rect", cls="track", width="100%", height="8", rx="2")
    bar = tag(
        "rect",
        cls=_CLASSES[span.stretch],
        x=pct(min(max(x, 0.0), 100 - wide)),
        y="1" if pause else "0",
        width=pct(wide),
        height="6" if pause else "8",
        rx="2",
    )
    return tag("svg", track + bar, width="100%", height="8", aria_hidden="true")
