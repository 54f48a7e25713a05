"""Say what the pages show that links in letters lead to, and the ones that ask for such a letter."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from horarium.web.views.shell import Porch


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgotPage:
    """The form that asks for a link to set a new password. Fields: login.

    Without `sends_mail` only administrators can help, with a link that they hand over.
    """

    template: ClassVar[str] = "forgot.html"

    shell: Porch
    sends_mail: bool = True
    login: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPage:
    """What is said after a form that sends a letter, the same whether it went out or not."""

    template: ClassVar[str] = "sent.html"

    shell: Porch
    text: str
    again: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPage:
    """The form that sets a new password. Fields: password; it is never sent back. `least`: the fewest characters."""

    template: ClassVar[str] = "reset.html"

    shell: Porch
    token: str
    name: str
    least: int
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPage:
    """The form that asks for a link to make an account. Fields: email. `who` says who may, in a sentence."""

    template: ClassVar[str] = "register.html"

    shell: Porch
    who: str
    email: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPage:
    """The form that makes an account. Fields: name, password, time_zone; the password is never sent back.

    `inviter` is empty where the person asked for it themselves; `project` names the one that they join, if any.
    """

    template: ClassVar[str] = "join.html"

    shell: Porch
    token: str
    email: str
    inviter: str
    role: str
    project: str
    until: datetime
    zones: tuple[str, ...]
    least: int
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreePage:
    """The question that a link about an address asks, and the button that answers it."""

    template: ClassVar[str] = "agree.html"

    shell: Porch
    token: str
    title: str
    text: str
    button: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingPage:
    """What the link in a mail ends (`what`), and the button that does it; once it is done, the one that takes it back.

    `is_on` says that such mail comes, `is_back` that it was just let come again, `is_locked` that an administrator has
    set for everybody whether it comes. `was` says how often it came, where it is about summaries (`of_summaries`).
    """

    template: ClassVar[str] = "unsubscribe.html"

    shell: Porch
    token: str
    name: str
    email: str
    what: str
    is_on: bool
    of_summaries: bool = False
    is_back: bool = False
    is_locked: bool = False
    was: str = ""
