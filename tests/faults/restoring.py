"""A program that restores backups and is killed meanwhile: `python -m tests.faults.restoring JSON`.

Each attempt is a process of its own, forked off before the store was ever opened here, that kills itself at a step of
the work or is killed after a moment. After each one a line says whether the store is the old one or the new one.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from horarium.clock import SystemClock
from horarium.records.actors import Actor
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.scheduling.hold import held
from horarium.scheduling.tasks import TaskDesk
from horarium.store.backup import find_backup
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.store.tables import scheduled_tasks
from horarium.upkeep.backups import back_up
from horarium.upkeep.restoring import Ask, generation_of, restore_backup
from horarium.upkeep.rules import BackupRules

WHO = Actor.of_code("faults")


def main() -> None:
    """Prepare a store and a backup, then restore again and again."""
    plan = json.loads(sys.argv[1])
    rules = BackupRules(Path(plan["folder"]))
    name, steps = apart(lambda: prepare(plan, rules))
    moments = [None] * plan.get("points", 0)
    points = [max(1, round(steps * (each + 1) / (len(moments) + 1))) for each in range(len(moments))]
    for point in points:
        attempt(plan, rules, name, point=point)
    for _ in range(plan.get("moments", 0)):
        attempt(plan, rules, name, after=secrets.SystemRandom().uniform(0.0, 1.2))
    attempt(plan, rules, name)


def prepare(plan: dict[str, Any], rules: BackupRules) -> list[Any]:
    """Make a store with tasks, as far as an earlier round left none, back it up, and count the steps of a restore."""
    store = open_store(plan["store"])
    text = "what it is about " * 40
    there = set(names_in(store))
    desk = TaskDesk(store, SystemClock())
    desk.define_many(
        TaskDefinition(name, PythonSpec("os:getpid"), None, description=text)
        for name in (f"old {n}" for n in range(plan["rows"]))
        if name not in there
    )
    made = back_up(store, rules, SystemClock(), origin="hand")
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    restore(plan, rules, made["file"], count)
    return [made["file"], steps]


def restore(plan: dict[str, Any], rules: BackupRules, name: str, go_on: Callable[[], None]) -> None:
    """Restore the backup."""
    store = open_store(plan["store"])
    restore_backup(store, rules, SystemClock(), Ask(find_backup(rules.folder, name), WHO), go_on=go_on)
    store.close()


def attempt(
    plan: dict[str, Any], rules: BackupRules, name: str, *, point: int | None = None, after: float | None = None
) -> None:
    """Change the store, restore in a process that is killed, and say what was found."""
    before = apart(lambda: add(plan))

    def work() -> None:
        left = point or 0

        def step() -> None:
            nonlocal left
            left -= 1
            if left == 0 and point is not None:
                os.kill(os.getpid(), signal.SIGKILL)

        restore(plan, rules, name, step)

    killed = forked(work, after)
    found = apart(lambda: look(plan))
    old, new = [before[0], before[1]], [before[0] + 1, plan["rows"]]
    state = {tuple(old): "old", tuple(new): "new"}.get(tuple(found[:2]), f"between: {found} {before}")
    if state == "new" and not found[3]:
        state = "new, but nothing is held"
    told = {"state": state, "damage": found[2], "killed": killed, "point": point, "after": after}
    sys.stdout.write(f"{json.dumps(told)}\n")
    sys.stdout.flush()


def add(plan: dict[str, Any]) -> list[Any]:
    """Add a task; return the generation of the store and how many tasks it has."""
    store = open_store(plan["store"])
    TaskDesk(store, SystemClock()).define(TaskDefinition(f"new {secrets.token_hex(6)}", PythonSpec("os:getpid"), None))
    store.close()
    return look(plan)[:2]


def look(plan: dict[str, Any]) -> list[Any]:
    """Return the generation, the number of tasks, what is damaged, and whether schedules are held."""
    store = open_store(plan["store"])
    with store.reading() as tx:
        hold = held(tx).restored
    found = [generation_of(store), len(names_in(store)), list(store.check()), hold is not None]
    store.close()
    return found


def names_in(store: Store) -> list[str]:
    """Return the names of the tasks of a store."""
    with store.reading() as tx:
        return list(tx.execute(select(scheduled_tasks.c.name)).scalars())


def apart(work: Callable[[], list[Any]]) -> list[Any]:
    """Do something with the store in a process of its own; return what it answers."""
    reading, writing = os.pipe()

    def told() -> None:
        os.write(writing, json.dumps(work()).encode())

    assert not forked(told)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        found: list[Any] = json.loads(answer.read())
    return found


def forked(work: Callable[[], None], after: float | None = None) -> bool:
    """Do something in a process of its own, killed after so many seconds; tell whether it was killed."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told by the exit code, and printed for whoever looks
            sys.stderr.write(f"{error!r}\n")
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    if after is not None:
        time.sleep(after)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    killed = os.WIFSIGNALED(status)
    assert killed or os.WEXITSTATUS(status) == 0
    return killed


if __name__ == "__main__":
    main()
