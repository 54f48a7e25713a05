"""Make the overview of a busy Thursday."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from horarium.web.charts.parts import Outcome
from horarium.web.charts.strip import Lane, Mark, Quarter, Rail
from horarium.web.views.overview import (
    AttentionRow,
    DayCounts,
    Figure,
    NextRow,
    OverviewPage,
    RunningRow,
    Strip,
    StripLane,
)
from tests.web.sample_parts import (
    CUSTOMS,
    EXPORT,
    IMAGES,
    LINKS,
    MODEL,
    NOW,
    PAYMENTS,
    RATES,
    TODAY,
    at,
    bars,
    named,
    runs,
    shell,
)


def mark(minute: float, minutes: float, outcome: Outcome, task: str) -> Mark:
    return Mark(
        start=at(minute), length=timedelta(minutes=minutes), outcome=outcome, task=task, href=LINKS.to("run", run_id=9)
    )


def strip() -> Strip:
    rates = [
        mark(5 + 60 * hour, 2, "plan" if hour > 14 else "timeout" if hour > 11 else "ok", "Fetch carrier rates")
        for hour in range(24)
    ]
    lanes = [
        (
            "finance",
            6,
            Lane(
                [
                    mark(90, 6, "ok", "Ledger snapshot"),
                    mark(360, 8, "bad", "Reconcile payments"),
                    mark(420, 4, "ok", "Dunning letters"),
                    mark(540, 3, "ok", "Bank statement import"),
                    mark(975, 3, "plan", "Refresh exchange rates"),
                    mark(1080, 4, "plan", "Send invoices to the bank"),
                    mark(1320, 26, "plan", "Month-to-date close"),
                ]
            ),
        ),
        (
            "warehouse",
            9,
            Lane(
                [
                    mark(20, 14, "ok", "Stock snapshot"),
                    mark(300, 32, "ok", "Slotting plan"),
                    mark(614, 3, "bad", "Export orders"),
                    mark(870, 15, "run", "Export orders"),
                    mark(960, 22, "plan", "Slotting plan"),
                ],
                [Rail(task="Export orders", start=TODAY.start, end=TODAY.end)],
            ),
        ),
        (
            "customs",
            4,
            Lane(
                [mark(138, 3, "bad", "Customs status feed"), mark(505, 3, "retry", "Customs status feed")],
                [Rail(task="Customs status feed", start=TODAY.start, end=TODAY.end)],
            ),
        ),
        ("pricing", 5, Lane(rates)),
        (
            "models",
            3,
            Lane(
                [
                    mark(240, 58, "ok", "Train arrival-time model"),
                    mark(828, 66, "run", "Train arrival-time model"),
                    mark(1200, 21, "plan", "Score open shipments"),
                ]
            ),
        ),
        (
            "content",
            7,
            Lane(
                [
                    mark(0, 6, "ok", "Mirror product images"),
                    mark(240, 7, "skip", "Mirror product images"),
                    mark(480, 9, "cancel", "Mirror product images"),
                    mark(700, 7, "miss", "Mirror product images"),
                    mark(960, 7, "plan", "Mirror product images"),
                ]
            ),
        ),
    ]
    quarters = tuple(
        Quarter(ok=3 + (q * 7) % 5, bad=int(q in {9, 24, 40, 56})) if q < 58 else Quarter(planned=3 + (q * 5) % 4)
        for q in range(96)
    )
    return Strip(
        lanes=tuple(
            StripLane(label=label, tasks=n, href=LINKS.to("tasks", tag=label), lane=lane) for label, n, lane in lanes
        ),
        quarters=quarters,
    )


def overview() -> OverviewPage:
    figures = (
        Figure(
            label="Success rate",
            parts=(("97.8", "%"),),
            delta="0.9 points on last week",
            delta_icon="down",
            delta_bad=True,
            course=(99.1, 98.9, 99.2, 98.8, 98.1, 97.8),
            course_words="Success rate over 16 days, from 99.1 to 97.8 percent",
            tone="ok",
        ),
        Figure(
            label="Duration, median",
            parts=(("8.4", "s"),),
            delta="unchanged",
            delta_icon="minus",
            course=(8.2, 8.4, 8.1, 8.5),
            course_words="Median duration over 16 days, steady at 8.4 seconds",
        ),
        Figure(
            label="Duration, 95th percentile",
            parts=(("1", "m"), ("52", "s")),
            delta="11 s on last week",
            delta_icon="up",
            course=(96, 98, 101, 112),
            course_words="95th percentile over 16 days",
        ),
        Figure(
            label="Started on time",
            parts=(("99.9", "%"),),
            delta="0.3 s median lag",
            course=(0.3, 0.3, 1.1, 0.3),
            course_words="Scheduler lag over 16 days",
            tone="lapis",
        ),
    )
    return OverviewPage(
        shell=shell(),
        day=TODAY,
        has_tasks=True,
        previous=LINKS.to("overview", day="2026-05-13"),
        next=LINKS.to("overview", day="2026-05-15"),
        today=LINKS.to("overview"),
        counts=DayCounts(succeeded=398, failed=6, skipped=8, running=3, to_come=268),
        strip=strip(),
        figures=figures,
        running=(
            RunningRow(
                id=48362,
                task=MODEL,
                note="Joon-ho Park started it by hand",
                since=NOW - timedelta(minutes=44),
                usual=3420,
            ),
            RunningRow(id=48366, task=EXPORT, note="on schedule", since=NOW - timedelta(seconds=128), usual=250),
            RunningRow(
                id=48363,
                task=named(22, "Catalogue feed"),
                note="on schedule, second attempt",
                since=NOW - timedelta(minutes=8),
                usual=360,
                status="retrying",
            ),
            RunningRow(
                id=48364,
                task=named(26, "Depot scorecards"),
                note="for the first time",
                since=NOW - timedelta(minutes=1),
            ),
        ),
        attention=(
            AttentionRow(
                task=PAYMENTS,
                status="failed",
                what="failed 3 times, last 8 h ago",
                why="LedgerMismatch: 3 of 1,204 payments have no matching invoice",
                href=LINKS.to("run", run_id=48213),
                bars=bars("54554655x5465r555xxx"),
            ),
            AttentionRow(
                task=RATES,
                status="timeout",
                what="timed out 3 times, last 27 min ago",
                why="No answer from rates.carriers.example within 30 s",
                href=LINKS.to("run", run_id=48361),
                bars=bars("333x33x3333x33x33xxx"),
            ),
            AttentionRow(
                task=named(23, "Depot heartbeat, Gdańsk"),
                status="parked",
                what="parked since Tuesday",
                why="No module named 'tidewater.depots'",
                href=LINKS.to("task", task_id=23),
            ),
        ),
        next_up=tuple(
            NextRow(at=NOW + timedelta(minutes=m), task=task, note=note)
            for m, task, note in [
                (2.9, CUSTOMS, ""),
                (13, EXPORT, "waits if still running"),
                (28, RATES, ""),
                (60 * 24, IMAGES, ""),
            ]
        ),
        recent=runs()[2:8],
    )


def overview_empty() -> OverviewPage:
    return dataclasses.replace(
        overview(),
        counts=DayCounts(),
        strip=Strip(lanes=(), quarters=()),
        figures=(),
        running=(),
        attention=(),
        next_up=(),
        recent=(),
    )
