"""Look at the store once for all open streams: who may still read, what happened, what was printed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from horarium.accounts.sessions import Sessions, SignedIn
from horarium.records.reach import Place, Reach
from horarium.records.runs import Event, Line
from horarium.states import EventKind
from horarium.store.books.events import EventBook
from horarium.store.books.history import HistoryBook
from horarium.store.books.output import OutputBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Store, Transaction

MOST_EVENTS = 1000
MOST_LINES = 500
# What happens to the house itself everybody may hear of; what happens to tasks only who sees them.
_OF_TASKS = frozenset({EventKind.RUNS_PLANNED.value, EventKind.OCCURRENCES_SKIPPED.value, EventKind.TASK_ADDED.value})


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look found; `lines` is by run and attempt.

    `places` says where the tasks belong that the events are about, `planned` which tasks the runs are of that an event
    about several of them tells of.
    """

    people: Mapping[str, SignedIn]
    events: list[Event]
    places: Mapping[int, Place] = field(default_factory=dict)
    planned: Mapping[int, frozenset[int]] = field(default_factory=dict)
    lines: dict[tuple[int, int], list[Line]] = field(default_factory=dict)


def look(
    store: Store,
    sessions: Sessions,
    *,
    keys: Collection[str],
    cursor: int,
    wanted: Mapping[tuple[int, int], int],
    also: Collection[int] = (),
) -> Sight:
    """Look for events after `cursor` and for lines of the `wanted` attempts after the given numbers.

    `also` are tasks whose places are asked for besides those of the events.

    Events and lines come from one snapshot, so that nobody hears of a run's end before its last line.
    """
    people = sessions.living(keys)
    with store.reading() as tx:
        events = EventBook(tx).after(cursor, most=MOST_EVENTS)
        is_narrow = any(not each.identity.reach.everything for each in people.values())
        places, planned = whereabouts(tx, events, also=also) if is_narrow else ({}, {})
        output = OutputBook(tx)
        lines = {
            (run_id, attempt): output.lines(run_id, attempt, after=after, most=MOST_LINES)
            for (run_id, attempt), after in wanted.items()
        }
    return Sight(people, events, places, planned, lines)


def latest(store: Store) -> int:
    """Return the number of the newest event before which none can appear any more."""
    with store.reading() as tx:
        return EventBook(tx).settled_id()


def missed(store: Store, after: int, reach: Reach) -> tuple[list[Event], bool]:
    """Return the events after one that a returning page has seen, as far as its reader sees their tasks.

    Says too whether there were more than are told one by one.
    """
    with store.reading() as tx:
        events = EventBook(tx).after(after, most=MOST_EVENTS)
        places, planned = ({}, {}) if reach.everything else whereabouts(tx, events)
    return [each for each in events if is_seen(each, reach, places, planned)], len(events) >= MOST_EVENTS


def is_seen(event: Event, reach: Reach, places: Mapping[int, Place], planned: Mapping[int, frozenset[int]]) -> bool:
    """Tell whether somebody with this reach may hear of an event: of others' tasks they hear nothing at all."""
    if reach.everything:
        return True
    tasks = planned.get(event.id, frozenset()) if event.task_id is None else frozenset({event.task_id})
    if not tasks:
        return event.kind not in _OF_TASKS
    return any(task in places and reach.covers(places[task]) for task in tasks)


def whereabouts(
    tx: Transaction, events: Collection[Event], *, also: Collection[int] = ()
) -> tuple[dict[int, Place], dict[int, frozenset[int]]]:
    """Return where the tasks of events belong, and the tasks of those events that tell of several at once."""
    planned: dict[int, frozenset[int]] = {}
    for event in events:
        if event.task_id is not None:
            continue
        if event.kind == EventKind.RUNS_PLANNED:
            first, count = int(event.body.get("first", 0)), int(event.body.get("count", 0))
            planned[event.id] = frozenset(HistoryBook(tx).tasks_between(first, first + count))
        elif event.kind == EventKind.OCCURRENCES_SKIPPED:
            planned[event.id] = frozenset(int(task) for task in event.body.get("tasks", ()))
    named = {event.task_id for event in events if event.task_id is not None}
    wanted = named.union(*planned.values(), also)
    return TaskBook(tx).places(sorted(wanted)), planned
