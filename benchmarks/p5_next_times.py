"""P5: how long the next fire time takes, and how often it is wrong, beside three peers.

Two hundred varied expressions are stepped through in UTC and in a zone with summer time. An expression counts as wrong
for an engine when the engine refuses it or differs from the slow reference of the tests in the days around the two
changes of the clock in 2027.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter_ns
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger as PeerTrigger
from croniter import croniter
from cronsim import CronSim

from horarium.errors import InvalidSchedule
from horarium.triggers import CronTrigger, parse
from tests.triggers.reference import instants

ZONES = ("UTC", "Europe/Berlin")
SIZES = (5, 50, 500)
COUNT = 200

_START = datetime(2026, 11, 24, 10, 30, 20, tzinfo=UTC)
_WINDOWS = (datetime(2027, 3, 27, 12, tzinfo=UTC), datetime(2027, 10, 30, 12, tzinfo=UTC))
_WIDTH = timedelta(hours=40)
_MINUTES = ("*", "*/5", "*/15", "0", "5", "30", "0,30", "10-50/10", "17", "*/7")
_HOURS = ("*", "*/2", "2", "6", "9-17", "0,12", "23", "1-3")
_DAYS = ("*", "*", "*", "*", "1", "15", "28", "L", "1,15", "15W", "*/2")
_MONTHS = ("*", "*", "*", "1", "*/3", "6-8")
_WEEKDAYS = ("*", "*", "*", "1-5", "0", "7", "fri", "5L", "mon#1", "sat,sun")

Step = Callable[[datetime], datetime | None]
Engine = Callable[[str, str], Step]


def expressions() -> list[str]:
    """Return the two hundred expressions, the same on every run."""
    choose = random.Random(5)  # noqa: S311 - a fixed sample, not a secret
    found: dict[str, None] = {}
    while len(found) < COUNT:
        text = " ".join(choose.choice(field) for field in (_MINUTES, _HOURS, _DAYS, _MONTHS, _WEEKDAYS))
        try:
            parse(text)
        except InvalidSchedule:
            continue
        found[text] = None
    return list(found)


def ours(expression: str, zone: str) -> Step:
    """Step with Horarium."""
    return CronTrigger(expression, zone).next_after


def cronsim(expression: str, zone: str) -> Step:
    """Step with cronsim, which keeps its own place; the first instant sets it."""
    place: list[CronSim] = []

    def step(after: datetime) -> datetime:
        if not place:
            place.append(CronSim(expression, after.astimezone(ZoneInfo(zone))))
        return next(place[0])

    CronSim(expression, _START)
    return step


def croniter_peer(expression: str, zone: str) -> Step:
    """Step with croniter, which keeps its own place; the first instant sets it."""
    place: list[Any] = []

    def step(after: datetime) -> datetime:
        if not place:
            place.append(croniter(expression, after.astimezone(ZoneInfo(zone))))
        due: datetime = place[0].get_next(datetime)
        return due

    croniter(expression, _START)
    return step


def apscheduler(expression: str, zone: str) -> Step:
    """Step with the cron trigger of APScheduler 3."""
    trigger = PeerTrigger.from_crontab(expression, timezone=ZoneInfo(zone))

    def step(after: datetime) -> datetime | None:
        due: datetime | None = trigger.get_next_fire_time(after, after)
        return due

    return step


ENGINES: dict[str, Engine] = {
    "horarium": ours,
    "cronsim": cronsim,
    "croniter": croniter_peer,
    "apscheduler": apscheduler,
}


def walk(step: Step, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the instants of an engine after one instant and before another."""
    due = step(after)
    while due is not None and due < until:
        yield due.astimezone(UTC)
        due = step(due)


def is_wrong(engine: Engine, expression: str, zone: str) -> bool:
    """Say whether an engine refuses the expression or differs from the reference around a change of the clock."""
    try:
        found = [list(walk(engine(expression, zone), start, start + _WIDTH)) for start in _WINDOWS]
    except Exception:  # noqa: BLE001 - peers refuse in many ways, and each counts
        return True
    return found != [instants(expression, zone, start, start + _WIDTH) for start in _WINDOWS]


def nanoseconds(engine: Engine, expression: str, zone: str, steps: int) -> float | None:
    """Return the mean cost of a step, or None when the engine refuses or ends early."""
    try:
        step = engine(expression, zone)
        due: datetime | None = _START
        begin = perf_counter_ns()
        for _ in range(steps):
            if due is None:
                return None
            due = step(due)
        return (perf_counter_ns() - begin) / steps
    except Exception:  # noqa: BLE001 - as above
        return None


def measure(sizes: tuple[int, ...] = SIZES, count: int = COUNT) -> list[dict[str, Any]]:
    """Return a row for each zone, engine and number of steps, over the first `count` expressions."""
    texts = expressions()[:count]
    rows: list[dict[str, Any]] = []
    for zone in ZONES:
        for name, engine in ENGINES.items():
            wrong = sum(is_wrong(engine, text, zone) for text in texts)
            for steps in sizes:
                costs = sorted(cost for text in texts if (cost := nanoseconds(engine, text, zone, steps)) is not None)
                rows.append(
                    {
                        "id": "P5",
                        "zone": zone,
                        "engine": name,
                        "steps": steps,
                        "p50_ns": round(median(costs)),
                        "p95_ns": round(costs[len(costs) * 95 // 100]),
                        "wrong": wrong,
                        "of": len(texts),
                    }
                )
    return rows


def main() -> None:
    """Print the table."""
    print(f"{'zone':15} {'engine':12} {'steps':>5} {'p50 µs':>8} {'p95 µs':>8} {'wrong':>9}")
    for row in measure():
        costs = f"{row['p50_ns'] / 1000:8.2f} {row['p95_ns'] / 1000:8.2f}"
        print(f"{row['zone']:15} {row['engine']:12} {row['steps']:5} {costs} {row['wrong']:4} of {row['of']}")


if __name__ == "__main__":
    main()
