"""Channels, rules and the log as people keep them: their own, and an administrator's the installation's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.errors import Conflict, Denied, InvalidValue, NotFound
from horarium.notify.carrier import Carrier
from horarium.notify.channel_desk import ChannelChanges, ChannelDesk, NewChannel
from horarium.notify.channels.base import Field
from horarium.notify.log_desk import LogDesk
from horarium.notify.rule_desk import RuleDesk
from horarium.notify.safe import referenced_credentials
from horarium.notify.standard import Gates
from horarium.records.actors import Actor
from horarium.records.credentials import Asker
from horarium.records.notices import NoticeKind
from horarium.records.people import User
from horarium.records.reach import Reach
from horarium.records.telling import Cause, Frequency, On, Recipient, Rule, Scope, Snooze, To
from horarium.store.books.channels import ChannelBook, RuleBook
from horarium.store.books.credentials import CredentialBook
from horarium.store.books.grants import UseBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.tasks import TaskBook
from horarium.vault.vault import Vault
from tests.notify.worlds import Destination, World, deliveries_in, fail, kind_of
from tests.support.people import made_up

FAILED = frozenset({NoticeKind.FAILED})


def asker(user: User) -> Asker:
    actor = Actor.of_code(user.name)
    reach = Reach(everything=True) if user.is_admin else Reach(user_id=user.id)
    return Asker(actor=replace(actor, user_id=user.id), reach=reach, manages=user.is_admin)


@pytest.fixture
def desk(world: World) -> ChannelDesk:
    world.vault = Vault(world.store, world.clock, secret=made_up().encode())
    world.dispatcher = world.new_dispatcher()
    carrier = Carrier(world.store, world.clock, world.outlets, vault=world.vault)
    return ChannelDesk(world.store, world.clock, carrier, vault=world.vault)


@pytest.fixture
def rules(world: World) -> RuleDesk:
    return RuleDesk(world.store, world.clock, gates=Gates())


def test_r71_the_secret_of_a_channel_is_in_the_vault_alone(world: World, desk: ChannelDesk, data_folder: Path) -> None:
    secret = f"https://hooks.example.org/{made_up()}"
    channel = desk.add(
        NewChannel(name="Ops", kind="hook", values={"url": secret, "room": "ops"}), asker=asker(world.admin)
    )
    assert channel.open_values == {"room": "ops"}
    assert channel.credential_id is not None
    attempt = desk.test(channel.id, asker=asker(world.admin))
    assert attempt.is_taken
    assert world.hook.values[0] == {"url": secret, "room": "ops"}
    with world.store.reading() as tx:
        (use,) = UseBook(tx).of_credential(channel.credential_id)
        assert (use.purpose, use.closed_at is not None) == ("notice", True)
        assert referenced_credentials(tx) == {channel.credential_id}
    world.store.close()
    found = [path for path in data_folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert not found


def test_r73_an_answer_that_repeats_the_secret_is_masked(world: World, desk: ChannelDesk) -> None:
    secret = f"https://hooks.example.org/{made_up()}"
    channel = desk.add(NewChannel(name="Ops", kind="hook", values={"url": secret}), asker=asker(world.admin))
    world.hook.refuse = fail(f"404 no such hook: {secret}", is_final=True)
    attempt = desk.test(channel.id, asker=asker(world.admin))
    assert "[masked: a channel]" in attempt.answer
    assert secret not in str(deliveries_in(world)) + str(desk.show(channel.id, asker=asker(world.admin)))


def test_a_secret_that_is_left_out_stays_and_a_new_one_takes_its_place(world: World, desk: ChannelDesk) -> None:
    me, old, new = asker(world.admin), "https://a.example.org/one", "https://a.example.org/two"
    channel = desk.add(NewChannel(name="Ops", kind="hook", values={"url": old}), asker=me)
    desk.change(channel.id, ChannelChanges(name="Ops 2", values={"url": "", "room": "red"}, most_per_hour=3), asker=me)
    desk.test(channel.id, asker=me)
    desk.change(channel.id, ChannelChanges(values={"url": new}), asker=me)
    world.clock.advance(timedelta(seconds=5))
    desk.test(channel.id, asker=me)
    assert world.hook.values == [{"url": old, "room": "red"}, {"url": new}]
    assert desk.show(channel.id, asker=me).most_per_hour == 3
    desk.remove(channel.id, asker=me)
    with world.store.reading() as tx:
        assert not ChannelBook(tx).every()
        removed = CredentialBook(tx).get(channel.credential_id or 0)
        assert removed is not None
        assert removed.is_removed


def test_people_keep_their_own_channels_and_see_no_others(world: World, desk: ChannelDesk) -> None:
    ana, noor = world.person("ana"), world.person("noor")
    mine = desk.add(
        NewChannel(name="Mine", kind="hook", values={"url": "https://a.example.org"}, owner_id=ana.id), asker=asker(ana)
    )
    assert not desk.list(asker=asker(noor))
    assert [each.name for each in desk.list(asker=asker(world.admin))] == ["Mine"]
    with pytest.raises(NotFound):
        desk.pause(mine.id, asker=asker(noor))
    with pytest.raises(Denied):
        desk.add(NewChannel(name="Ours", kind="hook", values={"url": "https://a.example.org"}), asker=asker(noor))
    with pytest.raises(InvalidValue, match="there is a channel of this name"):
        desk.add(
            NewChannel(name="MINE", kind="hook", values={"url": "https://b.example.org"}, owner_id=ana.id),
            asker=asker(ana),
        )


@pytest.mark.parametrize(
    ("values", "field"), [({"url": ""}, "url"), ({"url": "x", "colour": "red"}, "field"), ({}, "url")]
)
def test_bad_values_are_refused_by_field(world: World, desk: ChannelDesk, values: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        desk.add(NewChannel(name="Ops", kind="hook", values=values), asker=asker(world.admin))
    assert caught.value.field == field


def test_a_new_rule_stands_before_the_standard_ones(world: World, rules: RuleDesk) -> None:
    me = asker(world.admin)
    before = rules.list(asker=me)
    assert [each.rule.standard for each in before] == ["failure", "success", "delay", "house", "things"]
    assert [each.shut_by for each in before] == ["", "NOTIFY_ON_TASK_SUCCESS", "", "", ""]
    one = rules.add(Rule(kinds=FAILED, recipients=(Recipient(To.OWNER),)), asker=me)
    two = rules.add(Rule(kinds=FAILED, recipients=(Recipient(To.ADMINS),)), asker=me)
    assert [each.rule.id for each in rules.list(asker=me)][:2] == [one.id, two.id]
    order = [each.rule.id for each in rules.list(asker=me)]
    order[0], order[1] = order[1], order[0]
    assert [each.id for each in rules.put_in_order(order, asker=me)][:2] == [two.id, one.id]
    assert not rules.switch(one.id, on=False, asker=me).is_on
    rules.remove(two.id, asker=me)
    with pytest.raises(NotFound):
        rules.show(two.id, asker=me)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"kinds": frozenset()}, "kinds"),
        ({"recipients": ()}, "recipients"),
        ({"recipients": (Recipient(To.CHANNEL, 99),)}, "recipients"),
        ({"after_failures": 0}, "after_failures"),
        ({"frequency": Frequency.AT_MOST}, "every_seconds"),
        ({"scope": Scope.TAG, "tag": " "}, "tag"),
        ({"scope": Scope.TASK, "scope_id": 99}, "task"),
        ({"scope": Scope.PROJECT, "scope_id": 99}, "project"),
    ],
)
def test_a_rule_that_means_nothing_is_refused_by_field(
    world: World, rules: RuleDesk, wanted: dict[str, object], field: str
) -> None:
    fine: dict[str, object] = {"kinds": FAILED, "recipients": (Recipient(To.OWNER),)}
    with pytest.raises(InvalidValue) as caught:
        rules.add(Rule(**{**fine, **wanted}), asker=asker(world.admin))  # type: ignore[arg-type]
    assert caught.value.field == field


def test_a_rule_names_what_its_owner_sees_once_and_never_its_own_task(world: World, rules: RuleDesk) -> None:
    ana, noor = world.person("ana"), world.person("noor")
    for name in ("vpn", "copy", "hers"):
        world.tasks.add(name, None)
    vpn, copy, hers = (
        Cause(On.TASK, world.own(name, who)) for name, who in (("vpn", ana), ("copy", ana), ("hers", noor))
    )
    wanted = Rule(owner_id=ana.id, kinds=FAILED, recipients=(Recipient(To.OWNER),))

    def refused(*causes: Cause, by: User = ana, **given: Any) -> str:
        with pytest.raises(InvalidValue) as caught:
            rules.add(replace(wanted, mute_while=causes, **given), asker=asker(by))
        assert caught.value.field == "mute_while"
        return caught.value.allowed

    absent = refused(Cause(On.TASK, 99))
    assert absent == refused(hers) == refused(hers, by=world.admin) == "there is no such task"
    assert refused(Cause(On.CHECK, 99)) == "there is no such check"
    assert "does not depend on itself" in refused(copy, scope=Scope.TASK, scope_id=copy.id)
    assert refused(*(Cause(On.TASK, number) for number in range(1, 22))) == "name at most 20"
    made = rules.add(replace(wanted, mute_while=(vpn, copy, vpn)), asker=asker(ana))
    assert made.mute_while == (vpn, copy)
    with world.store.transaction() as tx:
        TaskBook(tx).remove(vpn.id, now=world.clock.micros())
    # What is gone stays on the rule until somebody takes it off, and cannot come back.
    assert rules.switch(made.id, on=False, asker=asker(ana)).mute_while == (vpn, copy)
    rules.change(made.id, replace(made, mute_while=(copy,)), asker=asker(ana))
    with pytest.raises(InvalidValue, match="there is no such task"):
        rules.change(made.id, replace(made, mute_while=(vpn,)), asker=asker(ana))
    entries = Trail(world.store, world.clock).page(limit=10)
    changed = next(each for each in entries if each.action == Action.RULE_CHANGED)
    assert [each["mute_while"] for each in (changed.before, changed.after)] == [[vpn.text, copy.text], [copy.text]]


def test_a_rule_of_ones_own_speaks_to_oneself_alone(world: World, rules: RuleDesk) -> None:
    ana, noor = world.person("ana"), world.person("noor")
    for recipient in (Recipient(To.ADMINS), Recipient(To.PERSON, noor.id)):
        with pytest.raises(InvalidValue, match="use your own channels, or yourself"):
            rules.add(Rule(owner_id=ana.id, kinds=FAILED, recipients=(recipient,)), asker=asker(ana))
    made = rules.add(Rule(owner_id=ana.id, kinds=FAILED, recipients=(Recipient(To.OWNER),)), asker=asker(ana))
    with pytest.raises(NotFound):
        rules.remove(made.id, asker=asker(noor))
    with pytest.raises(Denied):
        rules.add(Rule(kinds=FAILED, recipients=(Recipient(To.OWNER),)), asker=asker(ana))


def test_what_is_snoozed_is_told_together_afterwards(world: World) -> None:
    log, me = LogDesk(world.store, world.clock), asker(world.admin)
    world.tasks.add("pay", None, behave=lambda _: 1 / 0)
    number = world.tasks.desk.find("pay").id
    until = world.clock.now() + timedelta(hours=2)
    snooze = log.snooze(Snooze(task_id=number, until=until, created_at=until), asker=me)
    for _ in range(3):
        world.tasks.desk.trigger("pay", by=Actor.of_code("the test"))
        world.tasks.run_due()
        world.go_on(timedelta(minutes=10), step=timedelta(minutes=1))
    assert not world.mail.got
    assert log.snoozes(asker=me) == [snooze]
    world.go_on(timedelta(hours=2), step=timedelta(minutes=5))
    assert world.mail.count(NoticeKind.FAILED) == 3
    assert len(world.mail.got) == 1
    assert not log.snoozes(asker=me)


def test_a_snooze_that_is_ended_lets_go_what_waited(world: World) -> None:
    log, me = LogDesk(world.store, world.clock), asker(world.admin)
    world.tasks.add("pay", None, behave=lambda _: 1 / 0)
    world.tasks.desk.trigger("pay", by=Actor.of_code("the test"))
    world.tasks.run_due()
    world.hear()
    until = world.clock.now() + timedelta(days=2)
    snooze = log.snooze(Snooze(user_id=world.admin.id, until=until, created_at=until), asker=me)
    world.go_on(timedelta(minutes=1))
    assert not world.mail.got
    log.wake(snooze.id, asker=me)
    world.go_on(timedelta(minutes=1))
    assert world.mail.count(NoticeKind.FAILED) == 1


def test_who_may_hold_back_what(world: World) -> None:
    log, ana = LogDesk(world.store, world.clock), world.person("ana")
    until = world.clock.now() + timedelta(hours=1)
    with pytest.raises(Denied):
        log.snooze(Snooze(task_id=1, until=until, created_at=until), asker=asker(ana))
    with pytest.raises(InvalidValue, match="at most a year ahead"):
        log.snooze(Snooze(user_id=ana.id, until=until - timedelta(days=1), created_at=until), asker=asker(ana))


def test_rp20_what_was_given_up_is_in_sight_and_is_sent_again_with_its_id(world: World) -> None:
    log, me = LogDesk(world.store, world.clock), asker(world.admin)
    channel = world.add_channel(to="team")
    world.only(kinds=FAILED, recipients=(Recipient(To.CHANNEL, channel.id),))
    world.hook.refuse = fail("410 gone", is_final=True)
    world.tasks.add("pay", None, behave=lambda _: 1 / 0)
    world.tasks.desk.trigger("pay", by=Actor.of_code("the test"))
    world.tasks.run_due()
    world.go()
    (given_up,) = log.page(asker=me, state="given_up")
    assert given_up.answer == "410 gone"
    assert [each.answer for each in given_up.log] == ["410 gone"]
    assert log.show(given_up.id, asker=me)[1][0].name == "pay"
    world.hook.refuse = lambda _to, _message: None
    log.resend(given_up.id, asker=me)
    world.go(timedelta(minutes=1))
    ((_, message),) = world.hook.got
    assert message.id == given_up.message_id
    with pytest.raises(Conflict):
        log.resend(given_up.id, asker=me)
    with pytest.raises(NotFound):
        log.show(given_up.id, asker=asker(world.person("ana")))


def test_r83_ordinary_people_have_mail_sent_to_their_own_proven_address_alone(world: World, desk: ChannelDesk) -> None:
    sent = Destination()
    mail = replace(
        kind_of(sent, "email"), fields=(Field(name="to", label="To", sentence="Addresses, separated by commas."),)
    )
    world.outlets.kinds["email"] = mail  # type: ignore[index]
    ana = world.person("ana")
    for to in ("noor@example.org", "ana@example.org, noor@example.org", "ana@example.org;x@example.org"):
        with pytest.raises(InvalidValue, match="use your own address"):
            desk.add(NewChannel(name="Me", kind="email", values={"to": to}, owner_id=ana.id), asker=asker(ana))
    channel = desk.add(
        NewChannel(name="Me", kind="email", values={"to": "Ana@example.org"}, owner_id=ana.id), asker=asker(ana)
    )
    assert desk.test(channel.id, asker=asker(ana)).is_taken
    # Whoever loses the proof loses the way.
    with world.store.transaction() as tx:
        PeopleBook(tx).change(ana.id, email_confirmed_at=None)
    world.clock.advance(timedelta(minutes=1))
    attempt = desk.test(channel.id, asker=asker(ana))
    assert (attempt.is_taken, "not the owner's" in attempt.answer) == (False, True)
    assert len(sent.got) == 1
    desk.add(NewChannel(name="Team", kind="email", values={"to": "team@example.org"}), asker=asker(world.admin))


def test_what_is_old_and_what_belonged_to_people_who_are_gone_is_forgotten(
    world: World, desk: ChannelDesk, rules: RuleDesk
) -> None:
    ana = world.person("ana")
    mine = NewChannel(name="Mine", kind="hook", values={"url": "https://a.example.org"}, owner_id=ana.id)
    channel = desk.add(mine, asker=asker(ana))
    rules.add(Rule(owner_id=ana.id, kinds=FAILED, recipients=(Recipient(To.CHANNEL, channel.id),)), asker=asker(ana))
    world.failures("pay")
    world.go()
    assert len(deliveries_in(world)) == 1
    with world.store.transaction() as tx:
        PeopleBook(tx).remove(ana.id)
    world.clock.advance(timedelta(days=29))
    world.dispatcher.tidy()
    assert len(deliveries_in(world)) == 1
    with world.store.reading() as tx:
        assert not ChannelBook(tx).every()
        assert all(each.owner_id == 0 for each in RuleBook(tx).every())
    world.clock.advance(timedelta(days=2))
    world.dispatcher.tidy()
    assert not deliveries_in(world)
