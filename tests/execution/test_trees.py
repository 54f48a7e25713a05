"""The end of a run is the end of every process that it started, whatever these do, and whoever else dies."""

# ruff: noqa: S604 -- trees are grown by a shell

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import tracemalloc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from horarium.clock import SystemClock
from horarium.execution.accounts import AccountPolicy
from horarium.execution.kinds.command import CommandKind
from horarium.execution.limits import Limits
from horarium.execution.pipeline import Performers
from horarium.execution.rescue import await_end, survivors
from horarium.execution.supervisor import Child, Launch, Supervisor
from horarium.records.tasks import CommandSpec
from horarium.runs.launch import Assignment, Completion
from horarium.states import RunState, Stream
from tests.execution.programs import appear, bears_none, children_of, odd_seconds, processes_with, vanish
from tests.execution.witness import World, assign

OPEN_HOST = AccountPolicy(allow_root=True)
PROJECT = Path(__file__).resolve().parents[2]


class Yard(World):
    """A world with a supervisor that can be looked at and a short time between TERM and KILL."""

    def __init__(self, limits: Limits | None = None, policy: AccountPolicy = OPEN_HOST) -> None:
        self.supervisor = Supervisor()
        kind = CommandKind(self.supervisor, policy, limits=limits, term_seconds=0.2)
        super().__init__(performers=Performers(kind, on_stop=self.supervisor.stop))

    @property
    def warden(self) -> int:
        assert self.supervisor._warden is not None
        return self.supervisor._warden.pid

    def shell(self, line: str, **policies: Any) -> Assignment:
        assignment = assign(CommandSpec((line,), shell=True), **policies)
        self.launcher.submit(assignment)
        return assignment

    def end_of(self, line: str, **policies: float) -> Completion:
        return self.witness.await_end(self.shell(line, **policies))


@pytest.fixture
def yard() -> Iterator[Yard]:
    made = Yard()
    yield made
    made.launcher.stop(0)


STUBBORN = {
    "a child": "sleep {0} & wait",
    "another session": "setsid sleep {0} & wait",
    "a double fork": "(setsid sh -c 'sleep {0} & exit' &) ; sleep {0}",
    "deaf to TERM": "trap '' TERM; sleep {0}; sleep {0}",
    "a deaf child elsewhere": "setsid sh -c 'trap \"\" TERM HUP; while :; do sleep {0}; done' & wait",
    "a stopped child": "sleep {0} & kill -STOP $!; wait",
    "a clean environment": "env -i setsid sleep {0} & wait",
    "a group of its own": "set -m; sleep {0} & wait",
}


@pytest.mark.parametrize("line", STUBBORN.values(), ids=list(STUBBORN))
def test_r96_the_time_limit_ends_the_whole_tree(yard: Yard, line: str) -> None:
    mark = odd_seconds()
    run = yard.shell(line.format(mark), timeout_seconds=0.5)
    assert appear(mark, 1)
    done = yard.witness.await_end(run)
    assert done.state is RunState.TIMED_OUT
    assert done.cause.startswith("it ran longer than its time limit of 0.5 seconds")
    assert not processes_with(mark)
    assert (done.finished_at - done.started_at) < 3_000_000


def test_r96_a_cancel_ends_the_whole_tree(yard: Yard) -> None:
    mark = odd_seconds()
    run = yard.shell(f"setsid sleep {mark} & sleep {mark}")
    assert appear(mark, 2)
    assert yard.launcher.cancel(run.run_id, "cancelled by Ada")
    done = yard.witness.await_end(run)
    assert done.state is RunState.CANCELLED
    assert done.cause == "cancelled by Ada; it was ended by signal 15 (SIGTERM)"
    assert not done.can_retry
    assert not processes_with(mark)


def test_r96_a_stop_ends_the_whole_tree_and_the_warden() -> None:
    yard = Yard()
    mark = odd_seconds()
    run = yard.shell(f"trap '' TERM; setsid sleep {mark} & sleep {mark}; sleep {mark}")
    assert appear(mark, 2)
    yard.launcher.stop(0.05)
    assert yard.witness.end_of(run).state is RunState.INTERRUPTED
    assert not processes_with(mark)
    assert not [pid for pid in children_of(os.getpid()) if "warden" in Path(f"/proc/{pid}/cmdline").read_text()]


def test_r96_what_a_command_leaves_behind_is_ended_and_said(yard: Yard) -> None:
    mark = odd_seconds()
    run = yard.shell(f"setsid sleep {mark} >/dev/null 2>&1 & echo started")
    done = yard.witness.await_end(run)
    assert done.state is RunState.SUCCEEDED
    lines = [(line.stream, line.text) for line in yard.witness.lines(run)]
    assert lines == [
        (Stream.STDOUT, "started"),
        (Stream.SYSTEM, "… ended 1 process that the command had left behind …"),
    ]
    assert not processes_with(mark)


@pytest.mark.skipif(
    os.geteuid() != 0, reason="the limit of processes does not bind root, and only root can become another"
)
def test_r97_a_fork_storm_is_bounded_and_ended() -> None:
    yard = Yard(Limits(processes=60), AccountPolicy(task_user="nobody"))
    storm = "storm() { storm | storm & }; storm; sleep 30"
    done = yard.end_of(storm, timeout_seconds=0.5)
    assert done.state is RunState.TIMED_OUT
    assert yard.end_of("echo fine").state is RunState.SUCCEEDED
    assert (done.finished_at - done.started_at) < 5_000_000
    assert bears_none(yard.warden)
    yard.launcher.stop(0)


