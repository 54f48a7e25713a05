"""The next instants of a schedule text, for people who want to see what they wrote."""

from __future__ import annotations

from datetime import datetime

from horarium.clock import SystemClock
from horarium.errors import InvalidSchedule
from horarium.triggers.base import epoch_floor, from_epoch, utc_instant
from horarium.triggers.cron.trigger import CronTrigger
from horarium.triggers.cron.zones import zone_clock


def next_times(expression: str, *, tz: str = "UTC", after: datetime | None = None, n: int = 5) -> list[datetime]:
    """Return the next `n` instants of a cron expression strictly after `after` (default: now), in the zone `tz`.

    Fewer come back when the schedule ends with the year 9999. Raises `InvalidSchedule` when the expression, the
    zone, `n` or `after` (a datetime with a zone) is refused.
    """
    trigger = CronTrigger(expression, tz)
    if type(n) is not int or n < 0:
        raise InvalidSchedule("n", n, "give a whole number from 0 up")
    moment = epoch_floor(SystemClock().now() if after is None else utc_instant(after, "after"))
    zone = zone_clock(tz).zone
    found: list[datetime] = []
    while len(found) < n:
        due = trigger.next_epoch(moment)
        if due is None:
            break
        moment = due
        found.append(from_epoch(due).astimezone(zone))
    return found
