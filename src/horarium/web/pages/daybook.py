"""Read a day of runs, skipped times and times to come, counted by the store, and make its strip and its counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from horarium.clock import to_micros
from horarium.records.figures import QUARTER
from horarium.records.reach import Reach
from horarium.records.tasks import Task
from horarium.states import FAILURE_STATES, HELD_STATES, Reason, RunState
from horarium.store.books.tally import RunGroup, SkipGroup, TallyBook
from horarium.store.books.tasks import TaskBook, TaskFilter
from horarium.store.port import Transaction
from horarium.web.charts.day import Day
from horarium.web.charts.lanes import Bunch, lane_of
from horarium.web.charts.strip import Quarter
from horarium.web.links import Links
from horarium.web.pages.timing import to_come
from horarium.web.pages.wording import mark_for, skipped_as
from horarium.web.views.overview import DayCounts, Strip, StripLane
from horarium.web.views.status import MARKS

MOST_TASKS: Final = 1000
"""Tasks whose times to come are worked out, those with the next ones first."""
MOST_TO_COME: Final = 20_000
"""Times to come that are worked out in all; beyond it each task still gets its next one."""
_LANES: Final = 8
_OTHERS: Final = "Other tasks"
_ALL: Final = "Tasks"


@dataclass(frozen=True, slots=True)
class DayBook:
    """What is known of a day; `runs` counts them by state.

    `skipped` counts planned times that became no run, `ahead` those still to come: all of them, unless `more`.
    """

    day: Day
    tasks: dict[int, Task]
    bunches: list[Bunch]
    runs: Counter[str]
    skipped: int
    ahead: int
    more: bool


def read_day(tx: Transaction, day: Day, now: datetime, reach: Reach) -> DayBook:
    """Read a day, as far as `reach` covers its tasks."""
    start, end = to_micros(day.start), to_micros(day.end)
    tally = TallyBook(tx, reach)
    runs, skips = tally.runs(start, end), tally.skips(start, end)
    by_next = TaskBook(tx).page(TaskFilter(sort="next", reach=reach), limit=MOST_TASKS)
    tasks = {task.id: task for task in by_next}
    missing = {each.task_id for each in runs} | {each.task_id for each in skips}
    tasks |= TaskBook(tx).by_ids(sorted(missing - tasks.keys()))
    bunches = [_of_runs(each, to_micros(now)) for each in runs] + [_of_skips(each) for each in skips]
    states = Counter[str]()
    for each in runs:
        states[each.state] += each.many
    ahead, more = _ahead(by_next, day, now) if now < day.end else ([], False)
    count = sum(each.many for each in ahead)
    return DayBook(day, tasks, bunches + ahead, states, sum(each.many for each in skips), count, more)


def counts_of(read: DayBook, running: int) -> DayCounts:
    """Return how the runs of the day stand; `running` are the ones that go on now."""
    return DayCounts(
        succeeded=read.runs[RunState.SUCCEEDED],
        failed=sum(read.runs[state] for state in FAILURE_STATES),
        skipped=read.skipped + read.runs[RunState.SKIPPED],
        running=running,
        to_come=read.ahead,
        more_to_come=read.more,
    )


def strip_of(read: DayBook, links: Links) -> Strip:
    """Return the day as lanes by tag and the load per quarter of an hour."""
    labels = _labels(read)
    bunches: dict[str, list[Bunch]] = defaultdict(list)
    for each in read.bunches:
        bunches[labels[each.task_id]].append(each)
    sizes = Counter(labels.values())
    names = {task.id: task.name for task in read.tasks.values()}
    lanes = tuple(
        StripLane(
            label=label,
            tasks=sizes[label],
            href=links.to("tasks", tag=None if label in {_OTHERS, _ALL} else label),
            lane=lane_of(bunches[label], read.day, names.__getitem__, partial(_href, links)),
        )
        for label in sorted(sizes, key=lambda label: (label in {_OTHERS, _ALL}, label.casefold()))
    )
    return Strip(lanes=lanes, quarters=_quarters(read))


def _of_runs(each: RunGroup, now: int) -> Bunch:
    held = each.state in HELD_STATES or each.state == RunState.RETRYING
    outcome = mark_for(RunState(each.state), is_retried=each.is_retried)
    return Bunch(
        each.task_id, outcome, each.many, each.first_at, each.last_at, now if held else each.ended_at, each.newest
    )


def _of_skips(each: SkipGroup) -> Bunch:
    outcome = MARKS[skipped_as(Reason(each.reason))]
    return Bunch(each.task_id, outcome, max(each.many, 1), each.first_at, each.last_at, each.first_at)


def _ahead(tasks: list[Task], day: Day, now: datetime) -> tuple[list[Bunch], bool]:
    """Return the times to come, counted by task and quarter, and whether there are more."""
    start = to_micros(day.start)
    found, more = to_come(tasks, max(now, day.start), day.end, most=MOST_TO_COME)
    slots: dict[tuple[int, int], list[int]] = {}
    for task_id, instant in found:
        at = to_micros(instant)
        slot = slots.setdefault((task_id, (at - start) // QUARTER), [0, at, at])
        slot[0] += 1
        slot[2] = at
    bunches = [Bunch(task_id, "plan", many, one, last, one) for (task_id, _), (many, one, last) in slots.items()]
    return bunches, more or len(tasks) == MOST_TASKS


def _href(links: Links, each: Bunch) -> str:
    if each.run_id is not None:
        return links.to("run", run_id=each.run_id)
    return links.to("task", "" if each.outcome == "plan" else "times", task_id=each.task_id)


def _labels(read: DayBook) -> dict[int, str]:
    """Return the lane of each task: its first tag, as long as the tag is one of the most frequent."""
    tags = Counter(task.definition.tags[0] for task in read.tasks.values() if task.definition.tags)
    kept = {tag for tag, _ in tags.most_common(_LANES - 1)}
    rest = _OTHERS if kept else _ALL
    return {
        task.id: task.definition.tags[0] if task.definition.tags and task.definition.tags[0] in kept else rest
        for task in read.tasks.values()
    }


def _quarters(read: DayBook) -> tuple[Quarter, ...]:
    """Return the load per quarter of an hour; what stands outside the day counts at its edge."""
    start = to_micros(read.day.start)
    many = max(1, (to_micros(read.day.end) - start) // QUARTER)
    ok, bad, planned = Counter[int](), Counter[int](), Counter[int]()
    kinds = {"ok": ok, "retry": ok, "run": ok, "bad": bad, "timeout": bad, "plan": planned}
    for each in read.bunches:
        kind = kinds.get(each.outcome)
        if kind is not None:
            kind[min(max((each.first_at - start) // QUARTER, 0), many - 1)] += each.many
    return tuple(Quarter(ok[place], bad[place], planned[place]) for place in range(many))
