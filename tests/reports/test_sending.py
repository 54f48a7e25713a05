"""Summaries by mail: each once, at its hour in the reader's zone, and never a storm."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from horarium.accounts.letters import LetterKind
from horarium.accounts.people import People
from horarium.clock import to_micros
from horarium.errors import InvalidValue
from horarium.preferences.settings import Preferences
from horarium.records.people import Role, User
from horarium.records.reach import Place
from horarium.reports.periods import Span, latest
from horarium.reports.sending import Summaries
from horarium.store.books.mail import Letter, OutboxBook
from horarium.store.books.people import PeopleBook
from horarium.store.books.summaries import SummaryBook
from horarium.store.books.tasks import TaskBook
from horarium.store.port import Store
from tests.reports.model import Model
from tests.store.work import add_task
from tests.support import people
from tests.support.people import START, SetClock, cheap_hasher

MONDAY = datetime(2026, 5, 18, 6, tzinfo=UTC)
AddPerson = Callable[..., User]


@pytest.fixture
def add(store: Store, clock: SetClock) -> AddPerson:
    """Give a function that adds a person with a confirmed address and the settings that they choose."""
    users = People(store, clock, hasher=cheap_hasher())

    def make(name: str, role: Role = Role.VIEWER, *, zone: str = "Europe/Berlin", **chosen: object) -> User:
        user = people.add_person(users, name, role)
        with store.transaction() as tx:
            PeopleBook(tx).change(
                user.id, time_zone=zone, email_confirmed_at=to_micros(START), email=f"{name}@example.org"
            )
        Preferences(store, clock).update_bulk(user.id, {"summary": "weekly", **chosen})
        with store.reading() as tx:
            found = PeopleBook(tx).by_id(user.id)
        assert found is not None
        return found

    return make


def letters(store: Store) -> list[Letter]:
    with store.reading() as tx:
        return [each for each in OutboxBook(tx).newest() if each.kind == LetterKind.SUMMARY]


def at(clock: SetClock, instant: datetime) -> None:
    clock.move(instant - clock.now())


def test_each_gets_one_letter_at_their_hour_and_in_their_zone(store: Store, clock: SetClock, add: AddPerson) -> None:
    berlin, tokyo = add("berlin"), add("tokyo", zone="Asia/Tokyo")
    add("off", summary="off")
    monthly = add("monthly", summary="monthly")
    summaries = Summaries(store, clock)
    sent: dict[int, datetime] = {}
    hours = [MONDAY + timedelta(hours=hour) for hour in (-24, -8, -7, -6, -1, 0, 1, 48)]
    for instant in (*hours, MONDAY + timedelta(days=7), MONDAY + timedelta(days=14)):
        at(clock, instant)
        summaries.step()
        for letter in letters(store):
            sent.setdefault(letter.user_id or 0, instant)
    assert sent[berlin.id] == MONDAY
    assert sent[tokyo.id] == MONDAY - timedelta(hours=7)
    assert sent[monthly.id] == datetime(2026, 6, 1, 6, tzinfo=UTC)
    assert len(letters(store)) == 3 + 3 + 1
    assert {letter.user_id for letter in letters(store)} == {berlin.id, tokyo.id, monthly.id}


def test_after_a_long_pause_one_letter_comes_and_none_that_is_old_news(
    store: Store, clock: SetClock, add: AddPerson
) -> None:
    add("mira")
    at(clock, MONDAY + timedelta(days=28, hours=30))
    summaries = Summaries(store, clock)
    assert [summaries.step() for _ in range(3)] == [1, 0, 0]
    at(clock, MONDAY + timedelta(days=39))
    assert summaries.step() == 0


def test_who_came_after_the_hour_has_missed_nothing(store: Store, clock: SetClock, add: AddPerson) -> None:
    at(clock, MONDAY + timedelta(hours=2))
    add("late")
    assert Summaries(store, clock).step() == 0


def test_two_servers_write_it_once(store: Store, clock: SetClock, add: AddPerson) -> None:
    for name in ("ada", "ines", "mira"):
        add(name)
    at(clock, MONDAY)
    written: list[int] = []
    threads = [threading.Thread(target=lambda: written.append(Summaries(store, clock).step())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(written) == len(letters(store)) == 3


def test_what_holds_for_the_installation_holds_for_who_chose_nothing(
    store: Store, clock: SetClock, add: AddPerson
) -> None:
    mira = add("mira")
    preferences = Preferences(store, clock)
    preferences.reset(mira.id)
    at(clock, MONDAY)
    summaries = Summaries(store, clock)
    assert summaries.step() == 0
    preferences.set_for_all("summary", "daily")
    preferences.set_for_all("summary_hour", 7)
    at(clock, MONDAY - timedelta(hours=1))
    assert summaries.step() == 1
    (letter,) = letters(store)
    assert letter.body == {"span": "daily", "first": "2026-05-17", "last": "2026-05-17", "zone": "Europe/Berlin"}


def test_r83_only_addresses_that_are_known_to_be_theirs_get_one(store: Store, clock: SetClock, add: AddPerson) -> None:
    mira, ada = add("mira"), add("ada", Role.ADMIN)
    with store.transaction() as tx:
        for user in (mira, ada):
            PeopleBook(tx).change(user.id, email_confirmed_at=None)
    at(clock, MONDAY)
    assert Summaries(store, clock).step() == 1
    assert letters(store)[0].user_id == ada.id
    with store.reading() as tx:
        found = PeopleBook(tx).by_id(mira.id)
    assert found is not None
    with pytest.raises(InvalidValue, match="confirmed"):
        Summaries(store, clock).send_now(found, latest(Span.WEEKLY, MONDAY, "UTC"))


def test_what_a_letter_says_is_read_when_it_is_sent_with_the_rights_of_then(
    store: Store, clock: SetClock, add: AddPerson
) -> None:
    mira = add("mira", Role.USER)
    task = add_task(store, "Night backup")
    with store.transaction() as tx:
        TaskBook(tx).move(task, Place(owner_id=mira.id), now=1)
    Model(store).add(task, to_micros(MONDAY) - 10**11, "failed")
    at(clock, MONDAY)
    summaries = Summaries(store, clock, base_url="https://horarium.test")
    summaries.step()
    (letter,) = letters(store)
    draft = summaries.answer(letter)
    assert draft is not None
    assert draft.to == "mira@example.org"
    assert "Night backup" in draft.values["text"]
    assert "Night backup" in draft.values["html"]
    with store.transaction() as tx:
        TaskBook(tx).move(task, Place(owner_id=mira.id + 1), now=2)
    assert summaries.answer(letter) is None
    asked = summaries.send_now(mira, latest(Span.WEEKLY, MONDAY, "UTC"))
    (again,) = [each for each in letters(store) if each.id == asked]
    draft = summaries.answer(again)
    assert draft is not None
    assert "Night backup" not in draft.values["text"]
    with store.transaction() as tx:
        PeopleBook(tx).disable(mira.id, MONDAY)
    assert summaries.answer(again) is None


def test_notes_of_long_ago_are_forgotten(store: Store, clock: SetClock, add: AddPerson) -> None:
    add("mira")
    at(clock, MONDAY)
    summaries = Summaries(store, clock)
    summaries.step()
    assert summaries.tidy() == 0
    clock.move(timedelta(days=500))
    assert summaries.tidy() == 1
    with store.reading() as tx:
        assert not SummaryBook(tx).made_since(START - timedelta(days=900))


def test_who_has_ended_summaries_gets_none_that_still_waits(store: Store, clock: SetClock, add: AddPerson) -> None:
    mira = add("mira", Role.ADMIN)
    Model(store).add(1, to_micros(MONDAY) - 10**11, "failed")
    at(clock, MONDAY)
    summaries = Summaries(store, clock, way_out=lambda user_id, span: f"https://h.example/{user_id}/{span}")
    summaries.step()
    (letter,) = letters(store)
    draft = summaries.answer(letter)
    assert draft is not None
    assert draft.values["unsubscribe"] == f"https://h.example/{mira.id}/weekly"
    Preferences(store, clock).set(mira.id, "summary", "off")
    assert summaries.answer(letter) is None
