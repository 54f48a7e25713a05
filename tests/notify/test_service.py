"""`NotificationService`: telling people from a program, with a real mail server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from horarium.accounts.people import People
from horarium.config import Config
from horarium.errors import ConfigError, Conflict, InvalidValue, LinkRefused
from horarium.notify.mailer import MailFailed
from horarium.notify.service import NotificationService, Report
from horarium.notify.unsubscribing import Unsubscriber
from horarium.preferences.settings import Preferences
from horarium.records.actors import Actor
from horarium.store.books.mail import OutboxBook
from horarium.store.books.people import PeopleBook
from horarium.store.port import Store
from horarium.testing.clock import ManualClock
from tests.support.mail import Mailbox, mail_server
from tests.support.people import add_admin, cheap_hasher, made_up


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as server:
        yield server


def config(port: int, **rest: object) -> Config:
    fixed: dict[str, object] = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none"}
    return Config(**{**fixed, "base_url": "http://localhost", **rest})  # type: ignore[arg-type]


@pytest.fixture
def service(told_store: Store, standing_clock: ManualClock, box: Mailbox) -> Iterator[NotificationService]:
    admin = add_admin(People(told_store, standing_clock, hasher=cheap_hasher()), "ines", email="ines@example.org")
    assert admin.id
    made = NotificationService(
        told_store, config=config(box.port, secret_key=made_up() + made_up()), clock=standing_clock
    )
    with made:
        yield made


def test_a_letter_goes_out_at_once_with_text_and_html(service: NotificationService, box: Mailbox) -> None:
    (handed,) = service.send_email(
        "ana@example.org", "Figures\r\nBcc: x@example.org", "All is well.", html="<b>well</b>"
    )
    assert handed.state == "sent"
    (letter,) = box.letters
    assert letter.recipients == ["ana@example.org"]
    assert (letter.subject, letter.message["Bcc"]) == ("Figures Bcc: x@example.org", None)
    assert letter.text.strip() == "All is well."
    assert letter.html.strip() == "<b>well</b>"
    assert handed.message_id in str(letter.message["Message-ID"])


def test_a_summary_brings_its_pdf_and_a_way_out(service: NotificationService, box: Mailbox) -> None:
    report = Report(subject="Your week", text="12 runs", pdf=b"%PDF-1.7 made up", unsubscribe="https://localhost/stop")
    service.send_weekly_report(["ana@example.org", "noor@example.org"], report)
    first, second = box.letters
    assert [each.recipients for each in (first, second)] == [["ana@example.org"], ["noor@example.org"]]
    (attachment,) = first.message.iter_attachments()
    assert attachment.get_filename() == "report.pdf"
    assert attachment.get_content() == b"%PDF-1.7 made up"
    assert first.message["List-Unsubscribe"] == "<https://localhost/stop>"
    assert first.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("to", ["a@example.org,b@example.org", "a@example.org\nBcc:b@example.org", "nobody", []])
def test_r83_what_is_no_single_address_is_refused(
    service: NotificationService, box: Mailbox, to: str | list[str]
) -> None:
    with pytest.raises(InvalidValue):
        service.send_email(to, "Figures", "All is well.")
    assert not box.letters


def test_r83_one_address_gets_a_hundred_letters_a_day(
    service: NotificationService, told_store: Store, standing_clock: ManualClock, box: Mailbox
) -> None:
    with told_store.transaction() as tx:
        for _ in range(99):
            number = OutboxBook(tx).add("finished", "ana@example.org", {}, at=standing_clock.now())
            OutboxBook(tx).note_sent(number, standing_clock.now())
    service.send_email("ana@example.org", "Figures", "All is well.")
    with pytest.raises(Conflict, match="100 letters in a day"):
        service.send_email("ana@example.org", "Figures", "All is well.")
    standing_clock.advance(timedelta(days=1, seconds=1))
    service.send_email("ana@example.org", "Figures", "All is well.")
    assert len(box.letters) == 2


def test_rp20_a_letter_that_cannot_go_waits_and_goes_later_with_its_id(
    told_store: Store, standing_clock: ManualClock, free_port: int
) -> None:
    service = NotificationService(told_store, config=config(free_port), clock=standing_clock)
    (handed,) = service.send_email("ana@example.org", "Figures", "All is well.")
    assert (handed.state, "cannot be reached" in handed.answer) == ("waiting", True)
    standing_clock.advance(timedelta(minutes=1))
    with mail_server(free_port) as box:
        assert service.deliver() == 1
        assert handed.message_id in str(box.letters[0].message["Message-ID"])


def test_what_a_program_says_of_a_task_is_told_by_the_rules(service: NotificationService, box: Mailbox) -> None:
    service.notify_task_failure("nightly copy", ValueError("no room"), facts={"Host": "db1"})
    service.deliver()
    (letter,) = box.letters
    assert letter.recipients == ["ines@example.org"]
    assert letter.subject == "nightly copy failed"
    assert "ValueError: no room" in letter.text
    assert "Host: db1" in letter.text


def test_its_completion_is_told_to_whom_the_failure_was(
    service: NotificationService, standing_clock: ManualClock, box: Mailbox
) -> None:
    service.notify_task_completion("nightly copy")
    service.deliver()
    assert not box.letters
    service.notify_task_failure("nightly copy", "no room")
    service.deliver()
    standing_clock.advance(timedelta(minutes=2))
    service.notify_task_completion("nightly copy")
    service.deliver()
    assert [each.subject for each in box.letters] == ["nightly copy failed", "nightly copy works again"]


def test_notify_on_task_success_and_failure_are_honoured(
    told_store: Store, standing_clock: ManualClock, box: Mailbox
) -> None:
    add_admin(People(told_store, standing_clock, hasher=cheap_hasher()), "ines", email="ines@example.org")
    settings = config(box.port, notify_on_task_success=True, notify_on_task_failure=False)
    service = NotificationService(told_store, config=settings, clock=standing_clock)
    service.notify_task_failure("copy", "no room")
    service.notify_task_completion("copy")
    service.deliver()
    assert [each.subject for each in box.letters] == ["copy succeeded"]


def test_the_link_in_a_mail_ends_such_mail_and_nothing_else(
    told_store: Store, standing_clock: ManualClock, box: Mailbox
) -> None:
    user = add_admin(People(told_store, standing_clock, hasher=cheap_hasher()), "ines", email="ines@example.org")
    secret = made_up() + made_up()
    service = NotificationService(told_store, config=config(box.port, secret_key=secret), clock=standing_clock)
    service.notify_task_failure("copy", "no room")
    service.deliver()
    link = str(box.letters[0].message["List-Unsubscribe"]).strip("<>")
    token = link.rpartition("/")[2]
    preferences = Preferences(told_store, standing_clock)
    ends = Unsubscriber(secret.encode(), "http://localhost")
    assert link.startswith("http://localhost/unsubscribe/")
    assert ends.read(token).setting == "tell_failures"
    assert preferences.get(user.id, "tell_failures") is True
    for _ in range(2):
        assert ends.end(token, preferences, actor=Actor.of_code()).user_id == user.id
    assert preferences.get(user.id, "tell_failures") is False
    assert preferences.get(user.id, "mail_notices") is True
    standing_clock.advance(timedelta(hours=2))
    service.notify_task_failure("copy", "no room")
    service.deliver()
    assert len(box.letters) == 1
    with told_store.reading() as tx:
        assert PeopleBook(tx).by_id(user.id) is not None
    for wrong in (f"{token}x", token.replace("tell_failures", "mail_notices"), "1.tell_failures.", "", "a.b.c"):
        with pytest.raises(LinkRefused):
            ends.read(wrong)


def test_the_connection_can_be_tried(
    told_store: Store, standing_clock: ManualClock, box: Mailbox, free_port: int
) -> None:
    service = NotificationService(told_store, config=config(box.port), clock=standing_clock)
    assert service.test_connection() == f"127.0.0.1:{box.port} answers, without encryption."
    with pytest.raises(MailFailed, match="cannot be reached"):
        NotificationService(told_store, config=config(free_port), clock=standing_clock).test_connection()
    bare = NotificationService(told_store, config=Config(), clock=standing_clock)
    for act in (bare.test_connection, lambda: bare.send_email("ana@example.org", "Figures", "All is well.")):
        with pytest.raises(ConfigError, match="SMTP_HOST"):
            act()
