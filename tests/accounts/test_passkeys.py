"""Passkeys: only the right device, asked by the right page for the right person, a moment ago, and once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from horarium.accounts.passkeys import ASK_LASTS, MOST, Answer, Ask, Party, Passkeys
from horarium.accounts.people import People
from horarium.audit.actions import Action
from horarium.audit.trail import Trail
from horarium.errors import InvalidValue, SignInRefused
from horarium.records.audit import AuditFilter
from horarium.records.people import User
from horarium.store.port import Store
from tests.support.factors import KEY, PARTY, Device, second_factor
from tests.support.people import TESTER, SetClock, add_person, cheap_hasher

BROWSER = "mark-of-this-browser"


@pytest.fixture
def ines(users: People) -> User:
    return add_person(users, "ines")


@pytest.fixture
def passkeys(store: Store, clock: SetClock) -> Passkeys:
    return Passkeys(store, clock, key=KEY)


@pytest.fixture
def device(passkeys: Passkeys, ines: User, clock: SetClock) -> Device:
    made = Device()
    add(passkeys, ines, made)
    clock.move(timedelta(seconds=1))
    return made


def add(passkeys: Passkeys, user: User, device: Device, name: str = "MacBook") -> tuple[str, ...]:
    asked = passkeys.ask_for_new(user, PARTY)
    return passkeys.add(user, name, Answer(device.create(asked.options), asked.sealed, PARTY, ""), actor=TESTER)


def answered(asked: Ask, device: Device, *, party: Party = PARTY, bound: str = BROWSER) -> Answer:
    return Answer(device.get(asked.options), asked.sealed, party, bound)


def test_a_device_is_known_again(both: Store, clock: SetClock) -> None:
    ines = add_person(People(both, clock, hasher=cheap_hasher()), "ines")
    passkeys, device = Passkeys(both, clock, key=KEY), Device()
    assert len(add(passkeys, ines, device)) == 10
    clock.move(timedelta(seconds=1))
    assert passkeys.take(answered(passkeys.ask(PARTY, BROWSER), device)).id == ines.id
    clock.move(timedelta(seconds=1))
    asked = passkeys.ask(PARTY, BROWSER, user=ines)
    assert [each["id"] for each in json.loads(asked.options)["allowCredentials"]]
    assert passkeys.take(answered(asked, device), user=ines).id == ines.id
    (kept,) = second_factor(both, clock).of(ines.id).passkeys
    assert (kept.name, kept.transports, kept.last_used_at) == ("MacBook", ("internal",), clock.now())
    added = Trail(both, clock).page(AuditFilter(actions=(Action.FACTOR_ADDED,)))[0]
    assert (added.details["factor"], added.details["name"]) == ("passkey", "MacBook")


def test_r23_an_answer_counts_once(passkeys: Passkeys, device: Device, clock: SetClock) -> None:
    answer = answered(passkeys.ask(PARTY, BROWSER), device)
    passkeys.take(answer)
    for _ in range(2):
        with pytest.raises(SignInRefused):
            passkeys.take(answer)
        clock.move(timedelta(seconds=1))


def test_a_question_holds_for_its_browser_and_ten_minutes(passkeys: Passkeys, device: Device, clock: SetClock) -> None:
    asked = passkeys.ask(PARTY, BROWSER)
    for bound in ("another", ""):
        with pytest.raises(SignInRefused):
            passkeys.take(answered(asked, device, bound=bound))
    clock.move(ASK_LASTS + timedelta(seconds=1))
    with pytest.raises(SignInRefused):
        passkeys.take(answered(asked, device))


def test_an_answer_to_another_question_or_page_is_refused(passkeys: Passkeys, device: Device) -> None:
    one, two = passkeys.ask(PARTY, BROWSER), passkeys.ask(PARTY, BROWSER)
    with pytest.raises(SignInRefused):
        passkeys.take(Answer(device.get(one.options), two.sealed, PARTY, BROWSER))
    for party in (replace(PARTY, host="evil.test"), replace(PARTY, origin="http://localhost:81")):
        with pytest.raises(SignInRefused):
            passkeys.take(answered(one, device, party=party))
    device.origin = "https://evil.test"
    with pytest.raises(SignInRefused):
        passkeys.take(answered(one, device))


def test_the_question_for_a_new_passkey_signs_nobody_in(passkeys: Passkeys, device: Device, ines: User) -> None:
    asked, other = passkeys.ask_for_new(ines, PARTY), passkeys.ask(PARTY, str(ines.id))
    answer = device.get(other.options)
    with pytest.raises(SignInRefused):
        passkeys.take(Answer(answer, asked.sealed, PARTY, str(ines.id)))


def test_alone_a_passkey_counts_only_with_pin_finger_or_face(passkeys: Passkeys, device: Device, ines: User) -> None:
    device.verifies = False
    with pytest.raises(SignInRefused):
        passkeys.take(answered(passkeys.ask(PARTY, BROWSER), device))
    assert passkeys.take(answered(passkeys.ask(PARTY, BROWSER, user=ines), device), user=ines).id == ines.id


def test_r46_somebody_elses_passkey_is_as_unknown_as_none(passkeys: Passkeys, users: People, device: Device) -> None:
    otto = add_person(users, "otto")
    theirs = Device()
    add(passkeys, otto, theirs)
    told = set()
    for stranger in (theirs, Device()):
        with pytest.raises(SignInRefused) as refused:
            passkeys.take(answered(passkeys.ask(PARTY, BROWSER), stranger), user=users.find("ines"))
        told.add(str(refused.value).partition(",")[0])
    assert told == {"that passkey is not known here"}
    (kept,) = second_factor(passkeys._store, passkeys._clock).of(otto.id).passkeys
    ines = users.find("ines")
    assert ines
    assert not passkeys.remove(ines, kept.id, actor=TESTER)
    assert passkeys.remove(otto, kept.id, actor=TESTER)


def test_a_device_that_names_another_person_is_refused(passkeys: Passkeys, device: Device) -> None:
    device.user = "c29tZWJvZHkgZWxzZQ"
    with pytest.raises(SignInRefused):
        passkeys.take(answered(passkeys.ask(PARTY, BROWSER), device))


def test_a_copied_device_that_counts_is_noticed(passkeys: Passkeys, device: Device, clock: SetClock) -> None:
    device.count = 7
    passkeys.take(answered(passkeys.ask(PARTY, BROWSER), device))
    clock.move(timedelta(seconds=1))
    device.count = 7
    with pytest.raises(SignInRefused):
        passkeys.take(answered(passkeys.ask(PARTY, BROWSER), device))


def test_r29_a_closed_account_has_no_passkeys(passkeys: Passkeys, users: People, device: Device, ines: User) -> None:
    users.disable(ines.id, actor=TESTER)
    with pytest.raises(SignInRefused):
        passkeys.take(answered(passkeys.ask(PARTY, BROWSER), device))


def test_a_removed_passkey_opens_nothing(passkeys: Passkeys, device: Device, ines: User) -> None:
    (kept,) = second_factor(passkeys._store, passkeys._clock).of(ines.id).passkeys
    assert passkeys.remove(ines, kept.id, actor=TESTER)
    assert not passkeys.remove(ines, kept.id, actor=TESTER)
    assert second_factor(passkeys._store, passkeys._clock).of(ines.id).codes_made == 0
    with pytest.raises(SignInRefused):
        passkeys.take(answered(passkeys.ask(PARTY, BROWSER), device))


def test_a_passkey_is_kept_once_and_with_a_name(passkeys: Passkeys, device: Device, ines: User) -> None:
    with pytest.raises(InvalidValue, match="known already"):
        add(passkeys, ines, device)
    for name in ("", "   ", "x" * 101, "a\0b"):
        with pytest.raises(InvalidValue, match="name"):
            add(passkeys, ines, Device(), name)
    asked = passkeys.ask_for_new(ines, PARTY)
    assert [each["id"] for each in json.loads(asked.options)["excludeCredentials"]]
    for _ in range(MOST - 1):
        assert add(passkeys, ines, Device()) == ()
    with pytest.raises(InvalidValue, match="are enough"):
        add(passkeys, ines, Device())


MALFORMED = [
    '{"id": "\\u0000"}',
    '{"id": "\\ud800"}',
    "",
    "{",
    "[]",
    "null",
    "{}",
    '{"id": 1}',
    "[" * 10_000,
    '{"id": "x", "response": []}',
    "x" * 30_000,
]


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_no_answer_is_refused(passkeys: Passkeys, ines: User, text: str) -> None:
    with pytest.raises(SignInRefused):
        passkeys.take(Answer(text, passkeys.ask(PARTY, BROWSER).sealed, PARTY, BROWSER))
    with pytest.raises(InvalidValue):
        passkeys.add(ines, "x", Answer(text, passkeys.ask_for_new(ines, PARTY).sealed, PARTY, ""), actor=TESTER)


def test_an_answer_that_was_bent_is_refused(passkeys: Passkeys, device: Device) -> None:
    asked = passkeys.ask(PARTY, BROWSER)
    plain = json.loads(device.get(asked.options))
    response = plain["response"]
    bent = [{**plain, "type": "password"}, {**plain, "rawId": "AAAA"}, {**plain, "response": None}]
    for name in ("clientDataJSON", "authenticatorData", "signature"):
        values = (None, 7, "", "AAAA", "!", response[name][:-8] + "AAAAAAAA")
        bent += [{**plain, "response": {**response, name: value}} for value in values]
    for each in bent:
        with pytest.raises(SignInRefused):
            passkeys.take(Answer(json.dumps(each), asked.sealed, PARTY, BROWSER))
    assert passkeys.take(Answer(json.dumps(plain), asked.sealed, PARTY, BROWSER)).name == "ines"


@pytest.mark.parametrize(
    ("host", "possible"), [("localhost", True), ("a.example", True), ("127.0.0.1", False), ("::1", False)]
)
def test_a_host_without_a_name_has_no_passkeys(host: str, possible: bool) -> None:
    assert Party(host, "", "").is_possible is possible
