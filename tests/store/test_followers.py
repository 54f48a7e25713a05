"""Who follows people is told of every change of one, inside the transaction that makes it; and who waits, after it."""

from __future__ import annotations

import pytest

from horarium.clock import SystemClock
from horarium.records.people import Role, User
from horarium.store.books.people import PeopleBook
from horarium.store.books.settings import SettingsBook
from horarium.store.port import EVERYBODY, Store, Transaction

NOW = SystemClock().now()


def add(tx: Transaction, name: str) -> int:
    user = User(0, name, "", "", Role.USER, "UTC", NOW)
    return PeopleBook(tx).add(user, name_key=name, email_key=None, password_hash="").id


def test_each_change_of_a_person_is_told_once_before_the_commit(store: Store) -> None:
    told: list[tuple[frozenset[int], int]] = []

    def follow(tx: Transaction, people: frozenset[int]) -> None:
        told.append((people, PeopleBook(tx).count()))

    with store.transaction() as tx:
        first = add(tx, "first")
    store.followers["test"] = follow
    with store.transaction() as tx:
        second = add(tx, "second")
        PeopleBook(tx).change(first, time_zone="Asia/Tokyo")
        PeopleBook(tx).change(first, display_name="First")
        assert told == []
    assert told == [(frozenset({first, second}), 2)]
    with store.transaction() as tx:
        PeopleBook(tx).disable(second, NOW)
        SettingsBook(tx).put(first, "look", '"dark"', now=0)
    with store.transaction() as tx:
        SettingsBook(tx).put_installation("look", '"dark"', locked=True, by="", now=0)
    with store.transaction() as tx:
        PeopleBook(tx).remove(second)
    with store.transaction() as tx:
        PeopleBook(tx).note_login(first, NOW)
    assert [people for people, _ in told[1:]] == [{first, second}, {EVERYBODY}, {second}]


def test_what_a_follower_refuses_does_not_happen(store: Store) -> None:
    def refuse(tx: Transaction, people: frozenset[int]) -> None:
        raise ZeroDivisionError

    store.followers["test"] = refuse
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        add(tx, "first")
    with store.reading() as tx:
        assert PeopleBook(tx).count() == 0


def test_who_waits_for_a_commit_hears_of_it_once_and_only_of_one(store: Store) -> None:
    heard: list[str] = []

    def tell() -> None:
        with store.reading() as tx:
            heard.append(f"{PeopleBook(tx).count()} there")

    with store.transaction() as tx:
        add(tx, "first")
        tx.after_commit(tell)
        tx.after_commit(tell)
        assert heard == []
    assert heard == ["1 there"]

    def add_and_fail() -> None:
        with store.transaction() as tx:
            add(tx, "second")
            tx.after_commit(tell)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_and_fail()
    assert heard == ["1 there"]


def test_what_people_chose_is_kept_and_replaced(store: Store) -> None:
    with store.transaction() as tx:
        first, second = add(tx, "first"), add(tx, "second")
        book = SettingsBook(tx)
        book.put(first, "look", '"dark"', now=1)
        book.put(first, "look", '"light"', now=2)
        book.put(second, "clock", '"12h"', now=3)
        assert book.of_users(None, ["look", "clock"]) == {first: {"look": '"light"'}, second: {"clock": '"12h"'}}
        assert book.of_users([first], ["clock"]) == {}
        assert book.drop(first, ["look", "clock"]) == 1
        assert book.of_users(None, ["look"]) == {}
        book.put_installation("look", '"dark"', locked=True, by="ana", now=4)
        book.put_installation("look", None, locked=True, by="ben", now=5)
        kept = book.installation()["look"]
        assert (kept.value, kept.locked, kept.updated_by) == (None, True, "ben")
        book.put_installation("look", None, locked=False, by="ben", now=6)
        assert book.installation() == {}
