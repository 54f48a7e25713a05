"""Hand letters to a mail server: encrypted, with its certificate checked, and never less than was asked for."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import ClassVar, Final, Literal

from horarium.errors import HorariumError
from horarium.notify.lines import one_line

Security = Literal["starttls", "tls", "none"]

PATIENCE_SECONDS: Final = 15.0
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """The mail server and how to speak to it.

    `sender` is who letters come from, `hello` the name that we call ourselves by. `ca` is a file with certificates that
    vouch for the server beside those of the machine.
    """

    host: str
    port: int | None = None
    security: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = "horarium@localhost"
    hello: str = "localhost"
    ca: Path | None = None

    @property
    def real_port(self) -> int:
        """Return the port that was set, else the usual one for this kind of encryption."""
        return self.port or _PORTS[self.security]


class MailFailed(HorariumError):
    """Report that a letter was not taken.

    `is_final`: trying again is useless. `is_for_all`: the server cannot be used now, whatever the letter.
    """

    code: ClassVar[str] = "mail_failed"

    def __init__(self, reason: str, *, is_final: bool = False, is_for_all: bool = True) -> None:
        """Give the `reason` in one sentence."""
        super().__init__(reason)
        self.is_final = is_final
        self.is_for_all = is_for_all


class Mailer:
    """The way to one mail server."""

    def __init__(self, settings: MailSettings, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Wait at most `patience_seconds` for each answer of the server."""
        self.settings = settings
        self._patience_seconds = patience_seconds
        self._open: set[smtplib.SMTP] = set()

    @contextlib.contextmanager
    def line(self) -> Iterator[Line]:
        """Open a connection for some letters. Raises `MailFailed` where it cannot be had as it was asked for."""
        with _told(self.settings):
            opened = self._connect()
        self._open.add(opened)
        try:
            yield Line(opened, self.settings)
        finally:
            self._open.discard(opened)
            _part(opened)

    def hang_up(self) -> None:
        """Break all open connections off, from another thread: whoever waits for the server fails at once."""
        for found in tuple(self._open):
            if found.sock is not None:
                with contextlib.suppress(OSError):
                    found.sock.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> smtplib.SMTP:
        settings = self.settings
        where = (settings.host, settings.real_port, settings.hello)
        opened: smtplib.SMTP
        if settings.security == "tls":
            opened = smtplib.SMTP_SSL(*where, timeout=self._patience_seconds, context=self._context())
        else:
            opened = smtplib.SMTP(*where, timeout=self._patience_seconds)
        try:
            if settings.security == "starttls":
                self._encrypt(opened)
            opened.ehlo_or_helo_if_needed()
            if settings.user:
                opened.login(settings.user, settings.password)
        except BaseException:
            opened.close()
            raise
        return opened

    def _encrypt(self, opened: smtplib.SMTP) -> None:
        opened.ehlo_or_helo_if_needed()
        # Whoever stands between may have taken the offer out: no letter goes on in the clear.
        if not opened.has_extn("starttls"):
            raise MailFailed(
                f"{self.settings.host} does not offer STARTTLS, or somebody on the way took the offer out: nothing is"
                " sent without encryption"
            )
        opened.starttls(context=self._context())

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.settings.ca is not None:
            try:
                context.load_verify_locations(cafile=self.settings.ca)
            except OSError as error:
                raise MailFailed(f"HORARIUM_SMTP_CA cannot be read: {error.strerror or 'it is no PEM file'}") from None
        return context


class Line:
    """An open connection to a mail server."""

    def __init__(self, opened: smtplib.SMTP, settings: MailSettings) -> None:
        """Send over `opened`."""
        self._smtp = opened
        self._settings = settings

    def send(self, message: EmailMessage, *, to: str, sender: str) -> None:
        """Hand a letter over to one recipient. Raises `MailFailed`."""
        with _told(self._settings):
            try:
                self._smtp.send_message(message, sender, [to])
            except smtplib.SMTPRecipientsRefused as error:
                code, text = error.recipients[to]
                raise _answered(self._settings, code, text, is_for_all=False) from None
            except smtplib.SMTPDataError as error:
                raise _answered(self._settings, error.smtp_code, error.smtp_error, is_for_all=False) from None
            except smtplib.SMTPNotSupportedError:
                reason = f"{self._settings.host} does not take addresses with letters beyond ASCII"
                raise MailFailed(reason, is_final=True, is_for_all=False) from None


@contextlib.contextmanager
def _told(settings: MailSettings) -> Iterator[None]:
    """Turn what goes wrong between us and a server into one sentence."""
    host = settings.host
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise MailFailed(f"the certificate of {host} is not to be trusted: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise MailFailed(f"no encrypted connection to {host}: {error.reason or 'it was broken off'}") from None
    except smtplib.SMTPAuthenticationError as error:
        raise MailFailed(f"{host} does not take SMTP_USER with SMTP_PASSWORD ({error.smtp_code})") from None
    except smtplib.SMTPNotSupportedError:
        raise MailFailed(
            f"{host} has no sign-in that is known here: leave SMTP_USER out, or use another port"
        ) from None
    except smtplib.SMTPServerDisconnected as error:
        words = "does not answer" if "timed out" in str(error) else "broke the connection off"
        raise MailFailed(f"{host} {words}") from None
    except smtplib.SMTPResponseException as error:
        raise _answered(settings, error.smtp_code, error.smtp_error, is_for_all=True) from None
    except TimeoutError:
        raise MailFailed(f"{host} does not answer") from None
    except OSError as error:
        raise MailFailed(f"{host} cannot be reached: {error.strerror or error}") from None


def _answered(settings: MailSettings, code: int, text: bytes | str, *, is_for_all: bool) -> MailFailed:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    # A 5xx about this letter is the server's last word; one about the whole connection may be set right.
    return MailFailed(
        f"{settings.host} answered {code} {one_line(words)}".rstrip(),
        is_final=500 <= code < 600 and not is_for_all,
        is_for_all=is_for_all,
    )


def _part(opened: smtplib.SMTP) -> None:
    """Say good-bye if the server still listens."""
    try:
        opened.quit()
    except (OSError, smtplib.SMTPException):
        # What was handed over was acknowledged before; how the connection ends changes nothing.
        opened.close()
