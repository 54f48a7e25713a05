"""Hold what the sample pages share: the frame, the moment, the tasks and runs of a small team."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from horarium.web.charts.day import Day
from horarium.web.charts.parts import Outcome
from horarium.web.charts.spark import Bar
from horarium.web.links import Links
from horarium.web.views.parts import (
    By,
    Chip,
    Choice,
    FilterBar,
    FilterMenu,
    Kind,
    RunRow,
    TaskName,
)
from horarium.web.views.shell import Health, Notice, Porch, Shell, Viewer
from horarium.web.views.status import Status

BERLIN: Final = ZoneInfo("Europe/Berlin")
NOW: Final = datetime(2026, 5, 14, 12, 32, 8, tzinfo=UTC)
TODAY: Final = Day.of(date(2026, 5, 14), BERLIN)
LINKS: Final = Links()
TRACEBACK: Final = """Traceback (most recent call last):
  File "/opt/horarium/lib/python3.11/site-packages/horarium/execution/call.py", line 118, in call
    return function(*args, **kwargs)
           ^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/srv/tidewater/finance/payments.py", line 84, in reconcile
    ledger.post(matched, strict=strict, missing=missing)
  File "/srv/tidewater/finance/ledger.py", line 212, in post
    raise LedgerMismatch(f"{len(missing)} of {len(items)} payments have no matching invoice")
LedgerMismatch: 3 of 1,204 payments have no matching invoice
"""
BY_SCHEDULE: Final = By(words="by the schedule")
INES: Final = By(words="Inês Carvalho", person=True)
_LETTERS: Final[Mapping[str, Outcome]] = MappingProxyType(
    {"r": "retry", "x": "bad", "t": "timeout", "s": "skip", "o": "run"}
)


def shell(
    *, stream: str | None = "/events", may_act: bool = True, notices: tuple[Notice, ...] = (), **more: Any
) -> Shell:
    """Return the frame around a page for Inês, who administers the server."""
    viewer = Viewer(name="Inês Carvalho", role="Administrator", zone=BERLIN, zone_key="Europe/Berlin", may_act=may_act)
    health = Health(status="ok", words="Scheduler on time", detail="0.3 s lag")
    return Shell(
        links=LINKS,
        viewer=viewer,
        now=NOW,
        csrf="token-of-this-session",
        health=health,
        team="Tidewater Logistics",
        tasks=48,
        running=3,
        notices=notices,
        stream=stream,
        **more,
    )


def porch() -> Porch:
    """Return the frame around a page for somebody who is not signed in."""
    return Porch(
        links=LINKS,
        csrf="token",
        now=NOW,
        zone=BERLIN,
        zone_key="Europe/Berlin",
        team="Tidewater Logistics",
        version="0.1",
    )


def at(minute: float) -> datetime:
    """Return the instant `minute` minutes into the day."""
    return TODAY.start + timedelta(minutes=minute)


def bars(code: str) -> tuple[Bar, ...]:
    """Read a history: a digit is a success of that height, `x` a failure, `r` a retry, `s` skipped, `o` running."""
    return tuple(Bar("ok", int(c)) if c.isdigit() else Bar(_LETTERS[c], 5) for c in code)


def named(number: int, name: str, kind: Kind = "python") -> TaskName:
    return TaskName(id=number, name=name, kind=kind)


def run_row(
    number: int,
    task: TaskName,
    status: Status,
    minutes_ago: float,
    *,
    words: str = "",
    seconds: float | None = None,
    waited: float | None = 0.3,
    by: By = BY_SCHEDULE,
    outcome: str = "",
    attempts: str = "1",
) -> RunRow:
    return RunRow(
        id=number,
        task=task,
        status=status,
        at=NOW - timedelta(minutes=minutes_ago),
        by=by,
        words=words,
        waited=waited,
        seconds=seconds,
        attempts=attempts,
        outcome=outcome,
    )


PAYMENTS: Final = named(1, "Reconcile payments")
RATES: Final = named(7, "Fetch carrier rates", "command")
CUSTOMS: Final = named(2, "Customs status feed", "http")
EXPORT: Final = named(3, "Export orders to warehouse")
MODEL: Final = named(4, "Train arrival-time model")
IMAGES: Final = named(8, "Mirror product images", "sync")


def runs() -> tuple[RunRow, ...]:
    return (
        run_row(48367, named(21, "Score open shipments"), "queued", 0.7, waited=41),
        run_row(48366, EXPORT, "running", 2.1, seconds=128),
        run_row(48365, CUSTOMS, "ok", 2.1, seconds=1.4, outcome="48 new notices"),
        run_row(48363, named(22, "Catalogue feed"), "retrying", 8, words="Retrying, 2 of 3", seconds=483),
        run_row(48362, MODEL, "running", 44, seconds=2652, by=By(words="Joon-ho Park", person=True)),
        run_row(48361, RATES, "timeout", 27, seconds=30, outcome="No answer from rates.carriers.example within 30 s"),
        run_row(48352, IMAGES, "skipped", 152, words="Skipped, still running", waited=None),
        run_row(48340, named(23, "Depot heartbeat, Gdańsk"), "missed", 41, waited=None),
        run_row(48318, named(24, "Clear build cache", "command"), "cancelled", 210, seconds=12, by=INES),
        run_row(48301, named(25, "Vacuum warehouse"), "interrupted", 60 * 24 * 30, seconds=12),
        run_row(
            48213,
            PAYMENTS,
            "failed",
            500,
            seconds=478,
            attempts="3 of 3",
            outcome="LedgerMismatch: 3 payments without invoice",
        ),
    )


def filters() -> FilterBar:
    tags = FilterMenu(
        label="Tag",
        name="tag",
        choices=(
            Choice(value="finance", label="finance", count=9, on=True),
            Choice(value="critical", label="critical", count=6),
        ),
    )
    kinds = FilterMenu(
        label="Type",
        name="kind",
        choices=(
            Choice(value="python", label="Python function", count=27),
            Choice(value="command", label="Command", count=8),
        ),
    )
    return FilterBar(
        text="pay",
        menus=(tags, kinds),
        chips=(Chip(label="Tag: finance", href=LINKS.to("tasks")),),
        clear=LINKS.to("tasks"),
        kept=(("view", "all"),),
    )
