"""What is late, stuck, too long or never started: found from time to time, told once."""

from __future__ import annotations

from datetime import timedelta

from horarium.notify.facts import in_words
from horarium.records.notices import NoticeKind
from horarium.records.policies import Misfire, Policies
from horarium.records.telling import Frequency, Recipient, To
from horarium.states import MisfirePolicy
from tests.notify.worlds import World
from tests.support.people import TESTER

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def look(world: World) -> None:
    """Let the herald look for delays, and send what it found."""
    world.herald.watch()
    world.go(MINUTE)


def begin(world: World) -> None:
    """Let what is due begin, and its beginning be written."""
    world.tasks.run_due()
    world.clock.advance(SECOND)
    world.tasks.recorder.flush()


def test_what_nobody_starts_is_late_and_then_never_started_each_told_once(world: World) -> None:
    world.tasks.add("pay", "1 12 * * *")
    world.clock.advance(10 * MINUTE)
    look(world)
    assert not world.mail.got
    for _ in range(3):
        look(world)
    (topic,) = world.mail.topics()
    assert (topic.kind, topic.subject) == (NoticeKind.LATE, "pay")
    assert "no scheduler is running" in topic.words
    assert topic.facts["Planned"] == "Thu 14 May 2026, 12:01 (UTC)"
    world.clock.advance(HOUR)
    for _ in range(3):
        look(world)
    assert [(each.kind, each.many) for each in world.mail.topics()] == [
        (NoticeKind.LATE, 1),
        (NoticeKind.NEVER_STARTED, 1),
    ]


def test_a_run_that_went_well_ends_a_delay_so_that_the_next_one_is_told_again(world: World) -> None:
    world.only(kinds=frozenset({NoticeKind.LATE}), frequency=Frequency.ONCE, recipients=(Recipient(To.ADMINS),))
    world.tasks.add("pay", "1 * * * *")
    for hour in range(2):
        world.clock.advance(20 * MINUTE)
        look(world)
        assert world.mail.count(NoticeKind.LATE) == hour + 1
        world.tasks.run_due()
        world.go(MINUTE)
        world.clock.set(world.clock.now().replace(minute=0, second=0) + HOUR)


def test_paused_parked_and_future_tasks_are_not_late(world: World) -> None:
    world.tasks.add("paused", "1 12 * * *")
    world.tasks.add("later", "1 15 * * *")
    world.tasks.desk.pause("paused", by=TESTER)
    world.clock.advance(HOUR)
    look(world)
    assert not world.mail.got


def test_a_run_behind_its_own_time_limit_is_stuck(world: World) -> None:
    world.tasks.launcher.holds = True
    world.tasks.add("pay", None, policies=Policies(timeout_seconds=60))
    world.tasks.desk.trigger("pay", by=TESTER)
    begin(world)
    world.clock.advance(5 * MINUTE)
    look(world)
    assert not world.mail.got
    world.clock.advance(5 * MINUTE)
    look(world)
    (topic,) = world.mail.topics()
    assert topic.kind is NoticeKind.STUCK
    assert "should have been ended by its time limit" in topic.words


def test_too_long_is_longer_than_a_rule_says_or_than_it_mostly_takes(world: World) -> None:
    kinds = frozenset({NoticeKind.TOO_LONG})
    world.only(kinds=kinds, after_seconds=7200, recipients=(Recipient(To.ADMINS),), position=1)
    usual = world.add_rule(kinds=kinds, recipients=(Recipient(To.OWNER),), position=2, goes_on=True)
    assert usual.after_seconds is None
    world.tasks.add("pay", None, policies=Policies(timeout_seconds=None))
    ana = world.person("ana")
    world.own("pay", ana)
    for _ in range(5):
        world.tasks.desk.trigger("pay", by=TESTER)
        world.tasks.run_due()
    world.tasks.launcher.holds = True
    world.tasks.desk.trigger("pay", by=TESTER)
    begin(world)
    world.clock.advance(4 * MINUTE)
    look(world)
    assert not world.mail.got
    world.clock.advance(MINUTE)
    look(world)
    assert [to for to, _ in world.mail.got] == ["ana@example.org"]
    world.clock.advance(2 * HOUR)
    look(world)
    look(world)
    assert [to for to, _ in world.mail.got] == ["ana@example.org", "ines@example.org"]


def test_what_was_missed_while_nobody_was_there_is_told_together(world: World) -> None:
    policies = Policies(misfire=Misfire(policy=MisfirePolicy.SKIP))
    world.tasks.add("pay", "* * * * *", policies=policies)
    world.tasks.sleep_through(3 * HOUR)
    world.tasks.run_due()
    world.go(MINUTE)
    topic = next(each for each in world.mail.topics() if each.kind is NoticeKind.NEVER_STARTED)
    assert 175 <= topic.many <= 180
    assert "Nobody was there for" in topic.words


def test_lengths_of_time_are_told_with_their_two_largest_units() -> None:
    told = [in_words(seconds) for seconds in (0, 0.42, 9, 61, 3600, 3661, 90_000, 864_000)]
    assert told == ["0s", "0.4s", "9s", "1m 1s", "1h", "1h 1m", "1d 1h", "10d"]
