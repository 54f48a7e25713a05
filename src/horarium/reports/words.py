"""Say figures as people read them in letters, on paper and in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from horarium.reports.periods import NOUNS, Period, Span
from horarium.reports.weekly import Line, Summary

NOTHING: Final = "–"
REASONS: Final[Mapping[str, str]] = {
    "overlap": "the run before was still going",
    "paused": "the task was paused",
    "parked": "the task was parked",
    "missed": "nobody was there at the time",
    "window": "missed for too long",
    "cap": "more were missed than are made up",
    "replaced": "a newer run took its place",
    "removed": "the task was removed",
    "off": "switched off for its person",
}


def count(number: int) -> str:
    """Return a number with its thousands set apart."""
    return f"{number:,}"


def plural(number: int, noun: str, many: str = "") -> str:
    """Return a counted noun."""
    return f"{count(number)} {noun if number == 1 else many or noun + 's'}"


def percent(share: float | None) -> str:
    """Return a share with one decimal; only a whole is called 100."""
    if share is None:
        return NOTHING
    return f"{100.0 if share >= 1 else min(share * 100, 99.9):.1f} %"


def length(seconds: float | None) -> str:
    """Return a length of time: `12 ms`, `1.4 s`, `4m 12s`, `1h 04m`, `2d 03h`."""
    if seconds is None:
        return NOTHING
    if seconds < 0.0995:
        return f"{round(max(seconds, 0) * 1000)} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m {rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02}m" if hours < 24 else f"{hours // 24}d {hours % 24:02}h"


def work(micros: int) -> str:
    """Return how much work was done, in hours as soon as it was one."""
    hours = micros / 3_600_000_000
    return f"{hours:,.0f} h" if hours >= 10 else f"{hours:.1f} h" if hours >= 1 else length(micros / 1_000_000)


def size(octets: int) -> str:
    """Return an amount of data in powers of ten."""
    value, units = float(octets), ["B", "kB", "MB", "GB", "TB", "PB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{octets} B" if units[0] == "B" else f"{value:.1f} {units[0]}"


def moment(instant: datetime, zone_key: str) -> str:
    """Return an instant as `Fri 15 May, 22:00`."""
    local = instant.astimezone(ZoneInfo(zone_key))
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"


def change(points: float | None) -> str:
    """Return a change of the success rate in words, empty where there is nothing to compare."""
    if points is None:
        return ""
    if abs(points) < 0.05:
        return "as before"
    return f"{'up' if points > 0 else 'down'} {abs(points):.1f} points"


def title(summary: Summary) -> str:
    """Return the heading: `Your week, 4 to 10 May`."""
    return title_of(summary.period)


def title_of(period: Period) -> str:
    """Return what the summary of a period is called."""
    return f"Your {NOUNS[period.span]}, {period.words}"


def subject(summary: Summary) -> str:
    """Return what a letter with it is called in a list of letters."""
    noun = NOUNS[summary.period.span]
    if summary.is_empty:
        return f"Your {noun}: nothing ran"
    if summary.now.rate is None:
        return f"Your {noun}: {plural(summary.now.skips, 'time')} skipped, nothing ran"
    return f"Your {noun}: {plural(summary.now.ended, 'run')}, {percent(summary.now.rate)} fine"


def lead(summary: Summary) -> str:
    """Return the sentence under the heading."""
    if summary.is_empty:
        return "Nothing ran and nothing was skipped."
    ran = f"{plural(summary.now.ended, 'run')} of {plural(summary.tasks, 'task')}."
    if not summary.now.ended:
        return "Nothing ran to its end."
    if not summary.failing:
        return f"{ran} Nothing failed."
    need = f"{plural(summary.failing, 'task')} need{'s' if summary.failing == 1 else ''} a look"
    most = "Most went fine, " if (summary.now.rate or 0) > 0.5 else ""
    return f"{ran} {most}{need}."


def preview(summary: Summary) -> str:
    """Return what stands beside the subject in a list of letters."""
    changed = change(summary.points)
    return f"Success rate {percent(summary.now.rate)}{', ' + changed if changed else ''}. {lead(summary)}"


def key_figures(summary: Summary) -> tuple[tuple[str, str, str, bool], ...]:
    """Return the four figures at the top: label, value, what it was before, and whether that is bad news."""
    now, before = summary.now, summary.before
    noun = NOUNS[summary.period.span]
    points = summary.points
    seconds = now.well.percentile(95)
    return (
        ("Success rate", percent(now.rate), change(points), points is not None and points < -0.05),
        ("Failed for good", count(now.failed), f"{count(before.failed)} the {noun} before", now.failed > before.failed),
        ("Saved by a retry", count(now.saved), f"{count(before.saved)} the {noun} before", False),
        ("Work", work(now.took.sum), f"95 % within {length(None if seconds is None else seconds / 1e6)}", False),
    )


def failing(line: Line) -> str:
    """Return what became of a task that failed."""
    return f"Failed {count(line.failed)} of {plural(line.ended, 'time')}"


def skipped(summary: Summary) -> tuple[tuple[str, int], ...]:
    """Return the reasons why planned times became no run, most frequent first."""
    found = [(REASONS.get(reason, reason), many) for reason, many in summary.now.skipped.items()]
    given_up = summary.now.outcomes.get("skipped", 0)
    if given_up:
        found.append(("given up before it began", given_up))
    return tuple(sorted(found, key=lambda item: (-item[1], item[0])))


def house(summary: Summary) -> tuple[tuple[str, str], ...]:
    """Return what administrators are told of the installation."""
    found = summary.house
    if found is None:
        return ()
    zone = summary.period.zone_key
    free = "" if found.free_bytes is None else f", {size(found.free_bytes)} free on the disk of the backups"
    lines = [("Storage", f"{size(found.bytes)}, about {plural(found.runs_kept, 'run')} kept{free}")]
    if found.backup_at is None:
        lines.append(("Backups", "none is there"))
    else:
        newest = f"the newest of {moment(found.backup_at, zone)}, {size(found.backup_bytes)}"
        lines.append(("Backups", f"{count(found.backups)}, {newest}"))
    if found.letters_lost:
        lines.append(("Letters", f"{plural(found.letters_lost, 'letter')} could not be sent"))
    return tuple(lines)


def bar(many: int, most: int, height: int) -> int:
    """Return how high a bar is drawn: at least a little where there is anything at all."""
    return max(3, round(many * height / most)) if many else 0


def short_day(summary: Summary, place: int) -> str:
    """Return what stands under the bar of a day."""
    on = summary.days[place].on
    return f"{on:%a}" if summary.period.span is not Span.MONTHLY else str(on.day)
