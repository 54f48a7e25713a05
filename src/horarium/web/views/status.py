"""Name the statuses that people see: each has a word and a shape, and never its colour alone."""

from __future__ import annotations

from typing import Final, Literal

from horarium.web.charts.parts import Outcome

Status = Literal[
    "ok",
    "failed",
    "failing",
    "running",
    "queued",
    "retrying",
    "timeout",
    "cancelled",
    "interrupted",
    "skipped",
    "missed",
    "paused",
    "parked",
    "active",
    "late",
    "planned",
    "ended",
]
"""What stands beside a task, a run or a planned time."""

WORDS: Final[dict[Status, str]] = {
    "ok": "Succeeded",
    "failed": "Failed",
    "failing": "Failing",
    "running": "Running",
    "queued": "Queued",
    "retrying": "Retrying",
    "timeout": "Timed out",
    "cancelled": "Cancelled",
    "interrupted": "Interrupted",
    "skipped": "Skipped",
    "missed": "Missed",
    "paused": "Paused",
    "parked": "Parked",
    "active": "Active",
    "late": "Late",
    "planned": "Planned",
    "ended": "Ended",
}
ICONS: Final[dict[Status, str]] = {
    "ok": "st-ok",
    "failed": "st-failed",
    "failing": "st-failed",
    "running": "st-running",
    "queued": "st-queued",
    "retrying": "st-retrying",
    "timeout": "st-timeout",
    "cancelled": "st-cancelled",
    "interrupted": "st-interrupted",
    "skipped": "st-skipped",
    "missed": "st-missed",
    "paused": "st-paused",
    "parked": "st-parked",
    "active": "st-active",
    "late": "clock",
    "planned": "st-queued",
    "ended": "check",
}
OF_STATE: Final[dict[str, Status]] = {
    "queued": "queued",
    "claimed": "queued",
    "running": "running",
    "retrying": "retrying",
    "succeeded": "ok",
    "failed": "failed",
    "timed_out": "timeout",
    "cancelled": "cancelled",
    "interrupted": "interrupted",
    "skipped": "skipped",
}
"""The status of each run state, by the state's value."""

MARKS: Final[dict[Status, Outcome]] = {
    "ok": "ok",
    "failed": "bad",
    "running": "run",
    "queued": "plan",
    "retrying": "run",
    "timeout": "timeout",
    "cancelled": "cancel",
    "interrupted": "bad",
    "skipped": "skip",
    "missed": "miss",
    "planned": "plan",
}
"""How a run of each status is drawn in charts; one that needed more than one attempt and succeeded is `retry`."""
