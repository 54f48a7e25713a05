"""Tell apart what the variables of a `.env` file are: settings, parts of credentials, or neither. By names and shape.

What is wrongly taken for a secret, or missed, a person says when they move; nothing here decides for good.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from horarium.config.loading import ENV_FILE
from horarium.config.options import CATALOGUE, GIVEN_TO_RUNS, LATER
from horarium.vault.checking import short_fields, split
from horarium.vault.kinds import KINDS

FIELD: Final = "value"
"""The field of a credential that is one variable whose name says no more."""
NAMELESS: Final = "application"
"""The name of a credential whose variables have no first part in common, such as `PASSWORD` alone."""
_OURS: Final = frozenset(
    {*LATER, *GIVEN_TO_RUNS, ENV_FILE}
    | {option.variable for option in CATALOGUE}
    | {f"{option.variable}_FILE" for option in CATALOGUE}
)
_MAIL: Final = frozenset({"SMTP_HOST", "SMTP_PORT", "SMTP_USER", "SMTP_PASSWORD"})
"""What Horarium reads itself, and tasks that send mail want as well."""

# The last words of a name -> what they say. Longer ones are looked for first.
_SECRET: Final[Mapping[str, str]] = {
    **dict.fromkeys(("PASSWORD", "PASSWD", "PASS", "PWD", "APP_PASSWORD"), "password"),
    **dict.fromkeys(("API_KEY", "APIKEY"), "key"),
    **dict.fromkeys(("TOKEN", "API_TOKEN", "AUTH_TOKEN", "ACCESS_TOKEN", "BEARER_TOKEN", "BOT_TOKEN", "PAT"), "token"),
    **dict.fromkeys(("PRIVATE_KEY", "SSH_KEY"), "private_key"),
    **dict.fromkeys(("WEBHOOK", "WEBHOOK_URL"), "webhook"),
    "PASSPHRASE": "passphrase",
    "CLIENT_SECRET": "client_secret",
    "REFRESH_TOKEN": "refresh_token",
    "SECRET_ACCESS_KEY": "secret_access_key",
    "SIGNING_SECRET": "signing_secret",
    **dict.fromkeys(
        (
            *("SECRET", "API_SECRET", "ACCESS_SECRET", "ACCESS_TOKEN_SECRET", "TOKEN_SECRET"),
            *("CONSUMER_KEY", "CONSUMER_SECRET", "KEY", "SECRET_KEY", "ACCESS_KEY", "SIGNING_KEY", "ENCRYPTION_KEY"),
            *("CREDENTIAL", "CREDENTIALS", "DSN", "CONNECTION_STRING", "COOKIE"),
        ),
        "secret",
    ),
}
_BESIDE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("USERNAME", "USER", "LOGIN"), "username"),
    **dict.fromkeys(("EMAIL", "MAIL"), "email"),
    **dict.fromkeys(("HOST", "HOSTNAME", "SERVER"), "host"),
    "PORT": "port",
    **dict.fromkeys(("DATABASE", "DBNAME", "DB"), "database"),
    **dict.fromkeys(("ENGINE", "DRIVER"), "engine"),
    "NAME": "name",
    **dict.fromkeys(("URL", "URI", "BASE_URL", "API_URL"), "url"),
    "HEADER": "header",
    "CLIENT_ID": "client_id",
    "TOKEN_URL": "token_url",
    **dict.fromkeys(("SCOPE", "SCOPES"), "scope"),
    "ACCESS_KEY_ID": "access_key_id",
    "BUCKET": "bucket",
    **dict.fromkeys(("REGION", "DEFAULT_REGION"), "region"),
    **dict.fromkeys(("ENDPOINT", "ENDPOINT_URL"), "endpoint"),
    **dict.fromkeys(("ACCOUNT", "ACCOUNT_ID", "ACCOUNT_SID"), "account"),
}
# What is no secret goes along only with a secret that it belongs to: a port of the application is left alone.
_NEEDS: Final[Mapping[str, frozenset[str]]] = {
    "username": frozenset({"password", "private_key", "token"}),
    "email": frozenset({"password"}),
    "host": frozenset({"password", "private_key"}),
    "port": frozenset({"password", "private_key"}),
    "database": frozenset({"password"}),
    "engine": frozenset({"password"}),
    "name": frozenset({"password"}),
    "url": frozenset({"password", "token", "key"}),
    "header": frozenset({"key"}),
    "account": frozenset({"token", "key"}),
    **dict.fromkeys(("client_id", "token_url", "scope"), frozenset({"client_secret"})),
    **dict.fromkeys(("access_key_id", "bucket", "region", "endpoint"), frozenset({"secret_access_key"})),
}
_NEED_LOGIN: Final = frozenset({"host", "port"})
_DATABASES: Final = frozenset(
    {"DB", "DATABASE", "POSTGRES", "POSTGRESQL", "PG", "MYSQL", "MARIADB", "MSSQL", "SQL", "ORACLE"}
)
_OF_DATABASES: Final = frozenset({"name", "engine"})
_KINDS: Final = ("s3", "oauth_client", "ssh_key", "database", "login", "token", "api_key", "webhook")
_SWITCHES: Final = frozenset({"true", "false", "on", "off", "yes", "no", "none", "null", "0", "1"})
_WITH_PASSWORD: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]*:[^/?#@\s]+@", re.IGNORECASE)
_PUBLIC: Final = re.compile(r"(?:^|_)PUBLIC_KEY$|_(?:FILE|PATH|DIR)$", re.IGNORECASE)
_PEM: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


class Fate(StrEnum):
    """What becomes of a variable."""

    SETTING = "setting"
    """Horarium reads it from this file: it stays."""
    MOVED = "moved"
    """It goes into the vault, and its line becomes a comment."""
    COPIED = "copied"
    """It goes into the vault, and stays, since Horarium reads it as well."""
    LEFT = "left alone"
    """It is the application's, and no part of a credential."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the file and what becomes of it; where it goes into the vault, as which field of which credential.

    `is_short` is said of a secret that cannot be masked where a task prints it.
    """

    name: str
    fate: Fate
    credential: str = ""
    field: str = ""
    is_short: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A credential that is to be made: its name, its kind, and the variable that each field comes from."""

    name: str
    kind: str
    fields: Mapping[str, str]

    def values(self, of: Mapping[str, str]) -> dict[str, str]:
        """Return the fields with the values that the variables have in a file."""
        return {name: of[variable] for name, variable in self.fields.items()}


