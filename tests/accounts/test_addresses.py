"""E-mail addresses: confirmed by whoever reads them, changed once both sides agree."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from horarium.accounts.addresses import Outcome
from horarium.accounts.letters import LetterKind
from horarium.accounts.links import Purpose
from horarium.accounts.sessions import Sessions
from horarium.audit.trail import Trail
from horarium.errors import Conflict, HorariumError, InvalidValue, LinkRefused, TooManyTries
from horarium.records.actors import Actor, Source
from horarium.records.people import User
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store
from tests.accounts.by_hand import Post, token_in
from tests.support.people import LAPTOP, TESTER, SetClock, add_person

BROWSER = Actor(source=Source.WEB, address="10.0.0.7")
OLD, NEW = "ana@old.example", "ana@new.example"


@pytest.fixture
def post(both: Store, clock: SetClock) -> Post:
    return Post(both, clock)


@pytest.fixture
def ana(post: Post, clock: SetClock) -> User:
    return add_person(post.people, OLD, email=OLD, email_confirmed_at=clock.now())


def tokens(post: Post) -> dict[LetterKind, str]:
    """Send what waits; return the tokens by kind of letter."""
    return {each.kind: token_in(str(each.values["link"])) for each in post.sent() if "link" in each.values}


def ask(post: Post, user: User, email: str = NEW, *, keep_tokens: bool = False) -> dict[LetterKind, str]:
    post.ways.addresses.ask_to_change(user.id, email, actor=BROWSER, keep_tokens=keep_tokens)
    return tokens(post)


def test_r18_an_address_changes_once_both_agree_and_the_old_one_is_told(post: Post, ana: User, clock: SetClock) -> None:
    sessions = Sessions(post.store, clock)
    mine, other = (sessions.start(ana, LAPTOP, actor=TESTER) for _ in range(2))
    found = ask(post, ana)
    assert set(found) == {LetterKind.TAKE_ADDRESS, LetterKind.LEAVE_ADDRESS}
    assert post.ways.addresses.pending(ana.id) == NEW
    assert post.ways.addresses.look(found[LetterKind.TAKE_ADDRESS]).purpose is Purpose.TAKE_ADDRESS
    assert post.ways.addresses.confirm(found[LetterKind.TAKE_ADDRESS], actor=BROWSER) is Outcome.HALF
    assert post.people.get(ana.id).email == OLD
    assert sessions.find(other)
    signed_in = sessions.find(mine)
    assert signed_in
    outcome = post.ways.addresses.confirm(
        found[LetterKind.LEAVE_ADDRESS], actor=BROWSER, keep_session=signed_in.session.key
    )
    assert outcome is Outcome.CHANGED
    changed = post.people.get(ana.id)
    assert (changed.email, changed.name, changed.email_confirmed_at) == (NEW, NEW, clock.now())
    assert changed.epoch == ana.epoch + 1
    assert sessions.find(mine)
    assert sessions.find(other) is None
    (letter,) = post.written()
    assert (letter.kind, letter.address) == (LetterKind.ADDRESS_CHANGED, OLD)
    assert post.ways.addresses.pending(ana.id) == ""
    told = [row.action for row in Trail(post.store, clock).page(limit=20) if row.action.startswith("email.")]
    assert told == ["email.changed", "email.change_asked"]
    for used in found.values():
        with pytest.raises(LinkRefused):
            post.ways.addresses.confirm(used, actor=BROWSER)


def test_both_at_the_same_moment_change_it_as_well(post: Post, ana: User) -> None:
    found = ask(post, ana)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda token: post.ways.addresses.confirm(token, actor=BROWSER), found.values()))
    assert sorted(outcomes) == [Outcome.CHANGED, Outcome.HALF]
    assert post.people.get(ana.id).email == NEW


def test_an_old_address_that_was_never_confirmed_is_not_asked_but_told(post: Post) -> None:
    otto = add_person(post.people, "otto", email="otto@old.example")
    found = ask(post, otto, "otto@new.example")
    assert set(found) == {LetterKind.TAKE_ADDRESS}
    assert post.ways.addresses.confirm(found[LetterKind.TAKE_ADDRESS], actor=BROWSER) is Outcome.CHANGED
    assert [letter.address for letter in post.written()] == ["otto@old.example"]
    assert post.people.get(otto.id).name == "otto"


def test_r16_somebody_elses_address_is_asked_for_like_any_other_and_never_taken(post: Post, ana: User) -> None:
    add_person(post.people, "otto", email="otto@example.org")
    assert post.ways.addresses.ask_to_change(ana.id, "otto@example.org", actor=BROWSER) == "otto@example.org"
    assert tokens(post) == {}
    found = ask(post, ana, "later@example.org")
    add_person(post.people, "late", email="later@example.org")
    post.ways.addresses.confirm(found[LetterKind.LEAVE_ADDRESS], actor=BROWSER)
    with pytest.raises(LinkRefused):
        post.ways.addresses.confirm(found[LetterKind.TAKE_ADDRESS], actor=BROWSER)
    assert post.people.get(ana.id).email == OLD


def test_links_are_dead_after_a_day_a_newer_wish_or_a_withdrawal(post: Post, ana: User, clock: SetClock) -> None:
    found = ask(post, ana)
    clock.move(timedelta(days=1))
    dead(post, found)
    found = ask(post, ana)
    newer = ask(post, ana, "third@new.example")
    dead(post, found)
    assert post.ways.addresses.pending(ana.id) == "third@new.example"
    assert post.ways.addresses.withdraw(ana.id, actor=BROWSER)
    assert not post.ways.addresses.withdraw(ana.id, actor=BROWSER)
    dead(post, newer)


def dead(post: Post, found: dict[LetterKind, str]) -> None:
    for token in found.values():
        with pytest.raises(LinkRefused):
            post.ways.addresses.look(token)
        with pytest.raises(LinkRefused):
            post.ways.addresses.confirm(token, actor=BROWSER)


def test_a_link_for_one_purpose_opens_nothing_else(post: Post, ana: User) -> None:
    found = ask(post, ana)
    for token in found.values():
        for look in (post.ways.resets.look, post.ways.invitations.look):
            with pytest.raises(LinkRefused):
                look(token)
    link = post.ways.resets.start(ana.id, actor=TESTER, by_mail=False)
    with pytest.raises(LinkRefused):
        post.ways.addresses.look(token_in(link or ""))


def test_r83_a_person_asks_three_times_an_hour(post: Post, ana: User, clock: SetClock) -> None:
    for number in range(3):
        ask(post, ana, f"a{number}@new.example")
        clock.move(timedelta(seconds=1))
    with pytest.raises(TooManyTries):
        post.ways.addresses.ask_to_change(ana.id, "a9@new.example", actor=BROWSER)
    for wrong in ("nothing", OLD.upper(), "a@x.example,b@y.example"):
        with pytest.raises(InvalidValue):
            post.ways.addresses.ask_to_change(ana.id, wrong, actor=BROWSER)


def test_an_address_is_confirmed_by_the_link_that_was_sent_to_it(post: Post, clock: SetClock) -> None:
    otto = add_person(post.people, "otto", email="otto@old.example")
    post.ways.addresses.ask_to_confirm(otto.id, actor=BROWSER)
    token = tokens(post)[LetterKind.CONFIRM]
    assert post.ways.addresses.confirm(token, actor=BROWSER) is Outcome.CONFIRMED
    assert post.people.get(otto.id).email_confirmed_at == clock.now()
    with pytest.raises(Conflict):
        post.ways.addresses.ask_to_confirm(otto.id, actor=BROWSER)
    assert Trail(post.store, clock).page(limit=1)[0].action == "email.confirmed"


def test_a_link_confirms_no_other_address_than_the_one_it_was_sent_to(post: Post, clock: SetClock) -> None:
    otto = add_person(post.people, "otto", email="otto@old.example")
    post.ways.addresses.ask_to_confirm(otto.id, actor=BROWSER)
    token = tokens(post)[LetterKind.CONFIRM]
    with post.store.transaction() as tx:
        PeopleBook(tx).change(otto.id, email="otto@typo.example", email_key="otto@typo.example")
    with pytest.raises(LinkRefused):
        post.ways.addresses.confirm(token, actor=BROWSER)


def test_the_host_can_give_another_address(post: Post, ana: User) -> None:
    add_person(post.people, "otto", email="otto@example.org")
    with pytest.raises(InvalidValue, match="taken"):
        post.ways.addresses.put(ana.id, "OTTO@example.org", actor=TESTER)
    changed = post.ways.addresses.put(ana.id, NEW, actor=TESTER)
    assert (changed.email, changed.email_confirmed_at) == (NEW, None)
    assert [letter.address for letter in post.written()] == [OLD]


def test_of_many_confirmations_at_once_one_counts(post: Post) -> None:
    otto = add_person(post.people, "otto", email="otto@old.example")
    post.ways.addresses.ask_to_confirm(otto.id, actor=BROWSER)
    token = tokens(post)[LetterKind.CONFIRM]

    def attempt(_: int) -> bool:
        try:
            post.ways.addresses.confirm(token, actor=BROWSER)
        except HorariumError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1
