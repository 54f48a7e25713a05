"""While what a rule names is failing, its other troubles are muted: kept, shown, and told if they outlast it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from horarium.notify.muting import free
from horarium.records.checks import CheckWish
from horarium.records.notices import NoticeKind
from horarium.records.reach import Place
from horarium.records.telling import Cause, Frequency, Note, On, Recipient, Rule, Scope, To
from horarium.states import CheckState, EventKind, RunState
from horarium.store.books.channels import RuleBook
from horarium.store.books.checks import CheckBook
from horarium.store.books.muted import MutedBook
from horarium.store.books.notices import NoteBook, TellingBook
from horarium.store.books.tasks import TaskBook
from tests.notify.test_herald import HOUR, MINUTE, Moody
from tests.notify.worlds import World

TROUBLES = frozenset({NoticeKind.FAILED, NoticeKind.RECOVERED, NoticeKind.HEARTBEAT_MISSED})
GOOD = RunState.SUCCEEDED


def cause(world: World, name: str) -> Cause:
    """Return a task as a rule names it."""
    return Cause(On.TASK, world.tasks.desk.find(name).id)


def muting(world: World, *causes: Cause, **rest: object) -> Rule:
    """Let one rule tell the team of everything, muted while these fail."""
    channel = world.add_channel(to="team")
    given: dict[str, object] = {"kinds": TROUBLES, "frequency": Frequency.ONCE, **rest}
    return world.only(recipients=(Recipient(To.CHANNEL, channel.id),), mute_while=causes, **given)


def told(world: World) -> list[tuple[NoticeKind, str]]:
    """Return what the team was told, in order."""
    return [(each.kind, each.subject) for each in world.hook.topics("team")]


def muted(world: World) -> list[Note]:
    """Return what is muted, or was until it was over."""
    with world.store.reading() as tx:
        return MutedBook(tx).page()


def add_check(world: World, state: CheckState = CheckState.DOWN, name: str = "router") -> Cause:
    """Write a check that stands so."""
    with world.store.transaction() as tx:
        number = CheckBook(tx).add(CheckWish(name=name, schedule="every 1h"), token=name.ljust(32, "t"), now=0)
        CheckBook(tx).set(number, state=state.value)
    return Cause(On.CHECK, number)


def set_check(world: World, check: Cause, state: CheckState, **columns: object) -> None:
    """Let a check stand otherwise."""
    with world.store.transaction() as tx:
        CheckBook(tx).set(check.id, state=state.value, **columns)


def test_a_storm_of_children_while_the_parent_fails_is_one_message_about_the_parent(world: World) -> None:
    parent, children = Moody(world, "vpn", owner=False), [Moody(world, f"copy-{n}", owner=False) for n in range(30)]
    muting(world, cause(world, "vpn"))
    for each in children[:15]:
        each.run()
    parent.run()
    for each in children:
        each.run()
    world.go_on(HOUR)
    assert told(world) == [(NoticeKind.FAILED, "vpn")]
    assert len(world.hook.got) == 1
    assert {(each.name, each.muted_while) for each in muted(world)} == {
        (each.name, cause(world, "vpn")) for each in children
    }
    assert sum(each.many for each in muted(world)) == 45
    with world.store.reading() as tx:
        assert list(NoteBook(tx).counts_by_rule(world.clock.now() - HOUR * 2).values()) == [1]


def test_what_outlasts_its_cause_is_told_once_and_its_recovery_too(world: World) -> None:
    parent, child = Moody(world, "vpn", owner=False), Moody(world, "copy", owner=False)
    muting(world, cause(world, "vpn"))
    parent.run()
    child.run(times=3)
    world.go_on(MINUTE)
    parent.run(GOOD)
    world.go_on(5 * MINUTE)
    # One message, the most urgent first.
    assert told(world) == [(NoticeKind.FAILED, "vpn"), (NoticeKind.FAILED, "copy"), (NoticeKind.RECOVERED, "vpn")]
    assert world.hook.topics()[1].many == 3
    child.run()
    world.go_on(5 * MINUTE)
    assert len(told(world)) == 3
    child.run(GOOD)
    world.go_on(5 * MINUTE)
    assert told(world)[3:] == [(NoticeKind.FAILED, "copy"), (NoticeKind.RECOVERED, "copy")]
    assert muted(world) == []


def test_what_goes_on_for_long_keeps_nothing_behind_it_muted(world: World) -> None:
    parent, children = Moody(world, "vpn", owner=False), [Moody(world, f"copy-{n}", owner=False) for n in range(5)]
    router, ping = Moody(world, "router", owner=False), Moody(world, "ping", owner=False)
    muting(world, cause(world, "vpn"))
    net = world.add_channel("Net", to="net")
    about = {"kinds": TROUBLES, "scope": Scope.TASK, "scope_id": cause(world, "ping").id}
    world.add_rule(**about, recipients=(Recipient(To.CHANNEL, net.id),), mute_while=(cause(world, "router"),))
    for each in (parent, *children, router, ping):
        each.run()
    world.hear()
    router.run(GOOD)
    world.hear()
    before = [each.name for each in reversed(muted(world))]
    assert before[:5] == [each.name for each in children]
    assert before[-1] == "ping"
    assert free(world.store, world.clock.now(), most=2) == 1
    assert "ping" not in {each.name for each in muted(world)}
    world.go_on(MINUTE)
    assert [each.subject for each in world.hook.topics("net")] == ["ping"]


@pytest.mark.parametrize("frequency", [Frequency.ONCE, Frequency.EACH, Frequency.DAILY, Frequency.AT_MOST])
def test_what_recovers_before_its_cause_is_never_told_and_stays_in_the_log(world: World, frequency: Frequency) -> None:
    parent, child = Moody(world, "vpn", owner=False), Moody(world, "copy", owner=False)
    every = 3600 if frequency is Frequency.AT_MOST else None
    muting(world, cause(world, "vpn"), frequency=frequency, every_seconds=every)
    parent.run()
    world.go_on(MINUTE)
    child.run(times=2)
    world.go_on(MINUTE)
    child.run(GOOD)
    world.go_on(MINUTE)
    parent.run(GOOD)
    world.go_on(3 * HOUR, step=MINUTE)
    assert told(world) == [(NoticeKind.FAILED, "vpn"), (NoticeKind.RECOVERED, "vpn")]
    (note,) = muted(world)
    assert (note.name, note.many, note.closed_at is not None) == ("copy", 2, True)
    child.run()
    world.go_on(MINUTE)
    assert told(world)[2:] == [(NoticeKind.FAILED, "copy")]


def test_what_begins_and_ends_in_one_batch_is_muted_too(world: World) -> None:
    parent, child = Moody(world, "vpn", owner=False), Moody(world, "copy", owner=False)
    muting(world, cause(world, "vpn"))
    child.run()
    child.run(GOOD)
    parent.run()
    world.go_on(MINUTE)
    parent.run(GOOD)
    world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.FAILED, "vpn"), (NoticeKind.RECOVERED, "vpn")]
    assert [each.name for each in muted(world)] == ["copy"]


def test_what_recovers_right_after_its_cause_is_not_told_either(world: World) -> None:
    parent, child = Moody(world, "vpn", owner=False), Moody(world, "copy", owner=False)
    muting(world, cause(world, "vpn"))
    parent.run()
    child.run()
    world.go_on(MINUTE)
    parent.run(GOOD)
    world.go(timedelta(seconds=1))
    child.run(GOOD)
    world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.FAILED, "vpn"), (NoticeKind.RECOVERED, "vpn")]


def test_a_cause_that_fails_while_the_message_waits_still_mutes_it(world: World) -> None:
    parent, child = Moody(world, "vpn", owner=False), Moody(world, "copy", owner=False)
    muting(world, cause(world, "vpn"))
    child.run()
    world.hear()
    parent.run()
    world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.FAILED, "vpn")]
    assert [each.name for each in muted(world)] == ["copy"]


def test_both_a_trouble_and_its_end_are_muted_when_the_cause_fails_before_their_message(world: World) -> None:
    parent, child = Moody(world, "vpn", owner=False), Moody(world, "copy", owner=False)
    muting(world, cause(world, "vpn"), frequency=Frequency.AT_MOST, every_seconds=3600)
    child.run()
    world.hear()
    child.run(GOOD)
    world.hear()
    parent.run()
    world.go_on(MINUTE)
    parent.run(GOOD)
    world.go_on(3 * HOUR, step=MINUTE)
    assert told(world) == [(NoticeKind.FAILED, "vpn"), (NoticeKind.RECOVERED, "vpn")]


@pytest.mark.parametrize("frequency", [Frequency.EACH, Frequency.ONCE])
def test_who_was_told_of_the_failure_before_is_told_of_its_end_while_the_cause_fails(
    world: World, frequency: Frequency
) -> None:
    parent, child = Moody(world, "vpn", owner=False), Moody(world, "copy", owner=False)
    muting(world, cause(world, "vpn"), frequency=frequency)
    child.run()
    world.go_on(MINUTE)
    parent.run()
    child.run(times=2)
    world.go_on(MINUTE)
    child.run(GOOD)
    world.go_on(10 * MINUTE)
    assert [each for each in told(world) if each[0] is NoticeKind.RECOVERED] == [(NoticeKind.RECOVERED, "copy")]
    many = [each.many for each in world.hook.topics() if (each.kind, each.subject) == (NoticeKind.FAILED, "copy")]
    assert many[0] == 1


def test_successes_are_told_and_what_a_rule_names_is_never_muted_by_it(world: World) -> None:
    named, child = [Moody(world, name, owner=False) for name in ("vpn", "dns")], Moody(world, "copy", owner=False)
    causes = [cause(world, each.name) for each in named]
    muting(world, *causes, kinds=TROUBLES | {NoticeKind.SUCCEEDED}, frequency=Frequency.EACH)
    for each in named:
        each.run()
    child.run()
    child.run(GOOD)
    world.go_on(MINUTE)
    assert set(told(world)) == {
        (NoticeKind.FAILED, "vpn"),
        (NoticeKind.FAILED, "dns"),
        (NoticeKind.SUCCEEDED, "copy"),
    }


@pytest.mark.parametrize("state", [CheckState.DOWN, CheckState.LATE])
def test_a_check_that_is_down_or_late_mutes_until_it_is_up(world: World, state: CheckState) -> None:
    child, check = Moody(world, "copy", owner=False), add_check(world)
    other, due = add_check(world, name="switch"), world.clock.micros() - 1
    if state is CheckState.LATE:
        set_check(world, check, CheckState.UP, due_at=due)
    muting(world, check)
    child.run()
    world.event(EventKind.HEARTBEAT_MISSED, check=check.id, name="router")
    world.event(EventKind.HEARTBEAT_MISSED, check=other.id, name="switch")
    world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.HEARTBEAT_MISSED, "router")]
    assert {each.name for each in muted(world)} == {"copy", "switch"}
    set_check(world, check, CheckState.UP, due_at=None)
    world.go_on(MINUTE)
    assert {name for _, name in told(world)} == {"router", "copy", "switch"}


def test_what_is_gone_mutes_no_longer(world: World) -> None:
    parent, child, check = Moody(world, "vpn", owner=False), Moody(world, "copy", owner=False), add_check(world)
    muting(world, cause(world, "vpn"), check)
    parent.run()
    child.run()
    world.go_on(MINUTE)
    with world.store.transaction() as tx:
        TaskBook(tx).remove(world.tasks.desk.find("vpn").id, now=world.clock.micros())
    world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.FAILED, "vpn")]
    with world.store.transaction() as tx:
        CheckBook(tx).remove(check.id)
    world.go_on(MINUTE)
    assert told(world)[1:] == [(NoticeKind.FAILED, "copy")]


@pytest.mark.parametrize("what", [On.TASK, On.CHECK])
def test_a_task_or_check_that_is_removed_while_it_is_muted_is_not_told(world: World, what: On) -> None:
    parent = Moody(world, "vpn", owner=False)
    muting(world, cause(world, "vpn"))
    parent.run()
    check = add_check(world)
    if what is On.TASK:
        Moody(world, "copy", owner=False).run()
    else:
        world.event(EventKind.HEARTBEAT_MISSED, check=check.id, name="router")
    world.go_on(MINUTE)
    assert [each.is_muted for each in muted(world)] == [True]
    with world.store.transaction() as tx:
        if what is On.TASK:
            TaskBook(tx).remove(world.tasks.desk.find("copy").id, now=world.clock.micros())
        else:
            CheckBook(tx).remove(check.id)
    parent.run(GOOD)
    world.go_on(MINUTE)
    assert {name for _, name in told(world)} == {"vpn"}
    assert [each.closed_at is not None for each in muted(world)] == [True]


def test_a_rule_that_mutes_no_longer_tells_what_waited(world: World) -> None:
    parent, child = Moody(world, "vpn", owner=False), Moody(world, "copy", owner=False)
    rule = muting(world, cause(world, "vpn"))
    parent.run()
    child.run()
    world.go_on(MINUTE)
    with world.store.transaction() as tx:
        RuleBook(tx).replace(replace(rule, mute_while=()), now=world.clock.now())
    world.go_on(MINUTE)
    assert told(world) == [(NoticeKind.FAILED, "vpn"), (NoticeKind.FAILED, "copy")]


def test_what_the_owner_of_a_rule_does_not_see_mutes_nothing(world: World) -> None:
    noor = world.person("noor")
    parent, child = Moody(world, "vpn", owner=False), Moody(world, "copy", owner=False)
    world.own("copy", noor)
    world.own("vpn", world.person("bo"))
    world.only(owner_id=noor.id, kinds=TROUBLES, recipients=(Recipient(To.OWNER),), mute_while=(cause(world, "vpn"),))
    parent.run()
    child.run()
    world.go_on(MINUTE)
    assert [each.subject for each in world.mail.topics("noor@example.org")] == ["copy"]
    with world.store.transaction() as tx:
        TaskBook(tx).move(cause(world, "vpn").id, Place(owner_id=noor.id), now=world.clock.micros())
    child.run(GOOD)
    world.go_on(MINUTE)
    child.run()
    world.go_on(MINUTE)
    assert [each.kind for each in world.mail.topics("noor@example.org") if each.subject == "copy"] == [
        NoticeKind.FAILED,
        NoticeKind.RECOVERED,
    ]


def test_what_is_muted_for_long_is_not_forgotten(world: World) -> None:
    parent, child = Moody(world, "vpn", owner=False), Moody(world, "copy", owner=False)
    muting(world, cause(world, "vpn"))
    parent.run()
    child.run()
    world.go_on(MINUTE)
    world.clock.advance(timedelta(days=40))
    with world.store.transaction() as tx:
        TellingBook(tx).forget_before(world.clock.now() - timedelta(days=30))
    parent.run(GOOD)
    world.go_on(MINUTE)
    assert (NoticeKind.FAILED, "copy") in told(world)
