"""Say what the page about invitations shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from horarium.web.views.shell import Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRow:
    """An invitation that waits: to whom, as what, from whom, until when; `soon` when little time is left."""

    id: int
    email: str
    role: str
    project: str
    inviter: str
    until: datetime
    is_over: bool = False
    soon: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of several to choose from: its value, label and a few words."""

    value: str
    label: str
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationsPage:
    """The invitations that wait, and the form for a new one. Fields: email, role, project, project_role.

    `link` is one to hand over, shown this once. Without `sends_mail` every invitation is handed over. `lost` counts the
    letters that could not be sent.
    """

    template: ClassVar[str] = "invitations.html"

    shell: Shell
    rows: tuple[InvitationRow, ...]
    roles: tuple[Choice, ...]
    projects: tuple[Choice, ...] = ()
    project_roles: tuple[Choice, ...] = ()
    sends_mail: bool = True
    lost: int = 0
    link: str = ""
    link_for: str = ""
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverPage:
    """A link to set a new password, for an administrator to hand over; shown this once, good for `minutes`."""

    template: ClassVar[str] = "handover.html"

    shell: Shell
    name: str
    link: str
    minutes: int
    back: str
