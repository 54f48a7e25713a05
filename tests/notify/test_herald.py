"""What happened becomes what is told: once, to the right people, however often one looks or dies."""

from __future__ import annotations

from datetime import timedelta

import pytest

from horarium.notify.herald import Herald
from horarium.records.notices import NoticeKind
from horarium.records.policies import Policies, Retry
from horarium.records.telling import Frequency, Recipient, Scope, To
from horarium.states import EventKind, RunState
from tests.notify.worlds import World
from tests.support.people import TESTER

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class Moody:
    """A task that does as it is told."""

    def __init__(self, world: World, name: str, *, owner: bool = True) -> None:
        self.state = RunState.FAILED
        self.world, self.name = world, name
        world.tasks.add(name, None, behave=lambda _: self.state)
        if owner:
            world.own(name, world.person(f"owner-of-{name}"))

    def run(self, state: RunState = RunState.FAILED, *, times: int = 1) -> None:
        self.state = state
        for _ in range(times):
            self.world.tasks.desk.trigger(self.name, by=TESTER)
            self.world.tasks.run_due()


def test_a_failure_is_told_to_its_owner_and_its_recovery_as_well(world: World) -> None:
    task = Moody(world, "pay")
    task.run()
    world.go()
    ((to, message),) = world.mail.got
    assert to == "owner-of-pay@example.org"
    (topic,) = message.topics
    assert (topic.kind, topic.subject, topic.many) == (NoticeKind.FAILED, "pay", 1)
    assert topic.path == f"/runs/{topic.run_id}"
    task.run(RunState.SUCCEEDED)
    world.go_on(MINUTE)
    assert [each.kind for each in world.mail.topics()] == [
        NoticeKind.FAILED,
        NoticeKind.RECOVERED,
        NoticeKind.SUCCEEDED,
    ]


def test_rp20_two_heralds_write_each_event_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Moody(world, "pay")
    task.run(times=5)
    other = Herald(world.store, world.clock)
    plan = other._read()
    assert plan is not None
    world.hear()
    # The other one read the same before, and comes to write it only now.
    monkeypatch.setattr(other, "_read", lambda: plan)
    assert other.look() == 0
    world.go()
    assert world.mail.count(NoticeKind.FAILED) == 5


def test_what_failed_before_the_last_attempt_is_not_told(world: World) -> None:
    states = [RunState.FAILED, RunState.SUCCEEDED]
    world.tasks.add(
        "twice", None, behave=lambda _: states.pop(0), policies=Policies(retry=Retry(attempts=2, delay_seconds=1))
    )
    world.own("twice", world.person("ana"))
    world.tasks.desk.trigger("twice", by=TESTER)
    world.tasks.advance(timedelta(seconds=5))
    world.go()
    assert world.mail.count(NoticeKind.FAILED) == 0


def test_only_after_so_many_failures_in_a_row(world: World) -> None:
    world.only(
        kinds=frozenset({NoticeKind.FAILED, NoticeKind.RECOVERED}),
        after_failures=3,
        frequency=Frequency.ONCE,
        recipients=(Recipient(To.OWNER),),
    )
    task = Moody(world, "pay")
    task.run(times=2)
    world.go_on(MINUTE)
    task.run(RunState.SUCCEEDED)
    task.run(times=2)
    world.go_on(MINUTE)
    assert not world.mail.got
    task.run()
    world.go_on(MINUTE)
    (topic,) = world.mail.topics()
    assert topic.facts["In a row"] == "3"
    task.run(times=4)
    world.go_on(MINUTE)
    assert len(world.mail.got) == 1
    task.run(RunState.SUCCEEDED)
    world.go_on(MINUTE)
    assert [(each.kind, each.many) for each in world.mail.got[1][1].topics] == [
        (NoticeKind.FAILED, 4),
        (NoticeKind.RECOVERED, 1),
    ]


@pytest.mark.parametrize(
    ("frequency", "seconds", "messages"),
    [(Frequency.ONCE, None, 1), (Frequency.AT_MOST, 7200, 11), (Frequency.DAILY, None, 1)],
)
def test_how_often_a_rule_tells_of_what_goes_on(
    world: World, frequency: Frequency, seconds: int | None, messages: int
) -> None:
    world.only(
        kinds=frozenset({NoticeKind.FAILED}),
        frequency=frequency,
        every_seconds=seconds,
        recipients=(Recipient(To.OWNER),),
    )
    task = Moody(world, "pay")
    for _ in range(23):
        task.run()
        world.go_on(HOUR, step=10 * MINUTE)
    assert len(world.mail.got) == messages


def test_of_the_rules_the_first_that_fits_decides_and_those_of_a_task_come_first(world: World) -> None:
    first, second = world.add_channel("First", to="first"), world.add_channel("Second", to="second")
    task = Moody(world, "pay")
    failed = frozenset({NoticeKind.FAILED})
    world.only(kinds=failed, position=1, recipients=(Recipient(To.CHANNEL, first.id),))
    number = world.tasks.desk.find("pay").id
    world.add_rule(
        kinds=failed,
        position=2,
        scope=Scope.TASK,
        scope_id=number,
        recipients=(Recipient(To.CHANNEL, second.id),),
        goes_on=True,
    )
    world.add_rule(kinds=failed, position=3, recipients=(Recipient(To.OWNER),))
    task.run()
    world.go()
    assert {to for to, _ in world.hook.got} == {"first", "second"}
    assert not world.mail.got


def test_r47_nobody_is_told_of_what_they_cannot_see(world: World) -> None:
    task, noor = Moody(world, "pay"), world.person("noor")
    world.only(
        kinds=frozenset({NoticeKind.FAILED}),
        recipients=(Recipient(To.PERSON, noor.id), Recipient(To.PERSON, world.admin.id)),
    )
    world.add_rule(owner_id=noor.id, kinds=frozenset({NoticeKind.FAILED}), recipients=(Recipient(To.OWNER),))
    task.run()
    world.go()
    assert [to for to, _ in world.mail.got] == ["ines@example.org"]


def test_what_happens_to_the_installation_is_told_to_administrators(world: World) -> None:
    world.person("noor")
    world.event(EventKind.BACKUP_FAILED, words="no room")
    world.go()
    world.event(EventKind.BACKUP_FAILED, words="no room")
    world.go_on(MINUTE)
    ((to, message),) = world.mail.got
    assert (to, message.topics[0].kind, message.topics[0].words) == (
        "ines@example.org",
        NoticeKind.BACKUP_FAILED,
        "no room",
    )
    world.event(EventKind.BACKUP_MADE)
    world.event(EventKind.BACKUP_MADE)
    world.go_on(MINUTE)
    assert [each.kind for each in world.mail.got[1][1].topics] == [NoticeKind.BACKUP_FAILED, NoticeKind.RECOVERED]
    assert world.mail.count(NoticeKind.RECOVERED) == 1


def test_an_event_that_makes_no_sense_keeps_the_others_from_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.event(EventKind.NOTICE_ASKED, kind="nonsense")
    world.event(EventKind.BACKUP_FAILED)
    world.go()
    assert world.mail.count(NoticeKind.BACKUP_FAILED) == 1
    assert "cannot be told" in caplog.text
