"""Say what a person's own settings show: one page for each part, with the same list of parts beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, Literal

from horarium.accounts.passkeys import Ask
from horarium.web.filters import plural
from horarium.web.views.shell import Shell

PartIcon = Literal["user", "shield", "desktop", "key", "http", "bell", "mail", "sync", "overview"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of somebody's settings: where it leads, its icon, and whether it is the one that is open."""

    label: str
    icon: PartIcon
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRow:
    """A passkey of a person: the name they gave it, since when, last used when."""

    id: int
    name: str
    added: datetime
    used: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorCard:
    """What a person has as a second step, and how many recovery codes are left of how many.

    `ask` is the question for a new passkey, None where passkeys do not work; `name` what was typed for it.
    """

    app_since: datetime | None = None
    passkeys: tuple[PasskeyRow, ...] = ()
    codes_left: int = 0
    codes_made: int = 0
    ask: Ask | None = None
    name: str = ""

    @property
    def is_on(self) -> bool:
        """Tell whether signing in takes a second step."""
        return self.app_since is not None or bool(self.passkeys)

    @property
    def words(self) -> str:
        """Return what there is: `2 passkeys and an authenticator app`."""
        passkeys = plural(len(self.passkeys), "passkey") if self.passkeys else ""
        app = "an authenticator app" if self.app_since else ""
        found = " and ".join(words for words in (passkeys, app) if words)
        return found or "A password alone opens this account."


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage:
    """How a person signs in. Fields: current, new, keep_tokens. `errors` is by field; a password is never sent back.

    `changed_at` is when the password was set, None where there is none or nobody knows; `least` the fewest characters.
    `step_errors` are those of the form for a new passkey, whose fields are name, asked_new and credential.
    """

    template: ClassVar[str] = "settings_signin.html"

    shell: Shell
    parts: tuple[Part, ...]
    name: str
    changed_at: datetime | None = None
    least: int = 10
    steps: FactorCard = field(default_factory=FactorCard)
    step_errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A place where the person is signed in: the device in words, from where, since when, last seen when."""

    key: str
    device: str
    icon: Literal["desktop", "phone"]
    address: str
    since: datetime
    seen: datetime
    current: bool = False
    stays: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsPage:
    """Where a person is signed in, the session that looks first, then the latest used."""

    template: ClassVar[str] = "settings_sessions.html"

    shell: Shell
    parts: tuple[Part, ...]
    rows: tuple[SessionRow, ...]
