"""Draw the horarium: a day as lanes of marks, a load histogram above them and a line at now.

Positions are percentages of the day, so the drawing stretches without script. What a lane holds is decided before
(`lanes`): here everything given is drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup

from horarium.web.charts.day import Day
from horarium.web.charts.parts import WORDS, Outcome, join, num, pct, sentence, tag
from horarium.web.filters import hour_words

_EDGE: Final = 2.5
_NARROWEST: Final = 0.36
_HISTOGRAM: Final = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One run or planned instant of the day, or `many` that stand together; `href` says where it leads."""

    start: datetime
    length: timedelta = timedelta()
    outcome: Outcome
    task: str
    href: str
    many: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """A task that runs too often for single marks, or `many` such tasks: from when to when it is on."""

    task: str
    start: datetime
    end: datetime
    many: int = 1


@dataclass(frozen=True, slots=True)
class Lane:
    """What one lane shows."""

    marks: Sequence[Mark]
    rails: Sequence[Rail] = ()


@dataclass(frozen=True, slots=True)
class Quarter:
    """What a quarter of an hour holds: how many runs ended well, ended badly, are still to come."""

    ok: int = 0
    bad: int = 0
    planned: int = 0


def axis(day: Day) -> Markup:
    """Draw the hours of the day above the lanes."""
    return tag(
        "svg",
        join(
            tag(
                "text",
                hour_words(hour, day.zone, short=True),
                cls=f"ax-{6 if hour % 6 == 0 else 3 if hour % 3 == 0 else 1}",
                x=pct(at),
                dx="4",
                y="15",
            )
            for at, hour in day.hours()
        ),
        cls="axis",
        width="100%",
        height="22",
        aria_hidden="true",
    )


def grid(day: Day) -> Markup:
    """Draw the hour lines behind the lanes."""
    lines = (
        tag("line", cls="g6" if hour % 6 == 0 else "g1", x1=pct(at), x2=pct(at), y1="0", y2="100%")
        for at, hour in day.hours()
    )
    return tag("svg", join(lines), cls="strip-over", aria_hidden="true", width="100%", height="100%")


def now_line(day: Day, now: datetime) -> Markup:
    """Draw the line at now with its time, or nothing when now is another day."""
    if not day.start <= now < day.end:
        return Markup("")
    share = day.share(now)
    x = pct(share)
    # At the edges of the day the time stands beside its line, so that no figure of it is cut off.
    middle = 19 if share < _EDGE else -19 if share > 100 - _EDGE else 0
    pill = tag("rect", cls="now-pill", x=num(middle - 19), y="0", width="38", height="17", rx="8.5")
    text = tag("text", day.clock(now), cls="now-t", text_anchor="middle", x=num(middle), y="12.5")
    line = tag("line", cls="now-line", x1=x, x2=x, y1="20", y2="100%")
    flag = tag("svg", pill + text, x=x, y="3", width="1", height="1", overflow="visible")
    return tag("svg", line + flag, cls="strip-now", aria_hidden="true", width="100%", height="100%")


def draw_lane(lane: Lane, day: Day, now: datetime, *, first: bool = False) -> Markup:
    """Draw one lane; the `first` lane's first mark is where the Tab key enters the drawing."""
    rails = (_rail(rail, day, now) for rail in lane.rails)
    marks = (_mark(mark, day, now, entry=first and place == 0) for place, mark in enumerate(lane.marks))
    return tag("svg", join(rails) + join(marks), cls="lane", width="100%", height="27")


def histogram(quarters: Sequence[Quarter], day: Day, now: datetime) -> Markup:
    """Draw runs per quarter of an hour over the whole day."""
    tallest = max((each.ok + each.bad + each.planned for each in quarters), default=0) or 1
    width = 100 / max(len(quarters), 1)
    bars = (_quarter(each, place * width, width, tallest) for place, each in enumerate(quarters))
    return tag(
        "svg",
        join(bars),
        cls="lane hist",
        width="100%",
        height="46",
        role="img",
        aria_label=_load_words(quarters, day, now),
    )


def _mark(mark: Mark, day: Day, now: datetime, *, entry: bool) -> Markup:
    """Draw one mark as a link with its sentence."""
    clock = day.clock(mark.start)
    named = mark.task if mark.many == 1 else f"{mark.task} and {mark.many - 1} more"
    shape = _SHAPES.get(mark.outcome, _plain)
    x = day.share(mark.start)
    width = max(day.share(mark.start + mark.length) - x, _NARROWEST)
    x = min(x, 100 - width)
    drawn = _running(x, width, day.share(now) - x) if mark.outcome == "run" else shape(x, width)
    return tag(
        "a",
        drawn,
        href=mark.href,
        tabindex="0" if entry else "-1",
        data_tip=named,
        data_when=clock,
        data_state=WORDS[mark.outcome],
        aria_label=f"{named}, {clock}, {WORDS[mark.outcome]}",
    )


