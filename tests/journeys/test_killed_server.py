"""The real server killed at random moments under load, and several of them on one store: judged by the checker."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPException
from pathlib import Path

import pytest

from horarium.clock import SystemClock
from horarium.records.actors import Actor
from horarium.records.policies import Overlap, Policies
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.scheduling.tasks import TaskDesk
from horarium.states import Isolation, OverlapPolicy
from horarium.store.opening import open_store
from horarium.triggers import IntervalTrigger, to_text
from tests.faults.checker import tracebacks, violations
from tests.faults.history import ClientLog, History, history_at
from tests.faults.place import ROOT, cut_off, states_of_attempts
from tests.faults.witness import START, read_marks
from tests.journeys.house import House, Running, await_that, house_in, processes_with
from tests.journeys.visitor import Visitor
from tests.support.people import made_up
from tests.support.places import free_loopback_port

BY_HAND = "by hand"


class Scene:
    """Servers on one store, tasks that testify, and a client who asks for runs over the web."""

    def __init__(self, house: House, common: Path, store: str) -> None:
        self.house = house
        self.store = store
        self.witness = common / "witness"
        self.client = ClientLog(common / "client")
        self.faults: list[float] = []
        self.password = made_up()
        house.do("user", "create-admin", "ines", "--password-stdin", stdin=self.password)

    def add(
        self, name: str, *words: str, every: str = "1s", seconds: float = 0.05, policy: tuple[str, ...] = ()
    ) -> None:
        """Add a task that testifies: a function with `words`, or a command where there are none."""
        when = ("--every", every) if every else ("--by-hand",)
        if words:
            kwargs = json.dumps({"witness": str(self.witness), "seconds": seconds})
            what = ("--python", "tests.faults.witness:work", "--args", kwargs, *words)
        else:
            what = ("--", sys.executable, "-m", "tests.faults.witness", str(self.witness), str(seconds))
            policy = ("--cwd", str(ROOT), *policy)
        self.client.asked("add", name)
        self.house.do("task", "add", name, *when, *policy, *what)
        self.client.told("add", name)

    def add_many(self, count: int, *, seconds: float) -> None:
        """Add as many functions that are due each second and take so long, in one go."""
        clock = SystemClock()
        store = open_store(self.store)
        every = to_text(IntervalTrigger(timedelta(seconds=1), clock.now()))
        spec = PythonSpec("tests.faults.witness:work", (str(self.witness), seconds), isolation=Isolation.THREAD)
        queue = Policies(overlap=Overlap(OverlapPolicy.QUEUE, 100))
        tasks = [TaskDefinition(f"task {number}", spec, every, policies=queue) for number in range(count)]
        TaskDesk(store, clock).define_many(tasks, actor=Actor.of_code("the test"))
        store.close()

    def load(self) -> None:
        """Add tasks of every kind."""
        for number in range(4):
            self.add(f"quick {number}", "--in-thread", policy=("--misfire", "all", "--overlap", "queue"))
        self.add("slow", "--in-thread", seconds=1.3, policy=("--overlap", "allow:2"))
        self.add("isolated", "--isolated", every="2s", seconds=0.3)
        self.add("command", every="2s", seconds=0.3, policy=("--misfire", "all", "--overlap", "queue"))
        self.add("long command", every="5s", seconds=2.5)
        self.add(BY_HAND, "--in-thread", every="", policy=("--overlap", "allow:20"))

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Have a client ask for runs over the web for as long as the block lasts, whoever answers or not."""
        over = threading.Event()
        task_id = self.house.do("task", "show", BY_HAND, "--json").json["id"]

        def ask() -> None:
            visitor = None
            while not over.wait(0.1):
                try:
                    if visitor is None:
                        newcomer = Visitor(self.house.address)
                        newcomer.sign_in("ines", self.password)
                        visitor = newcomer
                    self.client.asked("trigger", BY_HAND)
                    status, text, where = visitor.post(f"/tasks/{task_id}/run")
                    assert status == 303, text
                    self.client.told("trigger", BY_HAND, run=int(where.rpartition("/")[2]))
                except (OSError, HTTPException):
                    # Nobody is there, or the answer broke off: it was killed a moment ago.
                    continue

        asker = threading.Thread(target=ask)
        asker.start()
        try:
            yield
        finally:
            over.set()
            asker.join(30)

    def kill(self, server: Running) -> None:
        """Kill a server, see what it had started end as well, and remember when that was."""
        server.kill()
        await_that(lambda: processes_with(str(self.witness)), lambda left: left == [], within=3)
        # A program that was being started in that moment may have testified a moment after the kill.
        self.faults.append(time.monotonic())

    def judge(self) -> History:
        """Stop the servers in order, and fail with what the checker finds."""
        until = time.time_ns() // 1000
        for server in self.house.started:
            if server.process.poll() is None:
                assert server.stop() == 0
        history = history_at(self.store, self.witness, client=self.client, faults=self.faults)
        history.left = await_that(lambda: processes_with(str(self.witness)), lambda left: left == [], within=5)
        found = violations(history, until=until)
        found += [line for server in self.house.started for line in tracebacks(server.log)]
        assert found == [], "\n".join(found)
        return history