@dataclass(slots=True)
class _Part:
    """A variable on its way into a group: what its last words say, and whether it is a secret."""

    variable: str
    role: str
    suffix: str
    is_secret: bool


@dataclass(slots=True)
class _Heap:
    """The variables whose names begin alike."""

    prefix: str
    parts: list[_Part] = field(default_factory=list)

    @property
    def is_of_database(self) -> bool:
        """Tell whether the name says that it is about a database."""
        return bool(_DATABASES & set(self.prefix.upper().split("_")))

    def settled(self) -> list[_Part]:
        """Return the parts that make a credential; none without a secret."""
        secrets = {each.role for each in self.parts if each.is_secret}
        names = {each.role for each in self.parts}
        return [each for each in self.parts if each.is_secret or self._goes_along(each.role, secrets, names)]

    def _goes_along(self, role: str, secrets: Collection[str], names: Collection[str]) -> bool:
        if role in _OF_DATABASES and not self.is_of_database:
            return False
        if role in _NEED_LOGIN and not (self.is_of_database or "username" in names):
            return False
        return bool(_NEEDS[role] & set(secrets))


def is_setting(name: str) -> bool:
    """Tell whether a variable is one of Horarium."""
    return name in _OURS


def sort_out(
    values: Mapping[str, str], *, is_ours: bool, secret: Collection[str] = (), keep: Collection[str] = ()
) -> tuple[list[Variable], list[Group]]:
    """Return what becomes of each variable, in their order, and the credentials that are to be made.

    `is_ours` says that Horarium reads its settings from the same file. Variables in `secret` are taken whatever their
    names say, those in `keep` stay.
    """
    heaps: dict[str, _Heap] = {}
    for name, value in values.items():
        part = None if name in keep or not value else _part(name, value, secret)
        if part is None or (is_ours and is_setting(name) and name not in _MAIL):
            continue
        prefix = name[: len(name) - len(part.suffix)].strip("_")
        heaps.setdefault(prefix, _Heap(prefix)).parts.append(part)
    groups = _named([(heap, parts) for heap in heaps.values() if (parts := heap.settled())], values)
    places = {variable: (group.name, at) for group in groups for at, variable in group.fields.items()}
    secrets = {each.variable: values[each.variable] for heap in heaps.values() for each in heap.parts if each.is_secret}
    short = short_fields(secrets)
    found = []
    for name in values:
        stays = is_ours and is_setting(name)
        if name in places:
            found.append(Variable(name, Fate.COPIED if stays else Fate.MOVED, *places[name], name in short))
        else:
            found.append(Variable(name, Fate.SETTING if stays else Fate.LEFT))
    return found, groups