def _box(cls: str, x: float, width: float, *, y: float, height: float, radius: float = 2.5) -> Markup:
    """Draw one rectangle of a mark."""
    return tag("rect", cls=cls, x=pct(x), y=num(y), width=pct(width), height=num(height), rx=num(radius))


def _plain(x: float, width: float) -> Markup:
    """Draw a run that ended well."""
    return _box("m-ok", x, width, y=7, height=13)


def _failed(x: float, width: float) -> Markup:
    """Draw a failure: the full height with a diamond on top."""
    flag = tag("path", cls="m-bad flag", d="M0-4.5 4.5 0 0 4.5-4.5 0z")
    return _box("m-bad", x, width, y=4, height=19, radius=2) + tag(
        "svg", flag, x=pct(x + width / 2), y="4", width="1", height="1", overflow="visible"
    )


def _retried(x: float, width: float) -> Markup:
    """Draw a run that passed after a retry: an ochre cap."""
    return _box("m-ok", x, width, y=7, height=13, radius=2) + _box("m-warn", x, width, y=3.5, height=3, radius=1)


def _skipped(x: float, width: float) -> Markup:
    """Draw an instant that was left out: a thin bar."""
    return _box("m-skip", x, width, y=12, height=3, radius=1)


def _missed(x: float, width: float) -> Markup:
    """Draw an instant at which nobody was there: dashed ochre."""
    return _box("m-miss", x, width, y=4, height=18, radius=2)


def _planned(x: float, width: float) -> Markup:
    """Draw a run to come: an outline."""
    return _box("m-plan", x, width, y=7.5, height=12)


def _running(x: float, width: float, done: float) -> Markup:
    """Draw a run that is going: filled up to now, dashed to its expected end."""
    shown = max(done, _NARROWEST)
    return _box("m-plan-run", x, max(width, shown), y=7.5, height=12) + _box("m-run", x, shown, y=7, height=13)


_SHAPES: Final = {
    "bad": _failed,
    "timeout": _failed,
    "retry": _retried,
    "skip": _skipped,
    "cancel": _skipped,
    "miss": _missed,
    "plan": _planned,
}


def _rail(rail: Rail, day: Day, now: datetime) -> Markup:
    """Draw a rail, filled up to now and outlined after it."""
    start, end, here = day.share(rail.start), day.share(rail.end), day.share(now)
    past, drawn = min(end, here), Markup("")
    if past > start:
        drawn += _box("m-ok rail", start, past - start, y=10.5, height=6, radius=3)
    ahead = max(start, here + 0.15 if here < end else end)
    if end > ahead:
        drawn += _box("m-plan rail", ahead, end - ahead, y=11, height=5)
    named = f"{rail.task}, runs often" if rail.many == 1 else f"{rail.task} and {rail.many - 1} more, run often"
    words = f"{named}, from {day.clock(rail.start)} to {day.clock(rail.end)}"
    return tag("g", drawn, role="img", aria_label=words)


def _quarter(each: Quarter, x: float, width: float, tallest: int) -> Markup:
    """Draw one quarter of an hour: done below, failed at the foot, to come as an outline on top."""
    scale = (_HISTOGRAM - 4) / tallest
    at = {"x": pct(x), "width": pct(width * 0.72), "rx": "1"}
    bad, ok, planned = (number * scale for number in (each.bad, each.ok, each.planned))
    bad = max(bad, 4.0) if each.bad else 0.0
    drawn = Markup("")
    if each.ok:
        drawn += tag("rect", cls="m-ok soft", y=num(_HISTOGRAM - bad - ok), height=num(ok), **at)
    if each.bad:
        drawn += tag("rect", cls="m-bad", y=num(_HISTOGRAM - bad), height=num(bad), **at)
    if each.planned:
        drawn += tag(
            "rect", cls="m-plan", y=num(_HISTOGRAM - bad - ok - planned), height=num(max(planned - 0.5, 1)), **at
        )
    return drawn


def _load_words(quarters: Sequence[Quarter], day: Day, now: datetime) -> str:
    """Return the histogram as a sentence."""
    total = Counter(
        {
            "done": sum(each.ok for each in quarters),
            "failed": sum(each.bad for each in quarters),
            "to come": sum(each.planned for each in quarters),
        }
    )
    if not total.total():
        return "Runs per quarter of an hour: none on this day"
    loads = [each.ok + each.bad + each.planned for each in quarters]
    busiest = day.start + loads.index(max(loads)) * timedelta(minutes=15)
    said = "is" if now < day.end else "was"
    counts = sentence((number, word) for word, number in total.items())
    return f"Runs per quarter of an hour: {counts}; the busiest {said} {day.clock(busiest)} with {max(loads)}"
