"""The table of API tokens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from horarium.clock import from_micros
from horarium.errors import StoreError
from horarium.records.people import Role, User
from horarium.store.books.people import PeopleBook
from horarium.store.books.tokens import Token, TokenBook
from horarium.store.port import Store
from horarium.store.tables.people import api_tokens, users
from tests.store.work import NOW

START = from_micros(NOW)
DAY = timedelta(days=1)


def owner(store: Store, name: str = "ada") -> User:
    """Write an account; return it."""
    user = User(0, name, "", "", Role.USER, "UTC", START)
    with store.transaction() as tx:
        return PeopleBook(tx).add(user, name_key=name, email_key=None, password_hash="hash")


def add(store: Store, user: User, name: str, **values: object) -> Token:
    """Write a token; return it."""
    token = replace(Token(0, user.id, name, "abcd", ("read", "trigger"), START), **values)  # type: ignore[arg-type]
    with store.transaction() as tx:
        return TokenBook(tx).add(token, key=f"key of {name}")


def test_a_token_comes_back_by_its_number_with_its_owner_and_hash(store: Store) -> None:
    ada = owner(store)
    token = add(store, ada, "deploy", expires_at=START + DAY)
    assert (token.name, token.scopes, token.expires_at) == ("deploy", ("read", "trigger"), START + DAY)
    with store.reading() as tx:
        assert TokenBook(tx).by_number(token.id) == (token, ada, "key of deploy")
        assert TokenBook(tx).by_number(token.id + 1) is None
        assert TokenBook(tx).by_number(10**18 - 1) is None


def test_tokens_are_listed_newest_first_until_they_are_revoked(store: Store) -> None:
    ada, bob = owner(store), owner(store, "bob")
    first, second, other = add(store, ada, "a"), add(store, ada, "b"), add(store, bob, "c")
    with store.transaction() as tx:
        book = TokenBook(tx)
        assert book.of_user(ada.id) == [second, first]
        assert book.everybodys() == [(other, bob), (second, ada), (first, ada)]
        assert not book.revoke(bob.id, first.id, START)
        assert book.revoke(ada.id, first.id, START + DAY)
        assert not book.revoke(ada.id, first.id, START + DAY)
        assert book.of_user(ada.id) == [second]
        assert book.everybodys() == [(other, bob), (second, ada)]
        found = book.by_number(first.id)
        assert found
        assert found[0].revoked_at == START + DAY
        assert found[0].is_over(START)


def test_living_tokens_are_counted_and_revoked_together(store: Store) -> None:
    ada, bob = owner(store), owner(store, "bob")
    add(store, ada, "a", expires_at=START + DAY)
    add(store, ada, "b")
    add(store, bob, "c")
    with store.transaction() as tx:
        book = TokenBook(tx)
        assert book.counts(START) == {ada.id: 2, bob.id: 1}
        assert book.counts(START + DAY) == {ada.id: 1, bob.id: 1}
        assert book.revoke_all(ada.id, START) == 2
        assert book.counts(START) == {bob.id: 1}


def test_the_last_use_is_remembered(store: Store) -> None:
    token = add(store, owner(store), "a")
    with store.transaction() as tx:
        TokenBook(tx).touch(token.id, START + DAY, "192.0.2.7" + "x" * 100)
        found = TokenBook(tx).by_number(token.id)
    assert found
    assert (found[0].last_used_at, found[0].last_address[:9], len(found[0].last_address)) == (
        *(START + DAY, "192.0.2.7"),
        64,
    )


def test_tokens_go_with_the_account_and_none_is_there_without_one(store: Store) -> None:
    ada, bob = owner(store), owner(store, "bob")
    hers, his = add(store, ada, "hers"), add(store, bob, "his")
    with store.transaction() as tx:
        tx.execute(delete(users).where(users.c.id == ada.id))
    with store.reading() as tx:
        assert list(tx.execute(select(api_tokens.c.id)).scalars()) == [his.id]
    with pytest.raises(StoreError):
        add(store, replace(ada, id=10**9), "nobody's")
    assert hers.id != his.id
