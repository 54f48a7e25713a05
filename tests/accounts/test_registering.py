"""Accounts that people make themselves: off unless a setting says otherwise, and always with the least role."""

from __future__ import annotations

from datetime import timedelta

import pytest

from horarium.accounts.invitations import Joining, Wanted
from horarium.accounts.letters import LetterKind
from horarium.accounts.registering import Mode, Rules
from horarium.audit.trail import Trail
from horarium.errors import InvalidValue, LinkRefused, NotFound
from horarium.records.actors import Actor, Source
from horarium.records.people import Role
from horarium.store.port import Store
from tests.accounts.by_hand import Post, token_in
from tests.support.people import TESTER, SetClock, add_person, made_up

BROWSER = Actor(source=Source.WEB, address="10.0.0.7", request="abc")
OPEN, CORP = Rules(Mode.OPEN), Rules(Mode.DOMAIN, ("corp.example", "xn--bcher-kva.example"))
ELSEWHERE = (
    *("a@corp.example.evil.test", "a@evilcorp.example", "a@evil.test", "a@sub.corp.example", "corp.example@evil.test"),
    *("a@corp-example.test", '"a@corp.example"@evil.test'),
)


def join(post: Post, token: str) -> Role:
    person = Joining(name="Noor", password=made_up())
    return post.ways.invitations.accept(token, person, actor=BROWSER).role


def test_r4_registration_is_off_by_default(both: Store, clock: SetClock) -> None:
    post = Post(both, clock)
    with pytest.raises(NotFound):
        post.ways.registering.ask("a@corp.example", actor=BROWSER)
    assert post.written() == []


def test_r4_whoever_registers_has_the_least_role_and_a_confirmed_address(both: Store, clock: SetClock) -> None:
    post = Post(both, clock, OPEN)
    post.ways.registering.ask(" noor@example.org ", actor=BROWSER)
    (draft,) = post.sent()
    assert (draft.kind, draft.to) == (LetterKind.REGISTER, "noor@example.org")
    token = token_in(str(draft.values["link"]))
    assert post.ways.invitations.look(token).invitation.inviter == ""
    assert join(post, token) is Role.USER
    found = post.people.find("noor@example.org")
    assert found
    assert found.email_confirmed_at == clock.now()
    assert "registration.asked" in [row.action for row in Trail(both, clock).page()]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_r4_a_domain_is_compared_as_a_whole(store: Store, clock: SetClock, address: str) -> None:
    post = Post(store, clock, CORP)
    with pytest.raises(InvalidValue):
        post.ways.registering.ask(address, actor=BROWSER)
    assert not CORP.admits(address)
    assert post.written() == []


@pytest.mark.parametrize("address", ["a@corp.example", "A@CORP.EXAMPLE", "a@bücher.example"])
def test_r4_an_address_of_the_domain_may_register(store: Store, clock: SetClock, address: str) -> None:
    post = Post(store, clock, CORP)
    post.ways.registering.ask(address, actor=BROWSER)
    assert join(post, post.token()) is Role.USER


def test_r4_a_link_is_void_once_its_address_may_no_longer_register(store: Store, clock: SetClock) -> None:
    post = Post(store, clock, OPEN)
    post.ways.registering.ask("a@evil.test", actor=BROWSER)
    token = post.token()
    post.ways.invitations._rules = CORP
    with pytest.raises(LinkRefused):
        join(post, token)


def test_r16_an_address_with_an_account_is_told_so_by_mail_alone(both: Store, clock: SetClock) -> None:
    post = Post(both, clock, OPEN)
    add_person(post.people, "ana", email="ana@example.org")
    for email in ("ana@example.org", "noor@example.org"):
        post.ways.registering.ask(email, actor=BROWSER)
    kinds = {draft.to: draft.kind for draft in post.sent()}
    assert kinds == {"ana@example.org": LetterKind.REGISTER_KNOWN, "noor@example.org": LetterKind.REGISTER}


def test_whoever_was_invited_gets_the_letter_again_and_nobody_else_does(both: Store, clock: SetClock) -> None:
    post = Post(both, clock, Rules(Mode.INVITATION))
    post.ways.invitations.invite(Wanted(email="noor@example.org", role=Role.EDITOR), actor=TESTER, by_mail=False)
    for email in ("noor@example.org", "stranger@example.org"):
        post.ways.registering.ask(email, actor=BROWSER)
    (draft,) = post.sent()
    assert draft.to == "noor@example.org"
    assert join(post, token_in(str(draft.values["link"]))) is Role.EDITOR


def test_r83_an_address_gets_three_letters_an_hour(both: Store, clock: SetClock) -> None:
    post = Post(both, clock, OPEN)
    sent = 0
    for _ in range(5):
        clock.move(timedelta(seconds=1))
        post.ways.registering.ask("noor@example.org", actor=BROWSER)
        sent += len(post.sent())
    assert sent == 3


def test_what_nobody_answered_is_forgotten(both: Store, clock: SetClock) -> None:
    post = Post(both, clock, OPEN)
    post.ways.registering.ask("noor@example.org", actor=BROWSER)
    old = post.token()
    clock.move(timedelta(days=1))
    with pytest.raises(LinkRefused):
        post.ways.invitations.look(old)
    post.ways.registering.ask("otto@example.org", actor=BROWSER)
    post.sent()
    assert post.ways.invitations.waiting() == []
    with pytest.raises(NotFound):
        post.ways.invitations.withdraw(2, actor=TESTER)
