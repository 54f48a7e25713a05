"""Draw the last twenty runs of a task, and a small line over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from horarium.web.charts.parts import Outcome, join, num, pct, sentence, tag

_SHOWN: Final = 20
_WIDTH: Final = 112.0
_HEIGHT: Final = 24.0
_BASE: Final = 16.5
_TALLEST: Final = 14.5
_POINTS: Final = 240


@dataclass(frozen=True, slots=True)
class Bar:
    """One run of a history: how it ended and how many seconds it took, if it took any."""

    outcome: Outcome
    seconds: float | None = None


def spark20(bars: Sequence[Bar], name: str = "", noun: str = "run") -> Markup:
    """Draw the newest twenty of `bars` (oldest first): height is duration, failures hang below the line.

    `noun` is what one of them is called.
    """
    shown = bars[-_SHOWN:]
    slowest = max((bar.seconds or 0 for bar in shown if bar.outcome in {"ok", "retry"}), default=0) or 1
    step = _WIDTH / _SHOWN
    offset = (_SHOWN - len(shown)) * step
    drawn = [_bar(bar, offset + place * step, step - 1.6, slowest) for place, bar in enumerate(shown)]
    line = tag("path", cls="m-base", d=f"M0 {num(_BASE + 0.5)}H{num(_WIDTH)}")
    return tag(
        "svg",
        line + join(drawn),
        cls="spark20",
        width=num(_WIDTH),
        height=num(_HEIGHT),
        viewBox=f"0 0 {num(_WIDTH)} {num(_HEIGHT)}",
        role="img",
        aria_label=_history_words(shown, name, noun),
    )


def area(values: Sequence[float], label: str, *, cls: str = "", low: float | None = None, height: int = 40) -> Markup:
    """Draw a line with a faint fill that stretches to its box; `low` is the value at the bottom, else the least.

    More points than the eye can tell apart are thinned out evenly. Without values the box stays empty.
    """
    step = max(1, -(-len(values) // _POINTS))
    shown = list(values[::-1][::step][::-1])
    floor = min(shown, default=0.0) if low is None else low
    span = (max(shown, default=1.0) - floor) or 1.0
    last = max(len(shown) - 1, 1)
    points = [(place / last * 100, 36 - (value - floor) / span * 32) for place, value in enumerate(shown)]
    line = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
    body = Markup("")
    if points:
        fill = tag("polygon", cls="area-fill", points=f"{points[0][0]:.2f},40 {line} {points[-1][0]:.2f},40")
        stroke = tag("polyline", cls="area-line", points=line, vector_effect="non-scaling-stroke")
        box = tag("svg", fill + stroke, viewBox="0 0 100 40", preserveAspectRatio="none", width="100%", height="100%")
        end = tag("circle", cls="area-end", cx=pct(points[-1][0]), cy=pct(points[-1][1] / 40 * 100), r="2.5")
        body = box + end
    return tag("svg", body, cls=f"area {cls}".strip(), width="100%", height=height, role="img", aria_label=label)


def _bar(bar: Bar, x: float, width: float, slowest: float) -> Markup:
    """Draw one run of the history at `x`."""
    at = {"x": num(x), "width": num(width), "rx": "1"}
    tall = 2 + min((bar.seconds or 0) / slowest, 1.0) * (_TALLEST - 2)
    if bar.outcome in {"bad", "timeout"}:
        hanging = tag("rect", cls="m-bad", y=num(_BASE + 1.5), height="6", **at)
        outline = {"x": num(x + 0.5), "width": num(width - 1), "y": "2", "height": num(_BASE - 2.5), "rx": "1"}
        return hanging + (tag("rect", cls="m-bad-o", **outline) if bar.outcome == "timeout" else Markup(""))
    if bar.outcome in {"skip", "miss", "cancel", "plan"}:
        return tag("circle", cls="m-idle", cx=num(x + width / 2), cy=num(_BASE - 0.7), r="1.3")
    if bar.outcome == "run":
        return tag("rect", cls="m-run", y=num(_BASE - 9), height="8.5", **at)
    if bar.outcome == "retry":
        body = tag("rect", cls="m-ok", y=num(_BASE - tall + 2), height=num(max(tall - 2, 1)), **at)
        return body + tag("rect", cls="m-warn", y=num(max(_BASE - tall - 2, 0)), height="3", **at)
    return tag("rect", cls="m-ok", y=num(_BASE - tall), height=num(tall), **at)


def _history_words(bars: Sequence[Bar], name: str, noun: str) -> str:
    """Return the history as a sentence."""
    of = f" of {name}" if name else ""
    if not bars:
        return f"No {noun}s{of} yet"
    found = Counter(bar.outcome for bar in bars)
    words = sentence(
        [
            (found["ok"] + found["retry"], "succeeded"),
            (found["bad"] + found["timeout"], "failed"),
            (found["cancel"], "cancelled"),
            (found["skip"] + found["miss"] + found["plan"], "skipped"),
            (found["run"], "running"),
        ]
    )
    return f"Last {len(bars)} {noun}s{of}: {words}" if len(bars) > 1 else f"Last {noun}{of}: {words}"
