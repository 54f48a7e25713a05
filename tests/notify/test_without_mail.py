"""Without a mail server mail is not tried: it lies with the reason, for a day, and goes if one is set meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from horarium.notify.channels.kinds import kinds_of
from horarium.notify.mailing import NO_MAIL
from horarium.records.notices import NoticeKind
from horarium.records.telling import Frequency, Recipient, To
from tests.notify.worlds import World, deliveries_in, waiting_in

FAILED = frozenset({NoticeKind.FAILED})
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def set_mail_server(world: World, *, is_set: bool) -> None:
    """Start the one who sends anew, with a mail server or without."""
    world.outlets = replace(world.outlets, post=world.mail if is_set else None)
    world.dispatcher = world.new_dispatcher()


@pytest.fixture
def silent(world: World) -> World:
    """Give a world without a mail server, in which each failure is told to its owner."""
    world.only(kinds=FAILED, frequency=Frequency.EACH, recipients=(Recipient(To.OWNER),))
    set_mail_server(world, is_set=False)
    return world


def fail_hourly(world: World, hours: int) -> None:
    """Let one task fail each hour."""
    for _ in range(hours):
        world.failures("pay")
        world.go_on(HOUR, step=5 * MINUTE)


def test_mail_without_a_mail_server_is_not_tried_and_says_why(silent: World, caplog: pytest.LogCaptureFixture) -> None:
    fail_hourly(silent, 3)
    (delivery,) = deliveries_in(silent)
    assert (delivery.state, delivery.answer, delivery.tries, delivery.log) == ("waiting", NO_MAIL, 0, ())
    told = [(each.levelname, each.getMessage()) for each in caplog.records if "essage" in each.getMessage()]
    assert told == [("WARNING", f"Messages by mail wait: {NO_MAIL}")]


def test_rp20_a_mail_server_that_is_set_within_a_day_gets_all_of_it_at_once(silent: World) -> None:
    fail_hourly(silent, 20)
    set_mail_server(silent, is_set=True)
    silent.go_on(2 * MINUTE)
    assert silent.mail.count(NoticeKind.FAILED) == 20
    assert len(silent.mail.got) == 2
    assert {each.state for each in deliveries_in(silent)} == {"sent"}
    assert waiting_in(silent) == 0


def test_rp20_what_lay_for_a_day_is_given_up_and_nothing_goes_unmentioned(
    silent: World, caplog: pytest.LogCaptureFixture
) -> None:
    fail_hourly(silent, 60)
    states = [(each.state, each.answer, each.log) for each in deliveries_in(silent)]
    assert states == [("given_up", NO_MAIL, ()), ("given_up", NO_MAIL, ()), ("waiting", NO_MAIL, ())]
    for each in deliveries_in(silent)[:2]:
        assert each.given_up_at is not None
        assert DAY <= each.given_up_at - each.created_at <= DAY + 10 * MINUTE
    assert len([each for each in caplog.records if each.levelname == "WARNING"]) == 1
    lost = sum(_failures(each.body) for each in deliveries_in(silent)[:2])
    set_mail_server(silent, is_set=True)
    silent.go_on(2 * MINUTE)
    assert lost + silent.mail.count(NoticeKind.FAILED) == 60


def test_a_channel_of_addresses_waits_as_well_and_others_go(silent: World) -> None:
    silent.outlets = replace(silent.outlets, kinds={**kinds_of(silent.clock), **silent.outlets.kinds})
    silent.dispatcher = silent.new_dispatcher()
    mail = silent.add_channel("Mail", kind="email", to="team@example.org")
    hook = silent.add_channel("Team", to="team")
    silent.only(kinds=FAILED, recipients=tuple(Recipient(To.CHANNEL, each.id) for each in (mail, hook)))
    silent.failures("pay")
    silent.go_on(HOUR, step=MINUTE)
    found = {each.target.channel_id: each for each in deliveries_in(silent)}
    assert (found[hook.id].state, silent.hook.count(NoticeKind.FAILED)) == ("sent", 1)
    assert (found[mail.id].state, found[mail.id].answer, found[mail.id].log) == ("waiting", NO_MAIL, ())


def test_a_process_without_a_mail_server_leaves_mail_to_one_that_has_it(silent: World) -> None:
    silent.failures("pay")
    silent.go_on(5 * MINUTE)
    other = silent.dispatcher
    set_mail_server(silent, is_set=True)
    other.send()
    silent.dispatcher.send()
    other.send()
    assert silent.mail.count(NoticeKind.FAILED) == 1
    assert [each.state for each in deliveries_in(silent)] == ["sent"]


def _failures(body: object) -> int:
    topics = body["topics"]  # type: ignore[index]
    return sum(int(topic[4]) for topic in topics if topic[0] == NoticeKind.FAILED.value)
