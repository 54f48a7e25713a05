"""The scheduler in a program: how it starts, ends, is interrupted, and what it leaves alone."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from horarium import TaskScheduler
from tests.library.programs import ENDED, Workshop, ended, history, wait_until

SETTING = """
import os, sys, time, threading
from horarium import TaskScheduler

def quick():
    print("done")

def slow():
    open("began", "w").close()
    time.sleep(float(os.environ.get("SLOW", "0.5")))

scheduler = TaskScheduler("jobs.db")
scheduler.add_task("quick", quick)
scheduler.add_task("slow", slow)
"""
BUSY = """
scheduler.start()
scheduler.trigger_task_now("slow")
while not os.path.exists("began"):
    time.sleep(0.01)
"""


NOTEBOOK = '''
import sys, io, time
class Console(io.TextIOBase):
    def __init__(self): self.said = []
    def write(self, text): self.said.append(text); return len(text)
first, second = Console(), Console()
real, sys.stdout = sys.stdout, first
cells = [
    """
from horarium import TaskScheduler
s = TaskScheduler("jobs.db")
s.start()
@s.every(hours=1)
def cell():
    print("first version")
    return 1
print("shown")
""",
    "run = s.trigger_task_now('cell')",
    """
@s.every(hours=1)
def cell():
    print("second version")
    return 2
""",
    "run2 = s.trigger_task_now('cell')",
]
import textwrap
space = {"__name__": "__main__"}
def settle(number):
    while not any(e["id"] == number and e["finished_at"] for e in space["s"].get_task_history("cell")):
        time.sleep(0.01)
for number, text in enumerate(cells):
    exec(compile(textwrap.dedent(text), "<cell>", "exec"), space)
    if number == 1:
        settle(space["run"])
        sys.stdout = second
settle(space["run2"])
s = space["s"]
found = [[e["result"], s.get_run_output(e["id"])] for e in s.get_task_history("cell")]
s.stop()
import json
real.write(json.dumps([found, "".join(first.said), "".join(second.said), sys.stdout is second]))
'''


def at_once(call: Callable[[], None]) -> None:
    """Call it in eight threads."""
    with ThreadPoolExecutor(8) as pool:
        for each in [pool.submit(call) for _ in range(8)]:
            each.result()


def states(shop: Workshop, store: str = "jobs.db") -> list[str]:
    """Return how the runs of a program's store stand, newest first."""
    looked = shop.scheduler(store)
    found = [each["status"] for each in history(looked)]
    looked.close()
    return found


def test_a_program_that_ends_without_a_word_is_not_kept_alive_and_its_work_ends_first(workshop: Workshop) -> None:
    workshop.write("program.py", SETTING + BUSY)
    workshop.run("program.py")
    assert states(workshop) == ["succeeded"]


def test_a_program_that_fails_ends_with_its_own_error(workshop: Workshop) -> None:
    workshop.write("program.py", SETTING + BUSY + "\nraise SystemExit(7)\n")
    started = workshop.start("program.py")
    assert started.wait(30) == 7
    assert states(workshop) == ["succeeded"]


def test_ctrl_c_ends_a_waiting_program_at_once(workshop: Workshop) -> None:
    workshop.write("program.py", SETTING + 'scheduler.start()\nprint("up", flush=True)\nthreading.Event().wait()\n')
    started = workshop.start("program.py")
    assert started.stdout is not None
    assert started.stdout.readline() == "up\n"
    started.send_signal(signal.SIGINT)
    _, complained = started.communicate(timeout=10)
    assert started.returncode == -signal.SIGINT
    assert complained.count("Traceback") == 1
    assert complained.rstrip().endswith("KeyboardInterrupt")


def test_ctrl_c_again_does_not_wait_for_what_is_running(workshop: Workshop) -> None:
    workshop.write("program.py", SETTING + BUSY + 'print("up", flush=True)\nthreading.Event().wait()\n')
    started = workshop.start("program.py", SLOW="60")
    assert started.stdout is not None
    assert started.stdout.readline() == "up\n"
    started.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        started.wait(0.7)
    asked = time.monotonic()
    started.send_signal(signal.SIGINT)
    started.communicate(timeout=20)
    assert time.monotonic() - asked < 10
    second = workshop.scheduler("jobs.db")
    second.add_task("slow", "time:time")
    second.start()
    wait_until(lambda: all(each["status"] in ENDED for each in history(second)))
    second.close()


def test_a_program_that_is_killed_is_found_by_the_next_start(workshop: Workshop) -> None:
    workshop.write("program.py", SETTING + BUSY + 'print("up", flush=True)\nthreading.Event().wait()\n')
    started = workshop.start("program.py", SLOW="60")
    assert started.stdout is not None
    assert started.stdout.readline() == "up\n"
    started.kill()
    started.wait()
    assert states(workshop)[0] in {"claimed", "running"}
    workshop.write("again.py", SETTING + "scheduler.start()\ntime.sleep(1.5)\n")
    _, complained = workshop.start("again.py", SLOW="0").communicate(timeout=30)
    assert "that a process left behind" in complained
    looked = workshop.scheduler("jobs.db")
    (run,) = looked.get_task_history("slow")
    assert (run["status"], run["attempts"]) == ("succeeded", 2)
    looked.close()


