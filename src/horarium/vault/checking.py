"""What a credential must keep to before it is saved; no refused value is ever part of a message."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from horarium.errors import InvalidValue
from horarium.vault.kinds import KINDS, FieldKind, Kind

NAME_LIMIT: Final = 100
NOTE_LIMIT: Final = 1000
VALUE_LIMIT: Final = 65_536
MOST_FIELDS: Final = 50
MOST_HOSTS: Final = 50
LONGEST_ROTATION_DAYS: Final = 3650
MASKED_FROM: Final = 8
"""How many characters a value must have to be masked where it is printed: shorter ones stand in every text."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]*")
_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_HOST: Final = re.compile(r"(?:\*\.)?[A-Za-z0-9_.:-]{1,253}")
_WITH_PASSWORD: Final = re.compile(r"://[^/?#@]*:[^/?#]*@")
_HIDDEN: Final = "(not shown)"


def key_of(name: str) -> str:
    """Return the spelling that all variants of a credential's name share."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())[:400]


def checked_name(name: str) -> str:
    """Return a name without the blanks around it. Raises `InvalidValue`."""
    tidy = " ".join(name.split())
    if len(tidy) > NAME_LIMIT or not _NAME.fullmatch(tidy):
        allowed = f"use 1 to {NAME_LIMIT} letters, figures, blanks, dots, dashes and underscores"
        raise InvalidValue("name", name, allowed)
    return tidy


def checked_kind(name: str) -> Kind:
    """Return the kind of this name. Raises `InvalidValue`."""
    if name not in KINDS:
        raise InvalidValue("kind", name, f"use one of {', '.join(KINDS)}")
    return KINDS[name]


def checked_note(note: str) -> str:
    """Return a note. Raises `InvalidValue`."""
    if len(note) > NOTE_LIMIT or "\0" in note:
        raise InvalidValue("note", note, f"use at most {NOTE_LIMIT} characters")
    return note.strip()


def checked_hosts(hosts: Collection[str]) -> tuple[str, ...]:
    """Return the hosts that a credential is for. Raises `InvalidValue`."""
    if len(hosts) > MOST_HOSTS:
        raise InvalidValue("hosts", len(hosts), f"name at most {MOST_HOSTS}")
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise InvalidValue("hosts", host, "use host names or addresses, such as db.example.org or *.example.org")
    return tuple(dict.fromkeys(host.lower() for host in hosts))


def checked_rotation(days: int | None) -> int | None:
    """Return after how many days values should be replaced. Raises `InvalidValue`."""
    if days is not None and not 1 <= days <= LONGEST_ROTATION_DAYS:
        raise InvalidValue("rotate_days", days, f"use days from 1 to {LONGEST_ROTATION_DAYS}, or none")
    return days


def checked_expiry(at: datetime | None, now: datetime, *, field: str = "expires_at") -> datetime | None:
    """Return when something ends. Raises `InvalidValue` for what has passed or names no zone."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise InvalidValue(field, at.isoformat(), "use a time with its zone")
    if at <= now:
        raise InvalidValue(field, at.isoformat(), "use a time that lies ahead")
    return at


def split(kind: Kind, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the open and the secret values of a kind, empty ones left out. Raises `InvalidValue` by field."""
    if len(values) > MOST_FIELDS:
        raise InvalidValue("fields", len(values), f"use at most {MOST_FIELDS}")
    given = {name: value for name, value in values.items() if value != ""}
    opened: dict[str, str] = {}
    secret: dict[str, str] = {}
    for name, value in given.items():
        is_secret = _checked_field(kind, name, value).secret
        (secret if is_secret else opened)[name] = value
    for each in kind.fields:
        if each.required and each.name not in given:
            raise InvalidValue(each.name, _HIDDEN if each.secret else "", f"a credential of kind {kind.name} needs it")
    if not secret:
        raise InvalidValue("fields", "", "give at least one secret value")
    return opened, secret


def faults(kind: Kind, values: Mapping[str, str]) -> dict[str, str]:
    """Return all that `split` would refuse, by field, as what is allowed: for forms, which say everything at once."""
    found: dict[str, str] = {}
    given = {name: value for name, value in values.items() if value != ""}
    for name, value in given.items():
        try:
            _checked_field(kind, name, value)
        except InvalidValue as error:
            found[name] = error.allowed
    found |= {each.name: "fill this in" for each in kind.fields if each.required and each.name not in given}
    try:
        split(kind, values)
    except InvalidValue as error:
        # What is about all of them, as that one secret must be there.
        if not found:
            found[error.field] = error.allowed
    return found


def short_fields(secret: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of secrets that are too short to be masked where a task prints them."""
    return tuple(name for name, value in secret.items() if len(value) < MASKED_FROM)


def _checked_field(kind: Kind, name: str, value: str) -> FieldKind:
    found = kind.field(name) if _FIELD.fullmatch(name) else None
    if found is None:
        raise InvalidValue("field", name, _names_of(kind))
    _check_value(name, value)
    if not found.secret:
        _check_open(name, value)
    return found


def _check_value(name: str, value: object) -> None:
    if not isinstance(value, str) or len(value) > VALUE_LIMIT:
        raise InvalidValue(name, _HIDDEN, f"use a text of at most {VALUE_LIMIT} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValue(name, _HIDDEN, "use a text that can be written as UTF-8") from None


def _check_open(name: str, value: str) -> None:
    # Open values are shown and noted: a secret that somebody typed into the wrong place is not echoed here.
    if not value.isprintable():
        raise InvalidValue(name, _HIDDEN, "use one line of printable characters")
    if _WITH_PASSWORD.search(value):
        raise InvalidValue(name, _HIDDEN, "leave the password out of the address: this field is no secret")


def _names_of(kind: Kind) -> str:
    if kind.is_free:
        return "use letters, figures, dots, dashes and underscores, a letter first"
    return f"a credential of kind {kind.name} has {', '.join(each.name for each in kind.fields)}"
