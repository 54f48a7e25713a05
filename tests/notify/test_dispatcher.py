"""From what is to be told to messages that arrive: few of them, none lost, each channel for itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from horarium.notify.carrier import Carrier, Outlets
from horarium.notify.channels import mail
from horarium.notify.dispatcher import Dispatcher
from horarium.notify.drawing import Drawing
from horarium.notify.mailer import MailSettings
from horarium.outgoing.addresses import Policy
from horarium.preferences.settings import Preferences
from horarium.records.notices import Message, NoticeKind
from horarium.records.people import User
from horarium.records.telling import Channel, Frequency, Recipient, Target, To
from horarium.states import EventKind
from horarium.store.books.channels import ChannelBook
from horarium.store.books.deliveries import DeliveryBook
from horarium.store.books.people import PeopleBook
from tests.notify.worlds import Destination, World, deliveries_in, fail, kind_of, waiting_in
from tests.support.mail import Mailbox, mail_server
from tests.support.people import TESTER

FAILED = frozenset({NoticeKind.FAILED})
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PATIENCE_SECONDS = 20


def break_down(world: World, name: str, times: int = 1) -> None:
    """Let a task fail."""
    if name not in world.tasks.launcher.behaviours:
        world.tasks.add(name, None, behave=lambda _: 1 / 0)
    for _ in range(times):
        world.tasks.desk.trigger(name, by=TESTER)
        world.tasks.run_due()


def send_letters(world: World, port: int) -> None:
    """Let mail to people be letters to a mail server on this port."""
    drawing = Drawing(sender="horarium@example.org", base_url="http://localhost", zone="UTC")
    post = mail.kind(mail.Post(MailSettings(host="127.0.0.1", port=port, security="none"), drawing))
    world.outlets = Outlets(post=post.send, policy=Policy(everywhere=True))
    world.dispatcher = world.new_dispatcher()


def only_to(world: World, *channels: Channel, frequency: Frequency = Frequency.EACH) -> None:
    """Let all failures be told to these channels alone."""
    world.only(kinds=FAILED, frequency=frequency, recipients=tuple(Recipient(To.CHANNEL, each.id) for each in channels))


@pytest.mark.parametrize("tasks", [1, 50])
def test_r85_a_thousand_failures_in_a_minute_are_few_messages_with_none_unmentioned(world: World, tasks: int) -> None:
    only_to(world, world.add_channel(to="team"))
    for second in range(60):
        places = range(17 if second < 40 else 16)
        world.failures(*(f"task-{(second * 17 + place) % tasks}" for place in places))
        world.go(SECOND)
    world.go_on(10 * MINUTE, step=30 * SECOND)
    assert world.hook.count(NoticeKind.FAILED) == 40 * 17 + 20 * 16 == 1000
    assert len({topic.subject for topic in world.hook.topics()}) == tasks
    assert len(world.hook.got) <= 10
    assert waiting_in(world) == 0


def test_r85_a_task_that_flaps_for_hours_stays_within_its_limit(world: World) -> None:
    world.only(kinds=FAILED, frequency=Frequency.EACH, recipients=(Recipient(To.OWNER),))
    for _ in range(90):
        world.failures("flap")
        world.go(MINUTE)
    world.go_on(HOUR, step=5 * MINUTE)
    assert world.mail.count(NoticeKind.FAILED) == 90
    assert len(world.mail.got) <= 2 * 20


def test_a_channel_has_a_limit_of_its_own_and_what_is_above_goes_together(world: World) -> None:
    channel = world.add_channel(to="team")
    with world.store.transaction() as tx:
        ChannelBook(tx).change(channel.id, most_per_hour=2, most_per_day=3)
    only_to(world, channel)
    for _ in range(30):
        world.failures("flap")
        world.go(10 * MINUTE)
    assert len(world.hook.got) == 3
    world.go_on(timedelta(days=1), step=HOUR)
    assert len(world.hook.got) == 4
    assert world.hook.count(NoticeKind.FAILED) == 30


def test_rp20_smtp_down_for_half_an_hour_with_a_thousand_failures_costs_no_run_and_few_mails(
    world: World, free_port: int
) -> None:
    people = [world.person(f"p{number}") for number in range(4)]
    for number in range(34):
        world.tasks.add(f"task-{number}", "* * * * *", behave=lambda _: 1 / 0)
        world.own(f"task-{number}", people[number % 4])
    send_letters(world, free_port)
    begun, planned = world.clock.now(), 0
    while world.clock.now() - begun < 30 * MINUTE:
        planned += world.tasks.advance(20 * SECOND, step=20 * SECOND)
        world.go(timedelta(0))
    runs = world.tasks.runs(limit=5000)
    assert len(runs) == planned == 34 * 30
    assert max(run.lateness for run in runs if run.lateness is not None) <= SECOND
    assert deliveries_in(world)
    assert all(each.sent_at is None for each in deliveries_in(world))
    ids = {each.message_id for each in deliveries_in(world)}
    with mail_server(free_port) as box:
        world.go_on(3 * HOUR, step=2 * MINUTE)
        letters = list(box.letters)
    for user in people:
        theirs = [each for each in letters if each.recipients == [user.email]]
        assert 1 <= len(theirs) <= 10
    arrived = {str(each.message["Message-ID"]).strip("<>").partition("@")[0] for each in letters}
    assert ids <= arrived == {each.message_id for each in deliveries_in(world)}
    assert _told(world) == planned
    assert waiting_in(world) == 0


def _told(world: World) -> int:
    """Count the failures that the messages which arrived mention."""
    return sum(
        int(topic[4])
        for each in deliveries_in(world, state="sent")
        for topic in _topics(each.body)
        if topic[0] == NoticeKind.FAILED.value
    )


def _topics(body: Any) -> list[list[Any]]:
    found: list[list[Any]] = body["topics"]
    return found


def test_rp20_pauses_grow_for_a_day_and_then_it_is_given_up(world: World, caplog: pytest.LogCaptureFixture) -> None:
    only_to(world, world.add_channel(to="team"), frequency=Frequency.ONCE)
    world.hook.refuse = fail()
    break_down(world, "pay")
    world.go_on(timedelta(hours=25), step=5 * MINUTE)
    (delivery,) = deliveries_in(world)
    assert delivery.state == "given_up"
    assert 25 <= world.hook.tries <= 35
    pauses = [later.at - earlier.at for earlier, later in zip(delivery.log, delivery.log[1:], strict=False)]
    assert max(pauses) <= HOUR + 5 * MINUTE
    assert delivery.given_up_at
    assert timedelta(hours=22) < delivery.given_up_at - delivery.created_at <= timedelta(hours=25)
    # The log is not full of one outage: the first try and the end.
    warned = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert [("did not go out" in each, "given up" in each) for each in warned] == [(True, False), (False, True)]


def test_a_receiver_that_asks_to_be_left_alone_is(world: World) -> None:
    only_to(world, world.add_channel(to="team"))
    world.hook.refuse = fail("429 slow down", wait_seconds=900)
    break_down(world, "pay")
    world.go_on(14 * MINUTE)
    assert world.hook.tries == 1
    world.hook.refuse = lambda _to, _message: None
    world.go_on(2 * MINUTE)
    assert len(world.hook.got) == 1


def test_a_channel_that_refuses_for_good_is_disabled_and_its_owner_told(world: World) -> None:
    channel = world.add_channel(to="team")
    only_to(world, channel)
    world.add_rule(kinds=frozenset({NoticeKind.CHANNEL_DISABLED}), recipients=(Recipient(To.OWNER),))
    world.hook.refuse = fail("410 gone", is_final=True)
    for _ in range(5):
        break_down(world, "pay")
        world.go_on(10 * MINUTE, step=MINUTE)
    with world.store.reading() as tx:
        found = ChannelBook(tx).get(channel.id)
    assert found is not None
    assert (found.is_sending, found.disabled_reason) == (False, "410 gone")
    assert world.hook.tries == 3
    (topic,) = world.mail.topics("ines@example.org")
    assert (topic.kind, topic.subject) == (NoticeKind.CHANNEL_DISABLED, "Team")
    with world.store.transaction() as tx:
        ChannelBook(tx).change(channel.id, disabled_at=None, disabled_reason=None, failures=0)
    world.hook.refuse = lambda _to, _message: None
    world.go_on(HOUR, step=MINUTE)
    # What waited while it was disabled goes now; what was given up stays in sight.
    assert world.hook.count(NoticeKind.FAILED) == 2
    assert len(deliveries_in(world, state="given_up")) == 3


def test_rp20_a_dead_and_a_slow_channel_delay_no_other(world: World) -> None:
    slow, dead, well = Destination(), Destination(), Destination()
    go_on, entered = threading.Event(), threading.Event()

    def wait(_to: str, _message: Message) -> None:
        entered.set()
        assert go_on.wait(PATIENCE_SECONDS)

    slow.refuse, dead.refuse = wait, fail()
    arrived = threading.Event()
    well.refuse = lambda _to, _message: arrived.set()
    places = {"slow": slow, "dead": dead, "well": well}
    clock = world.clock
    only_to(world, *(world.add_channel(name, kind=name, to=name) for name in places))
    break_down(world, "pay")
    world.hear()
    outlets = Outlets(
        kinds={name: kind_of(place, name) for name, place in places.items()}, policy=Policy(everywhere=True)
    )
    dispatcher = Dispatcher(world.store, clock, Carrier(world.store, clock, outlets), gather=timedelta(0))
    dispatcher.start()
    try:
        assert entered.wait(PATIENCE_SECONDS)
        assert arrived.wait(PATIENCE_SECONDS), "the slow channel kept the well one waiting"
        # And a run goes on meanwhile.
        break_down(world, "other")
        assert world.tasks.runs("other")
    finally:
        go_on.set()
        dispatcher.stop()
    assert dead.tries >= 1
    assert len(well.got) == 1


def test_rp20_two_dispatchers_make_one_message_and_send_it_once(world: World) -> None:
    only_to(world, world.add_channel(to="team"))
    break_down(world, "pay", times=3)
    world.hear()
    world.clock.advance(10 * SECOND)
    others = [world.new_dispatcher() for _ in range(4)]
    barrier = threading.Barrier(len(others))

    def work(each: Dispatcher) -> None:
        barrier.wait(PATIENCE_SECONDS)
        each.make()
        each.send()

    threads = [threading.Thread(target=work, args=(each,)) for each in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert [message.topics[0].many for _, message in world.hook.got] == [3]


def test_a_message_that_was_held_when_the_power_failed_goes_later_with_the_same_id(world: World) -> None:
    only_to(world, world.add_channel(to="team"))
    break_down(world, "pay")
    world.hear()
    world.clock.advance(10 * SECOND)
    world.dispatcher.make()
    (made,) = deliveries_in(world)
    with world.store.transaction() as tx:
        assert DeliveryBook(tx).take(
            made.target.channel_id, world.clock.now(), hold_until=world.clock.now() + 5 * MINUTE, most=5
        )
    world.go_on(4 * MINUTE)
    assert not world.hook.got
    world.go_on(2 * MINUTE)
    assert [message.id for _, message in world.hook.got] == [made.message_id]


class Wishing:
    """A person with wishes."""

    def __init__(self, world: World, **wishes: Any) -> None:
        self.user: User = world.person("ana")
        self.world = world
        Preferences(world.store, world.clock).update_bulk(self.user.id, wishes)
        world.only(
            kinds=FAILED | {NoticeKind.DISK_LOW},
            frequency=Frequency.EACH,
            recipients=(Recipient(To.OWNER),),
        )
        world.tasks.add("pay", None, behave=lambda _: 1 / 0)
        world.own("pay", self.user)

    def fails(self) -> None:
        self.world.tasks.desk.trigger("pay", by=TESTER)
        self.world.tasks.run_due()

    def fails_silently(self) -> None:
        self.world._named["pay"] = self.world.tasks.desk.find("pay").id
        self.world.failures("pay")

    @property
    def times(self) -> list[datetime]:
        return [each.created_at for each in deliveries_in(self.world, targets=(Target(user_id=self.user.id),))]


def test_quiet_hours_hold_back_all_but_what_is_urgent(world: World) -> None:
    ana = Wishing(world, timezone="Europe/Berlin", quiet_from="13:00", quiet_until="16:00")
    # The clock stands at 12:00 in UTC, 14:00 in Berlin.
    for _ in range(3):
        ana.fails()
        world.go_on(20 * MINUTE, step=5 * MINUTE)
    assert not ana.times
    world.event(EventKind.DISK_LOW, owner_id=ana.user.id)
    world.go_on(MINUTE)
    assert [each.kind for each in world.mail.topics("ana@example.org")] == [NoticeKind.DISK_LOW]
    world.go_on(HOUR, step=5 * MINUTE)
    end = datetime(2026, 5, 14, 14, 0, tzinfo=UTC)
    assert end <= ana.times[1] <= end + 5 * MINUTE
    assert world.mail.count(NoticeKind.FAILED, "ana@example.org") == 3


@pytest.mark.parametrize(("digest", "at"), [("hourly", 13), ("daily", 16)])
def test_a_digest_comes_at_its_time_and_tells_everything(world: World, digest: str, at: int) -> None:
    ana = Wishing(world, digest=digest, digest_hour="16:00")
    for _ in range(5):
        ana.fails()
        world.go_on(10 * MINUTE, step=5 * MINUTE)
    assert not ana.times
    world.go_on(4 * HOUR, step=5 * MINUTE)
    assert [(each.hour, each.minute < 6) for each in ana.times] == [(at, True)]
    ((_, message),) = world.mail.got
    assert message.is_digest
    assert world.mail.count(NoticeKind.FAILED) == 5


@pytest.mark.parametrize("wishes", [{"mail_notices": False}, {"tell_failures": False}])
def test_who_wants_nothing_gets_nothing(world: World, wishes: dict[str, Any]) -> None:
    ana = Wishing(world, **wishes)
    ana.fails()
    world.go_on(MINUTE)
    assert not world.mail.got
    assert waiting_in(world) == 0


def test_r83_mail_goes_to_proven_addresses_only_and_so_many_times_a_day(world: World) -> None:
    ana = Wishing(world)
    with world.store.transaction() as tx:
        PeopleBook(tx).change(ana.user.id, email_confirmed_at=None)
    ana.fails()
    world.go_on(MINUTE)
    assert not world.mail.got
    world.proven(ana.user)
    world.clock.advance(SECOND)
    for _ in range(24 * 5):
        ana.fails_silently()
        world.go(12 * MINUTE)
    assert len(ana.times) == 100
    world.go_on(timedelta(days=1), step=2 * HOUR)
    assert world.mail.count(NoticeKind.FAILED) == 24 * 5


@pytest.mark.parametrize("sign", ["\r\nBcc: evil@example.org", "\x0b", "\x85", "\u2028", "\r", "\n"])
def test_r83_line_breaks_in_what_failed_neither_end_a_header_nor_lose_the_mail(
    world: World, box: Mailbox, sign: str
) -> None:
    send_letters(world, box.port)
    world.event(EventKind.BACKUP_FAILED, name=f"Nightly{sign} <b>copy</b>", words=f"no room{sign}at all")
    world.go()
    (letter,) = box.wait_for(1)
    assert letter.recipients == ["ines@example.org"]
    assert letter.message["Bcc"] is None
    assert "Nightly" in letter.subject
    assert "<b>copy</b>" not in letter.html


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as server:
        yield server


def test_a_person_is_told_one_thing_once_however_many_rules_name_them(world: World) -> None:
    world.only(kinds=FAILED, recipients=(Recipient(To.OWNER), Recipient(To.ADMINS)), goes_on=True)
    world.add_rule(kinds=FAILED, position=5, recipients=(Recipient(To.PERSON, world.admin.id),))
    break_down(world, "pay")
    world.go()
    assert [topic.many for topic in world.mail.topics()] == [1]
