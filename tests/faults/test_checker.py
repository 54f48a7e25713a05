"""The checker itself: a clean history passes, and each planted violation is found by its number."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from horarium.clock import to_micros
from horarium.records.actors import Actor
from horarium.records.policies import Policies, Retry
from horarium.testing import ManualClock, ManualScheduler
from horarium.triggers import IntervalTrigger
from tests.faults import witness as witness_program
from tests.faults.checker import tracebacks, violations
from tests.faults.history import ClientLog, History, history_at, processes_with
from tests.faults.planned import planned_instants
from tests.faults.witness import BROKEN, END, START, Mark, read_marks, under_oath

SECOND = 1_000_000
BEGIN = 1_000 * SECOND
SCHEDULE = json.dumps({"kind": "interval", "anchor": "1970-01-01T00:16:41+00:00", "every_micros": SECOND})
DEAD, LIVING = 1, 2


def mark(run: int, what: str, at: float, *, attempt: int = 1, planned: int | None = None, pid: int = 7) -> Mark:
    return Mark(run, "job", planned, attempt, pid, what, int(at * SECOND), at)


def run_row(number: int, **columns: Any) -> dict[str, Any]:
    usual = {"task_id": 1, "planned_at": None, "triggered_by": "schedule", "state": "succeeded", "attempt": 1}
    return {"id": number, "node_id": LIVING, **usual, **columns}


def attempt_row(run: int, number: int = 1, state: str = "succeeded", finished_at: int | None = 5) -> dict[str, Any]:
    return {"run_id": run, "number": number, "state": state, "finished_at": finished_at}


def event(kind: str, run: int, **body: Any) -> dict[str, Any]:
    return {"kind": kind, "run_id": run, "task_id": 1, "body": json.dumps(body)}


def outcome(at: int, run: int | None) -> dict[str, Any]:
    return {"task_id": 1, "planned_at": at, "run_id": run, "reason": None if run else "overlap"}


def at(seconds: int) -> int:
    return BEGIN + seconds * SECOND


def clean() -> History:
    """Tell of one task with a run, a skipped one, a run that a kill interrupted, a run by hand, and a stretch."""
    policies: dict[str, Any] = {}
    task = {"id": 1, "name": "job", "schedule": SCHEDULE, "created_at": BEGIN, "removed_at": None, "next_at": at(8)}
    return History(
        tasks=[{**task, "paused_at": None, "policies": json.dumps(policies)}],
        ledger=[outcome(at(1), 1), outcome(at(2), None), outcome(at(3), 2), outcome(at(4), None)],
        spans=[{"task_id": 1, "first_at": at(5), "last_at": at(7), "count": 3}],
        runs=[
            run_row(1, planned_at=at(1)),
            run_row(2, planned_at=at(3), attempt=2),
            run_row(3, triggered_by="manual"),
        ],
        attempts=[attempt_row(1), attempt_row(2, 1, "interrupted"), attempt_row(2, 2), attempt_row(3)],
        events=[
            event("run.started", 1),
            event("run.finished", 1, state="succeeded"),
            event("run.started", 2),
            event("run.interrupted", 2),
            event("run.finished", 2, state="succeeded"),
            event("run.finished", 3, state="succeeded"),
        ],
        nodes=[{"id": DEAD, "state": "dead"}, {"id": LIVING, "state": "stopped"}],
        marks=[
            mark(1, START, 1001, planned=at(1)),
            mark(1, END, 1001.5, planned=at(1)),
            mark(2, START, 1003, planned=at(3)),
            mark(2, START, 1004, attempt=2, planned=at(3), pid=8),
            mark(2, END, 1004.5, attempt=2, planned=at(3), pid=8),
            mark(3, START, 1005),
            mark(3, END, 1005.5),
        ],
        client=[
            {"said": "asked", "what": "add", "task": "job"},
            {"said": "told", "what": "add", "task": "job"},
            {"said": "asked", "what": "trigger", "task": "job"},
            {"said": "told", "what": "trigger", "task": "job", "run": 3},
            {"said": "asked", "what": "pause", "task": "job"},
        ],
        faults=[1003.5],
    )


def test_a_clean_history_has_no_violation() -> None:
    assert violations(clean(), until=at(8)) == []


def _second_run(history: History) -> None:
    history.runs.append(run_row(4, planned_at=at(1), state="queued", attempt=0))


def _second_outcome(history: History) -> None:
    history.ledger.append(outcome(at(1), None))


def _outcome_of_nothing(history: History) -> None:
    history.runs.pop(0)


def _run_without_outcome(history: History) -> None:
    history.ledger[0] = outcome(at(1), None)


def _started_twice(history: History) -> None:
    history.marks.append(mark(1, START, 1002, planned=at(1), pid=9))


def _two_runs_worked_on_one(history: History) -> None:
    history.marks[-2:] = [mark(3, START, 1005, planned=at(1)), mark(3, END, 1006, planned=at(1))]


def _occurrence_gone(history: History) -> None:
    del history.ledger[1]


def _occurrence_out_of_the_air(history: History) -> None:
    history.ledger.append(outcome(at(3) + 5, None))


def _short_stretch(history: History) -> None:
    history.spans[0]["count"] = 2


def _stretch_over_a_run(history: History) -> None:
    history.spans[0] |= {"first_at": at(4), "count": 4}


def _stood_still(history: History) -> None:
    history.spans.clear()
    history.tasks[0]["next_at"] = at(5)


def _acknowledged_run_gone(history: History) -> None:
    history.runs.pop()
    history.marks = history.marks[:-2]
    history.events.pop()
    history.attempts.pop()


def _acknowledged_task_gone(history: History) -> None:
    history.tasks[0]["removed_at"] = at(8)


def _acknowledged_pause_gone(history: History) -> None:
    history.client.append({"said": "told", "what": "pause", "task": "job"})


def _run_nobody_asked_for(history: History) -> None:
    history.runs.append(run_row(4, triggered_by="manual", state="queued", attempt=0))


def _run_of_no_task(history: History) -> None:
    history.runs.append(run_row(4, task_id=9, state="queued", attempt=0))


def _start_of_an_unknown_run(history: History) -> None:
    history.marks += [mark(9, START, 1006), mark(9, END, 1006.1)]


def _start_of_an_unknown_attempt(history: History) -> None:
    history.marks += [mark(1, START, 1006, attempt=2), mark(1, END, 1006.1, attempt=2)]


def _success_without_end(history: History) -> None:
    del history.marks[1]


def _end_recorded_as_failure(history: History) -> None:
    history.attempts[1]["state"] = "failed"
    history.marks.insert(3, mark(2, END, 1003.4, planned=at(3)))


def _side_by_side(history: History) -> None:
    history.marks[1] = replace(history.marks[1], steady=1003.2)


def _second_copy_lived_on(history: History) -> None:
    history.marks.insert(3, mark(2, BROKEN, 1004.2, planned=at(3)))


def _ended_twice(history: History) -> None:
    history.events.append(event("run.finished", 1, state="failed"))


def _final_state_changed(history: History) -> None:
    history.runs[0]["state"] = "cancelled"


def _back_from_the_end(history: History) -> None:
    history.runs[0] |= {"state": "queued"}


def _end_untold(history: History) -> None:
    del history.events[1]


def _attempt_left_out(history: History) -> None:
    history.attempts[2]["number"] = 3


def _attempt_not_counted(history: History) -> None:
    history.runs[1]["attempt"] = 1


def _went_on_after_success(history: History) -> None:
    history.attempts[1]["state"] = "succeeded"


def _attempt_left_open(history: History) -> None:
    history.attempts[0]["finished_at"] = None


def _held_at_the_end(history: History) -> None:
    history.runs[0]["state"] = "running"
    del history.events[1]


def _node_left(history: History) -> None:
    history.nodes[1]["state"] = "alive"


def _damaged(history: History) -> None:
    history.damage.append("row 7 missing from index")


def _process_left(history: History) -> None:
    history.left.append(4711)


PLANTED: list[tuple[str, str, Callable[[History], None]]] = [
    ("I1", "2 runs", _second_run),
    ("I1", "2 outcomes", _second_outcome),
    ("I1", "names run", _outcome_of_nothing),
    ("I1", "no outcome names it", _run_without_outcome),
    ("I1", "began 2 times", _started_twice),
    ("I1", "worked on by 2 runs", _two_runs_worked_on_one),
    ("I2", "has no outcome", _occurrence_gone),
    ("I2", "never due", _occurrence_out_of_the_air),
    ("I2", "counts 2", _short_stretch),
    ("I2", "two outcomes", _stretch_over_a_run),
    ("I2", "has no outcome", _stood_still),
    ("I3", "is not there", _acknowledged_run_gone),
    ("I3", "does not stand", _acknowledged_task_gone),
    ("I3", "does not stand", _acknowledged_pause_gone),
    ("I3", "asked for were 1", _run_nobody_asked_for),
    ("I3", "of no task", _run_of_no_task),
    ("I4", "no such run", _start_of_an_unknown_run),
    ("I4", "no such run", _start_of_an_unknown_attempt),
    ("I4", "nobody saw the end", _success_without_end),
    ("I4", "recorded as failed", _end_recorded_as_failure),
    ("I5", "side by side", _side_by_side),
    ("I5", "side by side", _second_copy_lived_on),
    ("I6", "then came", _ended_twice),
    ("I6", "is cancelled now", _final_state_changed),
    ("I6", "is queued again", _back_from_the_end),
    ("I6", "no event says", _end_untold),
    ("I6", "has attempts", _attempt_left_out),
    ("I6", "is at attempt 1", _attempt_not_counted),
    ("I6", "and went on", _went_on_after_success),
    ("I6", "has not", _attempt_left_open),
    ("I6", "after all was over", _held_at_the_end),
    ("I6", "is alive after", _node_left),
    ("I8", "missing from index", _damaged),
    ("I9", "4711", _process_left),
]


@pytest.mark.parametrize(("number", "words", "plant"), PLANTED, ids=[each[2].__name__.strip("_") for each in PLANTED])
def test_a_planted_violation_is_found(number: str, words: str, plant: Callable[[History], None]) -> None:
    history = clean()
    plant(history)
    found = violations(history, until=at(8))
    assert any(line.startswith(number) and words in line for line in found), found


def test_work_under_way_must_be_held_by_a_living_node() -> None:
    history = clean()
    _held_at_the_end(history)
    _node_left(history)
    assert [line for line in violations(history, until=at(8), settled=False) if line.startswith("I6")] == []
    history.runs[0]["node_id"] = DEAD
    assert any("which is gone" in line for line in violations(history, until=at(8), settled=False))


def test_a_command_without_an_answer_may_have_happened_or_not() -> None:
    history = clean()
    history.tasks[0]["paused_at"] = at(7)
    assert violations(history, until=at(8)) == []


def test_side_by_side_is_right_where_the_task_allows_it() -> None:
    history = clean()
    history.tasks[0]["policies"] = json.dumps({"overlap": {"policy": "allow", "limit": 2}})
    _side_by_side(history)
    assert violations(history, until=at(8)) == []


def test_a_log_with_a_traceback_is_told() -> None:
    assert tracebacks("all well\nTraceback (most recent call last):") == ["I10: Traceback (most recent call last):"]


def test_the_minute_loop_knows_lists_ranges_steps_and_both_kinds_of_days() -> None:
    def instants(expression: str, start: datetime, hours: float, zone: str = "UTC") -> list[str]:
        text = json.dumps({"kind": "cron", "expression": expression, "tz": zone})
        until = to_micros(start + timedelta(hours=hours))
        found = planned_instants(text, to_micros(start), until)
        return [f"{datetime.fromtimestamp(each / SECOND, UTC):%d %H:%M}" for each in found]

    friday = datetime(2026, 5, 15, tzinfo=UTC)
    assert instants("*/20 0,2-3 * * *", friday, 4) == [
        *("15 00:20", "15 00:40", "15 02:00", "15 02:20", "15 02:40", "15 03:00", "15 03:20", "15 03:40")
    ]
    assert instants("0 12 16 5 5", friday, 72) == ["15 12:00", "16 12:00"]
    assert instants("0 12 * * 0", friday, 72) == instants("0 12 * * 7", friday, 72) == ["17 12:00"]
    assert instants("30 9 * * *", friday, 24, "Asia/Kathmandu") == ["15 03:45"]


def test_a_history_is_read_from_a_store_and_judged(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    clock = ManualClock()
    world = ManualScheduler(tmp_path / "store.db", clock=clock)

    def behave(job: Any) -> None:
        with under_oath(str(witness), job.run_id, "job", None, job.attempt):
            assert job.attempt > 1

    retry = Policies(retry=Retry(attempts=2, delay_seconds=1, jitter=0))
    world.add("job", IntervalTrigger(30, clock.now()), behave=behave, policies=retry)
    world.add("nightly", "*/7 * * * *")
    client = ClientLog(tmp_path / "client")
    client.asked("trigger", "job")
    client.told("trigger", "job", run=world.desk.trigger("job", by=Actor.of_code("test")))
    world.advance(timedelta(minutes=30), step=timedelta(seconds=5))
    world.shut_down()
    address = str(tmp_path / "store.db")
    assert violations(history_at(address, witness, client=client), until=clock.micros()) == []

    with sqlite3.connect(address) as file:
        file.execute("DELETE FROM task_executions WHERE id = 5")
        file.execute("PRAGMA writable_schema = 1")
        file.execute("UPDATE sqlite_master SET sql = substr(sql, 1, instr(sql, 'WHERE') - 1) WHERE name LIKE '%_open'")
    file.close()
    found = violations(history_at(address, witness, client=client), until=clock.micros())
    assert {line[:2] for line in found} >= {"I1", "I4"}
    assert any(line.startswith("I8") for line in history_damage(address, witness))


def history_damage(address: str, witness: Path) -> list[str]:
    history = history_at(address, witness)
    return violations(History(damage=history.damage))


def test_processes_are_found_by_what_stands_in_their_environment() -> None:
    token = f"witness-{os.getpid()}-{os.urandom(4).hex()}"
    child = subprocess.Popen(["sleep", "60"], env={**os.environ, "FAULTS_TOKEN": token})
    try:
        assert processes_with(token) == [child.pid]
    finally:
        child.kill()
        child.wait()
    assert processes_with(token) == []


def test_a_command_can_testify_too(tmp_path: Path) -> None:
    variables = {"HORARIUM_RUN_ID": "7", "HORARIUM_ATTEMPT": "2", "HORARIUM_TASK": "nightly copy"}
    variables["HORARIUM_PLANNED_AT"] = "2026-05-14T12:00:00+00:00"
    program = [sys.executable, str(witness_program.__file__), str(tmp_path / "witness"), "0"]
    subprocess.run(program, env=os.environ | variables, check=True)
    first, last = read_marks(tmp_path / "witness")
    assert (first.run, first.task, first.attempt, first.what, last.what) == (7, "nightly copy", 2, START, END)
    assert first.planned == to_micros(datetime(2026, 5, 14, 12, tzinfo=UTC))


def test_a_line_that_is_still_being_written_is_not_there_yet(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    with under_oath(str(witness), 1, "task", None, 1):
        pass
    whole = witness.read_text(encoding="utf-8")
    witness.write_text(whole[:-30], encoding="utf-8")
    assert [mark.what for mark in read_marks(witness)] == [START]
