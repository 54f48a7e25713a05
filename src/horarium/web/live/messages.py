"""Put what happened into small named events. They carry numbers, never names: the page asks for what it may see."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from horarium.records.runs import Event, Line
from horarium.states import EventKind
from horarium.web.views.run import LogLine

MOST_AT_ONCE: Final = 50
"""Above this many in one look, pages are told to load themselves once instead."""
TICK: Final = b"event: tick\ndata: {}\n\n"

_OF_TASK: Final = frozenset(
    {
        *(EventKind.TASK_ADDED, EventKind.TASK_CHANGED, EventKind.TASK_PAUSED, EventKind.TASK_RESUMED),
        *(EventKind.TASK_PARKED, EventKind.TASK_UNPARKED, EventKind.TASK_REMOVED),
        *(EventKind.OCCURRENCES_SKIPPED, EventKind.RUNS_PLANNED),
    }
)
_OF_RUN: Final = frozenset(
    {
        *(EventKind.RUN_STARTED, EventKind.RUN_RETRYING, EventKind.RUN_FINISHED),
        *(EventKind.RUN_CANCEL_ASKED, EventKind.RUN_INTERRUPTED),
    }
)
_OF_HOUSE: Final = frozenset(
    {
        *(EventKind.NODE_STARTED, EventKind.NODE_STOPPED, EventKind.NODE_DEAD, EventKind.CLOCK_JUMPED),
        *(EventKind.SCHEDULER_SILENT, EventKind.SCHEDULER_BACK, EventKind.MAINTENANCE_ON, EventKind.MAINTENANCE_OFF),
        *(EventKind.HEARTBEAT_MISSED, EventKind.HEARTBEAT_BACK),
        *(EventKind.CREDENTIAL_INACTIVE, EventKind.CREDENTIAL_EXPIRING, EventKind.CHANNEL_DISABLED),
        *(EventKind.BACKUP_MADE, EventKind.BACKUP_FAILED, EventKind.STORE_DAMAGED),
        *(EventKind.DISK_LOW, EventKind.DISK_ENOUGH, EventKind.NOTICE_ASKED),
    }
)


def message(name: str, data: str, *, number: int | None = None) -> bytes:
    """Return one event of a stream; each line of `data` becomes a line of its own, as the format asks."""
    head = f"id: {number}\n" if number is not None else ""
    body = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"{head}event: {name}\n{body}\n".encode()


def messages(events: Sequence[Event]) -> list[bytes]:
    """Return what open pages are told about `events`: each task and run once, or that there is too much to tell.

    What concerns people (who signed in, who was refused) is told to nobody here.
    """
    found: dict[tuple[str, str], int] = {}
    for event in events:
        name, ids = _told(event)
        if name:
            found.pop((name, ids), None)
            found[name, ids] = event.id
    if len(found) > MOST_AT_ONCE:
        return [message("resync", "{}", number=events[-1].id)]
    return [message(name, ids, number=number) for (name, ids), number in found.items()]


def _told(event: Event) -> tuple[str, str]:
    if event.kind in _OF_RUN and event.run_id is not None:
        return "run", json.dumps({"id": event.run_id, "task": event.task_id})
    if event.kind in _OF_TASK:
        # Batches of many tasks carry no single number; every page that shows tasks then looks for itself.
        return ("task", json.dumps({"id": event.task_id})) if event.task_id is not None else ("state", "{}")
    return ("state", "{}") if event.kind in _OF_HOUSE else ("", "")


def line_of(line: Line) -> LogLine:
    """Return a line of output as pages show it."""
    return LogLine(number=line.number, at=line.at, stream=line.stream.value, text=line.text)
