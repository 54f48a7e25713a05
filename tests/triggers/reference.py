"""A slow, plain second opinion on cron expressions: it plays a daemon that wakes once a minute.

It shares no code with the package: fields are sets of whole words, days are asked one by one, and the clock is walked
minute by minute, with the four cases of the daemon's loop when the clock has jumped. Seconds are put on top: in a
minute that the clock shows, the chosen seconds of it; in a minute that is made up for, the moment of making up.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def _numbers(text: str, low: int, high: int, names: list[str], base: int) -> set[int]:
    found: set[int] = set()
    for item in text.split(","):
        span, _, step = item.partition("/")
        ends = [str(low), str(high)] if span == "*" else span.split("-")
        bounds = [names.index(end.lower()) + base if end.isalpha() else int(end) for end in ends]
        found.update(number for number in range(bounds[0], bounds[-1] + 1) if not (number - bounds[0]) % int(step or 1))
    return found


class Job:
    """An expression as a question to ask of a minute, whether it is due then."""

    def __init__(self, text: str) -> None:
        fields = MACROS.get(text.strip(), text).split()
        seconds = fields.pop(0) if len(fields) == 6 else "0"
        self.minute, self.hour, self.day, self.month, self.weekday = fields
        self.seconds = sorted(_numbers(seconds, 0, 59, [], 0))
        self.minutes = _numbers(self.minute, 0, 59, [], 0)
        self.hours = _numbers(self.hour, 0, 23, [], 0)
        self.months = _numbers(self.month, 1, 12, MONTHS, 1)
        self.wild = self.minute[0] == "*" or self.hour[0] == "*"
        self._days: dict[date, bool] = {}

    def has_day(self, day: date) -> bool:
        if day not in self._days:
            dom = any(self._dom(item, day) for item in self.day.split(","))
            dow = any(self._dow(item, day) for item in self.weekday.split(","))
            both = self.day[0] == "*" or self.weekday[0] == "*"
            self._days[day] = day.month in self.months and ((dom and dow) if both else (dom or dow))
        return self._days[day]

    def has_minute(self, minute: int) -> bool:
        hours, within = divmod(minute % 1440, 60)
        if within not in self.minutes or hours not in self.hours:
            return False
        return self.has_day(date(1970, 1, 1) + timedelta(days=minute // 1440))

    def _dom(self, item: str, day: date) -> bool:
        last = monthrange(day.year, day.month)[1]
        if item == "L":
            return day.day == last
        if item == "LW":
            return day.day == _nearest(day, last)
        if item.endswith("W"):
            wanted = int(item[:-1])
            return wanted <= last and day.day == _nearest(day, wanted)
        return day.day in _numbers(item, 1, 31, [], 0)

    def _dow(self, item: str, day: date) -> bool:
        if item.endswith("L"):
            return (day + timedelta(days=7)).month != day.month and self._dow(item[:-1], day)
        if "#" in item:
            name, _, nth = item.partition("#")
            return (day.day + 6) // 7 == int(nth) and self._dow(name, day)
        weekday = day.isoweekday() % 7
        numbers = _numbers(item, 0, 7, WEEKDAYS, 0)
        return weekday in numbers or (weekday == 0 and 7 in numbers)


def _nearest(day: date, wanted: int) -> int:
    last = monthrange(day.year, day.month)[1]
    workdays = [number for number in range(1, last + 1) if day.replace(day=number).weekday() < 5]
    return min(workdays, key=lambda number: abs(number - wanted))


@lru_cache(maxsize=200_000)
def _offset(moment: int, zone: ZoneInfo) -> int:
    shift = datetime.fromtimestamp(moment, zone).utcoffset()
    assert shift is not None
    return shift.days * 86_400 + shift.seconds


def _wakes(start: int, stop: int, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Give each moment at which the daemon wakes, and the minute that the clock then shows."""
    offset = _offset(start, zone)
    running = (start + offset) // 60
    moment = start
    while moment < stop:
        moment = (running + 1) * 60 - offset
        offset = _offset(moment, zone)
        shown = (moment + offset) // 60
        if shown != running:
            running = shown
            yield moment, shown


def _due(job: Job, moment: int, minute: int, shown: int, offset: int) -> Iterator[int]:
    if job.has_minute(minute):
        starts = minute * 60 - offset
        for second in job.seconds:
            yield max(starts + second, moment) if minute == shown else moment


def _minutes(job: Job, virtual: int, shown: int) -> tuple[list[int], int]:
    """Return the minutes whose jobs run now, and the minute up to which everything has been served."""
    gap = shown - virtual
    if gap > 180 or gap <= -180 or gap == 1:
        return [shown], shown
    if gap > 5:
        return ([shown] if job.wild else list(range(virtual + 1, shown + 1))), shown
    if gap > 0:
        return list(range(virtual + 1, shown + 1)), shown
    return ([shown] if job.wild else []), virtual


def instants(text: str, tz: str, after: datetime, until: datetime) -> list[datetime]:
    """Return every instant of `text` after `after` and before `until`, in UTC."""
    job = Job(text)
    zone = ZoneInfo(tz)
    first, last = int(after.timestamp() // 1), int(until.timestamp())
    start = (first // 60 - 3 * 1440) * 60
    virtual = (start + _offset(start, zone)) // 60
    found: set[int] = set()
    for moment, shown in _wakes(start, last, zone):
        minutes, virtual = _minutes(job, virtual, shown)
        for minute in minutes:
            found.update(_due(job, moment, minute, shown, _offset(moment, zone)))
    return [datetime.fromtimestamp(moment, UTC) for moment in sorted(found) if first < moment < last]
