"""Say what the pages about the second step show: at the door, and among a person's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, Literal

from horarium.accounts.passkeys import Ask
from horarium.web.views.settings import Part
from horarium.web.views.shell import Porch, Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondStepPage:
    """The form for the second step. `by` is which field is shown: a code of the app, or one of the recovery codes.

    `has_app` and `ask` say what else the person could use; `error` stands at the field.
    """

    template: ClassVar[str] = "login_second.html"

    shell: Porch
    by: Literal["app", "recovery", "passkey"]
    has_app: bool = True
    ask: Ask | None = None
    trust: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyPage:
    """The page that asks somebody to set up a second step: until when they may put that off, and where they go then.

    `later` is None for somebody who cannot put it off any more.
    """

    template: ClassVar[str] = "second_step.html"

    shell: Shell
    due: datetime
    later: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPage:
    """The form that takes an authenticator app into use: the QR code's `address`, the same `secret` to type.

    `key` is the offer, sealed. Fields: key, code. `errors` is by field.
    """

    template: ClassVar[str] = "settings_app.html"

    shell: Shell
    parts: tuple[Part, ...]
    address: str
    secret: str
    key: str
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesPage:
    """The one time that new recovery codes are shown. `title` says what was done."""

    template: ClassVar[str] = "settings_codes.html"

    shell: Shell
    parts: tuple[Part, ...]
    title: str
    codes: tuple[str, ...]
