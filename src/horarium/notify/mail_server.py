"""Find the way to the mail server in the settings; light to load, since a small process needs it alone."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlsplit

from horarium.config import Config
from horarium.notify.mailer import Mailer, MailSettings, Security


def mail_settings_of(config: Config) -> MailSettings | None:
    """Return what the settings say about the mail server, None where no mail is sent."""
    if not config.sends_mail:
        return None
    return MailSettings(
        host=config.smtp_host or "",
        port=config.smtp_port,
        security=cast("Security", config.smtp_security),
        user=config.smtp_user,
        password=config.smtp_password or "",
        sender=config.mail_sender,
        hello=urlsplit(config.public_url).hostname or "localhost",
        ca=config.smtp_ca,
    )


def mailer_of(config: Config) -> Mailer | None:
    """Return the way to the mail server, None where no mail is sent."""
    settings = mail_settings_of(config)
    return None if settings is None else Mailer(settings)
