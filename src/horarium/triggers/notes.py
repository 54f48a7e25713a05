"""What the next changes of a zone's clock do to a schedule, in sentences for people."""

from __future__ import annotations

from datetime import datetime, timedelta

from horarium.triggers.base import EPOCH, epoch_floor, utc_instant
from horarium.triggers.cron.parse import parse
from horarium.triggers.cron.phrases import listed
from horarium.triggers.cron.search import LocalPattern, local_pattern
from horarium.triggers.cron.zones import CORRECTION, Change, zone_clock

_AHEAD = 400 * 86_400
_SHOWN = 3


def dst_notes(expression: str, tz: str, after: datetime) -> list[str]:
    """Say what happens at the changes of the clock in the 400 days after `after`, one sentence each.

    Raises `InvalidSchedule` when the expression, the zone or the instant is refused.
    """
    parsed = parse(expression)
    moment = epoch_floor(utc_instant(after, "after"))
    pattern = local_pattern(parsed)
    return [
        f"{_change(change)}; {_effect(change, pattern, wildcard=parsed.is_wildcard)}."
        for change in zone_clock(tz).changes(moment, moment + _AHEAD)
    ]


def _change(change: Change) -> str:
    before, after = _local(change.moment + change.before), _local(change.moment + change.after)
    way = "goes" if change.after > change.before else "goes back"
    if before.date() == after.date():
        return f"On {_date(after)} the clock {way} from {_time(before)} to {_time(after)}"
    return f"The clock {way} from {_date(before)}, {_time(before)} to {_date(after)}, {_time(after)}"


def _effect(change: Change, pattern: LocalPattern, *, wildcard: bool) -> str:
    shift = change.after - change.before
    if not -CORRECTION <= shift < CORRECTION:
        return "that is a correction of the clock, and nothing is made up"
    low, high = sorted((change.moment + change.before, change.moment + change.after))
    due = _due(pattern, low, high)
    if not due:
        return "nothing is due in between"
    times = _times(due)
    if shift < 0:
        return f"{times} {_runs(due)} in both passes" if wildcard else f"{times} {_runs(due)} once, in the first pass"
    if wildcard:
        return f"{times} {'is' if len(due) == 1 else 'are'} skipped, for the job follows the clock"
    once = "" if len(due) == 1 else " once,"
    return f"{times} {_runs(due)}{once} at {_time(_local(high))}"


def _due(pattern: LocalPattern, low: int, high: int) -> list[int]:
    """Return the first few local seconds due from `low` up to `high`, one more than are shown."""
    found: list[int] = []
    due = pattern.first_from(low)
    while due is not None and due < high and len(found) <= _SHOWN:
        found.append(due)
        due = pattern.first_from(due + 1)
    return found


def _times(due: list[int]) -> str:
    if len(due) > _SHOWN:
        return f"what is due from {_time(_local(due[0]))} on"
    return listed([_time(_local(local)) for local in due])


def _runs(due: list[int]) -> str:
    return "runs" if len(due) == 1 or len(due) > _SHOWN else "run"


def _local(local: int) -> datetime:
    return EPOCH + timedelta(0, local)


def _date(local: datetime) -> str:
    return f"{local:%a} {local.day} {local:%b} {local.year}"


def _time(local: datetime) -> str:
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
