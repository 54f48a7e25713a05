"""`mail`, and what `user` does by links."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest

from horarium.accounts.people import NewPerson, People
from horarium.accounts.projects import Projects
from horarium.cli.exits import ExitCode
from horarium.store.books.invitations import InvitationBook
from horarium.store.books.mail import OutboxBook
from horarium.store.opening import open_store
from tests.cli.conftest import Program, StillClock
from tests.support.mail import certificate, mail_server
from tests.support.people import TESTER, cheap_hasher, made_up


@pytest.fixture
def with_mail(horarium: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setenv("SMTP_HOST", "localhost")
    monkeypatch.setenv("HORARIUM_BASE_URL", "https://h.example")
    return horarium


def add_ana(home: Path, email: str = "ana@example.org") -> None:
    store = open_store(home / "data" / "horarium.db")
    people = People(store, hasher=cheap_hasher())
    people.add_admin(NewPerson(name="ana", email=email, password=made_up()), actor=TESTER)
    Projects(store, StillClock()).add("Shop", actor=TESTER)
    store.close()


def letters(home: Path) -> list[tuple[str, str]]:
    store = open_store(home / "data" / "horarium.db")
    with store.reading() as tx:
        found = [(letter.kind, letter.address) for letter in OutboxBook(tx).newest()]
    store.close()
    return found


def test_without_mail_an_invitation_is_a_link_shown_this_once(horarium: Program, home: Path) -> None:
    add_ana(home)
    told = horarium("user", "invite", "noor@example.org", "--role", "editor", "--project", "shop")
    assert told.code == ExitCode.OK
    assert "Invited noor@example.org until" in told.out
    link = re.search(r"^http://localhost:5000/join/\S+$", told.out, re.MULTILINE)
    assert link
    store = open_store(home / "data" / "horarium.db")
    with store.reading() as tx:
        (waiting,) = InvitationBook(tx).waiting()
    store.close()
    assert (waiting.role, waiting.project_id, waiting.project_role) == ("editor", 1, "viewer")
    assert letters(home) == []
    for wrong, code in ((["noor@example.org"], ExitCode.USAGE), (["x@example.org", "--project", "no"], 3)):
        refused = horarium("user", "invite", *wrong)
        assert (refused.code, refused.out) == (code, "")


def test_with_mail_the_server_sends_letters(with_mail: Program, home: Path) -> None:
    add_ana(home)
    assert "as soon as the server runs" in with_mail("user", "invite", "noor@example.org").out
    assert with_mail("user", "reset-password", "ANA").out.startswith("ana can set a new password.\n")
    assert letters(home) == [("reset", "ana@example.org"), ("invitation", "noor@example.org")]
    by_hand = with_mail("user", "reset-password", "ana", "--by-hand", "--json")
    assert by_hand.json["link"].startswith("https://h.example/reset/")
    assert with_mail("user", "reset-password", "nobody").code == ExitCode.NOT_FOUND
    listed = with_mail("mail", "list").out
    assert re.search(r"^2 .*reset.*ana@example.org.*waiting", listed, re.MULTILINE)
    assert [each["state"] for each in with_mail("mail", "list", "--json").json] == ["waiting", "waiting"]


def test_the_host_gives_another_address(with_mail: Program, home: Path) -> None:
    add_ana(home)
    assert with_mail("user", "set-email", "ana", "new@example.org").out == "ana has the address new@example.org.\n"
    assert letters(home) == [("address_changed", "ana@example.org")]
    assert with_mail("user", "set-email", "ana", "no address").code == ExitCode.USAGE
    assert with_mail("user", "set-email", "ana", "b@example.org", "--json").json["email"] == "b@example.org"


def test_a_letter_is_sent_again_unless_it_went_out(with_mail: Program, home: Path, clock: StillClock) -> None:
    add_ana(home)
    assert with_mail("mail", "list").out == "No letters.\n"
    with_mail("user", "invite", "noor@example.org")
    store = open_store(home / "data" / "horarium.db")
    with store.transaction() as tx:
        OutboxBook(tx).give_up(1, "550 nobody", clock.now())
    assert "given up" in with_mail("mail", "list").out
    assert with_mail("mail", "resend", "1").code == ExitCode.OK
    assert with_mail("mail", "list", "--json").json[0]["state"] == "waiting"
    with store.transaction() as tx:
        OutboxBook(tx).note_sent(1, clock.now())
    store.close()
    assert with_mail("mail", "resend", "1", "--json").code == ExitCode.REFUSED
    assert with_mail("mail", "resend", "9").code == ExitCode.NOT_FOUND


def test_the_way_to_the_mail_server_is_tried(
    with_mail: Program, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = certificate(tmp_path)
    with mail_server(tls_context=known.server) as box:
        monkeypatch.setenv("SMTP_PORT", str(box.port))
        refused = with_mail("mail", "test", "ana@example.org")
        assert (refused.code, refused.out) == (ExitCode.FAILED, "")
        assert refused.err.startswith("horarium: the certificate of localhost is not to be trusted")
        monkeypatch.setenv("HORARIUM_SMTP_CA", str(known.file))
        told = with_mail("mail", "test", "ana@example.org")
        assert told.out == "localhost took the letter to ana@example.org (encrypted).\n"
        assert with_mail("mail", "test", "ana@example.org", "--json").json["security"] == "starttls"
        assert [letter.recipients for letter in box.letters] == [["ana@example.org"]] * 2
    assert with_mail("mail", "test", "no address").code == ExitCode.USAGE


def test_without_a_mail_server_the_reason_is_said(horarium: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    told = horarium("mail", "test", "ana@example.org")
    assert (told.code, "SMTP_HOST is not set" in told.err) == (ExitCode.CONFIG, True)
    monkeypatch.setenv("SMTP_ENABLED", "off")
    assert "SMTP_ENABLED is off" in horarium("mail", "test", "ana@example.org").err


def test_r10_the_password_of_the_mail_server_is_shown_nowhere(
    with_mail: Program, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    canary = secrets.token_hex(12)
    for name, value in (("SMTP_PASSWORD", canary), ("SMTP_USER", "ana"), ("SMTP_PORT", str(free_port))):
        monkeypatch.setenv(name, value)
    for words in (["mail", "test", "ana@example.org"], ["mail", "list"], ["doctor"]):
        told = with_mail(*words)
        assert canary not in told.out + told.err
