"""Draw how long the last runs of a task took, with the median and the 95th percentile of those that ended well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from markupsafe import Markup

from horarium.web.charts.parts import WORDS, Outcome, join, num, pct, sentence, tag
from horarium.web.filters import date_words, duration, spoken_duration

MOST_POINTS: Final = 120
"""Runs the chart shows at most, the newest."""
_HEIGHT: Final = 190
_TOP: Final = 24
_BOTTOM: Final = _HEIGHT - 24
_LEFT: Final = 10.0
_WIDTH: Final = 82.0
_LINES: Final = 4
_STEPS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30)
_LARGE_STEPS: Final = (60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Point:
    """One ended run: its number, when it started, how long it took and how it ended."""

    run: int
    at: datetime
    seconds: float
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Spread:
    """What is usual: the median and the 95th percentile in seconds."""

    median: float
    high: float


def spread(points: Sequence[Point]) -> Spread | None:
    """Return what is usual for the runs that ended well, or None when none did."""
    good = sorted(point.seconds for point in points if point.outcome in {"ok", "retry"})
    if not good:
        return None
    return Spread(_quantile(good, 0.5), _quantile(good, 0.95))


def duration_chart(points: Sequence[Point], zone: tzinfo) -> Markup:
    """Draw the newest of `points` (oldest first) as bars from zero, dated in `zone`; without points, an empty axis."""
    shown = points[-MOST_POINTS:]
    top = max((point.seconds for point in shown), default=1.0) * 1.12 or 1.0
    usual = spread(shown)
    parts = [_lines(top)]
    parts += [_bar(point, place, len(shown), top) for place, point in enumerate(shown)]
    if usual:
        parts += [_quantile_line(usual.median, "p50", top)]
        if (usual.high - usual.median) / top > 0.08:
            parts += [_quantile_line(usual.high, "p95", top)]
    parts.append(_dates(shown, zone))
    words = _words(shown, usual)
    return tag("svg", join(parts), cls="chart", width="100%", height=_HEIGHT, role="img", aria_label=words)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value at `share` of an ordered series, between neighbours in proportion."""
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _step(top: float) -> float:
    """Return a round distance between grid lines so that the fourth would be above `top`."""
    return next((step for step in (*_STEPS, *_LARGE_STEPS) if step * _LINES > top), top / _LINES)


def _height(seconds: float, top: float) -> float:
    """Return the height of a value in pixels."""
    return min(seconds / top, 1.0) * (_BOTTOM - _TOP)


def _lines(top: float) -> Markup:
    """Draw the horizontal lines with their values."""
    parts, step = [], _step(top)
    for number in range(_LINES):
        y = _BOTTOM - _height(step * number, top)
        parts.append(tag("line", cls="g1", x1="0", x2="100%", y1=num(y), y2=num(y)))
        label = _axis_words(step * number) if number else "0"
        parts.append(tag("text", label, cls="ax", x="0", y=num(y - 4)))
    return join(parts)


def _axis_words(seconds: float) -> str:
    """Return a round value of the axis: `3 min`, `2 h`, `0.5 s`."""
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit and seconds % unit == 0:
            return f"{int(seconds // unit)} {name}"
    return f"{seconds:g} s" if 0.1 <= seconds < 60 else duration(seconds)


def _bar(point: Point, place: int, many: int, top: float) -> Markup:
    """Draw one run with the ground that answers to the pointer."""
    room = _WIDTH / max(many, 12)
    x, width, tall = _LEFT + place * room, room * 0.66, max(_height(point.seconds, top), 1.5)
    failed = point.outcome in {"bad", "timeout"}
    cls = "m-bad" if failed else "m-idle" if point.outcome == "cancel" else "m-ok"
    drawn = tag("rect", cls="hit", x=pct(x), y=num(_TOP), width=pct(room), height=num(_BOTTOM - _TOP))
    drawn += tag("rect", cls=cls, x=pct(x), y=num(_BOTTOM - tall), width=pct(width), height=num(tall), rx="1.5")
    if failed:
        cross = tag("path", cls="m-bad-x", d="M-3-3 3 3M3-3-3 3")
        y = num(_BOTTOM - tall - 9)
        drawn += tag("svg", cross, x=pct(x + width / 2), y=y, width="1", height="1", overflow="visible")
    if point.outcome == "retry":
        drawn += tag("rect", cls="m-warn", x=pct(x), y=num(_BOTTOM - tall - 5), width=pct(width), height="4", rx="1")
    return tag(
        "g", drawn, data_tip=f"Run {point.run}", data_when=duration(point.seconds), data_state=WORDS[point.outcome]
    )


def _quantile_line(seconds: float, name: str, top: float) -> Markup:
    """Draw a dashed line at a value with its name at the right."""
    y = _BOTTOM - _height(seconds, top)
    line = tag("line", cls="g-p", x1=pct(_LEFT), x2="94%", y1=num(y), y2=num(y))
    return line + tag("text", name, cls="ax ax-p", x="100%", y=num(y + 4), text_anchor="end")


def _dates(points: Sequence[Point], zone: tzinfo) -> Markup:
    """Write the days under the first, the last and some runs between."""
    many = len(points)
    places = (
        sorted({0, many // 3, many * 2 // 3, many - 1}) if many > 12 else [0, many - 1] if many > 1 else range(many)
    )
    room = _WIDTH / max(many, 12)
    labels, before = [], ""
    for place in places:
        words = date_words(points[place].at.astimezone(zone).date(), zone, year=False).split(" ", 1)[1]
        if words != before:
            anchor = "start" if place == 0 else "middle"
            x = _LEFT + place * room + (0 if place == 0 else room / 2)
            labels.append(tag("text", words, cls="ax", x=pct(x), y=num(_HEIGHT - 6), text_anchor=anchor))
        before = words
    return join(labels)


def _words(points: Sequence[Point], usual: Spread | None) -> str:
    """Return the chart as sentences."""
    if not points:
        return "No run has ended yet"
    failed = sum(point.outcome in {"bad", "timeout"} for point in points)
    retried = sum(point.outcome == "retry" for point in points)
    cancelled = sum(point.outcome == "cancel" for point in points)
    said = [f"Duration of the last {len(points)} runs" if len(points) > 1 else "Duration of the only run"]
    if usual:
        said.append(f"Median {spoken_duration(usual.median)}, 95th percentile {spoken_duration(usual.high)}")
    said.append(sentence([(failed, "failed"), (retried, "passed after a retry"), (cancelled, "cancelled")]))
    return ". ".join(words for words in said if words)
