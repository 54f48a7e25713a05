"""Make the list of tasks and the page of one task."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from horarium.web.charts.durations import Point
from horarium.web.charts.parts import Outcome
from horarium.web.views.channels import RuleLine
from horarium.web.views.parts import (
    Fact,
    Pager,
    Parameter,
    Tab,
    TaskName,
)
from horarium.web.views.rules import Option
from horarium.web.views.shell import Notice, Undo
from horarium.web.views.status import Status
from horarium.web.views.task import Failing, LedgerRow, Parking, Pause, Schedule, TaskPage, Told
from horarium.web.views.tasks import LastRun, Order, TaskRow, TasksPage
from tests.web.sample_parts import (
    BERLIN,
    CUSTOMS,
    EXPORT,
    IMAGES,
    LINKS,
    NOW,
    PAYMENTS,
    RATES,
    bars,
    filters,
    named,
    runs,
    shell,
)

_FINANCE: Final = ("finance", "critical")
_ROWS: Final[tuple[tuple[TaskName, Status, str, str, str, str, tuple[str, ...]], ...]] = (
    (
        PAYMENTS,
        "failing",
        "tidewater.payments:reconcile",
        "Weekdays at 06:00",
        "0 6 * * 1-5",
        "545x5465r555xxx",
        _FINANCE,
    ),
    (
        RATES,
        "failing",
        "/usr/bin/curl -fsS rates.carriers.example",
        "Every hour at :05",
        "5 * * * *",
        "3x33xxx",
        ("pricing",),
    ),
    (
        CUSTOMS,
        "active",
        "GET api.customs.example/v2",
        "Every 5 minutes",
        "*/5 * * * *",
        "22322232x22322r23222",
        ("customs",),
    ),
    (
        EXPORT,
        "running",
        "tidewater.exports:run",
        "Every 15 minutes",
        "*/15 * * * *",
        "4454454o",
        ("warehouse", "critical"),
    ),
    (
        IMAGES,
        "active",
        "s3://tw-images → sftp://bank.example/in",
        "Every 2 hours",
        "0 */2 * * *",
        "45s4554s5",
        ("content",),
    ),
    (
        named(9, "Import driver roster"),
        "paused",
        "tidewater.hr:roster",
        "Weekdays at 05:45",
        "45 5 * * 1-5",
        "44s4ss",
        ("people",),
    ),
    (named(10, "Depot scorecards"), "parked", "tidewater.depots:score", "Mondays at 07:00", "0 7 * * 1", "", ()),
    (named(11, "New year greeting"), "active", "tidewater.mail:greet", "Once, on 1 Jan 2026 at 00:00", "", "3", ()),
)
_LAST: Final[tuple[tuple[Status, float, float | None, str] | None, ...]] = (
    ("failed", 500, 478, "3 failures in a row"),
    ("timeout", 27, 30, "3 time-outs in a row"),
    ("ok", 2, 1.4, ""),
    ("running", 2.1, None, "usually 4m 10s"),
    ("ok", 32, 380, ""),
    ("ok", 4400, 52, ""),
    None,
    ("ok", 60 * 24 * 133, 3, ""),
)
_NEXT: Final = (928, 33, 3, 13, 88, None, None, None)


def task_rows() -> tuple[TaskRow, ...]:
    rows = []
    for row, last, minutes in zip(_ROWS, _LAST, _NEXT, strict=True):
        task, status, target, words, expression, code, tags = row
        run = (
            LastRun(id=48213, status=last[0], at=NOW - timedelta(minutes=last[1]), seconds=last[2], note=last[3])
            if last
            else None
        )
        rows.append(
            TaskRow(
                task=task,
                status=status,
                target=target,
                words=words,
                expression=expression,
                tags=tags,
                bars=bars(code),
                last=run,
                next_at=None if minutes is None else NOW + timedelta(minutes=minutes),
                since=NOW - timedelta(days=2) if status in {"paused", "parked"} else None,
            )
        )
    return tuple(rows)


def tasks() -> TasksPage:
    to = LINKS.to
    undo = Undo(label="Undo", href=to("task_resume", task_id=9))
    return TasksPage(
        shell=shell(
            notices=(
                Notice(status="ok", title="Paused “Import driver roster”", text="It keeps its schedule.", undo=undo),
                Notice(status="failed", title="Could not start “Fetch carrier rates”", text="It is parked."),
            )
        ),
        rows=task_rows(),
        total=48,
        tabs=(
            Tab(label="All", href=to("tasks"), count=48, current=True),
            Tab(label="Failing", href=to("tasks", view="failing"), count=4),
            Tab(label="Paused", href=to("tasks", view="paused"), count=5),
        ),
        filters=filters(),
        orders=(
            Order(key="failing", label="Failing first", href=to("tasks"), current=True),
            Order(key="name", label="Name", href=to("tasks", sort="name"), direction="ascending"),
            Order(key="next", label="Next run", href=to("tasks", sort="next")),
            Order(key="last", label="Last run", href=to("tasks", sort="last")),
        ),
        pager=Pager(older=to("tasks", after="11")),
        back=to("tasks"),
    )


def points() -> tuple[Point, ...]:
    def outcome(number: int) -> Outcome:
        return (
            "bad"
            if number in {17, 41, 57, 58, 59}
            else "retry"
            if number in {23, 36}
            else "cancel"
            if number == 50
            else "ok"
        )

    return tuple(
        Point(
            48154 + n,
            NOW - timedelta(days=60 - n),
            238 + (n * 37) % 60 + (240 if outcome(n) == "bad" else 0),
            outcome(n),
        )
        for n in range(60)
    )


def schedule() -> Schedule:
    fires = tuple(datetime(2026, 5, day, 4, 0, tzinfo=UTC) for day in (15, 18, 19, 20, 21))
    return Schedule(
        words="Weekdays at 06:00",
        expression="0 6 * * 1-5",
        zone=BERLIN,
        zone_key="Europe/Berlin",
        fires=fires,
        week=fires[:4],
        notes=("On 25 Oct the clocks go back; 06:00 is not affected.",),
    )


def task() -> TaskPage:
    own = tuple(dataclasses.replace(row, task=PAYMENTS) for row in runs()[1:])
    return TaskPage(
        shell=shell(watch="task:1"),
        task=PAYMENTS,
        status="failing",
        status_words="Failing, 3 in a row",
        target="tidewater.finance.payments:reconcile",
        schedule=schedule(),
        tags=("finance", "critical"),
        description="Matches bank payments with open invoices and posts them to the ledger.",
        failing=Failing(
            title="The last 3 runs failed with the same error.",
            text="LedgerMismatch, first seen Tue 12 May at 06:08.",
            run_id=48213,
        ),
        paused=Pause(by="Leïla Haddad", at=NOW - timedelta(days=2), reason="The bank changes its format this week."),
        parked=Parking(reason="no module named 'tidewater.finance'", at=NOW - timedelta(hours=3)),
        points=points(),
        runs=own,
        runs_tabs=(
            Tab(label="All", href="/tasks/1#runs", current=True),
            Tab(label="Failed", href="/tasks/1?runs=failed#runs"),
            Tab(label="By hand", href="/tasks/1?runs=manual#runs"),
        ),
        runs_pager=Pager(older="/tasks/1?before=46954#runs"),
        ledger=(
            LedgerRow(planned_at=NOW - timedelta(hours=8), status="failed", reason="It ran on time.", run_id=48213),
            LedgerRow(
                planned_at=NOW - timedelta(days=1),
                status="skipped",
                words="Skipped, overlap",
                reason="The run before it, started at 05:58, was still going, and the task skips then.",
            ),
            LedgerRow(
                planned_at=NOW - timedelta(days=9),
                last_planned_at=NOW - timedelta(days=2),
                count=6,
                status="missed",
                reason="No server was running between Tue 5 May and Tue 12 May; only the latest one is made up.",
            ),
        ),
        ledger_tabs=(
            Tab(label="All", href="/tasks/1#times", current=True),
            Tab(label="Skipped", href="/tasks/1?times=skipped#times"),
            Tab(label="Missed", href="/tasks/1?times=missed#times"),
        ),
        ledger_pager=Pager(newer="/tasks/1#times", older="/tasks/1?times_before=3#times"),
        policies=(
            Fact(label="Retries", text="up to 3 attempts, waiting 1, then 2 min"),
            Fact(label="Time limit", text="20 min per attempt"),
            Fact(label="If still running", text="skip the new run"),
            Fact(label="If missed", text="run once when back"),
        ),
        parameters=(Parameter(name="ledger", value='"eu-main"'), Parameter(name="lookback_days", value="3")),
        about=(Fact(label="Number", text="1", code=True), Fact(label="Added", text="Mon 5 Jan 2026 by import crontab")),
        told=Told(
            rules=(RuleLine(id=3, words="If any task fails, tell its owner by e-mail, every time", is_on=True),),
            lengths=(Option(value="1h", label="An hour"), Option(value="1d", label="A day")),
            held_until=NOW + timedelta(hours=4),
            held_id=2,
            is_all=True,
        ),
    )


def task_new() -> TaskPage:
    """Return a task that has not run yet, in another zone than the viewer's."""
    there = ZoneInfo("America/St_Johns")
    plan = dataclasses.replace(schedule(), zone=there, zone_key="America/St_Johns", notes=(), week=())
    return TaskPage(
        told=Told(rules=(), lengths=(Option(value="1h", label="An hour"),)),
        shell=shell(may_act=False),
        task=named(12, "Depot scorecards", "command"),
        status="active",
        status_words="Active",
        target="/opt/bin/score --all",
        schedule=plan,
    )
