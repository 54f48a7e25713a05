"""Draw the coming week of a schedule: one line a day, one mark an instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

from markupsafe import Markup

from horarium.web.charts.day import Day
from horarium.web.charts.parts import join, num, pct, tag
from horarium.web.filters import date_words, hour_words, plural
from horarium.web.manner import manner_of

_DAYS: Final = 7
_ROW: Final = 14
_LEFT: Final = 13.0
_WIDTH: Final = 100 - _LEFT
_PLACES: Final = 96


def week(instants: Sequence[datetime], zone: tzinfo, now: datetime) -> Markup:
    """Draw the instants of the seven days from today on; what stands closer than a quarter of an hour is one mark.

    A line stands between two weeks, on the day with which a week begins for who looks.
    """
    today = now.astimezone(zone).date()
    days = [Day.of(today + timedelta(days=number), zone) for number in range(_DAYS)]
    inside = [[instant for instant in instants if day.start <= instant < day.end] for day in days]
    rows = [_row(day, own, number * _ROW) for number, (day, own) in enumerate(zip(days, inside, strict=True))]
    hours = [
        tag("text", hour_words(hour, zone), x=pct(_LEFT + _WIDTH * hour / 24), y=num(_DAYS * _ROW + 16))
        for hour in (0, 6, 12, 18)
    ]
    words = [
        f"{date_words(day.on, zone, year=False)} {plural(len(own), 'time')}"
        for day, own in zip(days, inside, strict=True)
    ]
    label = f"The next seven days: {', '.join(words)}" if any(inside) else "Nothing is planned in the next seven days"
    first = 6 if manner_of(zone).sunday_first else 0
    turns = [
        tag("line", cls="g6", x1="0", x2="100%", y1=num(number * _ROW), y2=num(number * _ROW))
        for number, day in enumerate(days)
        if number and day.on.weekday() == first
    ]
    return tag(
        "svg",
        join(turns) + join(rows) + join(hours),
        width="100%",
        height=_DAYS * _ROW + 20,
        role="img",
        aria_label=label,
    )


def _row(day: Day, instants: Sequence[datetime], y: int) -> Markup:
    """Draw one day."""
    name = tag("text", manner_of(day.zone).words.days[day.on.weekday()], x="0", y=num(y + 11))
    track = tag("rect", cls="track", x=pct(_LEFT), width=pct(_WIDTH), y=num(y + 5), height="4", rx="2")
    places = sorted({min(int(day.share(instant) / 100 * _PLACES), _PLACES - 1) for instant in instants})
    if len(places) > _PLACES * 0.9:
        full = tag("rect", cls="m-lapis", x=pct(_LEFT), width=pct(_WIDTH), y=num(y + 4), height="6", rx="2")
        return name + track + full
    marks = (
        tag(
            "rect", cls="m-lapis", x=pct(_LEFT + _WIDTH * place / _PLACES), width="4", y=num(y + 2), height="10", rx="2"
        )
        for place in places
    )
    return name + track + join(marks)
