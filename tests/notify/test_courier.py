"""Letters on their way: sent once, tried again with growing pauses for a day, given up in sight, never lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from horarium.accounts.letters import Answer, Draft, LetterKind
from horarium.clock import SystemClock
from horarium.notify.courier import Courier, pause_after
from horarium.notify.drawing import Drawing
from horarium.notify.mailer import Mailer, MailSettings
from horarium.store.books.mail import Letter, OutboxBook, SentBook
from horarium.store.opening import open_store
from horarium.store.port import Store
from tests.support.mail import Mailbox, mail_server
from tests.support.people import SetClock

BODY = {"name": "Ana", "from": "10.0.0.7", "tokens": 0}
Make = Callable[..., Courier]


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, data_folder: Path) -> Iterator[Store]:
    where = data_folder / "store.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_store(where)
    yield opened
    opened.close()


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as server:
        yield server


@pytest.fixture
def make(store: Store, clock: SetClock) -> Make:
    def made(port: int, answers: dict[LetterKind, Answer] | None = None, at: Any = clock) -> Courier:
        mailer = Mailer(MailSettings(host="127.0.0.1", port=port, security="none"), patience_seconds=5)
        drawing = Drawing(sender="horarium@example.org", base_url="http://localhost", zone="UTC")
        return Courier(store, at, mailer=mailer, drawing=drawing, answers=answers or {})

    return made


def write(store: Store, clock: Any, address: str = "ana@example.org", **rest: Any) -> int:
    kind = rest.pop("kind", "password_changed")
    with store.transaction() as tx:
        return OutboxBook(tx).add(kind, address, rest or BODY, at=clock.now())


def look(store: Store, number: int) -> Letter:
    with store.reading() as tx:
        found = SentBook(tx).get(number)
    assert found
    return found


def test_rp20_a_letter_goes_out_once_and_is_noted(store: Store, clock: SetClock, box: Mailbox, make: Make) -> None:
    number = write(store, clock)
    courier = make(box.port)
    assert courier.carry() == 1
    assert courier.carry() == 0
    (letter,) = box.letters
    assert letter.recipients == ["ana@example.org"]
    assert letter.subject == "Your password was changed"
    found = look(store, number)
    assert found.sent_at == clock.now()
    assert str(letter.message["Message-ID"]) == f"<{found.message_id}@example.org>"


def test_rp20_pauses_grow_for_a_day_then_it_is_given_up_and_can_be_sent_again(
    store: Store, clock: SetClock, make: Make, free_port: int
) -> None:
    number, begun = write(store, clock), clock.now()
    courier, pauses = make(free_port), []
    while look(store, number).given_up_at is None:
        assert courier.carry() == 1
        pauses.append(look(store, number).not_before - clock.now())
        clock.move(max(pauses[-1], timedelta(seconds=1)))
    assert pauses[:4] == [timedelta(seconds=30 * 2**n) for n in range(4)]
    assert pauses[-2] == timedelta(hours=1)
    found = look(store, number)
    assert timedelta(hours=22) < clock.now() - begun <= timedelta(hours=25)
    assert "cannot be reached" in found.last_error
    assert courier.carry() == 0
    with store.transaction() as tx:
        assert SentBook(tx).again(number, clock.now())
        assert SentBook(tx).count_given_up(begun) == 0
    with mail_server(free_port) as server:
        assert courier.carry() == 1
        assert str(server.letters[0].message["Message-ID"]) == f"<{found.message_id}@example.org>"
    with store.transaction() as tx:
        assert not SentBook(tx).again(number, clock.now())


def test_pauses_are_at_most_an_hour() -> None:
    assert [pause_after(tries).total_seconds() for tries in (0, 1, 7, 8, 500)] == [30, 60, 3600, 3600, 3600]


def test_a_refused_recipient_keeps_no_other_letter_back(
    store: Store, clock: SetClock, box: Mailbox, make: Make
) -> None:
    box.refuse = lambda address: "550 nobody here" if address.startswith("gone") else None
    gone, fine = write(store, clock, "gone@example.org"), write(store, clock)
    assert make(box.port).carry() == 2
    assert [each.recipients for each in box.letters] == [["ana@example.org"]]
    assert look(store, fine).sent_at
    assert look(store, gone).given_up_at == clock.now()
    assert "550 nobody here" in look(store, gone).last_error


def test_a_letter_that_nobody_could_send_for_a_day_is_not_sent_late(
    store: Store, clock: SetClock, box: Mailbox, make: Make
) -> None:
    number = write(store, clock)
    clock.move(timedelta(days=1))
    make(box.port).carry()
    assert box.letters == []
    assert look(store, number).given_up_at


def test_a_kind_of_a_newer_release_and_an_incomplete_letter_are_given_up(
    store: Store, clock: SetClock, box: Mailbox, make: Make
) -> None:
    strange, empty = write(store, clock, kind="of_tomorrow", x=1), write(store, clock, kind="invitation", x=1)
    make(box.port).carry()
    assert "of_tomorrow" in look(store, strange).last_error
    assert look(store, empty).given_up_at


def test_a_letter_that_cannot_be_made_keeps_no_other_back(
    store: Store, clock: SetClock, box: Mailbox, make: Make
) -> None:
    def answer(_: Letter) -> Draft:
        raise RuntimeError("a fault of ours")

    bad, fine = write(store, clock, kind="reset", login="ana"), write(store, clock)
    assert make(box.port, {LetterKind.RESET: answer}).carry() == 2
    assert look(store, fine).sent_at
    assert look(store, bad).not_before > clock.now()
    assert "cannot be made" in look(store, bad).last_error


def test_what_has_become_void_is_not_sent_and_not_kept(store: Store, clock: SetClock, box: Mailbox, make: Make) -> None:
    number = write(store, clock, kind="reset", login="nobody")
    make(box.port, {LetterKind.RESET: lambda _: None}).carry()
    assert box.letters == []
    with store.reading() as tx:
        assert SentBook(tx).get(number) is None


def test_a_letter_taken_by_a_server_that_died_is_sent_by_another(
    store: Store, clock: SetClock, box: Mailbox, make: Make
) -> None:
    number = write(store, clock)
    with store.transaction() as tx:
        OutboxBook(tx).take(clock.now(), hold_until=clock.now() + timedelta(minutes=5), most=5)
    courier = make(box.port)
    assert courier.carry() == 0
    clock.move(timedelta(minutes=5))
    assert courier.carry() == 1
    assert look(store, number).sent_at


def test_two_couriers_on_one_store_send_each_letter_once(
    store: Store, clock: SetClock, box: Mailbox, make: Make
) -> None:
    numbers = [write(store, SystemClock(), f"p{n}@example.org") for n in range(12)]
    with running(make(box.port, at=SystemClock())), running(make(box.port, at=SystemClock())):
        box.wait_for(len(numbers))
    assert sorted(each.recipients[0] for each in box.letters) == sorted(f"p{n}@example.org" for n in range(12))


@contextmanager
def running(courier: Courier) -> Iterator[Courier]:
    courier.start()
    try:
        yield courier
    finally:
        courier.stop()


def test_a_stop_is_at_once_and_what_was_in_hand_waits_for_the_next_start(
    store: Store, clock: SetClock, box: Mailbox, make: Make
) -> None:
    real = SystemClock()
    courier = make(box.port, at=real)

    def stop_in_the_middle(_: str) -> str | None:
        courier.begin_stop()
        return None

    box.refuse = stop_in_the_middle
    numbers = [write(store, real) for _ in range(3)]
    courier.start()
    before = real.monotonic()
    thread = courier._thread
    assert thread
    thread.join(20)
    assert not thread.is_alive()
    assert real.monotonic() - before < 15
    courier.stop()
    waiting = [look(store, number) for number in numbers if look(store, number).sent_at is None]
    assert waiting
    assert all(letter.given_up_at is None and letter.not_before <= real.now() for letter in waiting)
    box.refuse = lambda _: None
    with running(make(box.port, at=real)):
        box.wait_for(3)


def test_what_a_letter_says_is_asked_when_it_goes_out(store: Store, clock: SetClock, box: Mailbox, make: Make) -> None:
    def answer(letter: Letter) -> Draft:
        values = {"name": "Ana", "link": "http://localhost/reset/1.x", "minutes": 30, "from": "", "by": ""}
        return Draft(kind=LetterKind.RESET, to=f"{letter.body['login']}@example.org", values=values)

    number = write(store, clock, "", kind="reset", login="ana")
    make(box.port, {LetterKind.RESET: answer}).carry()
    assert box.letters[0].recipients == ["ana@example.org"]
    assert "reset/1.x" not in str(look(store, number))


def test_old_letters_are_forgotten_and_waiting_ones_are_not(
    store: Store, clock: SetClock, box: Mailbox, make: Make
) -> None:
    sent = write(store, clock)
    courier = make(box.port)
    courier.carry()
    waiting = write(store, clock)
    clock.move(timedelta(days=31))
    courier.tidy()
    with store.reading() as tx:
        assert SentBook(tx).get(sent) is None
        assert SentBook(tx).get(waiting)
