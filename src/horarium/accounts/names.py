"""Compare names as people mean them: case, blanks and the spelling of a letter do not tell two persons apart."""

from __future__ import annotations

import unicodedata
from typing import Final

from horarium.errors import InvalidValue

NAME_LIMIT: Final = 254
DISPLAY_LIMIT: Final = 100
EMAIL_LIMIT: Final = 254


def key_of(name: str) -> str:
    """Return the spelling that all variants of a name or address share, cut to what a key column holds."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    # No name has a NUL in it, and not every database can be asked for one.
    folded = folded.replace("\0", "\ufffd")
    return " ".join(folded.split())[:800]


def checked_name(name: str, *, field: str = "name", limit: int = NAME_LIMIT) -> str:
    """Return a name without the blanks around it; refuse an empty, long or unprintable one with `InvalidValue`."""
    tidy = " ".join(name.split())
    if not tidy or len(tidy) > limit or not tidy.isprintable():
        raise InvalidValue(field, name, f"use 1 to {limit} printable characters")
    return tidy


def checked_email(email: str) -> str:
    """Return an e-mail address as it should be written; refuse what cannot be one with `InvalidValue`."""
    if len(email) > EMAIL_LIMIT:
        raise InvalidValue("email", email, f"use at most {EMAIL_LIMIT} characters")
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - dear to import

    try:
        return validate_email(email.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise InvalidValue("email", email, str(error).rstrip(".")) from None


def domain_of(email: str) -> str:
    """Return the domain of an address as the net knows it: small letters, ASCII; empty for what is no address."""
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - dear to import

    try:
        found = validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return ""
    return found.ascii_domain.lower()


def shown(name: str, limit: int = 3) -> str:
    """Return only the first letters of a name that belongs to nobody: it may be a password in the wrong field."""
    tidy = "".join(letter if letter.isprintable() else "?" for letter in name[: limit + 1])
    return tidy if len(tidy) <= limit else tidy[:limit] + "…"
