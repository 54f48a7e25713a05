"""Say what the page about a person's API tokens shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from horarium.web.views.settings import Part
from horarium.web.views.shell import Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """A token: its name, its last characters, what it may be used for, in words.

    `ends` is None for one that never does; `over` that it opens nothing any more, `soon` that it will not for long.
    """

    id: int
    name: str
    hint: str
    scopes: tuple[str, ...]
    used: datetime | None = None
    address: str = ""
    ends: datetime | None = None
    over: bool = False
    soon: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeChoice:
    """A scope to choose for a new token."""

    value: str
    label: str
    hint: str
    on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysChoice:
    """How long a new token may last; `value` is a number of days or `never`."""

    value: str
    label: str
    on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensPage:
    """A person's tokens, the newest first, and the form for another one. Fields: name, scope (repeated), days.

    `made` is a token that was made a moment ago, whole, this once; `errors` is by field, with `name` as it was typed.
    """

    template: ClassVar[str] = "settings_tokens.html"

    shell: Shell
    parts: tuple[Part, ...]
    rows: tuple[TokenRow, ...]
    scopes: tuple[ScopeChoice, ...]
    days: tuple[DaysChoice, ...]
    made: str = ""
    made_name: str = ""
    name: str = ""
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