def test_stop_lets_work_end_and_cuts_it_off_after_the_grace(workshop: Workshop) -> None:
    workshop.write(
        "program.py", SETTING + BUSY + "scheduler.stop(grace=float(sys.argv[1]))\nprint(scheduler.is_running)\n"
    )
    assert workshop.run("program.py", "20") == "False\n"
    assert states(workshop) == ["succeeded"]
    (workshop.folder / "began").unlink()
    began = time.monotonic()
    assert workshop.run("program.py", "0.2", SLOW="60") == "False\n"
    assert time.monotonic() - began < 20
    assert states(workshop)[0] in {"interrupted", "queued", "retrying"}


def test_a_notebook_runs_tasks_in_its_own_namespace_and_keeps_their_output(workshop: Workshop) -> None:
    """No file, a console of its own that comes later than the scheduler, and cells that say the same again."""
    workshop.write("notebook.py", NOTEBOOK)
    found, first, second, is_given_back = json.loads(workshop.run("notebook.py"))
    assert found == [[2, "second version\n"], [1, "first version\n"]]
    assert (first, second) == ("shown\n", "")
    assert is_given_back


def test_a_program_keeps_its_store_when_it_changes_its_folder(workshop: Workshop) -> None:
    workshop.write("program.py", SETTING + 'os.mkdir("elsewhere")\nos.chdir("elsewhere")\n' + BUSY)
    workshop.run("program.py")
    assert states(workshop) == ["succeeded"]
    assert [each.name for each in (workshop.folder / "elsewhere").iterdir()] == ["began"]


def test_with_starts_stops_and_closes(workshop: Workshop) -> None:
    seen = []
    with workshop.scheduler() as scheduler:
        seen.append(scheduler.is_running)
        scheduler.start()
    seen.append(scheduler.is_running)
    assert seen == [True, False]
    scheduler.stop()
    scheduler.close()


def test_start_stop_and_start_again(running: TaskScheduler) -> None:
    seen = []
    for number in range(3):
        running.add_task("job", lambda n=number: n)
        ended(running, running.trigger_task_now("job"))
        running.stop()
        seen.append(running.is_running)
        running.start()
        seen.append(running.is_running)
    assert seen == [False, True] * 3
    assert [each["result"] for each in running.get_task_history("job")] == [2, 1, 0]


def test_threads_that_start_and_stop_it_at_once_make_one_of_it(scheduler: TaskScheduler) -> None:
    before = threading.active_count()
    for _ in range(2):
        at_once(scheduler.start)
        assert sum(each.name == "horarium-loop" for each in threading.enumerate()) == 1
        at_once(scheduler.stop)
        assert threading.active_count() == before


@pytest.mark.parametrize("end", [TaskScheduler.stop, TaskScheduler.close])
def test_a_task_may_stop_its_own_scheduler(workshop: Workshop, end: Callable[[TaskScheduler], None]) -> None:
    scheduler = workshop.scheduler("jobs.db")
    scheduler.add_task("job", lambda: end(scheduler))
    scheduler.start()
    scheduler.trigger_task_now("job")
    wait_until(lambda: not scheduler.is_running)
    scheduler.stop()
    wait_until(lambda: states(workshop) == ["succeeded"])
    scheduler.close()


def test_nothing_of_the_server_is_loaded_by_a_program_that_runs_tasks(workshop: Workshop) -> None:
    workshop.write("program.py", SETTING + BUSY + "print(sorted(name.partition('.')[0] for name in sys.modules))")
    loaded = set(json.loads(workshop.run("program.py").replace("'", '"')))
    assert not loaded & {"fastapi", "starlette", "uvicorn", "typer", "rich", "jinja2", "pydantic", "argon2", "psutil"}
    assert "apscheduler" not in loaded


def test_a_program_that_waits_holds_nothing_that_only_other_work_needs(workshop: Workshop) -> None:
    wait = "s = TaskScheduler('jobs.db')\ns.add_cron_task('job', len, '0 0 1 1 *', args=[''])\ns.start()\ns.stop()\n"
    setting = "import sys\nfrom horarium import TaskScheduler\n"
    workshop.write("program.py", f"{setting}{wait}print(sorted(sys.modules))")
    loaded = set(json.loads(workshop.run("program.py").replace("'", '"')))
    assert "horarium.scheduling.loop" in loaded
    dear = {
        *("execution.processes", "execution.kinds.command", "execution.warden", "logs.masking", "preferences"),
        *("records.people", "runs.history", "scheduling.bringing", "store.postgres", "store.tables.people"),
    }
    assert not {f"horarium.{name}" for name in dear} & loaded
    assert not {"ctypes", "difflib", "email.parser"} & loaded
