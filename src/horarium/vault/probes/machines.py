"""Try databases, SSH keys and mail servers."""

from __future__ import annotations

import base64
import hashlib
import re
import smtplib
import socket
import ssl
from typing import Final
from urllib.parse import urlsplit

from horarium.errors import StoreUnavailable
from horarium.outgoing.caller import Caller, Unreached
from horarium.store.visiting import Guest, can_visit, visit
from horarium.vault.keypairs import UnreadableKey, public_half, read_key
from horarium.vault.probes.base import PORT_WORDS, Trial, Values, fails, host_of, port_of, says_nothing, works

POSTGRES: Final = frozenset({"postgresql", "postgres", "pgsql", "postgresql+psycopg"})
PORTS: Final = {"mysql": 3306, "mariadb": 3306, "mssql": 1433, "sqlserver": 1433, "oracle": 1521, "mongodb": 27017}
MORE_PORTS: Final = {"redis": 6379, "clickhouse": 9000, "cockroachdb": 26257}
MAIL_PORTS: Final = {"smtps": 465, "smtp": 587}
_BANNER: Final = re.compile(rb"SSH-[12]\.[0-9]{1,2}-[!-~]{1,200}")


def try_database(values: Values, caller: Caller) -> Trial:
    """Sign in to PostgreSQL; of another server only look whether something listens."""
    engine = values.get("engine", "").strip().lower()
    host = host_of(values)
    if engine and engine not in POSTGRES:
        usual = {**PORTS, **MORE_PORTS}.get(engine)
        if usual is None and not values.get("port"):
            raise Unreached("the usual port of such a server is not known here: give its port")
        caller.connect(host, port_of(values, usual or 1)).close()
        return says_nothing("Something listens there. No client for such a server is here: the password was not tried.")
    port = port_of(values, 5432)
    # Looked for first, so that what does not answer at all is told apart from what refuses.
    caller.connect(host, port).close()
    if not can_visit():
        return says_nothing(
            "Something listens there. The client for PostgreSQL is not here: the password was not tried."
        )
    guest = Guest(
        host=host,
        address=caller.check(host, port),
        port=port,
        database=values.get("database", ""),
        user=values["username"],
        password=values["password"],
    )
    try:
        version, is_encrypted = visit(guest, seconds=caller.connect_seconds)
    except StoreUnavailable as error:
        return fails(f"PostgreSQL answered: {error}.")
    way = "encrypted, its certificate was not checked" if is_encrypted else "not encrypted"
    return works(f"Signed in to PostgreSQL {version}; the connection was {way}.")


def try_ssh_key(values: Values, caller: Caller) -> Trial:
    """Read the key, and look whether its host speaks SSH. Nobody is signed in."""
    try:
        public = public_half(read_key(values["private_key"], values.get("passphrase")))
    except UnreadableKey as error:
        raise Unreached(str(error)) from None
    sort, octets = public.split()[:2]
    mark = base64.b64encode(hashlib.sha256(base64.b64decode(octets)).digest()).decode().rstrip("=")
    words = f"The key can be read: {sort}, SHA256:{mark}"
    if not values.get("host"):
        return says_nothing(f"{words}. No host is given, so nothing was asked.")
    host, port = host_of(values), port_of(values, 22)
    with caller.told():
        opened = caller.connect(host, port)
        begin = opened.recv(255)
        opened.close()
    if not _BANNER.match(begin):
        return fails(f"{words}. What listens at the host does not speak SSH.")
    return says_nothing(f"{words}. The host speaks SSH; signing in was not tried.")


def is_mail(address: str) -> bool:
    """Tell whether an address is one of a mail server."""
    return address.lower().startswith(("smtp://", "smtps://"))


def try_mail(values: Values, caller: Caller) -> Trial:
    """Sign in to a mail server, encrypted; no letter is sent."""
    try:
        parts = urlsplit(values["url"])
        port = parts.port
    except ValueError:
        raise Unreached(PORT_WORDS) from None
    host = host_of({"host": parts.hostname or ""})
    line = _MailLine(caller, host, port or MAIL_PORTS[parts.scheme], is_encrypted=parts.scheme == "smtps")
    return _signed_in(line, values, caller)


def try_smtp(values: Values, caller: Caller) -> Trial:
    """Sign in to a mail server that is told by its parts, encrypted; no letter is sent."""
    way = values.get("encryption", "").strip().lower()
    if way not in {"", "tls", "starttls"}:
        raise Unreached("its encryption is neither tls nor starttls")
    port = port_of(values, MAIL_PORTS["smtps" if way == "tls" else "smtp"])
    is_encrypted = way == "tls" if way else port == MAIL_PORTS["smtps"]
    return _signed_in(_MailLine(caller, host_of(values), port, is_encrypted=is_encrypted), values, caller)


def _signed_in(line: _MailLine, values: Values, caller: Caller) -> Trial:
    with caller.told():
        try:
            line.open()
            line.login(values["username"], values["password"])
        except smtplib.SMTPAuthenticationError as error:
            return fails(f"It answered {error.smtp_code}: it does not take this user with this password.")
        except smtplib.SMTPNotSupportedError:
            return fails("It has no sign-in that is known here, or none at this port.")
        except smtplib.SMTPResponseException as error:
            return fails(f"It answered {error.smtp_code}, which is no way to sign in.")
        except smtplib.SMTPException:
            raise Unreached(caller.too_long() or "what listens there broke off, or does not speak SMTP") from None
        finally:
            line.close()
    return works("The user can sign in there, over an encrypted connection. No letter was sent.")


class _MailLine(smtplib.SMTP):
    """A connection to a mail server that the caller opens, and that is encrypted before anything is said."""

    def __init__(self, caller: Caller, host: str, port: int, *, is_encrypted: bool) -> None:
        super().__init__(local_hostname="localhost", timeout=caller.seconds)
        self._caller, self._where, self._is_encrypted = caller, (host, port), is_encrypted

    def open(self) -> None:
        """Connect and encrypt."""
        host, port = self._where
        self._host = host
        self.connect(host, port)
        self.ehlo_or_helo_if_needed()
        if not self._is_encrypted:
            if not self.has_extn("starttls"):
                raise Unreached("it does not offer STARTTLS, so the password was not sent")
            self.starttls(context=ssl.create_default_context())
            self.ehlo_or_helo_if_needed()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        del timeout
        opened = self._caller.connect(host, port)
        return self._caller.encrypt(opened, host) if self._is_encrypted else opened
