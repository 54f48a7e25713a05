"""What is no task and yet somebody's: heartbeats and credentials are told to whose they are, by rules about them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from horarium.accounts.projects import Projects
from horarium.clock import EPOCH
from horarium.notify.rule_words import Naming, condition
from horarium.notify.rules import Happening
from horarium.records.checks import CallKind, CheckWish
from horarium.records.notices import NoticeKind
from horarium.records.people import Role
from horarium.records.reach import NOWHERE, Place
from horarium.records.telling import Recipient, Rule, Scope, To
from horarium.scheduling.calls import CallDesk
from horarium.scheduling.checks import CheckDesk
from horarium.states import EventKind
from horarium.triggers import IntervalTrigger, to_text
from tests.notify.worlds import World
from tests.support.people import TESTER

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
MISSED = frozenset({NoticeKind.HEARTBEAT_MISSED, NoticeKind.RECOVERED})
OWNER = (Recipient(To.OWNER),)


def add_check(world: World, place: Place, name: str = "router") -> str:
    """Make a check that is to be called each hour; return its token."""
    wish = CheckWish(name=name, schedule=to_text(IntervalTrigger(3600, EPOCH)), place=place)
    return CheckDesk(world.store, world.clock).add(wish, actor=TESTER).token


def call(world: World, token: str, kind: CallKind) -> None:
    """Call a check, and let what comes of it be told."""
    CallDesk(world.store, world.clock).take(token, kind)
    world.go_on(MINUTE)


def told(world: World) -> list[tuple[str, NoticeKind]]:
    """Return to whom what was told."""
    return [(to.partition("@")[0], topic.kind) for to, message in world.mail.got for topic in message.topics]


def test_a_missed_heartbeat_is_told_to_its_owner_and_so_is_its_return(world: World) -> None:
    ana, _ = world.person("ana"), world.person("noor")
    token = add_check(world, Place(owner_id=ana.id))
    call(world, token, CallKind.FAIL)
    call(world, token, CallKind.DONE)
    assert told(world) == [("ana", NoticeKind.HEARTBEAT_MISSED), ("ana", NoticeKind.RECOVERED)]


def test_a_heartbeat_of_a_project_is_told_to_who_manages_it_and_one_of_nobody_to_administrators(world: World) -> None:
    ana, noor = world.person("ana"), world.person("noor")
    projects = Projects(world.store, world.clock)
    night = projects.add("Night", actor=TESTER)
    projects.put_member(night.id, ana.id, Role.ADMIN, actor=TESTER)
    projects.put_member(night.id, noor.id, Role.VIEWER, actor=TESTER)
    call(world, add_check(world, Place(project_id=night.id)), CallKind.FAIL)
    assert told(world) == [("ana", NoticeKind.HEARTBEAT_MISSED)]
    call(world, add_check(world, NOWHERE, "switch"), CallKind.FAIL)
    assert told(world)[1:] == [("ines", NoticeKind.HEARTBEAT_MISSED)]


def test_rules_about_a_person_or_a_project_are_about_their_heartbeats_too(world: World) -> None:
    ana = world.person("ana")
    night = Projects(world.store, world.clock).add("Night", actor=TESTER)
    channels = [Recipient(To.CHANNEL, world.add_channel(name, to=name).id) for name in ("person", "project")]
    scopes = ((Scope.PERSON, ana.id), (Scope.PROJECT, night.id))
    for (scope, number), channel in zip(scopes, channels, strict=True):
        world.add_rule(kinds=MISSED, scope=scope, scope_id=number, recipients=(channel,))
    for place in (Place(owner_id=ana.id), Place(project_id=night.id), NOWHERE):
        call(world, add_check(world, place), CallKind.FAIL)
    assert [(to, message.topics[0].kind) for to, message in world.hook.got] == [
        ("person", NoticeKind.HEARTBEAT_MISSED),
        ("project", NoticeKind.HEARTBEAT_MISSED),
    ]


def test_a_rule_of_ones_own_is_about_the_heartbeats_that_one_sees(world: World) -> None:
    ana, noor = world.person("ana"), world.person("noor")
    for user in (ana, noor):
        world.add_rule(owner_id=user.id, kinds=MISSED, recipients=(Recipient(To.PERSON, user.id),))
    night = Projects(world.store, world.clock).add("Night", actor=TESTER)
    Projects(world.store, world.clock).put_member(night.id, noor.id, Role.VIEWER, actor=TESTER)
    call(world, add_check(world, Place(owner_id=ana.id)), CallKind.FAIL)
    # Her own rule and that of the installation tell her of it once.
    assert told(world) == [("ana", NoticeKind.HEARTBEAT_MISSED)]
    call(world, add_check(world, Place(project_id=night.id)), CallKind.FAIL)
    # Nobody manages the project: the rule of the installation tells the administrator.
    assert sorted(told(world)[1:]) == [(name, NoticeKind.HEARTBEAT_MISSED) for name in ("ines", "noor")]


@pytest.mark.parametrize("is_owned", [True, False])
def test_a_credential_that_ends_soon_is_told_to_its_owner_with_the_date(world: World, *, is_owned: bool) -> None:
    ana, _ = world.person("ana"), world.person("noor")
    ends = world.clock.micros() + 3 * DAY // timedelta(microseconds=1)
    body = {"credential_id": 7, "name": "shop", "owner_id": ana.id if is_owned else 0, "path": "/credentials/7"}
    world.event(EventKind.CREDENTIAL_EXPIRING, **body, ends_at=ends, mark="1")
    world.go_on(MINUTE)
    assert told(world) == [("ana" if is_owned else "ines", NoticeKind.CREDENTIAL_EXPIRING)]
    (topic,) = world.mail.topics()
    assert (topic.subject, topic.path) == ("shop", "/credentials/7")
    assert topic.facts["Ends"] == "Sun 17 May 2026, 12:00 (UTC)"
    # The next time it is told it is nearer.
    world.clock.advance(2 * DAY)
    world.event(EventKind.CREDENTIAL_EXPIRING, **body, ends_at=ends, mark="2")
    world.go_on(MINUTE)
    assert len(told(world)) == 2


def test_whose_something_is_comes_from_its_place() -> None:
    bare = {"kind": NoticeKind.HEARTBEAT_MISSED, "subject": "check:1", "name": "x", "at": EPOCH}
    assert Happening(**bare).person is None  # type: ignore[arg-type]
    assert Happening(**bare, place=Place(owner_id=4)).person == 4  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scope", "number", "words"),
    [
        (Scope.INSTALLATION, 0, "a call is missed"),
        (Scope.PROJECT, 4, "a call is missed (only what is Night’s)"),
        (Scope.PERSON, 4, "a call is missed (only what is Ana’s)"),
        (Scope.PERSON, 9, "a call is missed (only what is yours)"),
    ],
)
def test_a_rule_that_is_about_no_task_says_whose_things_it_is_about(scope: Scope, number: int, words: str) -> None:
    rule = Rule(kinds=frozenset({NoticeKind.HEARTBEAT_MISSED}), scope=scope, scope_id=number, recipients=OWNER)
    assert condition(rule, Naming(people={4: "Ana"}, projects={4: "Night"}, me=9)) == (words, "", "")
