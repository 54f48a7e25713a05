"""Every state a thing can be in, one sentence each, and the moves between them that are allowed."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    """It is due and waits for a node with a free place."""
    CLAIMED = "claimed"
    """A node has taken it and will start it, or has started it a moment ago."""
    RUNNING = "running"
    """An attempt is under way."""
    RETRYING = "retrying"
    """The last attempt did not succeed and the next one has its time."""
    SUCCEEDED = "succeeded"
    """It ended well."""
    FAILED = "failed"
    """It ended with an error and no attempt is left."""
    TIMED_OUT = "timed_out"
    """Its last attempt ran into the time limit."""
    CANCELLED = "cancelled"
    """Somebody, or a policy, stopped it."""
    INTERRUPTED = "interrupted"
    """The process that ran it went away in the middle."""
    SKIPPED = "skipped"
    """It was queued and then given up before it started; the reason says why."""


OPEN_STATES: Final = frozenset({RunState.QUEUED, RunState.CLAIMED, RunState.RUNNING, RunState.RETRYING})
HELD_STATES: Final = frozenset({RunState.CLAIMED, RunState.RUNNING})
FINAL_STATES: Final = frozenset(RunState) - OPEN_STATES
FAILURE_STATES: Final = frozenset({RunState.FAILED, RunState.TIMED_OUT, RunState.INTERRUPTED})

_ENDINGS = frozenset(
    {
        RunState.SUCCEEDED,
        RunState.FAILED,
        RunState.TIMED_OUT,
        RunState.CANCELLED,
        RunState.INTERRUPTED,
        RunState.RETRYING,
        RunState.QUEUED,
    }
)

RUN_MOVES: Final[dict[RunState, frozenset[RunState]]] = {
    RunState.QUEUED: frozenset({RunState.CLAIMED, RunState.CANCELLED, RunState.SKIPPED}),
    RunState.CLAIMED: _ENDINGS | {RunState.RUNNING},
    RunState.RUNNING: _ENDINGS,
    RunState.RETRYING: frozenset({RunState.CLAIMED, RunState.CANCELLED, RunState.SKIPPED}),
    **{state: frozenset() for state in FINAL_STATES},
}
"""From each state, the states a run may move to. A held run goes back to `queued` only when its node gives it up
untouched or is found dead and the task says "run again"."""


def sources_of(target: RunState) -> frozenset[RunState]:
    """Return the states from which a run may move to `target`: the update that moves it names them."""
    return frozenset(state for state, targets in RUN_MOVES.items() if target in targets)


class Reason(StrEnum):
    """Why an occurrence did not become a run, or a queued run was given up."""

    OVERLAP = "overlap"
    """The run before it was still going."""
    PAUSED = "paused"
    """The task was paused."""
    PARKED = "parked"
    """The task's target could not be loaded."""
    MISSED = "missed"
    """Nobody was there at its time, and the misfire policy leaves it out or takes a later one."""
    WINDOW = "window"
    """It was missed for longer than the catch-up window reaches back."""
    CAP = "cap"
    """More were missed than the catch-up takes in one go."""
    REPLACED = "replaced"
    """A newer run of the same task took its place."""
    REMOVED = "removed"
    """The task was removed before it started."""
    HELD = "held"
    """A backup was restored, and schedules were held until an administrator released them without making up."""
    OFF = "off"
    """The person whom it was for switched it off, or their account was closed, before it started."""


class TriggeredBy(StrEnum):
    """What made a run."""

    SCHEDULE = "schedule"
    """Its instant came."""
    CATCH_UP = "catch_up"
    """Its instant was missed and the misfire policy made it up."""
    MANUAL = "manual"
    """A person or a program asked for it."""


class TaskKind(StrEnum):
    """What a task does when it runs."""

    PYTHON = "python"
    """Call an importable function, or one that the program handed over."""
    COMMAND = "command"
    """Run a program with arguments."""


