"""The way to a mail server: encrypted as asked for or not at all, and every refusal in a sentence."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from horarium.notify.mailer import Mailer, MailFailed, MailSettings
from tests.support.mail import Certificate, Mailbox, certificate, mail_server
from tests.support.people import made_up

TO, FROM = "ana@example.org", "horarium@example.org"


@pytest.fixture
def known(tmp_path: Path) -> Certificate:
    return certificate(tmp_path)


def send(box: Mailbox | int, **settings: Any) -> None:
    """Send one letter to a server on loopback."""
    port = box if isinstance(box, int) else box.port
    send_over(Mailer(MailSettings(**{"host": "localhost", "port": port, **settings}), patience_seconds=5))


def send_over(mailer: Mailer) -> None:
    with mailer.line() as line:
        line.send(letter(), to=TO, sender=FROM)


def letter() -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["To"], message["From"], message["Subject"] = TO, FROM, "A try"
    message.set_content("Good day\n")
    return message


def failure(box: Mailbox | int, **settings: Any) -> MailFailed:
    with pytest.raises(MailFailed) as caught:
        send(box, **settings)
    return caught.value


def test_a_letter_arrives_over_starttls_from_whom_and_to_whom_it_says(known: Certificate) -> None:
    with mail_server(tls_context=known.server) as box:
        send(box, ca=known.file)
        (letter,) = box.letters
    assert (letter.sender, letter.recipients, letter.subject) == (FROM, [TO], "A try")
    assert box.was_encrypted == [True]


def test_a_letter_arrives_over_a_connection_that_is_encrypted_from_the_start(known: Certificate) -> None:
    with mail_server(ssl_context=known.server) as box:
        send(box, security="tls", ca=known.file)
        assert len(box.letters) == 1


def test_name_and_password_are_given_once_the_way_is_encrypted(known: Certificate) -> None:
    password = made_up()
    box = Mailbox()
    with mail_server(tls_context=known.server, authenticator=box.sign_in, auth_required=True) as server:
        send(server, ca=known.file, user="ana", password=password)
    assert box.users == [("ana", password)]
    assert password not in repr(MailSettings(host="x", password=password))


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_r77_a_certificate_that_nobody_vouches_for_is_refused(known: Certificate, security: str) -> None:
    kind = "tls_context" if security == "starttls" else "ssl_context"
    with mail_server(None, **{kind: known.server}) as box:
        error = failure(box, security=security)
        assert box.letters == []
    assert "certificate of localhost is not to be trusted" in str(error)
    assert error.is_for_all
    assert not error.is_final


def test_r77_a_certificate_for_another_name_is_refused(known: Certificate) -> None:
    with mail_server(tls_context=known.server) as box:
        error = failure(box, ca=known.file, host="127.0.0.2")
    assert "cannot be reached" in str(error) or "not to be trusted" in str(error)


def test_r77_without_starttls_nothing_is_sent_and_no_password_given() -> None:
    box = Mailbox()
    with mail_server(authenticator=box.sign_in, auth_require_tls=False) as server:
        error = failure(server, user="ana", password=made_up())
        assert server.letters == []
    assert box.users == []
    assert "does not offer STARTTLS" in str(error)


def test_without_encryption_letters_go_where_that_was_asked_for() -> None:
    with mail_server() as box:
        send(box, security="none")
        assert box.was_encrypted == [False]


@pytest.mark.parametrize(
    ("answer", "is_final"), [("550 no such user", True), ("451 later\x0b, please", False), ("552 full", True)]
)
def test_a_refused_recipient_is_told_from_one_to_try_again(answer: str, is_final: bool) -> None:
    with mail_server() as box:
        box.refuse = lambda _: answer
        error = failure(box, security="none")
    assert (error.is_final, error.is_for_all) == (is_final, False)
    assert str(error).startswith(f"localhost answered {answer[:3]}")
    assert str(error).isprintable()


def test_a_server_that_is_not_there_is_one_sentence(free_port: int) -> None:
    error = failure(free_port)
    assert str(error) == "localhost cannot be reached: Connection refused"
    assert error.is_for_all


def test_a_server_that_does_not_speak_tls_is_one_sentence() -> None:
    with mail_server() as box:
        error = failure(box, security="tls")
    assert "no encrypted connection to localhost" in str(error)


def test_a_file_of_certificates_that_is_none_is_named(tmp_path: Path, known: Certificate) -> None:
    (tmp_path / "none.pem").write_text("nothing", encoding="utf-8")
    with mail_server(tls_context=known.server) as box:
        for name in ("none.pem", "gone.pem"):
            assert "HORARIUM_SMTP_CA" in str(failure(box, ca=tmp_path / name))


@contextmanager
def silent_server() -> Iterator[int]:
    """Run a server that takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_a_server_that_says_nothing_is_left_after_a_while() -> None:
    with silent_server() as port:
        mailer = Mailer(MailSettings(host="127.0.0.1", port=port, security="none"), patience_seconds=0.2)
        with pytest.raises(MailFailed, match="does not answer"), mailer.line():
            pass


def test_a_connection_in_use_is_broken_off_from_another_thread() -> None:
    with mail_server() as box:
        mailer = Mailer(MailSettings(host="127.0.0.1", port=box.port, security="none"))

        def hang_up(_: str) -> str | None:
            mailer.hang_up()
            return None

        box.refuse = hang_up
        with pytest.raises(MailFailed, match="broke the connection off"):
            send_over(mailer)
    mailer.hang_up()


def test_a_connection_is_broken_off_although_another_thread_has_had_one_meanwhile() -> None:
    with mail_server() as box, ThreadPoolExecutor(1) as other:
        mailer = Mailer(MailSettings(host="127.0.0.1", port=box.port, security="none"))
        with mailer.line() as line:
            other.submit(send_over, mailer).result(10)
            mailer.hang_up()
            with pytest.raises(MailFailed, match="broke the connection off"):
                line.send(letter(), to=TO, sender=FROM)
