"""Judges a history by the promises: one run for an occurrence, none missing, nothing acknowledged lost.

Each promise is a function from a history to sentences about what breaks it; `violations` calls them all. A sentence
begins with the number of the promise (I1 to I9).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from horarium.states import FINAL_STATES, HELD_STATES, EventKind
from tests.faults.history import History, Row
from tests.faults.planned import planned_instants
from tests.faults.witness import BROKEN, END, START, Mark

MOST_SHOWN = 20
_FINAL = {state.value for state in FINAL_STATES}
_HELD = {state.value for state in HELD_STATES}
_AFTER_THE_END = {EventKind.RUN_STARTED, EventKind.RUN_RETRYING, EventKind.RUN_INTERRUPTED, EventKind.RUN_FINISHED}
_ENDED_BY_PAUSE = {"skipped", "cancelled"}


@dataclass(frozen=True, slots=True)
class Interval:
    """From when to when an attempt was at work, in seconds of the steady clock, as the witness saw it."""

    start: float
    end: float
    mark: Mark


def violations(history: History, *, until: int | None = None, settled: bool = True) -> list[str]:
    """Return what is wrong, one sentence each; nothing for a history that keeps every promise.

    `until` (microseconds) is the instant up to which the scheduler had time to decide; without it only what lies
    before each task's next instant is asked for. `settled` says that all work has come to rest, or the schedulers
    were stopped in order: then nothing may be held.
    """
    found = [
        *one_run_for_an_occurrence(history),
        *nothing_missing(history, until),
        *acknowledged_stays(history),
        *witness_and_store_agree(history),
        *overlap_as_allowed(history),
        *final_is_final(history),
        *attempts_rise(history),
        *(held_by_the_living(history) if not settled else nothing_held(history)),
        *(f"I8: the database says: {line}" for line in history.damage),
        *(f"I9: process {pid} is left" for pid in history.left),
    ]
    if len(found) > MOST_SHOWN:
        return [*found[:MOST_SHOWN], f"... and {len(found) - MOST_SHOWN} more"]
    return found


def one_run_for_an_occurrence(history: History) -> Iterator[str]:
    """I1: at most one run for an occurrence, and at most one start for an attempt."""
    names = history.names
    runs = {run["id"]: run for run in history.runs}
    by_occurrence = Counter((run["task_id"], run["planned_at"]) for run in runs.values() if run["planned_at"])
    for (task, planned), count in by_occurrence.items():
        if count > 1:
            yield f"I1: {names.get(task)} has {count} runs for {planned}"
    keys = Counter((row["task_id"], row["planned_at"]) for row in history.ledger)
    yield from (f"I1: {names.get(task)} has {n} outcomes for {at}" for (task, at), n in keys.items() if n > 1)
    for row in history.ledger:
        run = runs.get(row["run_id"])
        if row["run_id"] is not None and (run is None or run["planned_at"] != row["planned_at"]):
            yield f"I1: the outcome of {names.get(row['task_id'])} at {row['planned_at']} names run {row['run_id']}"
    named = {row["run_id"] for row in history.ledger}
    yield from (
        f"I1: run {run['id']} was planned and no outcome names it"
        for run in runs.values()
        if run["planned_at"] and run["id"] not in named
    )
    starts = Counter((mark.run, mark.attempt) for mark in history.marks if mark.what == START)
    yield from (f"I1: attempt {a} of run {r} began {n} times" for (r, a), n in starts.items() if n > 1)
    began = {(mark.task, mark.planned, mark.run) for mark in history.marks if mark.planned is not None}
    witnessed = Counter((task, planned) for task, planned, _ in began)
    yield from (f"I1: {task} at {at} was worked on by {n} runs" for (task, at), n in witnessed.items() if n > 1)


def nothing_missing(history: History, until: int | None) -> Iterator[str]:
    """I2: what should have happened, worked out anew, is what the ledger holds: runs and skipped ones."""
    single: dict[int, list[int]] = defaultdict(list)
    for row in history.ledger:
        single[row["task_id"]].append(row["planned_at"])
    spans: dict[int, list[Row]] = defaultdict(list)
    for row in history.spans:
        spans[row["task_id"]].append(row)
    for task in history.tasks:
        edges = [each for each in (task["removed_at"], task["next_at"], until) if each is not None]
        edge = task["removed_at"] or max(edges, default=0)
        # Where nobody says until when, and nothing is to come, the last outcome is the edge.
        edge = edge or max(single[task["id"]], default=0) + 1
        due = planned_instants(task["schedule"], task["created_at"], edge)
        yield from _compare(task["name"], due, single[task["id"]], spans[task["id"]])


def _compare(name: str, due: list[int], single: list[int], spans: list[Row]) -> Iterator[str]:
    expected, found = set(due), set(single)
    for span in spans:
        inside = {each for each in due if span["first_at"] <= each <= span["last_at"]}
        if len(inside) != span["count"]:
            yield f"I2: a stretch of {name} counts {span['count']} from {span['first_at']}, right is {len(inside)}"
        yield from (f"I2: {name} at {each} has two outcomes" for each in sorted(inside & found))
        found |= inside
    yield from (f"I2: {name} at {each} has no outcome" for each in sorted(expected - found))
    yield from (f"I2: {name} at {each} has an outcome and was never due" for each in sorted(found - expected))


def acknowledged_stays(history: History) -> Iterator[str]:
    """I3: each command that was acknowledged is in the store, and no other is half there."""
    runs = {run["id"]: run for run in history.runs}
    tasks = {task["name"]: task for task in history.tasks if task["removed_at"] is None}
    names = history.names
    asked: Counter[str] = Counter()
    latest: dict[tuple[str, str], Row] = {}
    open_questions: set[tuple[str, str]] = set()
    for line in history.client:
        subject = (line["task"], _subject(line["what"]))
        if line["said"] == "asked":
            asked[line["task"]] += line["what"] == "trigger"
            open_questions.add(subject)
            continue
        open_questions.discard(subject)
        latest[subject] = line
        if line["what"] == "trigger":
            run = runs.get(line["run"])
            if run is None or names.get(run["task_id"]) != line["task"] or run["triggered_by"] != "manual":
                yield f"I3: run {line['run']} of {line['task']} was acknowledged and is not there"
    for subject, line in latest.items():
        # A command whose answer never came may have happened or not: both are right.
        if subject not in open_questions and not _stands(line, tasks):
            yield f"I3: {line['what']} of {line['task']} was acknowledged and does not stand"
    manual = Counter(names.get(run["task_id"]) for run in history.runs if run["triggered_by"] == "manual")
    for name, count in manual.items():
        if history.client and count > asked[str(name)]:
            yield f"I3: {name} has {count} runs by hand, asked for were {asked[str(name)]}"
    yield from (f"I3: run {run['id']} is of no task" for run in history.runs if run["task_id"] not in names)


def _subject(what: str) -> str:
    return {"pause": "condition", "resume": "condition", "add": "being", "remove": "being"}.get(what, what)


def _stands(line: Row, tasks: dict[str, Row]) -> bool:
    task = tasks.get(line["task"])
    what = line["what"]
    if what == "remove":
        return task is None
    if what in {"pause", "resume"}:
        return task is not None and (task["paused_at"] is not None) == (what == "pause")
    return what != "add" or task is not None


def witness_and_store_agree(history: History) -> Iterator[str]:
    """I4: each start that was witnessed is an attempt in the store; each success was witnessed to its end."""
    runs = {run["id"]: run for run in history.runs}
    attempts = {(row["run_id"], row["number"]): row for row in history.attempts}
    testifying = {mark.task for mark in history.marks}
    names = history.names
    ended = {(mark.run, mark.attempt) for mark in history.marks if mark.what == END}
    for mark in history.marks:
        if mark.what != START:
            continue
        run = runs.get(mark.run)
        if run is None or names.get(run["task_id"]) != mark.task or run["attempt"] < mark.attempt:
            yield f"I4: {mark.task}, run {mark.run}, attempt {mark.attempt} began and the store knows no such run"
        elif (mark.run, mark.attempt) not in attempts:
            yield f"I4: attempt {mark.attempt} of run {mark.run} began and the store knows no such attempt"
    for run in runs.values():
        done = (run["id"], run["attempt"])
        if run["state"] == "succeeded" and names.get(run["task_id"]) in testifying and done not in ended:
            yield f"I4: run {run['id']} succeeded and nobody saw the end of its attempt {run['attempt']}"
    for run_id, number in ended:
        row = attempts.get((run_id, number))
        if row is not None and row["state"] == "failed":
            yield f"I4: attempt {number} of run {run_id} did well and is recorded as failed"


def overlap_as_allowed(history: History) -> Iterator[str]:
    """I5: no more attempts of a task side by side than it allows, over all processes."""
    allowed = {task["name"]: _allowed(task) for task in history.tasks}
    by_task: dict[str, list[Interval]] = defaultdict(list)
    for interval in intervals(history):
        by_task[interval.mark.task].append(interval)
    for name, found in by_task.items():
        most = allowed.get(name, 1)
        count, where = _most_at_once(found)
        if count > most:
            yield f"I5: {name} ran {count} times side by side, allowed are {most}: {where}"


def _allowed(task: Row) -> int:
    overlap = json.loads(task["policies"]).get("overlap", {})
    return int(overlap.get("limit", 1)) if overlap.get("policy") == "allow" else 1


def _most_at_once(found: Iterable[Interval]) -> tuple[int, str]:
    edges = [(each.start, 1, each.mark) for each in found] + [(each.end, -1, each.mark) for each in found]
    now = most = 0
    where = ""
    under_way: set[tuple[int, int]] = set()
    for _, step, mark in sorted(edges, key=lambda edge: edge[:2]):
        now += step
        (under_way.add if step > 0 else under_way.discard)((mark.run, mark.attempt))
        if now > most:
            most, where = now, str(sorted(under_way))
    return most, where


def intervals(history: History) -> list[Interval]:
    """Return when attempts were at work; one without an end ended with the first fault after its start."""
    ends = {(mark.run, mark.attempt, mark.pid): mark.steady for mark in history.marks if mark.what in {END, BROKEN}}
    found = []
    for mark in history.marks:
        if mark.what == START:
            end = ends.get((mark.run, mark.attempt, mark.pid))
            if end is None:
                end = min((fault for fault in history.faults if fault >= mark.steady), default=mark.steady)
            found.append(Interval(mark.steady, end, mark))
    return found


def final_is_final(history: History) -> Iterator[str]:
    """I6: after a run has ended nothing happens to it any more."""
    over: dict[int, str] = {}
    for event in history.events:
        if event["kind"] not in _AFTER_THE_END:
            continue
        run = event["run_id"]
        if run in over:
            yield f"I6: run {run} had ended ({over[run]}) and then came {event['kind']}"
        elif event["kind"] == EventKind.RUN_FINISHED:
            over[run] = str(json.loads(event["body"] or "{}").get("state", ""))
    for row in history.runs:
        if row["state"] in _FINAL and row["id"] in over and over[row["id"]] not in {"", row["state"]}:
            yield f"I6: run {row['id']} ended as {over[row['id']]} and is {row['state']} now"
        if row["state"] not in _FINAL and row["id"] in over:
            yield f"I6: run {row['id']} had ended ({over[row['id']]}) and is {row['state']} again"
        if row["state"] in _FINAL and row["id"] not in over:
            yield f"I6: run {row['id']} is {row['state']} and no event says when it ended"


def attempts_rise(history: History) -> Iterator[str]:
    """I6: attempts are numbered 1, 2, 3; none follows one that did well; those of ended runs have ended."""
    numbers: dict[int, list[Row]] = defaultdict(list)
    for row in history.attempts:
        numbers[row["run_id"]].append(row)
    for run in history.runs:
        rows = numbers[run["id"]]
        found = [row["number"] for row in rows]
        if found != list(range(1, len(found) + 1)):
            yield f"I6: run {run['id']} has attempts {found}"
        # One that is claimed and not begun is counted in the run and has no row yet.
        begun = {len(found), len(found) + 1} if run["state"] in _HELD else {len(found)}
        if run["attempt"] not in begun and run["state"] not in _ENDED_BY_PAUSE:
            yield f"I6: run {run['id']} is at attempt {run['attempt']} with {len(found)} begun"
        yield from (
            f"I6: run {run['id']} did well in attempt {row['number']} and went on"
            for row in rows[:-1]
            if row["state"] == "succeeded"
        )
        if run["state"] in _FINAL:
            yield from (
                f"I6: run {run['id']} has ended, its attempt {row['number']} has not"
                for row in rows
                if row["finished_at"] is None
            )


def held_by_the_living(history: History) -> Iterator[str]:
    """I6: no run is under way without a living node that holds it."""
    living = {node["id"] for node in history.nodes if node["state"] == "alive"}
    for run in history.runs:
        if run["state"] in _HELD and run["node_id"] not in living:
            yield f"I6: run {run['id']} is {run['state']} at node {run['node_id']}, which is gone"


def nothing_held(history: History) -> Iterator[str]:
    """I6: all is at rest: no run is held, no attempt is open, no node is left."""
    yield from (
        f"I6: run {run['id']} is {run['state']} after all was over" for run in history.runs if run["state"] in _HELD
    )
    yield from (
        f"I6: node {node['id']} is alive after all was over" for node in history.nodes if node["state"] == "alive"
    )
    yield from (
        f"I6: attempt {row['number']} of run {row['run_id']} has no end after all was over"
        for row in history.attempts
        if row["finished_at"] is None
    )


def tracebacks(log: str) -> list[str]:
    """I10: return the lines in which a log shows an error that nobody foresaw."""
    return [f"I10: {line}" for line in log.splitlines() if "Traceback" in line or "stumbled" in line]
