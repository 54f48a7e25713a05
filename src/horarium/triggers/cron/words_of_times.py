"""The times of day of a cron expression in words."""

from __future__ import annotations

from collections.abc import Sequence

from horarium.triggers.cron.phrases import listed, ordinal, runs, step_of

_FEW = 6
_MINUTES = 60
_HOURS = 24


def words_of_seconds(seconds: Sequence[int]) -> str:
    """Return words for two or more seconds of a minute: "Every 20 seconds"."""
    if even := _even_step(seconds, _MINUTES):
        return _every(even, "second")
    step = step_of(seconds)
    if step:
        return f"{_every(step, 'second')} from second {seconds[0]} to {seconds[-1]} of the minute"
    return f"At seconds {listed([str(second) for second in seconds])}"


def words_of_minutes(minutes: Sequence[int], hours: Sequence[int], second: int) -> str:
    """Return words for the times of day at one `second` of the minute.

    They begin with "at " when they are a list of times, which wants the days before it; otherwise with a capital.
    """
    if len(minutes) == 1 and step_of(hours) and (len(hours) > 3 or _even_step(hours, _HOURS)):
        return _hourly(minutes[0], hours, second)
    even = _even_step(minutes, _MINUTES)
    if len(minutes) * len(hours) <= _FEW and not (even and len(minutes) > 3):
        return f"at {listed([_time(hour, minute, second) for hour in hours for minute in minutes])}"
    at_second = f" at second {second}" if second else ""
    if even:
        return f"{_every(even, 'minute')}{at_second}{_during(hours)}"
    return f"{_past(minutes)}{at_second}{_of_each_hour(hours)}"


def _hourly(minute: int, hours: Sequence[int], second: int) -> str:
    step = step_of(hours)
    if _even_step(hours, _HOURS):
        past = f" at :{minute:02}{f':{second:02}' if second else ''}" if minute or second else ""
        return f"{_every(step, 'hour')}{past}"
    first, last = _time(hours[0], minute, second), _time(hours[-1], minute, second)
    return f"{_every(step, 'hour')} from {first} to {last}"


def _past(minutes: Sequence[int]) -> str:
    step = step_of(minutes)
    if step and len(minutes) > 3:
        return f"{_every(step, 'minute')} from :{minutes[0]:02} to :{minutes[-1]:02}"
    return f"At {listed([f':{minute:02}' for minute in minutes])}"


def _of_each_hour(hours: Sequence[int]) -> str:
    return " of every hour" if len(hours) == _HOURS else f" of each hour{_during(hours)}"


def _during(hours: Sequence[int]) -> str:
    if len(hours) == _HOURS:
        return ""
    step = step_of(hours)
    if step > 1:
        return f" in every {ordinal(step)} hour from {hours[0]:02}:00 to {hours[-1]:02}:59"
    return " " + listed([f"from {first:02}:00 to {last:02}:59" for first, last in runs(hours)])


def _even_step(values: Sequence[int], whole: int) -> int:
    """Return the step of values that go round without a seam, from 0 by a divisor of the whole, or 0."""
    step = values[1] if len(values) > 1 else whole
    return step if step < whole and whole % step == 0 and tuple(values) == tuple(range(0, whole, step)) else 0


def _every(step: int, unit: str) -> str:
    return f"Every {unit}" if step == 1 else f"Every {step} {unit}s"


def _time(hour: int, minute: int, second: int) -> str:
    return f"{hour:02}:{minute:02}:{second:02}" if second else f"{hour:02}:{minute:02}"
