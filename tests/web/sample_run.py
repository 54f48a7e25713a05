"""Make the page of a run: ended with an error, going on, and waiting."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Literal

from horarium.web.charts.waterfall import Span, Stretch
from horarium.web.tracebacks import frames
from horarium.web.views.parts import (
    By,
    Fact,
    Parameter,
)
from horarium.web.views.run import AttemptTab, ErrorPanel, Log, LogLine, Progress, RunPage, Stage
from tests.web.sample_parts import BY_SCHEDULE, LINKS, MODEL, NOW, PAYMENTS, TRACEBACK, at, shell

Origin = Literal["stdout", "stderr", "log", "system"]


def lines(count: int = 19) -> tuple[LogLine, ...]:
    texts: tuple[tuple[Origin, str], ...] = (
        ("system", "Attempt 3 of 3 started on node-2 (pid 4410), Python 3.13.3"),
        ("stdout", "[payments] \x1b[34mINFO\x1b[0m  connecting to \x1b[36mwarehouse-db\x1b[0m as reconcile_ro"),
        ("stdout", "\x1b[2m[match]\x1b[0m    exact matches   \x1b[1;32m1,148\x1b[0m  95.3 %"),
        (
            "log",
            "[match]    \x1b[33mWARN\x1b[0m  no invoice for payment 81442, Hansen Shipping, value date 2026-05-11",
        ),
        ("stderr", "[payments] ERROR reconciliation stopped"),
        ("stderr", "Traceback (most recent call last):"),
        ("stderr", '  File "tidewater/finance/payments.py", line 84, in reconcile'),
        ("stderr", "LedgerMismatch: 3 of 1,204 payments have no matching invoice"),
        ("stdout", "10 %\r50 %\r100 %"),
        ("system", "Attempt 3 ended with exit 1 after 1m 36s. No attempts left."),
    )
    return tuple(
        LogLine(number=n + 1, at=NOW + timedelta(seconds=n), stream=texts[n % 10][0], text=texts[n % 10][1])
        for n in range(count)
    )


def spans() -> tuple[Span, ...]:
    stretches: tuple[tuple[str, int, int, Stretch], ...] = (
        ("In queue", 0, 17, "wait"),
        ("Attempt 1", 17, 113, "bad"),
        ("Back-off", 113, 173, "pause"),
        ("Attempt 2", 173, 262, "bad"),
        ("Back-off", 262, 382, "pause"),
        ("Attempt 3", 382, 478, "bad"),
    )
    return tuple(
        Span(label, at(360) + timedelta(seconds=a), at(360) + timedelta(seconds=b), kind)
        for label, a, b, kind in stretches
    )


def run_ended() -> RunPage:
    tabs = tuple(
        AttemptTab(number=n, status="failed", href=LINKS.to("run", run_id=48213, attempt=n), current=n == 3)
        for n in (1, 2, 3)
    )
    return RunPage(
        shell=shell(watch="run:48213"),
        id=48213,
        task=PAYMENTS,
        status="failed",
        status_words="Failed after 3 attempts",
        by=BY_SCHEDULE,
        live=False,
        created_at=at(360),
        planned_at=at(360),
        started_at=at(360),
        finished_at=at(368),
        error=ErrorPanel(
            kind="LedgerMismatch",
            message="3 of 1,204 payments have no matching invoice",
            detail="raised in attempt 3 at 06:07:58",
            frames=frames(TRACEBACK),
            text=TRACEBACK,
        ),
        log=Log(
            lines=lines(),
            total=1231,
            earlier=1212,
            earlier_href=LINKS.to("run", run_id=48213, line=1),
            attempts=tabs,
            attempt=3,
            download=LINKS.to("run_log", run_id=48213),
            cut="312 lines in the middle were left out",
        ),
        spans=spans(),
        spans_words="7m 58s in all",
        timing=(
            Fact(label="Planned", text="06:00:00.000"),
            Fact(label="Started", text="06:00:17.204"),
            Fact(label="Node", text="node-2"),
        ),
        parameters=(Parameter(name="ledger", value='"eu-main"'), Parameter(name="strict", value="True", usual="False")),
        result='{"matched": 1201}',
        context=(
            Fact(label="Task", text="Reconcile payments", href=LINKS.to("task", task_id=1)),
            Fact(label="Process", text="4410", code=True),
        ),
        older=LINKS.to("run", run_id=48064),
        newer=LINKS.to("run", run_id=48300),
    )


def run_live() -> RunPage:
    log = Log(
        lines=lines(60),
        total=60,
        attempts=(AttemptTab(number=1, status="running", href="/runs/48362", current=True),),
        download="/runs/48362/log",
        live=True,
    )
    stages = (
        Stage(label="Planned", detail="13:48:02", state="done"),
        Stage(label="Queued", detail="0.4 s", state="done"),
        Stage(label="Running", detail="44m 12s on node-4", state="now", status="running"),
        Stage(label="Done", detail="about 14:45", state="later"),
    )
    return RunPage(
        shell=shell(stream="/runs/48362/log/stream?attempt=1&after=60", watch="run:48362"),
        id=48362,
        task=MODEL,
        status="running",
        status_words="Running, 44m 12s",
        by=By(words="Joon-ho Park", person=True),
        live=True,
        created_at=NOW - timedelta(minutes=44),
        started_at=NOW - timedelta(minutes=44),
        stages=stages,
        progress=Progress(
            percent=77.3, title="By what is usual", words="77 %, about 13 min left. It usually takes 57 min."
        ),
        log=log,
        spans=(Span("Attempt 1", NOW - timedelta(minutes=44), NOW, "run"),),
        spans_words="44m 12s so far",
    )


def run_new() -> RunPage:
    """Return a run that waits in the queue and has written nothing."""
    return dataclasses.replace(
        run_live(),
        status="queued",
        status_words="Queued",
        started_at=None,
        progress=None,
        spans=(),
        spans_words="",
        log=Log(live=True),
        stages=(
            Stage(label="Planned", detail="14:31", state="done"),
            Stage(label="Queued", detail="41 s so far", state="now", status="queued"),
        ),
    )
