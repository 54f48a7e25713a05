"""Put times, durations, sizes and counts into words for people: pure functions of the value and the viewer's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from horarium.web.manner import manner_of

_NOON: Final = 12
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400
_WEEK: Final = 7 * _DAY
_NOW: Final = 5
NOTHING: Final = "–"
"""What stands where there is no value."""


def zone_name(instant: datetime, zone: tzinfo) -> str:
    """Return the short name of the zone at that instant: `CEST`, or `UTC+3` where the zone has only a number."""
    name = instant.astimezone(zone).tzname() or "UTC"
    return f"UTC{_plain_offset(name)}" if name[:1] in "+-" else name


def date_words(day: date, zone: tzinfo | None = None, *, year: bool = True) -> str:
    """Return a day as `Thu 14 May 2026`, or without its year, in the manner of who looks."""
    names = manner_of(zone).words
    words = f"{names.days[day.weekday()]} {day.day}{names.stop} {names.months[day.month - 1]}"
    return f"{words} {day.year}" if year else words


def long_date(day: date, zone: tzinfo | None = None) -> str:
    """Return a day as the title of a page: `Thursday 14 May`, in the manner of who looks."""
    names = manner_of(zone).words
    return f"{names.long_days[day.weekday()]} {day.day}{names.stop} {names.months[day.month - 1]}"


def hour_words(hour: int, zone: tzinfo | None = None, *, short: bool = False) -> str:
    """Return a full hour as `06:00` or `6 am`, on an axis as `06` or `6a`, in the manner of who looks."""
    if not manner_of(zone).twice_twelve:
        return f"{hour:02d}" if short else f"{hour:02d}:00"
    half = "a" if hour < _NOON else "p"
    return f"{hour % _NOON or _NOON}{half if short else f' {half}m'}"


def clock_time(instant: datetime, zone: tzinfo, *, digits: int = 0) -> str:
    """Return the time of day in `zone`: `06:00`, with 2 digits `06:00:17`, with 3 more `06:00:17.204`.

    For who reads hours twice to twelve it is `6:00 am`.
    """
    local = instant.astimezone(zone)
    rest = f"{local:%M}" if digits == 0 else f"{local:%M:%S}"
    if digits > 2:
        rest += f".{local.microsecond // 1000:03d}"
    if manner_of(zone).twice_twelve:
        return f"{local.hour % _NOON or _NOON}:{rest} {'am' if local.hour < _NOON else 'pm'}"
    return f"{local.hour:02d}:{rest}"


def absolute(instant: datetime, zone: tzinfo) -> str:
    """Return the whole moment: `Thu 14 May 2026, 06:00 CEST`."""
    local = instant.astimezone(zone)
    return f"{date_words(local.date(), zone)}, {clock_time(instant, zone)} {zone_name(instant, zone)}"


def moment(instant: datetime, zone: tzinfo, now: datetime) -> str:
    """Return the moment without what is obvious: `06:00` today, `Thu 14 May, 06:00` this year."""
    local, today = instant.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return clock_time(instant, zone)
    return f"{date_words(local.date(), zone, year=local.year != today.year)}, {clock_time(instant, zone)}"


def relative(instant: datetime, zone: tzinfo, now: datetime) -> str:
    """Return how far away a moment is: `8 h ago`, `in 3 min`; beyond seven days the moment itself."""
    seconds = (instant - now) / timedelta(seconds=1)
    if abs(seconds) >= _WEEK:
        return date_words(instant.astimezone(zone).date(), zone, year=instant.year != now.year)
    if abs(seconds) < _NOW:
        return "now"
    far = rough(abs(seconds))
    return f"in {far}" if seconds > 0 else f"{far} ago"


def duration(seconds: float | None) -> str:
    """Return a length of time: `12 ms`, `1.4 s`, `38 s`, `4m 12s`, `1h 04m`, `2d 03h`; a dash for none."""
    if seconds is None:
        return NOTHING
    value = max(seconds, 0.0)
    if value < 0.0995:
        return f"{round(value * 1000)} ms"
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    for unit, part, names in ((_DAY, _HOUR, "dh"), (_HOUR, _MINUTE, "hm"), (_MINUTE, 1, "ms")):
        if whole >= unit:
            return f"{whole // unit}{names[0]} {whole % unit // part:02d}{names[1]}"
    return f"{whole} s"


def spoken_duration(seconds: float) -> str:
    """Return a length of time as a screen reader should say it: `4 minutes 12 seconds`."""
    if seconds < 9.95:
        return f"{seconds:.1f} seconds"
    whole = round(seconds)
    parts = [(whole // _HOUR, "hour"), (whole % _HOUR // _MINUTE, "minute"), (whole % _MINUTE, "second")]
    return " ".join(plural(number, unit) for number, unit in parts if number) or "0 seconds"


def rough(seconds: float) -> str:
    """Return a positive length of time in its largest whole unit: `8 h`, `3 min`, `45 s`."""
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {name}"
    return f"{int(seconds)} s"


def size(octets: int) -> str:
    """Return an amount of data in powers of ten: `812 B`, `4.1 GB`."""
    value, units = float(octets), ["B", "kB", "MB", "GB", "TB", "PB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{octets} B" if units[0] == "B" else f"{value:.1f} {units[0]}"


def percent(share: float) -> str:
    """Return a share between 0 and 1 with one decimal: `98.6 %`; only a whole is called 100."""
    value = min(share * 100, 99.9) if share < 1 else 100.0
    return f"{value:.1f} %"


def count(number: int) -> str:
    """Return a number with its thousands set apart: `1,204`."""
    return f"{number:,}"


def plural(number: int, noun: str, many: str | None = None) -> str:
    """Return a counted noun: `1 run`, `1,204 runs`; `many` is the plural where an s is not enough."""
    return f"{count(number)} {noun if number == 1 else many or noun + 's'}"


def iso(instant: datetime) -> str:
    """Return the machine's form of a moment for the `datetime` attribute."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def initials(name: str) -> str:
    """Return at most two letters that stand for a person's name."""
    words = [word for word in name.split() if word[0].isalnum()]
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [word[0] for word in words]
    return "".join(letters).upper() or "?"


def _plain_offset(name: str) -> str:
    """Shorten `+03` to `+3` and `+0545` to `+5:45`."""
    hours, minutes = name[1:3].lstrip("0") or "0", name[3:5]
    return f"{name[0]}{hours}:{minutes}" if minutes.strip("0") else f"{name[0]}{hours}"
