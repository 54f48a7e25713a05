"""A mail server on loopback that keeps what it gets, and certificates made for one test."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ipaddress
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.places import free_loopback_port

LINK = re.compile(r"^(http\S+)\s*$", re.MULTILINE)
PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Caught:
    """A letter as it arrived: from whom and to whom the envelope said, and the message."""

    sender: str
    recipients: list[str]
    message: EmailMessage

    @property
    def subject(self) -> str:
        """Return the subject."""
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """Return the part for people who read text."""
        part = self.message.get_body(("plain",))
        assert part
        return str(part.get_content()).replace("\r\n", "\n")

    @property
    def html(self) -> str:
        """Return the part for people who read HTML."""
        part = self.message.get_body(("html",))
        assert part
        return str(part.get_content())

    @property
    def link(self) -> str:
        """Return the link that the letter is about."""
        found = LINK.search(self.text)
        assert found, self.text
        return found[1]


class Mailbox:
    """What a mail server on loopback got. `refuse` may answer a recipient with a line of its own.

    `after_data` says what it does with a letter that it got instead of saying so: `stall`, or `drop` the connection.
    """

    def __init__(self) -> None:
        self.port = 0
        self.letters: list[Caught] = []
        self.refuse: Callable[[str], str | None] = lambda _: None
        self.after_data: Literal["", "stall", "drop"] = ""
        self.users: list[tuple[str, str]] = []
        self.was_encrypted: list[bool] = []
        self._arrived = threading.Condition()

    # aiosmtpd calls these by name.
    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        answer = self.refuse(address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 fine"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        with self._arrived:
            self.was_encrypted.append(session.ssl is not None)
            self.letters.append(Caught(envelope.mail_from, list(envelope.rcpt_tos), message))
            self._arrived.notify_all()
        if self.after_data == "drop":
            server.transport.abort()
        elif self.after_data == "stall":
            await asyncio.sleep(PATIENCE_SECONDS)
        return "250 kept"

    def sign_in(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        """Take anybody, and note who it was."""
        assert isinstance(data, LoginPassword)
        self.users.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=True)

    def wait_for(self, count: int) -> list[Caught]:
        """Wait until so many letters have arrived; return them."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.letters) >= count, PATIENCE_SECONDS), self.letters
            return list(self.letters)


class _Controller(Controller):
    """A mail server that cuts the connections which are still open when it stops."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._made: list[Any] = []

    def factory(self) -> Any:
        """Return what talks to one client."""
        made: Any = super().factory()  # type: ignore[no-untyped-call]
        self._made.append(made)
        return made

    def cut(self) -> None:
        """Cut what is open, and wait until that is done."""

        async def each() -> None:
            for talk in self._made:
                if talk.transport is not None:
                    talk.transport.abort()
            await asyncio.sleep(0.05)

        asyncio.run_coroutine_threadsafe(each(), self.loop).result(10)


@contextmanager
def mail_server(port: int | None = None, **options: Any) -> Iterator[Mailbox]:
    """Run a mail server; `options` are those of aiosmtpd's controller. Without `tls_context` it has no STARTTLS."""
    box = Mailbox()
    controller = _Controller(box, hostname="127.0.0.1", port=port or free_loopback_port(), **options)
    box.port = controller.port
    controller.start()
    try:
        yield box
    finally:
        controller.cut()
        controller.stop()


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate for `localhost` and 127.0.0.1, its own authority, in a file; and what a server needs of it."""

    file: Path
    server: ssl.SSLContext


def certificate(folder: Path) -> Certificate:
    """Make a certificate that nobody knows but who is told to."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, secret = folder / "mail.pem", folder / "mail.key"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return Certificate(file, context)
