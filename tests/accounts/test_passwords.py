"""Passwords: which are refused, how they are hashed, and how much of that goes on at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from horarium.accounts import passwords
from horarium.accounts.password_change import PasswordChange
from horarium.accounts.passwords import LONGEST, Hasher, common_passwords, validate_password
from horarium.accounts.people import People
from horarium.errors import SignInRefused, TooBusy, WeakPassword
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store
from tests.support.people import TESTER, SetClock, add_admin, cheap_hasher, made_up


def test_r11_a_hash_names_argon2id_and_its_cost() -> None:
    hashed = Hasher().hash(made_up())
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_r11_a_weaker_hash_is_replaced_at_sign_in(store: Store, clock: SetClock) -> None:
    password = made_up()
    user = add_admin(People(store, clock, hasher=cheap_hasher()), "Ines", password)
    People(store, clock, hasher=Hasher(memory_kib=128, rounds=1)).authenticate("ines", password)
    with store.reading() as tx:
        assert "m=128,t=1,p=1" in (PeopleBook(tx).password_hash(user.id) or "")


@pytest.mark.parametrize(
    "password",
    ["a-b-c-d-9", "horarium2026", "Horarium!2026", "password12", "1234567890", "QWERTYuiop", "aaaabbbbaaaa", ""],
)
def test_r12_short_common_and_own_words_are_refused(password: str) -> None:
    assert not validate_password(password)


def test_r12_the_persons_own_name_is_refused() -> None:
    name = "ines Inês Carvalho ines.carvalho@tidewater.example"
    for password in ("carvalho2026", "Tidewater-123", "inêscarvalho!"):
        assert not validate_password(password, name=name)
        assert validate_password(password, name="otto") == []


@pytest.mark.parametrize(
    "password", ["h4-kT9!bnA", "🐧🦊🐙🌵🍋🥕🎈🛶🪁🧭", "x" * 60 + "yzäö" + "ß" * 64, "vier Worte und ein Punkt."]
)
def test_r12_any_characters_from_10_to_128_are_accepted(password: str) -> None:
    assert 10 <= len(password) <= LONGEST
    assert validate_password(password) == []


def test_r12_a_word_from_the_list_is_refused_with_figures_around_it() -> None:
    assert len(common_passwords()) >= 3000
    assert not validate_password("Sunshine!!2026")
    assert validate_password("sunshine over the harbour") == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("a" * 127 + "b", "a" * 127 + "c"),
        (" begins with a blank", "begins with a blank"),
        ("with\0a zero inside", "with"),
        ("Zu\u0308rich am See 8", "Z\u00fcrich am See 8"),
        ("MixedCase-Words", "mixedcase-words"),
    ],
)
def test_r13_only_the_exact_password_is_right(right: str, wrong: str) -> None:
    hasher = cheap_hasher()
    stored = hasher.hash(right)
    assert hasher.verify(right, stored)[0]
    assert not hasher.verify(wrong, stored)[0]


def test_r13_one_that_is_too_long_is_refused_before_any_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = cheap_hasher()
    monkeypatch.setattr(hasher, "_place", lambda: pytest.fail("it was hashed"))
    assert hasher.verify("x" * 1_000_000, None) == (False, None)
    assert not validate_password("xy7-" * 250_000)


def test_r17_at_most_four_hashes_go_on_at_once_and_the_line_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = cheap_hasher()
    lock, release, all_in = threading.Lock(), threading.Event(), threading.Event()
    going = most = 0

    def slow(*_: object) -> tuple[bool, None]:
        nonlocal going, most
        with lock:
            going += 1
            most = max(most, going)
            if going == passwords.AT_ONCE:
                all_in.set()
        release.wait(30)
        with lock:
            going -= 1
        return False, None

    monkeypatch.setattr(hasher._hash, "verify_and_update", slow)
    room = passwords.AT_ONCE + passwords.WAITING
    with ThreadPoolExecutor(room) as pool:
        waiting = [pool.submit(hasher.verify, made_up(), None) for _ in range(room)]
        assert all_in.wait(30)
        while hasher._line._value:
            release.wait(0.001)
        with pytest.raises(TooBusy):
            hasher.verify(made_up(), None)
        release.set()
        for each in waiting:
            each.result()
    assert most == passwords.AT_ONCE


def test_r17_an_unknown_name_costs_a_hash_too(users: People, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    real = users.hasher._hash.verify_and_update

    def noted(given: bytes, stored: str) -> tuple[bool, str | None]:
        checked.append(stored)
        return real(given, stored)

    monkeypatch.setattr(users.hasher._hash, "verify_and_update", noted)
    with pytest.raises(SignInRefused):
        users.authenticate("nobody", made_up())
    assert len(checked) == 1


def test_r18_a_password_is_changed_only_with_the_current_one(users: People, store: Store, clock: SetClock) -> None:
    old, new = made_up(), made_up()
    user = add_admin(users, "Ines", old)
    change = PasswordChange(store, clock, users).change
    with pytest.raises(SignInRefused):
        change(user.id, new, made_up(), actor=TESTER)
    with pytest.raises(WeakPassword):
        change(user.id, old, "short", actor=TESTER)
    change(user.id, old, new, actor=TESTER)
    with pytest.raises(SignInRefused):
        users.authenticate("Ines", old)
    assert users.authenticate("Ines", new) == users.get(user.id)
