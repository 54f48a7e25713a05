"""Turn events into what somebody may be told of: what happened, to what, with the few facts that help."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from horarium.clock import from_micros
from horarium.notify.facts import at_mark, in_words
from horarium.notify.lines import one_line
from horarium.notify.rules import Happening
from horarium.records.notices import NoticeKind
from horarium.records.reach import Place
from horarium.records.runs import Event, Run
from horarium.records.tasks import Task
from horarium.states import FAILURE_STATES, EventKind, RunState
from horarium.store.books.watching import Streak

log = logging.getLogger("horarium.notify")

ENDED_BY_SUCCESS: Final = frozenset(
    {NoticeKind.FAILED, NoticeKind.LATE, NoticeKind.STUCK, NoticeKind.TOO_LONG, NoticeKind.NEVER_STARTED}
)
"""What is over for a task when a run of it went well."""
MOST_WORDS: Final = 1000
_GOOD: Final = (RunState.SUCCEEDED.value,)
_BAD: Final = frozenset(state.value for state in FAILURE_STATES)


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows about what events name."""

    tasks: Mapping[int, Task]
    runs: Mapping[int, Run]
    wants_success: bool = False


@dataclass(slots=True)
class Streaks:
    """Which tasks are failing, moved on event by event."""

    now: dict[int, Streak]
    over: set[int] = field(default_factory=set)

    def fail(self, task_id: int, at: datetime) -> Streak:
        """Note a failure; return the streak it belongs to."""
        before = self.now.get(task_id)
        made = Streak(task_id, 1, at, at) if before is None else replace(before, many=before.many + 1, last_at=at)
        self.now[task_id] = made
        self.over.discard(task_id)
        return made

    def end(self, task_id: int) -> Streak | None:
        """Note a success; return the streak that it ends."""
        self.over.add(task_id)
        return self.now.pop(task_id, None)


def happenings_of(events: Iterable[Event], known: Known, streaks: Streaks) -> list[Happening]:
    """Return what happened, in order; `streaks` are moved on."""
    found: list[Happening] = []
    for event in events:
        try:
            found += _happened(event, known, streaks)
        except (KeyError, TypeError, ValueError, AttributeError):
            # Whoever wrote it meant something else: the others are told all the same.
            log.exception("Event %d of kind %s cannot be told", event.id, event.kind, extra={"word": "notice.fault"})
    return found


def _happened(event: Event, known: Known, streaks: Streaks) -> list[Happening]:
    match event.kind:
        case EventKind.RUN_FINISHED:
            return _ended(event, known, streaks)
        case EventKind.OCCURRENCES_SKIPPED:
            return _missed(event, known)
        case EventKind.TASK_PARKED | EventKind.TASK_UNPARKED | EventKind.TASK_CHANGED:
            return _parked(event, known)
        case EventKind.NOTICE_ASKED:
            return _asked(event, known, streaks)
        case _:
            return [_plain(event)] if event.kind in _PLAIN else []


def tasks_in(events: Iterable[Event]) -> set[int]:
    """Return the tasks that events name."""
    found = {event.task_id for event in events if event.task_id is not None}
    return found | {
        int(row[0])
        for event in events
        if event.kind == EventKind.OCCURRENCES_SKIPPED
        for row in event.body.get("missed", ())
    }


def runs_in(events: Iterable[Event], *, of_success: Collection[int] | None) -> set[int]:
    """Return the runs that events name; of those that went well only these tasks' (None: all)."""
    return {
        event.run_id
        for event in events
        if event.run_id is not None
        and (event.body.get("state") not in _GOOD or of_success is None or event.task_id in of_success)
    }


def of_task(task: Task, kind: NoticeKind, at: datetime, **rest: Any) -> Happening:
    """Return something that happened to a task."""
    return Happening(
        kind=kind,
        subject=f"task:{task.id}",
        name=task.name,
        at=at,
        task_id=task.id,
        place=task.place,
        tags=frozenset(task.definition.tags),
        **{"path": f"/tasks/{task.id}", **rest},
    )


def run_facts(run: Run | None, streak: int = 1) -> dict[str, str]:
    """Return what helps about a run; instants are told in the reader's zone later."""
    if run is None:
        return {}
    took = run.duration
    facts = {
        "Run": str(run.id),
        "Planned": "" if run.planned_at is None else at_mark(run.planned_at),
        "Started by": run.actor if run.planned_at is None else "",
        "Ended": "" if run.finished_at is None else at_mark(run.finished_at),
        "Took": "" if took is None else in_words(took.total_seconds()),
        "Attempts": str(run.attempt) if run.attempt > 1 else "",
        "In a row": str(streak) if streak > 1 else "",
    }
    return {name: value for name, value in facts.items() if value}


