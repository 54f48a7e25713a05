"""Decide what a lane of the horarium shows, so that it stays small however many runs a day has.

Frequent tasks become rails, above which only what did not simply go well is marked; of what still stands too close to
be told apart, the worst is shown and says how many it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from horarium.clock import from_micros, to_micros
from horarium.web.charts.day import Day
from horarium.web.charts.parts import SEVERITY, Outcome
from horarium.web.charts.strip import Lane, Mark, Rail

MOST_MARKS: Final = 120
"""Marks a lane shows at most."""
MOST_RAILS: Final = 12
"""Rails a lane shows at most before those that overlap are drawn as one."""
RAIL_EVERY: Final = 15 * 60 * 1_000_000
"""A task that comes this often or more often, in microseconds, is drawn as a rail."""
_RAIL_FROM: Final = 12
_QUIET: Final = frozenset({"ok", "plan"})


class Bunch(NamedTuple):
    """Runs or planned times of one task that stand together and alike: when the first and the last began, and ended.

    `run_id` is the newest run, None for times without one. Times in microseconds.
    """

    task_id: int
    outcome: Outcome
    many: int
    first_at: int
    last_at: int
    ended_at: int
    run_id: int | None = None


def lane_of(bunches: Iterable[Bunch], day: Day, name: Callable[[int], str], href: Callable[[Bunch], str]) -> Lane:
    """Return the lane of some tasks: `name` gives the name of a task by number, `href` where a bunch leads."""
    tasks: dict[int, list[Bunch]] = defaultdict(list)
    for each in bunches:
        tasks[each.task_id].append(each)
    kept: list[Bunch] = []
    rails: list[Rail] = []
    for task_id, own in tasks.items():
        own.sort(key=lambda each: each.first_at)
        if _is_frequent(own):
            rails += _rails(own, name(task_id))
            kept += [each for each in own if each.outcome not in _QUIET]
        else:
            kept += own
    marks = [
        Mark(
            start=from_micros(each.first_at),
            length=from_micros(max(each.ended_at, each.first_at)) - from_micros(each.first_at),
            outcome=each.outcome,
            task=name(each.task_id),
            href=href(each),
            many=each.many,
        )
        for each in _thinned(kept, day)
    ]
    return Lane(marks, _joined(rails))


def _is_frequent(ordered: Sequence[Bunch]) -> bool:
    """Tell whether what a task holds comes every quarter of an hour or more often."""
    count = sum(each.many for each in ordered)
    if count < _RAIL_FROM:
        return False
    reach = max(each.last_at for each in ordered) - ordered[0].first_at
    return reach / (count - 1) <= RAIL_EVERY


def _rails(ordered: Sequence[Bunch], task: str) -> list[Rail]:
    """Return from when to when a frequent task was on; a longer silence interrupts the rail."""
    found: list[Rail] = []
    start, last = ordered[0].first_at, ordered[0].last_at
    for each in ordered[1:]:
        if each.first_at - last > 2 * RAIL_EVERY:
            found.append(_rail(task, start, last))
            start = each.first_at
        last = max(last, each.last_at)
    return [*found, _rail(task, start, last)]


def _rail(task: str, start: int, last: int) -> Rail:
    return Rail(task=task, start=from_micros(start), end=from_micros(last + RAIL_EVERY))


def _joined(rails: list[Rail]) -> list[Rail]:
    """Return the rails, those that overlap as one where there are too many to be told apart."""
    if len(rails) <= MOST_RAILS:
        return rails
    rails.sort(key=lambda rail: rail.start)
    found = [rails[0]]
    for rail in rails[1:]:
        last = found[-1]
        if rail.start > last.end:
            found.append(rail)
        else:
            found[-1] = Rail(task=last.task, start=last.start, end=max(last.end, rail.end), many=last.many + 1)
    return found


def _thinned(bunches: list[Bunch], day: Day) -> list[Bunch]:
    """Return the bunches in order, at most `MOST_MARKS`: of those that stand together, the worst one, counted."""
    ordered = sorted(bunches, key=lambda each: (each.first_at, SEVERITY[each.outcome]))
    if len(ordered) <= MOST_MARKS:
        return ordered
    start, length = to_micros(day.start), to_micros(day.end) - to_micros(day.start)
    places: dict[int, Bunch] = {}
    for each in ordered:
        place = min(max((each.first_at - start) * MOST_MARKS // length, 0), MOST_MARKS - 1)
        there = places.get(place)
        if there is None:
            places[place] = each
        else:
            worst = each if SEVERITY[each.outcome] > SEVERITY[there.outcome] else there
            places[place] = worst._replace(many=there.many + each.many)
    return list(places.values())
