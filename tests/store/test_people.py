"""The tables of people: accounts, where they are signed in, tries that went wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from horarium.clock import from_micros
from horarium.errors import DuplicateKey
from horarium.records.people import Role, Session, User
from horarium.store.books.people import PeopleBook
from horarium.store.books.signins import AttemptBook, SessionBook
from horarium.store.port import Store
from tests.store.work import NOW

START = from_micros(NOW)
HOUR = timedelta(hours=1)


def add_person(store: Store, name: str, *, email: str = "") -> User:
    """Write an account; return it."""
    user = User(0, name, email, name.title(), Role.USER, "UTC", START)
    with store.transaction() as tx:
        return PeopleBook(tx).add(user, name_key=name.lower(), email_key=email.lower() or None, password_hash="hash")


def test_an_account_comes_back_as_it_was_written(store: Store) -> None:
    ada = add_person(store, "Ada", email="ada@example.org")
    add_person(store, "bob")
    with store.reading() as tx:
        book = PeopleBook(tx)
        assert book.by_id(ada.id) == ada
        assert book.by_login("ada") == (ada, "hash")
        assert book.by_login("ada@example.org") == (ada, "hash")
        assert book.by_login("nobody") is None
        assert book.by_id(999) is None
        assert [user.name for user in book.everyone()] == ["Ada", "bob"]
        assert book.count() == 2
        assert (book.password_hash(ada.id), book.password_hash(999)) == ("hash", None)


@pytest.mark.parametrize(("name", "email"), [("ADA", ""), ("other", "ADA@example.org")])
def test_a_name_and_an_address_belong_to_one_person(store: Store, name: str, email: str) -> None:
    add_person(store, "ada", email="ada@example.org")
    with pytest.raises(DuplicateKey):
        add_person(store, name, email=email)
    with store.reading() as tx:
        assert PeopleBook(tx).count() == 1


def test_a_name_comes_before_somebody_elses_address(store: Store) -> None:
    add_person(store, "other", email="ada")
    ada = add_person(store, "ada")
    with store.reading() as tx:
        assert PeopleBook(tx).by_login("ada") == (ada, "hash")


def test_changes_of_an_account_count_only_where_they_may_begin(store: Store) -> None:
    ada = add_person(store, "ada")
    with store.transaction() as tx:
        book = PeopleBook(tx)
        assert book.replace_hash(ada.id, old="hash", new="better")
        assert not book.replace_hash(ada.id, old="hash", new="worse")
        assert book.password_hash(ada.id) == "better"
        book.note_login(ada.id, START + HOUR)
        assert book.disable(ada.id, START + HOUR)
        assert not book.disable(ada.id, START + 2 * HOUR)
        assert not book.disable(999, START)
        found = book.by_id(ada.id)
    assert found == replace(ada, last_login_at=START + HOUR, disabled_at=START + HOUR)


def test_the_note_of_the_setup_moves_once(store: Store) -> None:
    with store.transaction() as tx:
        book = PeopleBook(tx)
        assert (book.setup_note(), book.team()) == (None, "")
        assert not book.move_setup(old="open", new="done")
        book.note_setup("open")
        book.name_team("The team")
        assert book.move_setup(old="open", new="done")
        assert not book.move_setup(old="open", new="done")
        assert (book.setup_note(), book.team()) == ("done", "The team")


def _session(user: User, key: str, *, seen: timedelta = timedelta()) -> Session:
    return Session(key, user.id, START, START + seen, "127.0.0.1", "a browser")


def test_sessions_are_found_paged_touched_and_ended(store: Store) -> None:
    ada, bob = add_person(store, "ada"), add_person(store, "bob")
    with store.transaction() as tx:
        book = SessionBook(tx)
        for key, user, hours in (("a", ada, 0), ("b", ada, 2), ("c", bob, 1), ("d", bob, 3)):
            book.add(_session(user, key, seen=hours * HOUR))
        assert book.find(["a", "zz"]) == [(_session(ada, "a"), ada)]
        assert [session.key for session, _ in book.page(after="a", most=2)] == ["b", "c"]
        assert [session.key for session in book.of_user(ada.id)] == ["b", "a"]
        book.touch("b", START)
        book.touch("a", START + 5 * HOUR)
        assert [session.key for session in book.of_user(ada.id)] == ["a", "b"]
        assert book.remove("a")
        assert not book.remove("a")
        assert book.remove_of(bob.id, keep="c") == 1
        assert book.remove_all(["b", "c", "x"]) == 2
        assert book.remove_all([]) == 0


def test_a_session_key_is_taken_once(store: Store) -> None:
    ada = add_person(store, "ada")
    with store.transaction() as tx:
        SessionBook(tx).add(_session(ada, "key"))
    with pytest.raises(DuplicateKey), store.transaction() as tx:
        SessionBook(tx).add(_session(ada, "key"))


def test_sessions_end_when_nobody_used_them_for_long_or_they_are_old(store: Store) -> None:
    ada = add_person(store, "ada")
    with store.transaction() as tx:
        book = SessionBook(tx)
        book.add(_session(ada, "idle"))
        book.add(_session(ada, "used", seen=HOUR))
        assert book.remove_unused(seen_before=START + HOUR, created_before=START) == 1
        assert [session.key for session in book.of_user(ada.id)] == ["used"]
        assert book.remove_unused(seen_before=START, created_before=START + HOUR) == 1


def test_tries_are_counted_by_key_and_time_and_taken_back(store: Store) -> None:
    with store.transaction() as tx:
        book = AttemptBook(tx)
        book.hold(["two", "one"])
        numbers = [book.add("one", START + hours * HOUR) for hours in range(3)]
        book.add("two", START)
        assert book.since("one", START) == (2, START + HOUR)
        assert book.since("none", START) == (0, None)
        book.take_back(numbers[1:])
        book.take_back([])
        assert book.since("one", START) == (0, None)
        assert book.clear("one") == 1
        book.forget_before(START)
        assert book.clear("two") == 0
