"""One task with a fault parks, or waits; the others never notice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from horarium.clock import to_micros
from horarium.errors import DuplicateKey
from horarium.scheduling import compiled
from horarium.states import RunState
from horarium.store.books.ledger import LedgerBook
from horarium.store.books.tasks import TaskBook
from horarium.testing import ManualScheduler
from horarium.triggers import CronTrigger, IntervalTrigger, Trigger

MINUTE = timedelta(minutes=1)


class Failing(Trigger):
    """A trigger with a fault of its own."""

    __slots__ = ()

    def next_after(self, instant: datetime) -> datetime | None:
        raise ZeroDivisionError("a fault nobody foresaw")

    @property
    def description(self) -> str:
        return "Never"


class Standing(Failing):
    """A trigger that gives the same instant for ever."""

    __slots__ = ()

    def next_after(self, instant: datetime) -> datetime | None:
        return instant


def spoil(world: ManualScheduler, task_id: int, **columns: str) -> None:
    """Write into a task's row what no release of ours would."""
    with world.store.transaction() as tx:
        TaskBook(tx)._change(task_id, 1, **columns)


@pytest.mark.parametrize(("trigger", "words"), [(Failing(), "a fault nobody foresaw"), (Standing(), "it must move on")])
def test_a_trigger_that_fails_parks_its_task_and_holds_nobody_up(
    small: ManualScheduler, monkeypatch: pytest.MonkeyPatch, trigger: Trigger, words: str
) -> None:
    bad = small.add("bad", "* * * * *")
    small.add("good", "* * * * *")
    usual = compiled.trigger_of
    monkeypatch.setattr(compiled, "trigger_of", lambda text: trigger if "bad" in text else usual(text))
    spoil(small, bad.id, schedule="bad")
    small.advance(2 * MINUTE)
    parking = small.desk.find("bad").parking
    assert parking is not None
    assert words in parking.reason
    assert [run.state for run in small.runs("good")] == [RunState.SUCCEEDED] * 2


@pytest.mark.parametrize(
    "columns",
    [{"kind": "telepathy"}, {"spec": "not json"}, {"policies": '{"retry":{"attempts":0}}'}, {"schedule": "tomorrow"}],
)
def test_a_definition_of_another_release_parks_its_task_and_holds_nobody_up(
    small: ManualScheduler, columns: dict[str, str]
) -> None:
    bad = small.add("bad", "* * * * *")
    small.add("good", "* * * * *")
    spoil(small, bad.id, **columns)
    small.advance(2 * MINUTE)
    with small.store.reading() as tx:
        ids = TaskBook(tx)._tx.connection.exec_driver_sql(
            "SELECT parked_reason FROM scheduled_tasks WHERE parked_at IS NOT NULL AND next_at IS NULL"
        )
        (reason,) = [row[0] for row in ids]
    assert reason
    assert [run.state for run in small.runs("good")] == [RunState.SUCCEEDED] * 2


def test_rp1_an_instant_that_has_its_outcome_is_passed_over_and_holds_nobody_up(world: ManualScheduler) -> None:
    twice = world.add("twice", IntervalTrigger(60, world.clock.now()))
    world.add("good", CronTrigger("* * * * *"))
    at = to_micros(world.clock.now() + MINUTE)
    with world.store.transaction() as tx:
        LedgerBook(tx).record([(twice.id, at, None, "overlap", None, at)])
    world.clock.advance(MINUTE)
    world.heartbeat.beat()
    with pytest.raises(DuplicateKey):
        world.run_due()
    world.wake()
    world.run_due()
    world.advance(MINUTE)
    assert len(world.runs("good")) == 2
    assert [each.run_id is None for each in world.ledger("twice")] == [True, False]
