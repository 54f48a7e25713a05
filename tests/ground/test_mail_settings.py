"""The settings of mail and registration: what they take, and what follows from them."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from horarium.config import Config, load_config
from horarium.errors import ConfigError


def read(folder: Path, **environ: str) -> Config:
    return load_config(environ, folder)


def test_without_a_host_no_mail_is_sent_and_nobody_registers(tmp_path: Path) -> None:
    config = read(tmp_path)
    assert not config.sends_mail
    assert (config.registration, config.smtp_security) == ("off", "starttls")
    assert read(tmp_path, SMTP_HOST="mail.example.org").sends_mail
    assert not read(tmp_path, SMTP_HOST="mail.example.org", SMTP_ENABLED="off").sends_mail


@pytest.mark.parametrize(
    ("environ", "sender"),
    [
        ({}, "Horarium <horarium@localhost>"),
        ({"HORARIUM_BASE_URL": "https://h.example.org/x"}, "Horarium <horarium@h.example.org>"),
        ({"SMTP_USER": "ana@example.org"}, "ana@example.org"),
        ({"SMTP_USER": "ana"}, "Horarium <horarium@localhost>"),
        ({"SMTP_FROM": "The team <team@example.org>", "SMTP_USER": "a@b.example"}, "The team <team@example.org>"),
    ],
)
def test_letters_come_from_what_was_set_or_what_the_rest_suggests(
    tmp_path: Path, environ: dict[str, str], sender: str
) -> None:
    assert read(tmp_path, **environ).mail_sender == sender


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("SMTP_FROM", each) for each in ("nobody", "a@b\nBcc: c@d", "Ana <a@b>, Otto <c@d>", "@b", "x" * 330 + "@b")),
        *(("SMTP_PORT", each) for each in ("0", "65536", "smtp")),
        ("HORARIUM_SMTP_SECURITY", "ssl"),
        ("HORARIUM_REGISTRATION", "on"),
        *(
            ("HORARIUM_REGISTRATION_DOMAINS", each)
            for each in ("example", "*.example.org", "a@b.example", "-x.example")
        ),
    ],
)
def test_what_means_nothing_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} is not understood"):
        read(tmp_path, **{name: value})


def test_domains_are_read_in_small_letters(tmp_path: Path) -> None:
    config = read(
        tmp_path, HORARIUM_REGISTRATION="Domain", HORARIUM_REGISTRATION_DOMAINS=" Corp.Example, b.example.org,"
    )
    assert config.registration == "domain"
    assert config.registration_domains == ("corp.example", "b.example.org")


def test_r10_the_password_is_shown_nowhere_and_may_stand_in_a_file(tmp_path: Path) -> None:
    canary = secrets.token_hex(12)
    (tmp_path / "password").write_text(f"{canary}\n", encoding="utf-8")
    config = read(tmp_path, SMTP_PASSWORD_FILE=str(tmp_path / "password"))
    assert config.smtp_password == canary
    assert canary not in repr(config) + str(config.shown())
