"""Say what the pages before the door show: first set-up and sign-in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from horarium.accounts.passkeys import Ask
from horarium.accounts.second_step import Way
from horarium.web.views.shell import Porch, Shell
from horarium.web.views.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that was looked at before the first start: how it stands and a sentence."""

    status: Status
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupPage:
    """The form that makes the first administrator. `values` is what was typed, `errors` is by field; `code` the token.

    Fields: code, team, name, email, password. A password is never sent back.
    """

    template: ClassVar[str] = "setup.html"

    shell: Porch
    checks: tuple[Check, ...] = ()
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPage:
    """The sign-in form: the address typed before, a sentence when it was refused, where to go afterwards.

    `told` is what brought the person here, such as `You are signed out.`; `ask` the question for a passkey. `elsewhere`
    names a provider at which people may sign in, empty where there is none. `may_register` shows the way for people who
    have no account.
    """

    template: ClassVar[str] = "login.html"

    shell: Porch
    email: str = ""
    error: str = ""
    told: str = ""
    next: str = ""
    stay_days: int | None = None
    elsewhere: str = ""
    ask: Ask | None = None
    may_register: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPage:
    """The form that asks somebody signed in to prove once more who they are, before something dangerous.

    `held` is the form that they sent, sealed; it goes to the same address again with the proof. `way` is what they have
    to prove it by, `ask` the question where that is a passkey. `name` is for what keeps passwords.
    """

    template: ClassVar[str] = "confirm.html"

    shell: Shell
    held: str
    name: str
    way: Way = Way.PASSWORD
    ask: Ask | None = None
    error: str = ""
