"""The post of a server: put together from the settings, and what it warns about."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from horarium.accounts.registering import Mode
from horarium.clock import SystemClock
from horarium.config import Config
from horarium.notify.mail_server import mailer_of
from horarium.server.post import post_warnings, rules_of
from horarium.server.service import assemble
from horarium.store.books.mail import OutboxBook
from tests.support.mail import mail_server

KEY = secrets.token_hex(32)
MAIL = Config(smtp_host="127.0.0.1", smtp_security="none")


def test_a_server_with_mail_carries_letters_and_one_without_has_no_courier(tmp_path: Path) -> None:
    plain = assemble(Config(secret_key=KEY, data=tmp_path / "data"))
    assert plain.courier is None
    plain.start()
    plain.finish_stop()
    with mail_server() as box:
        config = replace(MAIL, secret_key=KEY, data=tmp_path / "data", smtp_port=box.port, team_name="Tidewater")
        service = assemble(config)
        service.start()
        with service.store.transaction() as tx:
            body = {"name": "Ana", "from": "", "tokens": 0}
            OutboxBook(tx).add("password_changed", "ana@example.org", body, at=SystemClock().now())
        (letter,) = box.wait_for(1)
        service.finish_stop()
    assert letter.sender == "horarium@localhost"
    assert "Tidewater" in letter.html


def test_settings_reach_the_mailer(tmp_path: Path) -> None:
    assert mailer_of(Config()) is None
    config = replace(MAIL, smtp_user="ana", smtp_password="x", base_url="https://h.example/x", smtp_ca=tmp_path)
    mailer = mailer_of(config)
    assert mailer
    found = mailer.settings
    assert (found.host, found.real_port, found.user, found.password) == ("127.0.0.1", 25, "ana", "x")
    assert (found.hello, found.ca, found.sender) == ("h.example", tmp_path, "Horarium <horarium@h.example>")
    ports = [replace(found, security=each).real_port for each in ("starttls", "tls", "none")]
    assert ports == [587, 465, 25]
    assert replace(found, port=2525).real_port == 2525


def test_r4_rules_follow_the_settings() -> None:
    assert rules_of(Config()).mode is Mode.OFF
    rules = rules_of(Config(registration="domain", registration_domains=("corp.example",)))
    assert (rules.mode, rules.domains) == (Mode.DOMAIN, ("corp.example",))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, []),
        ({"smtp_host": "127.0.0.1", "smtp_security": "none"}, []),
        ({"smtp_host": "mail.example", "smtp_security": "starttls"}, []),
        ({"smtp_host": "mail.example", "smtp_security": "none"}, ["reads letters with their links"]),
        ({"smtp_host": "mail.example", "smtp_security": "none", "smtp_user": "a"}, ["letters and SMTP_PASSWORD"]),
        ({"smtp_ca": Path("/nowhere.pem")}, ["/nowhere.pem"]),
        ({"registration": "open"}, ["nobody can register"]),
        ({"registration": "domain", "smtp_host": "m.example"}, ["HORARIUM_REGISTRATION_DOMAINS is empty"]),
    ],
)
def test_r77_what_weakens_mail_is_said_aloud(settings: dict[str, object], words: list[str]) -> None:
    found = post_warnings(replace(Config(), **settings))  # type: ignore[arg-type]
    assert len(found) == len(words)
    for word, sentence in zip(words, found, strict=True):
        assert word in sentence