def test_r97_limits_hold_for_what_a_command_starts() -> None:
    yard = Yard(Limits(open_files=64, address_space=2**30, file_bytes=10_000))
    run = yard.shell("ulimit -n; ulimit -v; head -c 20000 /dev/zero > file")
    yard.witness.await_end(run)
    assert yard.witness.text(run)[:2] == ["64", str(2**20)]
    done = yard.end_of("exec head -c 20000 /dev/zero > file")
    assert "file larger than it may" in done.cause or done.exit_code == 1
    yard.launcher.stop(0)


def test_no_zombies_stay(yard: Yard) -> None:
    for _ in range(5):
        yard.end_of("(sleep 0 &) ; (setsid sleep 0 &) ; true")
    yard.end_of("true")
    assert bears_none(yard.warden)


def test_a_killed_guardian_takes_its_tree_along(yard: Yard) -> None:
    mark = odd_seconds()
    run = yard.shell(f"pwd; setsid sleep {mark} & sleep {mark}")
    assert appear(mark, 2)
    yard.witness.await_start(run)
    guardian = yard.witness.begun[run.run_id]
    assert guardian is not None
    os.kill(guardian, signal.SIGKILL)
    done = yard.witness.await_end(run)
    assert done.state is RunState.FAILED
    assert vanish(mark)
    assert not Path(yard.witness.text(run)[0]).exists()


def test_a_killed_warden_harms_no_run_and_is_replaced(yard: Yard) -> None:
    mark = odd_seconds()
    run = yard.shell(f"sleep {mark}")
    assert appear(mark, 1)
    os.kill(yard.warden, signal.SIGKILL)
    os.waitpid(yard.warden, 0)
    assert yard.end_of("true").state is RunState.SUCCEEDED
    assert processes_with(mark)
    yard.launcher.cancel(run.run_id, "enough")
    assert yard.witness.await_end(run).state is RunState.CANCELLED
    assert not processes_with(mark)


def test_a_warden_that_took_over_is_not_ended_by_a_start_that_the_killed_one_left_unanswered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    supervisor, confirm = Supervisor(), Child.confirm
    both_asked, is_replaced = threading.Barrier(2), threading.Event()
    unanswered: list[threading.Thread] = []
    wardens: list[object] = []

    def confirm_late(child: Child) -> bool:
        me = threading.current_thread()
        if me not in unanswered:
            unanswered.append(me)
            both_asked.wait(10)
            # The second one notices only when there is a new one.
            if me is threads[1]:
                assert is_replaced.wait(10)
            return False
        found = confirm(child)
        if me is threads[0]:
            wardens.append(supervisor._warden)
            is_replaced.set()
        return found

    def start() -> None:
        supervisor.start(Launch(["/bin/true"], {}, "/")).close()

    monkeypatch.setattr(Child, "confirm", confirm_late)
    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert wardens == [supervisor._warden]
    supervisor.stop()


PROGRAM = """
import sys, threading
from tests.execution.test_trees import Yard
yard = Yard()
run = yard.shell(sys.argv[1])
yard.witness.await_start(run)
print(yard.witness.begun[run.run_id], flush=True)
threading.Event().wait()
"""


def test_rp9_a_killed_server_leaves_no_process_of_a_task(tmp_path: Path) -> None:
    mark = odd_seconds()
    line = f"trap '' TERM; pwd > {tmp_path}/folder; setsid sleep {mark} & (setsid sleep {mark} &) ; sleep {mark}; :"
    server = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, line], cwd=PROJECT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert server.stdout is not None
    with server, server.stdout:
        guardian = int(server.stdout.readline())
        assert appear(mark, 3)
        assert survivors([guardian, 1, os.getpid()]) == [guardian]
        server.kill()
    assert await_end([guardian], SystemClock()) == []
    assert not processes_with(mark)
    assert not Path((tmp_path / "folder").read_text().strip()).exists()


def test_a_fork_of_the_server_does_not_keep_its_tasks_alive(yard: Yard) -> None:
    def sockets() -> int:
        return sum(each.is_socket() for each in Path("/proc/self/fd").iterdir())

    yard.end_of("true")
    before = sockets()
    assert before
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Programs that fork beside threads exist, whatever later versions of Python say about it.
        warnings.simplefilter("ignore", DeprecationWarning)
        fork = os.fork()
    if fork == 0:
        try:
            os.write(writing, str(sockets()).encode())
        finally:
            os._exit(0)
    os.waitpid(fork, 0)
    assert int(os.read(reading, 10)) < before
    os.close(reading)
    os.close(writing)


def test_r102_endless_output_and_binary_output_stay_bounded(yard: Yard) -> None:
    tracemalloc.start()
    try:
        runs = [
            yard.shell("yes", timeout_seconds=0.7),
            yard.shell("cat /dev/urandom", timeout_seconds=0.7),
            yard.shell("head -c 100000000 /dev/zero | tr '\\0' x"),
        ]
        for run in runs:
            yard.witness.await_end(run)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32_000_000
    endless, noise, long = (yard.witness.end_of(run) for run in runs)
    assert (endless.state, noise.state, long.state) == (RunState.TIMED_OUT, RunState.TIMED_OUT, RunState.SUCCEEDED)
    assert long.output_bytes == 100_000_000
    for run in runs:
        lines = yard.witness.lines(run)
        assert [line.number for line in lines] == list(range(1, len(lines) + 1))
        assert sum(line.text.endswith("left out …") for line in lines) == 1
        assert sum(len(line.text.encode()) for line in lines) < 1024 * 1024 + 200_000


def test_rp25_descriptors_and_threads_are_level_after_200_runs(yard: Yard) -> None:
    def counts() -> tuple[int, int]:
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    for _ in range(4):
        yard.end_of("echo x")
    before = counts()
    for _ in range(200):
        yard.end_of("echo x")
    assert counts() == before
