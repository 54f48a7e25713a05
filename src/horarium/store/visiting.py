"""Sign in to a PostgreSQL server of somebody's, to see whether that works; nothing is asked of it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Final

from horarium.errors import StoreUnavailable

APPLICATION: Final = "horarium test"
_QUOTED: Final = re.compile(r'"[^"]*"')
_LEAST_CLIENT: Final = 160000
# What the server says is in its own language, and holds names: what it means is told in our words.
_REASONS: Final = (
    ("password authentication failed", "it does not take this user with this password"),
    ("requires", "it asks for a way of signing in that would give the password away, so none was sent"),
    ("pg_hba.conf", "it lets nobody in from this machine, or not this user, or not without encryption"),
    ("role", "it does not know this user"),
    ("database", "it has no database of this name"),
    ("too many", "it takes no more connections now"),
    ("timeout", "it does not answer"),
    ("starting up", "it is starting up"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Where to sign in and as whom: `address` is what `host` was found to be, and what is connected to."""

    host: str
    address: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)


def can_visit() -> bool:
    """Tell whether there is a client here that can sign in without ever sending a password in clear."""
    try:
        from psycopg.pq import version  # noqa: PLC0415 - dear to import
    except ImportError:
        # The extra `postgres` is not there, or not the library below it.
        return False
    return version() >= _LEAST_CLIENT


def visit(guest: Guest, *, seconds: float) -> tuple[str, bool]:
    """Sign in and part again; return the server's version and whether the connection was encrypted.

    Raises `StoreUnavailable` with the reason in one sentence, without a word of the server's own.
    """
    import psycopg  # noqa: PLC0415 - dear to import

    try:
        with psycopg.connect(
            host=guest.host,
            hostaddr=guest.address,
            port=guest.port,
            dbname=guest.database or guest.user,
            user=guest.user,
            password=guest.password,
            connect_timeout=max(2, round(seconds)),
            # Whoever answers without a certificate that was checked gets no password, only a proof of it.
            sslmode="prefer",
            require_auth="!password",
            passfile=os.devnull,
            gssencmode="disable",
            application_name=APPLICATION,
        ) as connection:
            info = connection.info
            return f"{info.server_version // 10000}.{info.server_version % 10000}", bool(connection.pgconn.ssl_in_use)
    except psycopg.Error as error:
        raise StoreUnavailable(_reason(str(error))) from None


def _reason(text: str) -> str:
    # What stands in quotes are names of users and databases, which may be called anything.
    plain = _QUOTED.sub("", text)
    return next((words for part, words in _REASONS if part in plain), "it refused the connection")