class Isolation(StrEnum):
    """Where a Python function runs."""

    THREAD = "thread"
    """In a thread of the process that schedules; it can be asked to stop, not forced."""
    PROCESS = "process"
    """In a separate process that can be ended with all its children."""


class MisfirePolicy(StrEnum):
    """What to do about occurrences that were missed while nobody was there."""

    SKIP = "skip"
    """Leave them all out."""
    LAST = "last"
    """Run the latest one, leave the others out."""
    ALL = "all"
    """Run each one inside the window, up to the cap."""


class OverlapPolicy(StrEnum):
    """What to do when the previous run of the task is still going."""

    SKIP = "skip"
    """Leave the new one out."""
    QUEUE = "queue"
    """Start the new one when the old one has ended."""
    REPLACE = "replace"
    """Stop the old one and start the new one."""
    ALLOW = "allow"
    """Let up to N go side by side."""


class NodeState(StrEnum):
    """Where a scheduling or executing process stands."""

    ALIVE = "alive"
    """It renews its lease."""
    STOPPED = "stopped"
    """It said goodbye."""
    DEAD = "dead"
    """Its lease ran out or its process is gone; its work has been taken away."""


class CheckState(StrEnum):
    """Where a check stands that waits to be called from outside."""

    NEW = "new"
    """Nobody has called yet; it is not missed before its first call."""
    UP = "up"
    """The last call came in time."""
    LATE = "late"
    """A call is overdue, and the grace is not over."""
    DOWN = "down"
    """No call came within the grace, or one said that it failed."""
    PAUSED = "paused"
    """Nobody is told anything until it is resumed."""


class SilenceCause(StrEnum):
    """Why the scheduler counts as silent."""

    GONE = "gone"
    """No scheduler has given a sign of life."""
    OVERDUE = "overdue"
    """A scheduler is there, and what is due does not start."""
    STUCK = "stuck"
    """A scheduler found that its own loop stands still."""
    STORE = "store"
    """The database could not be asked."""


class Stream(StrEnum):
    """Where a line of output came from."""

    STDOUT = "stdout"
    """Standard output."""
    STDERR = "stderr"
    """Standard error."""
    LOG = "log"
    """The logging module."""
    SYSTEM = "system"
    """The scheduler itself, about the attempt."""


class EventKind(StrEnum):
    """What happened, as written beside the change itself."""

    TASK_ADDED = "task.added"
    TASK_CHANGED = "task.changed"
    TASK_PAUSED = "task.paused"
    TASK_RESUMED = "task.resumed"
    TASK_PARKED = "task.parked"
    TASK_UNPARKED = "task.unparked"
    TASK_REMOVED = "task.removed"
    OCCURRENCES_SKIPPED = "occurrences.skipped"
    RUNS_PLANNED = "runs.planned"
    RUN_STARTED = "run.started"
    RUN_RETRYING = "run.retrying"
    RUN_FINISHED = "run.finished"
    RUN_CANCEL_ASKED = "run.cancel_asked"
    RUN_INTERRUPTED = "run.interrupted"
    NODE_STARTED = "node.started"
    NODE_STOPPED = "node.stopped"
    NODE_DEAD = "node.dead"
    CLOCK_JUMPED = "clock.jumped"
    CREDENTIAL_INACTIVE = "credential.inactive"
    CREDENTIAL_EXPIRING = "credential.expiring"
    BACKUP_MADE = "backup.made"
    BACKUP_FAILED = "backup.failed"
    DISK_LOW = "disk.low"
    DISK_ENOUGH = "disk.enough"
    SCHEDULER_SILENT = "scheduler.silent"
    SCHEDULER_BACK = "scheduler.back"
    STORE_DAMAGED = "store.damaged"
    HEARTBEAT_MISSED = "heartbeat.missed"
    HEARTBEAT_BACK = "heartbeat.back"
    CHANNEL_DISABLED = "channel.disabled"
    NOTICE_ASKED = "notice.asked"
    MAINTENANCE_ON = "maintenance.on"
    MAINTENANCE_OFF = "maintenance.off"
