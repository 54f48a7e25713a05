"""The tables of letters, of links that are good once, and of invitations."""

from __future__ import annotations

from datetime import timedelta

import pytest

from horarium.clock import from_micros
from horarium.records.people import Role
from horarium.store.books.invitations import Invitation, InvitationBook
from horarium.store.books.links import AccountLinkBook
from horarium.store.books.mail import OutboxBook, SentBook
from horarium.store.books.projects import ProjectBook
from horarium.store.port import Store
from tests.store.test_people import add_person
from tests.store.work import NOW

START = from_micros(NOW)
HOUR = timedelta(hours=1)


def wanted(email: str, **changed: object) -> Invitation:
    usual = {"email": email, "email_key": email, "inviter": "Ines", "created_at": START, "expires_at": START + HOUR}
    return Invitation(**{**usual, **changed})  # type: ignore[arg-type]


def test_a_link_is_used_once_and_in_time(store: Store) -> None:
    ada = add_person(store, "ada")
    with store.transaction() as tx:
        book = AccountLinkBook(tx)
        link = book.add("reset", ada.id, epoch=3, at=START, expires_at=START + HOUR, body={"email": "ä@b.example"})
        late = book.add("reset", ada.id, epoch=3, at=START, expires_at=START + HOUR)
        assert book.get(link.id) == link
        assert (link.epoch, link.body, late.body) == (3, {"email": "ä@b.example"}, {})
        assert link.nonce != late.nonce
        assert not book.use(late.id, START + HOUR)
        assert book.use(link.id, START)
        assert not book.use(link.id, START)
        assert not book.use(999, START)
        found = book.get(link.id)
        assert found
        assert found.used_at == START
        assert [each.id for each in book.of_user(ada.id, ["reset"])] == [late.id, link.id]
        assert book.of_user(ada.id, ["confirm"]) == []
        assert book.drop(ada.id, ["reset", "confirm"]) == 2
        assert book.get(link.id) is None


def test_an_invitation_is_written_found_used_and_withdrawn(store: Store) -> None:
    with store.transaction() as tx:
        shop = ProjectBook(tx).add("Shop", name_key="shop", description="", at=START)
        book = InvitationBook(tx)
        one = book.add(wanted("a@x", role=Role.EDITOR, project_id=shop.id, project_role=Role.VIEWER, inviter_id=7))
        two = book.add(wanted("b@x"))
        assert book.get(one.id) == one
        assert (one.role, one.project_id, one.project_role, one.inviter_id) == (Role.EDITOR, shop.id, Role.VIEWER, 7)
        assert [each.id for each in book.waiting()] == [two.id, one.id]
        assert not book.use(one.id, "another nonce", START)
        assert not book.use(one.id, one.nonce, START + HOUR)
        assert book.use(one.id, one.nonce, START)
        assert not book.use(one.id, one.nonce, START)
        book.note_person(one.id, 12)
        found = book.get(one.id)
        assert found
        assert (found.used_at, found.used_by, found.is_open(START)) == (START, 12, False)
        assert book.withdraw(two.id, START)
        assert not book.withdraw(two.id, START)
        assert not book.renew(two.id, expires_at=START + 2 * HOUR, inviter_id=None, inviter="Otto")
        assert book.waiting() == []


def test_an_invitation_that_is_renewed_is_another_one(store: Store) -> None:
    with store.transaction() as tx:
        book = InvitationBook(tx)
        one = book.add(wanted("a@x"))
        assert book.renew(one.id, expires_at=START + 2 * HOUR, inviter_id=3, inviter="Otto")
        found = book.get(one.id)
        assert found
        assert found.nonce != one.nonce
        assert (found.expires_at, found.inviter_id, found.inviter) == (START + 2 * HOUR, 3, "Otto")
        assert not book.use(one.id, one.nonce, START)


def test_an_address_finds_its_newest_open_invitation_another_person_s_first(store: Store) -> None:
    with store.transaction() as tx:
        book = InvitationBook(tx)
        first = book.add(wanted("a@x"))
        own = book.add(wanted("a@x", inviter="", expires_at=START + 3 * HOUR))
        assert book.to("a@x", START) == first
        assert book.to("a@x", START + HOUR) == own
        assert book.to("b@x", START) is None
        assert book.forget_unanswered(START + 2 * HOUR) == 0
        assert book.forget_unanswered(START + 3 * HOUR) == 1
        assert book.get(first.id)


def test_letters_are_directed_counted_sent_again_and_forgotten(store: Store) -> None:
    ada = add_person(store, "ada")
    with store.transaction() as tx:
        book, sent = OutboxBook(tx), SentBook(tx)
        one = book.add("reset", "", {"login": "ada"}, at=START)
        two = book.add("reset", "b@x", {}, at=START + HOUR, user_id=ada.id)
        book.direct(one, "a@x", ada.id)
        found = sent.get(one)
        assert found
        assert (found.address, found.user_id) == ("a@x", ada.id)
        assert book.count_since("reset", START - HOUR, user_id=ada.id) == 2
        assert book.count_since("reset", START, user_id=ada.id) == 1
        assert book.count_since("reset", START - HOUR, address="b@x") == 1
        assert book.count_since("confirm", START - HOUR) == 0
        book.give_up(one, "nobody there", START)
        assert sent.count_given_up(START - HOUR) == 1
        assert sent.again(one, START + 2 * HOUR)
        assert [letter.tries for letter in book.take(START + 2 * HOUR, hold_until=START + 3 * HOUR, most=9)] == [0, 0]
        book.note_sent(two, START + 2 * HOUR)
        assert not sent.again(two, START)
        assert sent.forget_before(START + 9 * HOUR) == 1
        sent.remove(one)
        assert book.newest() == []


@pytest.mark.parametrize("most", [1, 5])
def test_a_letter_in_hand_is_nobody_elses(store: Store, most: int) -> None:
    with store.transaction() as tx:
        for number in range(3):
            OutboxBook(tx).add("reset", f"{number}@x", {}, at=START)
        first = OutboxBook(tx).take(START, hold_until=START + HOUR, most=most)
        rest = OutboxBook(tx).take(START, hold_until=START + HOUR, most=9)
        assert len(first) == min(most, 3)
        assert len(first) + len(rest) == 3
        assert len(OutboxBook(tx).take(START + HOUR, hold_until=START + 2 * HOUR, most=9)) == 3