def _part(name: str, value: str, secret: Collection[str]) -> _Part | None:
    upper = name.upper()
    if name in secret:
        role, suffix = _role(upper, _SECRET) or _role(upper, _BESIDE) or ("secret", "")
        return _Part(name, role, suffix, is_secret=True)
    if _PUBLIC.search(name) or value.lower() in _SWITCHES:
        return None
    beside, known = _role(upper, _BESIDE), _role(upper, _SECRET)
    if known and (beside is None or len(known[1]) >= len(beside[1])):
        return _Part(name, *known, is_secret=True)
    if _WITH_PASSWORD.search(value) or _PEM.search(value):
        return _Part(name, "secret", beside[1] if beside else "", is_secret=True)
    return _Part(name, *beside, is_secret=False) if beside else None


def _role(name: str, of: Mapping[str, str]) -> tuple[str, str] | None:
    """Return what the last words of a name say, and those words."""
    words = name.split("_")
    for at in range(len(words)):
        suffix = "_".join(words[at:])
        if suffix in of:
            return of[suffix], suffix
    return None


def _named(heaps: Iterable[tuple[_Heap, list[_Part]]], values: Mapping[str, str]) -> list[Group]:
    groups: list[Group] = []
    taken: set[str] = set()
    for heap, parts in heaps:
        wished = re.sub(r"[^a-z0-9]+", "-", heap.prefix.lower()).strip("-")[:90]
        if not wished:
            wished = NAMELESS
        name = _free(wished, taken)
        taken.add(name)
        groups.append(_group(name, heap, parts, values))
    return groups


def _group(name: str, heap: _Heap, parts: list[_Part], values: Mapping[str, str]) -> Group:
    roles = {_field_of(each, heap): each for each in parts}
    if len(roles) == len(parts):
        for kind in _KINDS:
            fields = {_renamed(role, kind): part for role, part in roles.items()}
            if _fits(kind, fields, heap, values):
                return Group(name, kind, {at: part.variable for at, part in fields.items()})
    free: dict[str, str] = {}
    for each in parts:
        free[_free(each.suffix.lower() or FIELD, free, "_")] = each.variable
    return Group(name, "custom", free)


def _field_of(part: _Part, heap: _Heap) -> str:
    return "database" if part.role == "name" and heap.is_of_database else part.role


def _renamed(role: str, kind: str) -> str:
    return "url" if kind == "webhook" and role == "webhook" else role


def _fits(kind: str, fields: Mapping[str, _Part], heap: _Heap, values: Mapping[str, str]) -> bool:
    """Tell whether a kind has just these fields, each as secret as the variable is, and takes their values."""
    if kind == "database" and "database" not in fields and not heap.is_of_database:
        return False
    for name, part in fields.items():
        found = KINDS[kind].field(name)
        if found is None or found.secret is not part.is_secret:
            return False
    try:
        split(KINDS[kind], {name: values[part.variable] for name, part in fields.items()})
    except ValueError:
        return False
    return True


def _free(wished: str, taken: Collection[str], joint: str = "-") -> str:
    name, number = wished, 2
    while name in taken:
        name, number = f"{wished}{joint}{number}", number + 1
    return name
