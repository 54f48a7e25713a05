"""The example that people know, as it stands, started twice."""

from __future__ import annotations

import json

import pytest

from tests.library.programs import Workshop

EXAMPLE = """
from horarium import TaskScheduler, setup_default_tasks

scheduler = TaskScheduler()
scheduler.add_cron_task("hourly_task", my_func, "0 * * * *")
setup_default_tasks(scheduler)
scheduler.start()
"""
BEFORE = """
def my_func():
    print("working")
    return 42
"""
LOOK = """
import json
print(json.dumps({
    "tasks": {each["name"]: [each["id"], each["status"]] for each in scheduler.get_all_tasks()},
    "history": [[each["id"], each["status"], each["result"]] for each in scheduler.get_task_history("hourly_task")],
    "running": scheduler.is_running,
}))
"""
WORK = """
import time
run = scheduler.trigger_task_now("hourly_task")
while not any(each["id"] == run and each["finished_at"] for each in scheduler.get_task_history("hourly_task")):
    time.sleep(0.02)
scheduler.pause_task("cleanup_error_logs", reason="not now")
"""


@pytest.fixture
def program(workshop: Workshop) -> str:
    """Give the example as a file, which works a little, looks and ends without a word to the scheduler."""
    workshop.write("program.py", BEFORE + EXAMPLE + WORK + LOOK)
    return "program.py"


def test_the_example_runs_as_it_stands(workshop: Workshop) -> None:
    workshop.write("example.py", BEFORE + EXAMPLE)
    assert workshop.run("example.py") == ""
    assert (workshop.folder / "horarium.db").stat().st_mode & 0o777 == 0o600


def test_a_second_start_goes_on_with_tasks_history_and_pauses(workshop: Workshop, program: str) -> None:
    first, second = (json.loads(workshop.run(program)) for _ in range(2))
    assert len(first["tasks"]) >= 4
    assert first["running"]
    assert second["tasks"] == first["tasks"]
    assert first["tasks"]["cleanup_error_logs"][1] == "paused"
    (only,) = first["history"]
    assert only[1:] == ["succeeded", 42]
    assert second["history"][1:] == [only]
    assert second["history"][0][1:] == ["succeeded", 42]


def test_a_task_that_was_paused_stays_paused_although_the_program_adds_it_again(
    workshop: Workshop, program: str
) -> None:
    workshop.run(program)
    workshop.write("quiet.py", BEFORE + EXAMPLE + 'print(scheduler.get_task_status("cleanup_error_logs")["paused"])')
    assert workshop.run("quiet.py") == "True\n"
