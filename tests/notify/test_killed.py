"""Killed at any moment between what happened and its message: nothing is lost, and a second copy has the same id."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from horarium.clock import SystemClock, to_micros
from horarium.notify.carrier import Carrier, Outlets
from horarium.notify.dispatcher import Dispatcher
from horarium.notify.herald import Herald
from horarium.notify.standard import found
from horarium.outgoing.addresses import Policy
from horarium.records.notices import NoticeKind
from horarium.records.tasks import PythonSpec, TaskDefinition
from horarium.records.telling import Cause, Channel, Frequency, On, Recipient, Rule, To
from horarium.states import EventKind
from horarium.store.books.channels import ChannelBook, RuleBook
from horarium.store.books.codec import dump
from horarium.store.books.events import EventBook
from horarium.store.books.tasks import TaskBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from horarium.store.tables.work import scheduled_tasks as tasks_table
from horarium.testing.clock import ManualClock
from tests.notify.killed import sender

ROUNDS = 6
EACH = 40
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutes", [False, True], ids=["plain", "muted"])
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_rp20_kill_9_between_the_change_and_the_message_loses_nothing_and_ids_are_stable(
    request: pytest.FixtureRequest, data_folder: Path, database: str, *, mutes: bool
) -> None:
    where = str(data_folder / "h.db") if database == "sqlite" else str(request.getfixturevalue("postgres_url"))
    out, clock = data_folder / "out", SystemClock()
    store = open_store(where, clock=clock)
    tasks = _prepare(store, mutes=mutes)
    for place in range(ROUNDS):
        _let_cause_fail(store, is_failing=not place % 2)
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.notify.killed", where, str(out)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "round\n"
        _fail(store, tasks)
        for _ in range(random.randrange(8)):  # noqa: S311 - picks the moment, guards nothing
            child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    _let_cause_fail(store, is_failing=False)
    _drain(store, out)
    store.close()
    lines = [line.split() for line in out.read_text().splitlines()]
    by_id = {number: int(many) for number, many in lines}
    assert all(by_id[number] == int(many) for number, many in lines), "a second copy told something else"
    assert sum(by_id.values()) == ROUNDS * EACH


def _prepare(store: Store, *, mutes: bool) -> list[int]:
    """Make a few tasks, one channel and the one rule that all failures are told there, muted by a cause or not."""
    clock = SystemClock()
    found(store, clock)
    now = clock.now()
    channel = Channel(
        id=0,
        owner_id=0,
        kind="file",
        name="File",
        open_values={},
        credential_id=None,
        created_at=now,
        created_by="",
        updated_at=now,
    )
    with store.transaction() as tx:
        for rule in RuleBook(tx).every():
            RuleBook(tx).remove(rule.id)
        made = ChannelBook(tx).add(channel, name_key="file")
        kinds = frozenset({NoticeKind.FAILED})
        spec = TaskDefinition("cause", PythonSpec("a:b"), None)
        cause = Cause(On.TASK, TaskBook(tx).add(spec, now=to_micros(now), next_at=None).id)
        rule = Rule(kinds=kinds, frequency=Frequency.EACH, recipients=(Recipient(To.CHANNEL, made.id),))
        RuleBook(tx).add(replace(rule, mute_while=(cause,) if mutes else ()), now=now)
        return [
            TaskBook(tx).add(TaskDefinition(f"task-{n}", PythonSpec("a:b"), None), now=to_micros(now), next_at=None).id
            for n in range(7)
        ]


def _let_cause_fail(store: Store, *, is_failing: bool) -> None:
    """Let the newest run of what the rule names have failed, or not."""
    with store.transaction() as tx:
        tx.execute(update(tasks_table).where(tasks_table.c.name == "cause").values(failures_in_row=int(is_failing)))


def _fail(store: Store, tasks: list[int]) -> None:
    """Write what failed runs leave, each in a transaction of its own."""
    for number in range(EACH):
        with store.transaction() as tx:
            row = (SystemClock().micros(), EventKind.RUN_FINISHED.value, tasks[number % 7], None, None)
            EventBook(tx).append_rows([(*row, dump({"state": "failed"}))])


def _drain(store: Store, out: Path) -> None:
    """Read and send what is left, once nobody holds it any more."""
    clock = ManualClock(SystemClock().now() + timedelta(minutes=6))
    herald = Herald(store, clock)
    outlets = Outlets(kinds={"file": sender(out)}, policy=Policy(everywhere=True))
    dispatcher = Dispatcher(store, clock, Carrier(store, clock, outlets), gather=timedelta(0))
    for _ in range(5):
        while herald.look():
            pass
        clock.advance(timedelta(hours=1))
        dispatcher.make()
        dispatcher.send()