@pytest.fixture(params=["sqlite", "postgres"])
def scene(request: pytest.FixtureRequest, tmp_path: Path, common: Path) -> Iterator[Scene]:
    """Give a scene on each of the databases."""
    # Witnesses are programs of this checkout, which an unprivileged account need not be able to read.
    settings = {"PYTHONPATH": str(ROOT), "HORARIUM_TASK_USER": "", "HORARIUM_ALLOW_ROOT_TASKS": "on"}
    store = str(tmp_path / "data" / "horarium.db")
    if request.param == "postgres":
        store = settings["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    with house_in(tmp_path, **settings) as house:
        yield Scene(house, common, store)


def kill_repeatedly(scene: Scene, kills: int) -> None:
    """Kill and start again as often, then stop in order and judge."""
    randomly = random.SystemRandom()
    scene.load()
    server = scene.house.start()
    pause = threading.Event()
    with scene.asking():
        for _ in range(kills):
            pause.wait(randomly.uniform(0.2, 2.5))
            scene.kill(server)
            server = scene.house.start()
        pause.wait(2)
    history = scene.judge()
    states = states_of_attempts(history)
    assert {states[mark.run, mark.attempt] for mark in cut_off(history)} <= {"interrupted"}
    assert sum(row["state"] == "interrupted" for row in history.attempts) > 0
    assert sum(row["said"] == "told" and row["what"] == "trigger" for row in history.client) > kills


@pytest.mark.long
@pytest.mark.parametrize("scene", ["sqlite"], indirect=True)
def test_rp24_the_server_killed_twice_under_load_loses_and_doubles_nothing(scene: Scene) -> None:
    kill_repeatedly(scene, 2)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_rp24_the_server_killed_fifty_times_under_load_loses_and_doubles_nothing(scene: Scene) -> None:
    kill_repeatedly(scene, 50)


def share(scene: Scene, servers: int, occurrences: int) -> None:
    """Let servers work side by side on one store until so many occurrences have run, then judge."""
    tasks = 30
    # Due at one instant, they fill the three workers of one server ten times over: the others have to take part.
    scene.add_many(tasks, seconds=0.15)
    for _ in range(servers):
        port = str(free_loopback_port())
        scene.house.launch("serve", HORARIUM_PORT=port, HORARIUM_WORKERS="3")
    for server in scene.house.started:
        server.await_line("Horarium is at")
    await_that(
        lambda: sum(mark.what == START for mark in read_marks(scene.witness)),
        lambda count: count >= occurrences,
        within=60 + 3 * occurrences / tasks,
    )
    history = scene.judge()
    assert len(history.ledger) >= occurrences
    # That all took part shows that there was a race; who takes how much is nobody's promise.
    assert len(Counter(mark.pid for mark in history.marks)) == servers


@pytest.mark.parametrize("scene", ["postgres"], indirect=True)
def test_rp1_two_servers_on_one_postgresql_double_nothing(scene: Scene) -> None:
    share(scene, 2, 200)


@pytest.mark.parametrize("scene", ["sqlite"], indirect=True)
def test_rp1_four_servers_on_one_file_double_nothing(scene: Scene) -> None:
    share(scene, 4, 200)
