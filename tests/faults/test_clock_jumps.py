"""The wall clock is set forward and back: what was missed follows the rule, once, and nothing runs a second time."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from horarium.clock import from_micros
from horarium.records.policies import Misfire, Policies
from horarium.states import MisfirePolicy
from horarium.testing import ManualClock, ManualScheduler
from horarium.triggers import IntervalTrigger
from tests.faults.checker import violations
from tests.faults.history import read_history
from tests.faults.witness import under_oath

JUMPS = [
    timedelta(seconds=61),
    timedelta(seconds=-61),
    timedelta(hours=3),
    timedelta(hours=-3),
    timedelta(days=40),
    timedelta(days=-40),
]


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_rp17_a_clock_that_is_set_runs_nothing_twice(tmp_path: Path, jump: timedelta) -> None:
    witness = tmp_path / "witness"
    clock = ManualClock()
    world = ManualScheduler(clock=clock)

    def behave(job: Any) -> None:
        with under_oath(str(witness), job.run_id, job.definition.name, from_micros(job.planned_at), job.attempt):
            ran[job.definition.name, job.planned_at] += 1

    ran: Counter[tuple[str, int]] = Counter()
    for policy in MisfirePolicy:
        rule = Policies(misfire=Misfire(policy=policy, grace_seconds=5))
        world.add(f"{policy.value} often", IntervalTrigger(20, clock.now()), behave=behave, policies=rule)
        world.add(f"{policy.value} by the hour", "5 * * * *", behave=behave, policies=rule)
    world.advance(timedelta(minutes=7), step=timedelta(seconds=5))
    before = sum(ran.values())
    clock.jump(jump)
    if jump < timedelta():
        world.advance(-jump / 2, step=max(-jump / 200, timedelta(seconds=5)))
        assert sum(ran.values()) == before, "nothing is due before the old time is reached again"
        world.advance(-jump / 2, step=max(-jump / 200, timedelta(seconds=5)))
    world.advance(timedelta(minutes=2), step=timedelta(seconds=5))
    assert sum(ran.values()) > before
    assert set(ran.values()) == {1}
    history = read_history(world.store, witness)
    world.shut_down()
    assert violations(history, until=clock.micros(), settled=False) == []