def _ended(event: Event, known: Known, streaks: Streaks) -> list[Happening]:
    task, state = known.tasks.get(event.task_id or 0), str(event.body.get("state", ""))
    if task is None or task.removed_at is not None:
        return []
    run = known.runs.get(event.run_id or 0)
    path = f"/runs/{event.run_id}"
    if state in _BAD:
        streak = streaks.fail(task.id, event.at)
        facts = run_facts(run, streak.many)
        rest = {"words": _failure(run, state), "facts": facts, "path": path, "run_id": event.run_id}
        return [of_task(task, NoticeKind.FAILED, event.at, streak=streak.many, **rest)]
    if state not in _GOOD:
        return []
    ended = streaks.end(task.id)
    many = 0 if ended is None else ended.many
    rest = {"facts": run_facts(run), "path": path, "run_id": event.run_id}
    well = {"words": "" if ended is None else _after(many), "since": None if ended is None else ended.first_at}
    found = [of_task(task, NoticeKind.RECOVERED, event.at, streak=many, ends=ENDED_BY_SUCCESS, **well, **rest)]
    if known.wants_success:
        found.append(of_task(task, NoticeKind.SUCCEEDED, event.at, **rest))
    return found


def _failure(run: Run | None, state: str) -> str:
    if run is not None and run.failure is not None:
        return f"{run.failure.type}: {run.failure.message}".strip(": \n")[:MOST_WORDS]
    reason = "" if run is None else run.reason
    words = {"timed_out": "It ran into its time limit.", "interrupted": "It was cut off in the middle."}
    return (reason or words.get(state, "It did not succeed."))[:MOST_WORDS]


def _after(many: int) -> str:
    return "It works again, after one failure." if many == 1 else f"It works again, after {many:,} failures in a row."


def _missed(event: Event, known: Known) -> list[Happening]:
    found = []
    for task_id, count, first, last in event.body.get("missed", ()):
        task = known.tasks.get(task_id)
        if task is None or task.removed_at is not None or task.is_paused:
            continue
        facts = (
            {"Planned": at_mark(from_micros(first))}
            if count == 1
            else {
                "First": at_mark(from_micros(first)),
                "Last": at_mark(from_micros(last)),
            }
        )
        words = "Nobody was there to run it." if count == 1 else f"Nobody was there for {count:,} planned times."
        found.append(
            of_task(task, NoticeKind.NEVER_STARTED, event.at, words=words, facts=facts, mark=f"due:{last}", many=count)
        )
    return found


def _parked(event: Event, known: Known) -> list[Happening]:
    task = known.tasks.get(event.task_id or 0)
    if task is None or task.removed_at is not None:
        return []
    if event.kind == EventKind.TASK_PARKED:
        reason = str(event.body.get("reason", ""))[:MOST_WORDS]
        return [of_task(task, NoticeKind.PARKED, event.at, words=reason or "Its target could not be loaded.")]
    if task.is_parked:
        return []
    ends = frozenset({NoticeKind.PARKED})
    return [of_task(task, NoticeKind.RECOVERED, event.at, words="It is no longer parked.", ends=ends)]


def _asked(event: Event, known: Known, streaks: Streaks) -> list[Happening]:
    """Return what a program wants told: about a task that is known here, or something that only it knows."""
    body = event.body
    task, kind = known.tasks.get(event.task_id or 0), NoticeKind(body["kind"])
    facts = {str(name): str(value) for name, value in body.get("facts", {}).items()}
    rest: dict[str, Any] = {"words": str(body.get("words", ""))[:MOST_WORDS], "facts": facts}
    if task is not None:
        rest |= {"path": f"/runs/{event.run_id}" if event.run_id else f"/tasks/{task.id}", "run_id": event.run_id}
        streak = streaks.now.get(task.id)
        return [of_task(task, kind, event.at, streak=streak.many if streak else 1, **rest)]
    name = str(body.get("name", ""))
    ends = frozenset({NoticeKind.FAILED}) if kind is NoticeKind.SUCCEEDED else frozenset()
    made = Happening(kind=kind, subject=f"program:{name}"[:200], name=name, at=event.at, **rest)
    if not ends:
        return [made]
    return [replace(made, kind=NoticeKind.RECOVERED, ends=ends, words="It works again."), made]


