"""Functions in isolated processes: kept warm, captured to the last descriptor, ended with all they started."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from horarium.clock import SystemClock
from horarium.execution.accounts import AccountPolicy
from horarium.execution.limits import IsolationOptions, Limits
from horarium.execution.pipeline import Performers
from horarium.execution.processes import WAIT_SECONDS, IsolatedKind, WorkerProcess
from horarium.execution.supervisor import Supervisor
from horarium.records.policies import Retry
from horarium.records.tasks import PythonSpec
from horarium.runs.launch import Assignment, Completion
from horarium.states import Isolation, RunState, Stream
from tests.execution.programs import appear, odd_seconds, processes_with, vanish
from tests.execution.witness import World, assign

SAMPLES = "tests.execution.sample_tasks"


class Annex(World):
    """A world whose Python tasks run in isolated processes."""

    def __init__(self, slots: int = 2, policy: AccountPolicy | None = None, **options: Any) -> None:
        self.supervisor = Supervisor()
        options = {"term_seconds": 0.3, **options}
        policy = AccountPolicy(allow_root=True) if policy is None else policy
        self.kind = IsolatedKind(self.supervisor, policy, SystemClock(), IsolationOptions(**options))
        super().__init__(slots, performers=Performers(isolated=self.kind, on_stop=self.end))

    def end(self) -> None:
        self.kind.stop()
        self.supervisor.stop()

    def submitted(self, name: str, *args: Any, **options: Any) -> Assignment:
        kwargs = options.pop("kwargs", {})
        spec = PythonSpec(f"{SAMPLES}:{name}", args, kwargs, isolation=Isolation.PROCESS)
        assignment = assign(spec, **options)
        self.launcher.submit(assignment)
        return assignment

    def done(self, name: str, *args: Any, **options: Any) -> Completion:
        return self.witness.await_end(self.submitted(name, *args, **options))

    def value(self, name: str, *args: Any, **options: Any) -> Any:
        done = self.done(name, *args, **options)
        assert done.state is RunState.SUCCEEDED, done
        return json.loads(done.result or "null")


@pytest.fixture
def annex() -> Iterator[Annex]:
    made = Annex()
    yield made
    made.launcher.stop(0)


@pytest.fixture
def another() -> Iterator[Callable[..., Annex]]:
    """Give a maker of further ones; all are stopped, whatever the test finds."""
    made: list[Annex] = []

    def make(*args: Any, **options: Any) -> Annex:
        made.append(Annex(*args, **options))
        return made[-1]

    yield make
    for each in made:
        each.launcher.stop(0)


def test_no_process_exists_before_the_first_isolated_run(annex: Annex) -> None:
    assert annex.ended(lambda: 1).state is RunState.SUCCEEDED
    assert annex.supervisor._warden is None


def test_a_function_gets_its_arguments_in_another_process_that_stays_warm(annex: Annex) -> None:
    first, names, more = annex.value("whoami", "a", "b", kwargs={"c": 1}, params={"d": [2]})
    assert (names, more) == (["a", "b"], {"c": 1, "d": [2]})
    assert first != os.getpid()
    assert {annex.value("whoami")[0] for _ in range(20)} == {first}


def test_it_finds_what_the_host_would_find(annex: Annex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary")
    found = annex.value("surroundings")
    assert found["path"] == sys.path
    assert found["cwd"] == str(Path.cwd())
    assert "SECRET_KEY" not in found["environment"]
    assert "PYTHONPATH" not in found["environment"]


def test_coroutines_and_the_context_work_there_too(annex: Annex) -> None:
    assert annex.value("wait_a_little") == "waited"
    run = annex.submitted("about")
    done = annex.witness.await_end(run)
    assert json.loads(done.result or "") == [run.run_id, 1, "a task", "2023-11-14 22:13:20+00:00"]


def test_all_output_is_captured_also_of_c_code_threads_and_grandchildren(annex: Annex) -> None:
    run = annex.submitted("speak")
    assert annex.witness.await_end(run).state is RunState.SUCCEEDED
    lines = [(line.stream, line.text) for line in annex.witness.lines(run)]
    assert [text for stream, text in lines if stream is Stream.STDOUT] == ["python", "grandchild", "from C", "thread"]
    assert [text for stream, text in lines if stream is Stream.STDERR] == ["wrong"]
    logged = [text for stream, text in lines if stream is Stream.LOG]
    assert logged == ["INFO sample: logged", "WARNING sample: warned"]


def test_p8_output_is_seen_while_the_function_runs(annex: Annex) -> None:
    run = annex.submitted("speak_and_wait")
    annex.witness.await_line(run, "early")
    assert annex.launcher.cancel(run.run_id, "seen enough")
    assert annex.witness.await_end(run).state is RunState.CANCELLED


def test_failures_come_back_with_their_traceback_and_the_retry_policy_reads_them(annex: Annex) -> None:
    done = annex.done("fail", retry=Retry(3, on=("KeyError",)))
    assert done.state is RunState.FAILED
    assert done.failure is not None
    assert (done.failure.type, done.failure.message) == ("LookupError", "not found here")
    assert "in fail" in done.failure.traceback
    assert "horarium/execution" not in done.failure.traceback
    assert not done.can_retry
    assert annex.done("fail", retry=Retry(3, on=("Exception",))).can_retry


def test_a_target_that_is_not_there_parks_the_task_and_a_function_cannot_pretend(annex: Annex) -> None:
    done = annex.done("no_such_function")
    assert done.park_reason == f"the module {SAMPLES!r} has nothing called 'no_such_function'"
    assert not done.can_retry
    assert not annex.done("pretend").park_reason


def test_rp19_a_dying_process_is_a_result_and_the_next_run_gets_another(annex: Annex) -> None:
    done = annex.done("leave", 7)
    assert (done.state, done.exit_code) == (RunState.FAILED, 7)
    assert done.cause == "the isolated process is gone: it ended with exit code 7"
    done = annex.done("crash")
    assert done.cause == "the isolated process is gone: it was ended by signal 11 (SIGSEGV)"
    assert done.exit_code == -signal.SIGSEGV
    assert annex.value("whoami")


def test_rp19_a_run_that_brings_down_three_processes_is_quarantined(annex: Annex) -> None:
    ends: list[Completion] = []
    for _ in range(3):
        spec = PythonSpec(f"{SAMPLES}:crash", isolation=Isolation.PROCESS)
        annex.launcher.submit(assign(spec, run_id=10**9))
        annex.witness.wait(lambda: len(annex.witness.completions) == len(ends) + 1)
        ends.append(annex.witness.completions[-1])
    assert [each.can_retry for each in ends] == [True, True, False]
    assert ends[2].cause.startswith("quarantined: it brought down its process 3 times")


def test_r97_a_memory_limit_ends_only_the_run(another: Callable[..., Annex]) -> None:
    annex = another(limits=Limits(address_space=2**31))
    done = annex.done("hog")
    assert done.failure is not None
    assert done.failure.type == "MemoryError"
    assert annex.value("whoami")


@pytest.mark.parametrize("listen", [True, False])
def test_r96_the_time_limit_ends_the_process_and_all_it_started(annex: Annex, listen: bool) -> None:
    annex.value("whoami")
    mark = odd_seconds()
    run = annex.submitted("grow", mark, kwargs={"listen": listen}, timeout_seconds=0.4)
    assert appear(mark, 2)
    done = annex.witness.await_end(run)
    assert done.state is RunState.TIMED_OUT
    assert not processes_with(mark)
    assert ("tidied up" in annex.witness.text(run)) is listen
    if listen:
        assert done.failure is not None
        assert "in grow" in done.failure.traceback
    assert annex.value("whoami")


def test_a_process_in_which_something_was_left_behind_is_not_used_again(annex: Annex) -> None:
    mark = odd_seconds()
    first = annex.value("leave_behind", mark)
    assert vanish(mark)
    assert annex.value("whoami")[0] != first


def test_a_process_is_replaced_after_so_many_runs(another: Callable[..., Annex]) -> None:
    annex = another(1, size=1, recycle_runs=3)
    pids = [annex.value("whoami")[0] for _ in range(7)]
    assert len(set(pids)) == 3
    assert len(set(pids[:3])) == 1


def test_an_idle_process_that_was_killed_costs_no_run(annex: Annex) -> None:
    first = annex.value("whoami")[0]
    os.kill(first, signal.SIGKILL)
    give_up_at = time.monotonic() + 10
    while Path(f"/proc/{first}").exists() and time.monotonic() < give_up_at:
        time.sleep(0.01)
    assert annex.value("whoami")[0] != first


def test_more_runs_than_processes_all_get_done(another: Callable[..., Annex]) -> None:
    annex = another(6, size=2)
    runs = [annex.submitted("whoami") for _ in range(300)]
    annex.witness.wait(lambda: len(annex.witness.completions) == 300)
    pids = {json.loads(annex.witness.end_of(run).result or "")[0] for run in runs}
    assert len(pids) < 6


def test_slow_starts_do_not_bring_more_processes_than_are_needed(
    monkeypatch: pytest.MonkeyPatch, another: Callable[..., Annex]
) -> None:
    start = IsolatedKind._started

    def slowly(kind: IsolatedKind) -> WorkerProcess:
        time.sleep(1.2 * WAIT_SECONDS)
        return start(kind)

    monkeypatch.setattr(IsolatedKind, "_started", slowly)
    annex = another(6, size=2)
    runs = [annex.submitted("whoami") for _ in range(30)]
    annex.witness.wait(lambda: len(annex.witness.completions) == 30)
    pids = {json.loads(annex.witness.end_of(run).result or "")[0] for run in runs}
    assert len(pids) == 2


def test_long_runs_have_processes_of_their_own(another: Callable[..., Annex]) -> None:
    wide = another(4, size=1)
    marks = [odd_seconds() for _ in range(4)]
    for mark in marks:
        wide.submitted("grow", mark, kwargs={"listen": True})
    assert all(appear(mark, 1) for mark in marks)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
def test_r7_as_root_no_isolated_process_without_permission(another: Callable[..., Annex]) -> None:
    annex = another(policy=AccountPolicy())
    done = annex.done("whoami")
    assert done.state is RunState.FAILED
    assert "HORARIUM_TASK_USER" in done.cause


def test_a_process_that_cannot_start_says_why_in_words(another: Callable[..., Annex]) -> None:
    annex = another(cwd="/nowhere/at/all")
    done = annex.done("whoami")
    assert done.state is RunState.FAILED
    assert done.cause == "the isolated process did not start: there is no working folder '/nowhere/at/all'"


def test_rp10_a_stop_ends_busy_processes(another: Callable[..., Annex]) -> None:
    annex = another()
    mark = odd_seconds()
    run = annex.submitted("grow", mark, kwargs={"listen": False})
    assert appear(mark, 2)
    annex.launcher.stop(0.05)
    assert annex.witness.end_of(run).state is RunState.INTERRUPTED
    assert not processes_with(mark)
