"""New passwords by a link: for those who can read the mail or are handed one, once, and not for long."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from horarium.accounts.letters import LetterKind
from horarium.accounts.sessions import Sessions
from horarium.audit.trail import Trail
from horarium.errors import Conflict, HorariumError, LinkRefused, NotFound, SignInRefused, WeakPassword
from horarium.records.actors import Actor, Source
from horarium.store.books.mail import Letter
from horarium.store.port import Store
from horarium.store.tables.everything import metadata
from tests.accounts.by_hand import Post, token_in
from tests.support.people import LAPTOP, TESTER, SetClock, add_admin, add_person, made_up

BROWSER = Actor(source=Source.WEB, address="10.0.0.7", request="abc")


@pytest.fixture
def post(both: Store, clock: SetClock) -> Post:
    return Post(both, clock)


def test_r19_a_link_by_mail_sets_a_new_password_once(post: Post, clock: SetClock) -> None:
    ana = add_person(post.people, "ana", email="ana@example.org")
    session = Sessions(post.store, clock).start(ana, LAPTOP, actor=TESTER)
    post.ways.resets.ask(" ANA@example.org ", actor=BROWSER)
    (draft,) = post.sent()
    assert (draft.kind, draft.to, draft.values["from"]) == (LetterKind.RESET, "ana@example.org", "10.0.0.7")
    link = str(draft.values["link"])
    assert link.startswith("https://h.example/x/reset/")
    token, new = token_in(link), made_up()
    assert post.ways.resets.look(token).id == ana.id
    assert post.ways.resets.look(token).id == ana.id
    post.ways.resets.complete(token, new, actor=BROWSER)
    assert post.people.authenticate("ana", new).id == ana.id
    assert Sessions(post.store, clock).find(session) is None
    with pytest.raises(LinkRefused):
        post.ways.resets.complete(token, made_up(), actor=BROWSER)
    assert [each.kind for each in post.sent()] == [LetterKind.PASSWORD_CHANGED]
    told = [(row.action, row.actor, row.address) for row in Trail(post.store, clock).page(limit=2)]
    assert told == [("password.reset", "ana", "10.0.0.7"), ("password.reset_asked", "ana", "10.0.0.7")]


def test_r19_of_20_at_once_one_succeeds(post: Post) -> None:
    add_person(post.people, "ana", email="ana@example.org")
    post.ways.resets.ask("ana", actor=BROWSER)
    token = post.token()
    passwords = [made_up() for _ in range(20)]

    def attempt(password: str) -> str:
        try:
            post.ways.resets.complete(token, password, actor=BROWSER)
        except HorariumError as error:
            return error.code
        return password

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(attempt, passwords))
    (won,) = [each for each in found if each in passwords]
    assert set(found) <= {won, "link_refused", "too_busy", "store_busy"}
    post.people.authenticate("ana", won)
    for lost in set(passwords) - {won}:
        with pytest.raises(SignInRefused):
            post.people.authenticate("ana", lost)


def test_r19_a_link_is_dead_after_half_an_hour_a_newer_one_or_a_change(post: Post, clock: SetClock) -> None:
    ana = add_person(post.people, "ana", email="ana@example.org")

    def fresh() -> str:
        clock.move(timedelta(hours=1, seconds=1))
        post.ways.resets.ask("ana", actor=BROWSER)
        return next(token_in(str(each.values["link"])) for each in post.sent() if "link" in each.values)

    old = fresh()
    clock.move(timedelta(minutes=30))
    refused(post, old)
    one, two = fresh(), fresh()
    refused(post, one)
    post.ways.resets.complete(two, made_up(), actor=BROWSER)
    three = fresh()
    post.ways.addresses.put(ana.id, "ana@other.example", actor=TESTER)
    refused(post, three)
    four = fresh()
    add_admin(post.people, "root")
    post.people.disable(ana.id, actor=TESTER)
    refused(post, four)


def refused(post: Post, token: str) -> None:
    with pytest.raises(LinkRefused):
        post.ways.resets.look(token)
    with pytest.raises(LinkRefused):
        post.ways.resets.complete(token, made_up(), actor=BROWSER)


def test_r19_what_is_no_link_of_ours_is_refused_alike(post: Post) -> None:
    add_person(post.people, "ana", email="ana@example.org")
    other = add_person(post.people, "otto", email="otto@example.org")
    token = post.ways.resets.start(other.id, actor=TESTER, by_mail=False)
    assert token
    number, _, signature = token_in(token).partition(".")
    strange = ("", ".", "x", f"{number}.", f"{number}.{signature[:-1]}", f"{number}.{signature}x", f"9.{signature}")
    for wrong in (*strange, f"-1.{signature}", f"²{number}.{signature}", "9" * 40, "1." + "x" * 500):
        with pytest.raises(LinkRefused, match="ask for a new one"):
            post.ways.resets.look(wrong)


def test_r19_three_letters_an_hour_and_a_new_one_after_it(post: Post, clock: SetClock) -> None:
    add_person(post.people, "ana", email="ana@example.org")
    for _ in range(5):
        post.ways.resets.ask("ana", actor=BROWSER)
        clock.move(timedelta(seconds=1))
    assert len(post.sent()) == 3
    results = [row.result for row in Trail(post.store, clock).page(limit=5)]
    assert results == ["refused", "refused", "done", "done", "done"]
    clock.move(timedelta(hours=1))
    post.ways.resets.ask("ana", actor=BROWSER)
    assert len(post.sent()) == 1


def test_r16_asking_does_the_same_for_a_name_that_nobody_has(post: Post, clock: SetClock) -> None:
    add_person(post.people, "ana", email="ana@example.org")
    clock.move(timedelta(seconds=1))
    for login in ("ana", "nobody@example.org"):
        post.ways.resets.ask(login, actor=BROWSER)
    known, unknown = post.written()
    assert (known.address, known.user_id, known.kind) == (unknown.address, unknown.user_id, unknown.kind)
    assert set(known.body) == set(unknown.body)


def test_a_name_with_signs_that_no_name_has_is_unknown_on_both_databases(post: Post) -> None:
    for login in ("\0", "ana\0", "\u2028", "x" * 5000, "%", "'"):
        post.ways.resets.ask(login, actor=BROWSER)
    assert post.sent() == []


def test_r16_r24_an_unknown_name_gets_no_letter_leaves_no_row_and_is_not_echoed(post: Post, clock: SetClock) -> None:
    closed = add_person(post.people, "closed", email="closed@example.org")
    add_admin(post.people, "root")
    post.people.disable(closed.id, actor=TESTER)
    add_person(post.people, "without-address")
    for login in ("a-password-typed-here", "closed", "without-address"):
        post.ways.resets.ask(login, actor=BROWSER)
    assert post.sent() == []
    rows = Trail(post.store, clock).page(limit=3)
    assert {row.result for row in rows} == {"refused"}
    assert rows[2].actor == "a-p…"
    assert "typed-here" not in everything(post.store)


def everything(store: Store) -> str:
    """Return all that the store holds, as text."""
    with store.reading() as tx:
        return "\n".join(str(tuple(row)) for table in metadata.sorted_tables for row in tx.execute(select(table)))


def test_r19_r25_the_store_holds_nothing_that_opens_an_account(post: Post) -> None:
    add_person(post.people, "ana", email="ana@example.org")
    post.ways.resets.ask("ana", actor=BROWSER)
    token = post.token()
    text = everything(post.store)
    assert token not in text
    assert token.partition(".")[2] not in text
    for word in set(re.findall(r"[\w.-]{16,}", text)):
        with pytest.raises(LinkRefused):
            post.ways.resets.look(f"1.{word}")


def test_r21_an_administrator_starts_it_and_never_learns_the_password(post: Post, clock: SetClock) -> None:
    ana = add_person(post.people, "ana", email="ana@example.org")
    otto = add_person(post.people, "otto")
    assert post.ways.resets.start(ana.id, actor=TESTER, by_mail=True) is None
    (draft,) = post.sent()
    assert draft.values["by"] == "the test"
    with pytest.raises(Conflict, match="no e-mail address"):
        post.ways.resets.start(otto.id, actor=TESTER, by_mail=True)
    link = post.ways.resets.start(otto.id, actor=TESTER, by_mail=False)
    assert link
    new = made_up()
    post.ways.resets.complete(token_in(link), new, actor=BROWSER)
    assert post.people.authenticate("otto", new).id == otto.id
    with pytest.raises(NotFound):
        post.ways.resets.start(99, actor=TESTER, by_mail=False)
    add_admin(post.people, "root")
    post.people.disable(otto.id, actor=TESTER)
    with pytest.raises(Conflict, match="closed"):
        post.ways.resets.start(otto.id, actor=TESTER, by_mail=False)


def test_r12_a_weak_password_is_refused_and_the_link_stays_good(post: Post) -> None:
    ana = add_person(post.people, "ana", email="ana@example.org")
    link = post.ways.resets.start(ana.id, actor=TESTER, by_mail=False)
    assert link
    for weak in ("short", "horarium2026", "ana@example.org"):
        with pytest.raises(WeakPassword):
            post.ways.resets.complete(token_in(link), weak, actor=BROWSER)
    post.ways.resets.complete(token_in(link), made_up(), actor=BROWSER)


def test_a_letter_that_is_tried_again_brings_a_link_unless_a_newer_letter_does(post: Post, clock: SetClock) -> None:
    add_person(post.people, "ana", email="ana@example.org")
    post.ways.resets.ask("ana", actor=BROWSER)
    (letter,) = post.written()
    assert post.ways.resets.answer(letter)
    clock.move(timedelta(minutes=1))
    (again,) = later(post, clock)
    assert again.user_id is not None
    assert post.ways.resets.answer(again)
    clock.move(timedelta(minutes=1))
    post.ways.resets.ask("ana", actor=BROWSER)
    (newer,) = post.written()
    assert post.ways.resets.answer(newer)
    assert post.ways.resets.answer(again) is None


def later(post: Post, clock: SetClock) -> list[Letter]:
    """Return the letters that are held, as they stand now."""
    clock.move(timedelta(days=9))
    found = post.written()
    clock.move(-timedelta(days=9))
    return found