@dataclass(frozen=True, slots=True)
class _Plain:
    """What an event of a kind tells: its kind of notice, or which kinds it ends; and words where it brings none."""

    kind: NoticeKind
    name: str
    words: str
    path: str = "/system"
    ends: frozenset[NoticeKind] = frozenset()


def _back(kind: NoticeKind, name: str, words: str, path: str = "/system") -> _Plain:
    return _Plain(NoticeKind.RECOVERED, name, words, path, frozenset({kind}))


_PLAIN: Final[Mapping[str, _Plain]] = {
    EventKind.CREDENTIAL_INACTIVE: _Plain(
        NoticeKind.CREDENTIAL_INACTIVE, "credential", "It was not used for months, so no run gets it any more.", ""
    ),
    EventKind.CREDENTIAL_EXPIRING: _Plain(
        NoticeKind.CREDENTIAL_EXPIRING, "credential", "No run gets it any more from then on.", ""
    ),
    EventKind.BACKUP_FAILED: _Plain(NoticeKind.BACKUP_FAILED, "Backup", "No backup could be made."),
    EventKind.BACKUP_MADE: _back(NoticeKind.BACKUP_FAILED, "Backup", "A backup was made and proven again."),
    EventKind.DISK_LOW: _Plain(NoticeKind.DISK_LOW, "Disk", "There is little room left."),
    EventKind.DISK_ENOUGH: _back(NoticeKind.DISK_LOW, "Disk", "There is enough room again."),
    EventKind.SCHEDULER_SILENT: _Plain(NoticeKind.SCHEDULER_SILENT, "Scheduler", "What is due does not start."),
    EventKind.SCHEDULER_BACK: _back(NoticeKind.SCHEDULER_SILENT, "Scheduler", "It works again."),
    EventKind.STORE_DAMAGED: _Plain(NoticeKind.STORE_DAMAGED, "Database", "Damage was found: restore a backup."),
    EventKind.HEARTBEAT_MISSED: _Plain(NoticeKind.HEARTBEAT_MISSED, "Check", "Its call did not come.", ""),
    EventKind.HEARTBEAT_BACK: _back(NoticeKind.HEARTBEAT_MISSED, "Check", "It called again.", ""),
    EventKind.CHANNEL_DISABLED: _Plain(
        NoticeKind.CHANNEL_DISABLED, "Channel", "It refused messages for good and gets no more.", "/notifications"
    ),
}
_OF_CHECKS: Final = frozenset({EventKind.HEARTBEAT_MISSED, EventKind.HEARTBEAT_BACK})
_SUBJECTS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "credential": lambda body: f"credential:{body.get('credential', body.get('credential_id', ''))}",
    "heartbeat": lambda body: f"check:{body.get('check', body.get('id', ''))}",
    "channel": lambda body: f"channel:{body.get('channel', '')}",
    "disk": lambda body: f"disk:{body.get('place', '')}",
}
NEWS: Final = (
    EventKind.RUN_FINISHED,
    EventKind.OCCURRENCES_SKIPPED,
    EventKind.TASK_PARKED,
    EventKind.TASK_UNPARKED,
    EventKind.TASK_CHANGED,
    EventKind.NOTICE_ASKED,
    *(EventKind(kind) for kind in _PLAIN),
)
"""The events that somebody may be told of."""


def _facts(body: Mapping[str, Any]) -> dict[str, str]:
    facts = {str(name): str(value) for name, value in (body.get("facts") or {}).items()}
    return facts if "ends_at" not in body else {"Ends": at_mark(from_micros(body["ends_at"])), **facts}


def _plain(event: Event) -> Happening:
    """Return what an event without a task tells.

    Its body may bring `name`, `words`, `path`, `facts`, `mark`, `ends_at`, and whose it is: `owner_id`, `project_id`.
    """
    means, body = _PLAIN[event.kind], event.body
    room = event.kind.partition(".")[0]
    subject_of = _SUBJECTS.get(room)
    return Happening(
        kind=means.kind,
        subject=room if subject_of is None else subject_of(body),
        name=one_line(str(body.get("name") or means.name)),
        at=event.at,
        words=str(body.get("words") or means.words)[:MOST_WORDS],
        facts=_facts(body),
        path=str(body.get("path") or means.path),
        mark=str(body.get("mark") or ""),
        place=Place(owner_id=body.get("owner_id") or None, project_id=body.get("project_id")),
        is_of_check=event.kind in _OF_CHECKS,
        ends=means.ends,
    )
