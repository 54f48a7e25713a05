"""Times, spans and sizes as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_WEEK = timedelta(days=7)


def absolute(at: datetime, zone: str) -> str:
    """Return an instant as `Thu 14 May 2026, 06:00 CEST`, with seconds where there are any."""
    local = at.astimezone(ZoneInfo(zone))
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    return f"{local:%a} {local.day} {local:%b %Y}, {clock} {local:%Z}"


def relative(at: datetime, now: datetime) -> str:
    """Return how far away an instant is: `in 3 min`, `8 h ago`, `now`."""
    away = abs(at - now)
    if away < timedelta(seconds=1):
        return "now"
    words = _rough(away)
    return f"in {words}" if at > now else f"{words} ago"


def both(at: datetime | None, now: datetime, zone: str, nothing: str = "never") -> str:
    """Return an instant in both ways; beyond a week only absolute, `nothing` for None."""
    if at is None:
        return nothing
    if abs(at - now) > _WEEK:
        return absolute(at, zone)
    return f"{relative(at, now)} ({absolute(at, zone)})"


def span(length: timedelta | None) -> str:
    """Return a duration: `0.4 s`, `38 s`, `4m 12s`, `1h 04m`, `3d 02h`; empty for None."""
    if length is None:
        return ""
    seconds = length.total_seconds()
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3600:02d}h"


def count_of(number: int, one: str, many: str = "") -> str:
    """Return `1 task`, `1,204 tasks`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _rough(away: timedelta) -> str:
    seconds = away.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"
